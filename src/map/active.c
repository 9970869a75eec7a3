/* SPDX-License-Identifier: Apache-2.0
 * What "active" means in the directory: one row of a table for each way to disable an account. Every way is a state
 * that can be read back, written any number of times and searched for. */
#include "map/active.h"
#include "dirhinge/base/codec.h"
#include "map/account.h"
#include "map/plan.h"

#define DAY_US   (INT64_C(86400) * 1000000)
#define LOCKED   "000001010000Z" /* slapo-ppolicy: locked by an administrator, for good */
#define END_TIME "pwdEndTime"
#define POLICY   "pwdPolicySubentry"
#define LOCK     "pwdAccountLockedTime"
#define ACTIVE   "dirhingeActive"
#define EXPIRE   "shadowExpire"
#define NS_LOCK  "nsAccountLock"

static void
set_one(struct dir_mods *mods, const char *attr, const char *value)
{
	struct strv v = strv_of(value);
	dir_mods_replace(mods, attr, &v, 1);
}

static bool
subschema_has(const struct dir_caps *caps, const char *attr)
{
	return dir_subschema_attr(caps->schema, attr) != NULL;
}

/* --- ppolicy-end-time -------------------------------------------------------------------------------------------- */

/* slapo-ppolicy checks pwdEndTime before pwdLockout, and a change of password does not clear it (standards.md 5.6). */
static bool
end_time_disabled(const struct dir_entry *en, int64_t now_us)
{
	struct strv v = dir_entry_first(en, END_TIME);
	int64_t t;
	return v.p && time_from_generalized(v, &t, NULL) == 0 && t <= now_us;
}

static bool
same_dn(struct arena *a, struct strv x, const char *y)
{
	const char *kx = dir_dn_normal(a, arena_strndup(a, x.p, x.n)), *ky = dir_dn_normal(a, y);
	return kx && ky && str_eq(kx, ky);
}

/* slapo-ppolicy looks at pwdEndTime only if some policy applies to the entry: without a default policy a leaver would
 * still bind (decisions/0011). So a disabled entry that has no policy of its own gets one: users.base, an entry that is
 * there, sets no rule and is nobody's policy, which makes the mark ours to take back. */
static void
policy_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	const struct dir_attr_type *type = dir_subschema_attr(r->caps->schema, POLICY);
	const char *mark = r->set->opts->users.base;
	struct strv own = en ? dir_entry_first(en, POLICY) : (struct strv){0};

	if (!type || type->no_user_mod)
		return;
	if (disable && !own.p)
		dir_mods_value(mods, DIR_MOD_ADD, POLICY, strv_of(mark));
	else if (!disable && own.p && same_dn(r->a, own, mark))
		dir_mods_value(mods, DIR_MOD_DELETE, POLICY, own);
}

static void
end_time_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	if (en && end_time_disabled(en, r->now_us) == disable)
		return;
	policy_write(r, en, disable, mods);
	if (!disable) {
		if (en)
			dir_mods_replace(mods, END_TIME, NULL, 0);
		return;
	}
	/* A day back: a directory whose clock is behind ours must not let a leaver in for the difference. */
	char text[24];
	time_to_generalized((r->now_us - DAY_US) / 1000000 * 1000000, text);
	set_one(mods, END_TIME, text);
}

static const struct dir_filter *
end_time_filter(struct map_run *r, const struct dir_caps *caps DH_UNUSED, bool *exact_r)
{
	char text[24];
	time_to_generalized(r->now_us / 1000000 * 1000000, text);
	*exact_r = true;
	return dir_f_le(r->a, END_TIME, strv_of(arena_strdup(r->a, text)));
}

/* --- ppolicy-lock ------------------------------------------------------------------------------------------------ */

/* A time stamp in pwdAccountLockedTime is a lock after failed logins and no decision of anybody. pwdEndTime counts too:
 * it is set while a password changes (password.c), and an account that cannot bind is not shown as active. */
static bool
lock_disabled(const struct dir_entry *en, int64_t now_us)
{
	return strv_eq(dir_entry_first(en, LOCK), STRV(LOCKED)) || end_time_disabled(en, now_us);
}

static void
lock_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	if (en && lock_disabled(en, r->now_us) == disable)
		return;
	if (disable) {
		set_one(mods, LOCK, LOCKED);
		return;
	}
	if (en && strv_eq(dir_entry_first(en, LOCK), STRV(LOCKED)))
		dir_mods_replace(mods, LOCK, NULL, 0);
	if (en && end_time_disabled(en, r->now_us))
		dir_mods_replace(mods, END_TIME, NULL, 0);
}

