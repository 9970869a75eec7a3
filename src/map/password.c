/* SPDX-License-Identifier: Apache-2.0
 * Passwords go to the directory by the Password Modify operation only, so that its hashing and quality rules apply. */
#include "dirhinge/base/codec.h"
#include "map/active.h"

#define END_TIME "pwdEndTime"
#define LOCK     "pwdAccountLockedTime"
#define LOCKED   "000001010000Z"
#define DAY_US   (INT64_C(86400) * 1000000)

/* The account cannot bind from here on, whatever the password operation does to the lock. */
static int
bolt(struct map_run *r, const char *dn, struct err *e)
{
	struct dir_mods mods;
	char past[24];
	time_to_generalized((r->now_us - DAY_US) / 1000000 * 1000000, past);
	struct strv v = strv_of(past);
	dir_mods_init(&mods, r->a);
	dir_mods_replace(&mods, END_TIME, &v, 1);
	return dir_modify(r->dir, r->a, dn, &mods, NULL, r->until, e);
}

/* The lock again and pwdEndTime as it was, in one step. */
static int
unbolt(struct map_run *r, const char *dn, struct strv end_time, struct err *e)
{
	struct dir_mods mods;
	struct strv locked = STRV(LOCKED);
	dir_mods_init(&mods, r->a);
	dir_mods_replace(&mods, LOCK, &locked, 1);
	dir_mods_replace(&mods, END_TIME, &end_time, end_time.p ? 1 : 0);
	return dir_modify(r->dir, r->a, dn, &mods, NULL, deadline_in(2000), e);
}

/* slapo-ppolicy deletes pwdAccountLockedTime with every change of password (measured on slapd 2.5; standards.md 5.6),
 * so a lock alone would let a leaver in between that and the next lock. pwdEndTime survives: it holds the door
 * meanwhile. If we die in between, it stays and the account is still disabled and shown so. */
static int
set_under_lock(struct map_run *r, const char *dn, struct strv password, struct err *e)
{
	if (!dir_subschema_attr(r->caps->schema, END_TIME))
		return err_set(e, ERR_NOT_IMPLEMENTED,
			       "the password of a disabled account cannot be changed: this directory would enable it");
	struct dir_search s = {
		.base = dn,
		.scope = DIR_BASE,
		.attrs = (const char *const[]){END_TIME, NULL},
	};
	const struct dir_entry *en;
	int rc = dir_search_one(r->dir, r->a, &s, r->until, &en, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, NULL);
	if (rc < 0 || bolt(r, dn, e) < 0)
		return err_cause(e, "hold the account disabled for a change of password");
	struct err later = ERR_INIT;
	rc = dir_set_password(r->dir, r->a, dn, password, r->until, e);
	if (unbolt(r, dn, dir_entry_first(en, END_TIME), rc < 0 ? &later : e) < 0 && rc == 0)
		return err_cause(e, "lock the account again (it stays disabled by %s)", END_TIME);
	return rc;
}

int
map_set_password(struct map_run *r, const struct map *m, const char *dn, struct strv password, bool disabled,
		 struct err *e)
{
	if (disabled && m->active && m->active->password_clears)
		return set_under_lock(r, dn, password, e);
	return dir_set_password(r->dir, r->a, dn, password, r->until, e);
}
