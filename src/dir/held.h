/* SPDX-License-Identifier: Apache-2.0
 * Private: what stands in for the assertion control (RFC 4528) where a server lacks it. The filter is asked directly
 * before the write; with the pre-read control (RFC 4527) the write itself tells what it found, and one that came too
 * late is taken back. */
#ifndef DIRHINGE_SRC_DIR_HELD_H
#define DIRHINGE_SRC_DIR_HELD_H

#include "dirhinge/dir/dir.h"

/* 0 if the filter holds for the entry at base, else -1 and ERR_PRECONDITION as from a server with the control. */
int dir_held_ask(struct dir *d, struct arena *a, const char *base, const struct dir_filter *f, deadline_t until,
		 struct err *e) DH_MUST_USE;

/* What the pre-read control has to bring: attributes that the filter looks at, and those that mods (NULL: none)
 * replaces. NULL-terminated. */
const char *const *dir_held_attrs(struct arena *a, const struct dir_filter *f, const struct dir_mods *mods);

/* The modify that turns the entry back into before, value by value: what others changed meanwhile stays. */
void dir_held_inverse(struct arena *a, const struct dir_mods *mods, const struct dir_entry *before,
		      struct dir_mods *back_r);

/* The error of a server with the control; -1. */
int dir_held_refuse(const char *dn, struct err *e);

#endif