static const struct dir_filter *
lock_filter(struct map_run *r, const struct dir_caps *caps, bool *exact_r)
{
	const struct dir_filter *f = dir_f_eq(r->a, LOCK, STRV(LOCKED));
	*exact_r = true;
	return subschema_has(caps, END_TIME) ? dir_f_or2(r->a, f, end_time_filter(r, caps, exact_r)) : f;
}

/* --- attribute --------------------------------------------------------------------------------------------------- */

static bool
attribute_disabled(const struct dir_entry *en, int64_t now_us DH_UNUSED)
{
	return strv_eq(dir_entry_first(en, ACTIVE), STRV("FALSE"));
}

static void
attribute_write(struct map_run *r DH_UNUSED, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	if (!en || attribute_disabled(en, 0) != disable)
		set_one(mods, ACTIVE, disable ? "FALSE" : "TRUE");
}

static const struct dir_filter *
attribute_filter(struct map_run *r, const struct dir_caps *caps DH_UNUSED, bool *exact_r)
{
	*exact_r = true;
	return dir_f_eq(r->a, ACTIVE, STRV("FALSE"));
}

/* --- shadow-expire ----------------------------------------------------------------------------------------------- */

/* shadow(5): the day on which the account expires; 0 should not be used, as it can be read either way. */
static bool
shadow_disabled(const struct dir_entry *en, int64_t now_us)
{
	struct strv v = dir_entry_first(en, EXPIRE);
	int64_t day = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || day > INT32_MAX)
			return false;
		day = day * 10 + (v.p[i] - '0');
	}
	return day > 0 && day <= now_us / DAY_US;
}

static void
shadow_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	if (en && shadow_disabled(en, r->now_us) == disable)
		return;
	if (disable)
		set_one(mods, EXPIRE, "1");
	else if (en)
		dir_mods_replace(mods, EXPIRE, NULL, 0);
}

static const struct dir_filter *
shadow_filter(struct map_run *r, const struct dir_caps *caps, bool *exact_r)
{
	/* nis.schema of slapd 2.5 has no ordering rule for it. */
	*exact_r = dir_subschema_attr(caps->schema, EXPIRE)->has_ordering;
	if (!*exact_r)
		return dir_f_present(r->a, EXPIRE);
	const char *today = arena_printf(r->a, "%lld", (long long)(r->now_us / DAY_US));
	return dir_f_and2(r->a, dir_f_ge(r->a, EXPIRE, STRV("1")), dir_f_le(r->a, EXPIRE, strv_of(today)));
}

/* --- ns-account-lock --------------------------------------------------------------------------------------------- */

static bool
ns_lock_disabled(const struct dir_entry *en, int64_t now_us DH_UNUSED)
{
	return strv_caseeq(dir_entry_first(en, NS_LOCK), STRV("true"));
}

/* The old value is deleted by its text: somebody who locks an account for a reason of his own meanwhile keeps his lock.
 */
static void
ns_lock_write(struct map_run *r DH_UNUSED, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	if (en && ns_lock_disabled(en, 0) == disable)
		return;
	if (disable)
		set_one(mods, NS_LOCK, "true");
	else if (en)
		dir_mods_value(mods, DIR_MOD_DELETE, NS_LOCK, dir_entry_first(en, NS_LOCK));
}

static const struct dir_filter *
ns_lock_filter(struct map_run *r, const struct dir_caps *caps DH_UNUSED, bool *exact_r)
{
	*exact_r = true;
	return dir_f_eq(r->a, NS_LOCK, STRV("true"));
}

/* --- table ------------------------------------------------------------------------------------------------------- */

const char *const map_strategy_names[] = {"ppolicy-end-time",     "ppolicy-lock",    "attribute", "shadow-expire",
					  "user-account-control", "ns-account-lock", NULL};

static const struct map_strategy strategies[] = {
	{
		.name = "user-account-control",
		.attrs = map_account_attrs,
		.disabled = map_account_disabled,
		.write = map_account_write,
		.filter = map_account_filter,
		.born_disabled = true,
		.stops_binds = true,
	},
	{
		.name = "ns-account-lock",
		.attrs = (const char *const[]){NS_LOCK, NULL},
		.disabled = ns_lock_disabled,
		.write = ns_lock_write,
		.filter = ns_lock_filter,
		.stops_binds = true,
	},
	{
		.name = "ppolicy-end-time",
		.attrs = (const char *const[]){END_TIME, NULL},
		.attr_change = POLICY,
		.disabled = end_time_disabled,
		.write = end_time_write,
		.filter = end_time_filter,
		.stops_binds = true,
	},
	{
		.name = "ppolicy-lock",
		.attrs = (const char *const[]){LOCK, END_TIME, NULL},
		.disabled = lock_disabled,
		.write = lock_write,
		.filter = lock_filter,
		.password_clears = true,
		.stops_binds = true,
	},
	{
		.name = "attribute",
		.attrs = (const char *const[]){ACTIVE, NULL},
		.aux_class = "dirhingeUser",
		.disabled = attribute_disabled,
		.write = attribute_write,
		.filter = attribute_filter,
	},
	{
		.name = "shadow-expire",
		.attrs = (const char *const[]){EXPIRE, NULL},
		.aux_class = "shadowAccount",
		.disabled = shadow_disabled,
		.write = shadow_write,
		.filter = shadow_filter,
	},
};

