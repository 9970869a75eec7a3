/* SPDX-License-Identifier: Apache-2.0
 * What the change feed needs of the maps besides map.h: which entries are resources, and references that are answered
 * from what is known here instead of by the directory. Thread rule: as in map.h. */
#ifndef DIRHINGE_MAP_WATCH_H
#define DIRHINGE_MAP_WATCH_H

#include "dirhinge/map/map.h"

/* What makes an entry below the base a resource of this type: entries without a name and users that SCIM deleted are
 * left out. */
const struct dir_filter *map_class_filter(struct map_run *r, const struct map *m);
/* The same about an entry that was read with class, name and mark. */
bool map_entry_is(struct map_run *r, const struct map *m, const struct dir_entry *en);
/* The map whose resource the entry is, or NULL; dn_key is dir_dn_normal() of its DN. */
const struct map *map_of_entry(struct map_run *r, const struct dir_entry *en, const char *dn_key);

/* True if an entry with this normal DN could be a resource. */
bool map_may_hold(struct map_run *r, const char *dn_key);

struct map_ref {                  /* a resource that a DN refers to */
	const char *id, *display; /* displayName, NULL if it has none */
	bool user;
};
/* 1 and *ref_r (strings that live as long as r->a), 0: no resource has this DN, -1. */
typedef int (*map_ref_fn)(void *ctx, const char *dn_key, struct map_ref *ref_r, struct err *e);
/* map_refs_resolve for references alone, answered by fn. */
int map_refs_resolve_by(struct map_run *r, struct map_refs *refs, map_ref_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* One element of a group's members as SCIM shows it; a new reference. */
json_t *map_member_of(struct map_run *r, const struct map_ref *ref);

#endif
