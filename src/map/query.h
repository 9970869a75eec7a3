/* SPDX-License-Identifier: Apache-2.0
 * Pieces of filter translation that query.c and query_multi.c share. Thread rule: confined. */
#ifndef DIRHINGE_SRC_MAP_QUERY_H
#define DIRHINGE_SRC_MAP_QUERY_H

#include "map/map_priv.h"

enum map_narrow_kind { NARROW_ALL, NARROW_NONE, NARROW_SOME };

/* A set of entries that holds every wanted one. */
struct map_narrow {
	enum map_narrow_kind kind;
	const struct dir_filter *f; /* NARROW_SOME */
	bool exact;                 /* holds only wanted ones */
	bool one;                   /* at most one entry */
};

/* True if an LDAP substring match finds at least what SCIM's comparison would. */
bool map_sub_safe(const struct map_row *row, struct strv v);
/* False where LDAP tells upper from lower case and SCIM does not. */
bool map_fold_safe(const struct map_row *row);
/* A superset for "op value" on one row; *never_r: its attribute cannot hold the value. */
const struct dir_filter *map_row_query(struct map_run *r, const struct map_row *row, enum scim_op op,
				       const json_t *value, bool *never_r);
/* A multi-valued complex attribute: COMPARE or VALUE_PATH. */
struct map_narrow map_multi_narrow(struct map_run *r, const struct map_home *h, const struct scim_filter *f);

#endif