static const struct map_strategy *
by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++)
		if (str_eq(strategies[i].name, name))
			return &strategies[i];
	return NULL;
}

bool
map_strategy_known(const char *name)
{
	return by_name(name) != NULL;
}

const char *
map_strategy_name(const struct map_strategy *s)
{
	return s->name;
}

bool
map_strategy_stops_binds(const struct map_strategy *s)
{
	return s->stops_binds;
}

int
map_strategy_find(const char *name, const struct dir_caps *caps, const struct map_strategy **s_r, struct err *e)
{
	if (str_eq(name, "auto") && caps->flavour->active)
		name = caps->flavour->active;
	if (str_eq(name, "auto")) {
		/* Never one that needs the applications to look at an attribute: that would be a disable that
		 * disables nothing. */
		const char *pick = subschema_has(caps, END_TIME) ? "ppolicy-end-time"
				   : subschema_has(caps, LOCK)   ? "ppolicy-lock"
								 : NULL;
		*s_r = pick ? by_name(pick) : NULL;
		return 0;
	}
	const struct map_strategy *s = by_name(name);
	if (!s)
		return err_set(e, ERR_CONFIG, "users.active: there is no strategy %.40s", name);
	if (!subschema_has(caps, s->attrs[0]) || (s->aux_class && !dir_subschema_class(caps->schema, s->aux_class)))
		return err_set(e, ERR_CONFIG, "users.active: %s needs %s%s%s, which the directory does not know",
			       s->name, s->attrs[0], s->aux_class ? " and the class " : "",
			       s->aux_class ? s->aux_class : "");
	*s_r = s;
	return 0;
}

/* --- in a change ------------------------------------------------------------------------------------------------- */

/* Adds the class that the strategy's attribute needs. */
static void
add_class(const struct map_plan *p, const struct map_strategy *s)
{
	if (s->aux_class && p->current && !dir_entry_is_a(p->current, s->aux_class))
		dir_mods_value(p->mods, DIR_MOD_ADD, "objectClass", strv_of(s->aux_class));
}

static void
plan_claim(const struct map_plan *p, const struct map_strategy *s, struct dir_mods *mods)
{
	dir_mods_init(mods, p->r->a);
	for (const char *const *name = s->attrs; *name; name++) {
		const struct dir_attr *at = dir_entry_attr(p->current, *name);
		/* Not replaced: what an administrator has changed since it was read is his. */
		for (size_t i = 0; at && i < at->n; i++) {
			dir_mods_value(mods, DIR_MOD_DELETE, *name, at->values[i]);
			dir_mods_value(mods, DIR_MOD_ADD, *name, at->values[i]);
		}
	}
}

int
map_active_plan(struct map_plan *p, struct map_change *c, struct err *e)
{
	const struct map_strategy *s = p->m->active;
	const struct scim_attr *attr = scim_type_attr(p->m->type, STRV(""), STRV("active"));
	if (!p->m->users || !attr)
		return 0;
	const json_t *old = map_leaf_get(p->m, p->before, attr), *new = map_leaf_get(p->m, p->after, attr);
	bool was = p->current && s && s->disabled(p->current, p->r->now_us);
	bool now = new ? json_is_false(new) : was;
	/* A change must be one that the client made: an account that ran out since it was read stays as it is. */
	bool asked = !p->current || (new && !(old && json_equal(old, new)));
	c->disabled = asked ? now : was;
	c->active_changed = asked && now != was;
	if (asked && now && !s)
		return err_set(e, ERR_NOT_IMPLEMENTED,
			       "active:false is refused: this directory offers no way to disable an account; set "
			       "users.active in the configuration");
	if (!asked || !s || (p->current && now == was))
		return 0;
	if (p->current && !now)
		plan_claim(p, s, &c->claim);
	size_t before = p->mods->n;
	c->activate = !p->current && !now && s->born_disabled;
	s->write(p->r, p->current, now || c->activate, p->mods);
	if (p->mods->n > before && now)
		add_class(p, s);
	return 0;
}

int
map_activate(struct map_run *r, const struct map *m, const struct dir_entry *en, struct err *e)
{
	struct dir_mods mods;
	struct dir_write w = {.id = map_id(r, en)};
	dir_mods_init(&mods, r->a);
	m->active->write(r, en, false, &mods);
	return dir_modify(r->dir, r->a, en->dn, &mods, &w, r->until, e);
}
