/* SPDX-License-Identifier: Apache-2.0
 * Changes: what an entry shows and shall hold, planned home by home. Thread rule: confined. */
#ifndef DIRHINGE_SRC_MAP_PLAN_H
#define DIRHINGE_SRC_MAP_PLAN_H

#include "map/map_priv.h"

/* --- state.c: the values that an entry has and shall have, and the modify between them --------------------------- */
struct map_vals {
	const struct map_row *row;
	struct strv *v;
	size_t n, cap;
};
struct map_state {
	struct arena *a;
	struct map_vals *vals;
	size_t n, cap;
};
void map_state_add(struct map_state *st, const struct map_row *row, struct strv value);
const struct map_vals *map_state_of(const struct map_state *st, const char *ldap); /* NULL if none */
bool map_vals_has(const struct map_vals *vals, struct strv value);
int map_state_diff(struct map_run *r, const struct map_state *have, const struct map_state *want,
		   const struct dir_entry *current, struct map_change *c, struct err *e) DH_MUST_USE;
/* Adds the classes (of the map, of object_classes) that the entry lacks for what is written. */
void map_add_class(struct map_run *r, const struct map *m, const struct dir_entry *current, struct dir_mods *mods);

/* What map_derive adds for a change comes after all homes have been planned. */
struct map_plan;
int map_derive(struct map_plan *p, struct err *e) DH_MUST_USE;

/* One planned change. before and current are NULL for a new entry. */
struct map_plan {
	struct map_run *r;
	const struct map *m;
	const json_t *before, *after;
	const struct dir_entry *current;
	struct map_state have, want; /* have: values SCIM shows, of what changes */
	struct dir_mods *mods;
	const char **ignored;
	size_t n_ignored, cap_ignored;
};
/* "attr=value", for an existing entry with what else its name holds, within what the directory can use (ERR_VALUE). */
int map_rdn(struct map_run *r, const struct map_row *row, const char *dn, struct strv value, char **rdn_r,
	    struct err *e) DH_MUST_USE;
/* names.c: ERR_VALUE for characters that no user name may hold. */
int map_check_name(struct map_run *r, const struct map_row *row, struct strv value, struct err *e) DH_MUST_USE;
void map_plan_ignore(struct map_plan *p, const char *path);

/* --- homes ------------------------------------------------------------------------------------------------------- */
json_t *map_leaf_get(const struct map *m, const json_t *res, const struct scim_attr *leaf); /* borrowed, NULL */
/* The value a plain row shows: raw bytes (p NULL = none) and, unless out_r is NULL, what SCIM makes of them. */
struct strv map_row_shown(struct map_run *r, const struct map_row *row, const struct dir_entry *en,
			  struct scim_scalar *out_r);
void map_plain_read(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en,
		    struct scim_view *res);
int map_plain_plan(struct map_plan *p, const struct map_home *h, struct err *e) DH_MUST_USE;
bool map_is_synthetic(struct map_run *r, const struct map *m, const struct map_row *row, const struct dir_entry *en,
		      struct strv value);
void map_multi_read(struct map_run *r, const struct map_home *h, const struct dir_entry *en, struct scim_view *res);
int map_multi_plan(struct map_plan *p, const struct map_home *h, struct err *e) DH_MUST_USE;
struct strv map_client_shown(struct map_run *r, const struct map_row *row, const struct dir_entry *en);
struct strv map_client_value(struct map_run *r, struct strv external_id); /* "client:externalId" */
int map_client_plan(struct map_plan *p, const struct map_home *h, struct err *e) DH_MUST_USE;
void map_manager_read(struct map_run *r, const struct map_home *h, const struct dir_entry *en, struct map_refs *refs,
		      struct scim_view *res);
int map_manager_plan(struct map_plan *p, const struct map_home *h, struct err *e) DH_MUST_USE;

#endif
