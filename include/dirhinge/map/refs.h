/* SPDX-License-Identifier: Apache-2.0
 * References between entries: DNs in the directory, ids in SCIM, and what a client can know of the others. Part of
 * map/map.h. Thread rule: confined. */
#ifndef DIRHINGE_MAP_REFS_H
#define DIRHINGE_MAP_REFS_H

#include "dirhinge/base/err.h"
#include "dirhinge/base/json.h"

struct dir_entry;
struct map_refs;
struct map_run;
struct scim_view;

struct map_refs *map_refs_new(struct map_run *r);
bool map_refs_none(const struct map_refs *refs); /* there is nothing to be resolved */
/* Batched searches turn DNs into value, $ref, type and display; what does not exist, lies outside the configured
 * bases or is hidden from the client is left out. */
int map_refs_resolve(struct map_run *r, struct map_refs *refs, struct err *e) DH_MUST_USE;
/* Registers a user whose "groups" are wanted, with its entry as map_attrs asks for it; map_refs_resolve fills them,
 * from the entry where it names its groups, else by reverse search. */
void map_refs_want_groups(struct map_refs *refs, struct scim_view *user, const struct dir_entry *en);

/* ids to DNs in batches, below both bases; dns_r[i] is NULL for an unknown id (wrong syntax and entries hidden from the
 * client included). */
int map_ids_to_dns(struct map_run *r, const char *const *ids, size_t n, const char ***dns_r, struct err *e) DH_MUST_USE;

/* Leaves those of dns in place that a client which replaces a list of references takes away: what it was shown, and
 * what lies where it can see and names nothing. All else was never in its list and stays: outside the bases, hidden
 * from the client, or an entry that is no resource (contrib/decisions/0008). */
int map_refs_replaced(struct map_run *r, const char **dns, size_t *n, struct err *e) DH_MUST_USE;

#endif
