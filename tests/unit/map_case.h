/* SPDX-License-Identifier: Apache-2.0
 * What every test of the map against a real slapd has at hand: a connected map, its two types and an error. */
#ifndef DIRHINGE_TESTS_MAP_CASE_H
#define DIRHINGE_TESTS_MAP_CASE_H

#include "map_live.h"
#include "unit.h"

extern struct map_live l; /* of the running test */
extern const struct map *users, *groups;
extern struct err e;

#define ok(call) ck_assert_msg((call) == 0, "%s | %s", e.detail, e.cause)

/* Opens l with this strategy for "active"; after a test has closed it, another may be tried. */
void map_case_open(const char *active);
void map_case_close(void);

/* The case of a suite whose tests find l open with the strategy "auto". */
TCase *map_case_add(Suite *suite, const TTest *const *tests, size_t n);

/* Fails the test if the text is no JSON. */
json_t *map_case_json(const char *fmt, ...) DH_PRINTF(1, 2);
/* The user with the members of patch put over it. */
json_t *map_case_with(const char *dn, const char *patch);
const char *map_case_id(const struct map *m, const char *dn);

#endif
