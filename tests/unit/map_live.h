/* SPDX-License-Identifier: Apache-2.0
 * A real slapd with dirhinge.schema for the tests of src/map, started by slapd.sh. */
#ifndef DIRHINGE_TESTS_MAP_LIVE_H
#define DIRHINGE_TESTS_MAP_LIVE_H

#include "dirhinge/map/map.h"

#define PEOPLE "ou=people,dc=example,dc=com"
#define GROUPS "ou=groups,dc=example,dc=com"

/* Starts slapd and waits until it answers; exits 77 where slapd is not installed. */
void map_live_begin(void);
void map_live_end(void);
/* Plays slapd.sh schema: exit status. */
int map_live_schema(void);

/* A connected pool and everything that a request has. */
struct map_live {
	struct arena *a;
	struct dir *dir;
	struct map_opts opts;
	struct map_run r;
};
void map_live_open(struct map_live *l, const char *active);
void map_live_close(struct map_live *l);

/* Creates through the map; returns the DN. Fails the test on any error. */
const char *map_live_create(struct map_live *l, const struct map *m, const json_t *res, const char *const *members,
			    size_t n);
/* The entry with everything that a change needs, by DN. */
const struct dir_entry *map_live_entry(struct map_live *l, const struct map *m, const char *dn);
/* The resource with its references (and groups, for users). */
json_t *map_live_read(struct map_live *l, const struct map *m, const char *dn);
/* Changes through the map: modify, password, rename as the caller would. Returns the DN afterwards. */
const char *map_live_change(struct map_live *l, const struct map *m, const char *dn, const json_t *after);
/* 1 accepted, 0 refused */
int map_live_bind(struct map_live *l, const char *dn, const char *password);

#endif
