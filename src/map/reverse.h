/* SPDX-License-Identifier: Apache-2.0
 * The groups of users, found by what the groups say: refs.c asks for users, wide.c for groups that hold many of them.
 */
#ifndef DIRHINGE_SRC_MAP_REVERSE_H
#define DIRHINGE_SRC_MAP_REVERSE_H

#include "map/plan.h"

struct groups_of { /* a user whose groups are wanted */
	struct scim_view *user;
	const char *dn, *key;
};

struct reverse {
	struct map_run *r;
	const struct groups_of *users;
	size_t n;
	/* NULL: every group found is one of users[0]. Members are mostly written as the entries are named, so that only
	 * the others have to be taken apart. */
	struct strmap *by_text; /* DN as the directory writes it -> struct groups_of */
	struct strmap *by_dn;   /* normal DN -> the same */
	size_t told;            /* groups whose members were looked at */
};

/* What a group is shown by, with its members or without. */
const char *const *map_group_attrs(struct map_run *r, bool members);
struct map_ref map_group_ref(struct map_run *r, const struct dir_entry *en);
void map_group_add(struct reverse *rv, const struct groups_of *u, const struct map_ref *g);
/* dir_entry_fn with a struct reverse: the group is one of each user that its members name. */
int map_group_told(void *ctx, const struct dir_entry *en, struct err *e);

/* Tells the users their groups that hold much of them; *others_r: what all other groups match, NULL = none was told. */
int map_wide_groups(struct reverse *rv, const struct dir_filter **others_r, struct err *e) DH_MUST_USE;

#endif
