/* SPDX-License-Identifier: Apache-2.0
 * Ways to disable an account. Thread rule: frozen. */
#ifndef DIRHINGE_SRC_MAP_ACTIVE_H
#define DIRHINGE_SRC_MAP_ACTIVE_H

#include "map/map_priv.h"

struct map_plan;

struct map_strategy {
	const char *name;
	const char *const *attrs; /* to read; NULL-terminated */
	const char *attr_change;  /* to read besides before a change, or NULL */
	const char *aux_class;    /* object class that the attribute needs, or NULL */
	bool (*disabled)(const struct dir_entry *en, int64_t now_us);
	/* What is to be written; nothing if it is so already. en NULL: a new entry. */
	void (*write)(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods);
	/* Entries that are disabled; exact_r false: more than those. */
	const struct dir_filter *(*filter)(struct map_run *r, const struct dir_caps *caps, bool *exact_r);
	/* A change of password makes the directory forget the state (password.c). */
	bool password_clears;
	/* A new entry is disabled first, and enabled when it has its password (map_activate): the directory takes no
	 * account without one. */
	bool born_disabled;
	bool stops_binds; /* it is the directory that keeps the account out, and not applications that look at it */
};
/* NULL in *s_r: "auto" found none. ERR_CONFIG if the named one cannot work here. */
int map_strategy_find(const char *name, const struct dir_caps *caps, const struct map_strategy **s_r,
		      struct err *e) DH_MUST_USE;
bool map_strategy_known(const char *name);
int map_active_plan(struct map_plan *p, struct map_change *c, struct err *e) DH_MUST_USE;

#endif
