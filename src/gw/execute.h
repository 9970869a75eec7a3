/* SPDX-License-Identifier: Apache-2.0
 * Private: a planned change of one entry, and its execution. Thread rule: confined to the request. */
#ifndef DIRHINGE_SRC_GW_EXECUTE_H
#define DIRHINGE_SRC_GW_EXECUTE_H

#include "gw/gw_priv.h"

struct gw_step {
	const struct dir_entry *before; /* as read, with its version */
	const struct map_change *change;
	const struct gw_members *members; /* groups; NULL for users */
	bool was_disabled;
	bool claimed;                  /* inside: the version of If-Match has been used up already */
	const char *const *post_attrs; /* what the answer needs; NULL = the caller reads */
	const struct dir_entry *post;  /* out: the entry after the change, NULL if no write returned it */
};

/* Executes the change: rename, then (disabling) modify, password, modify. A failed modify takes the rename back. */
int gw_execute(struct gw_run *run, struct gw_step *step, struct err *e) DH_MUST_USE;

#endif
