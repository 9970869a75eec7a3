/* SPDX-License-Identifier: Apache-2.0
 * Clean-up of references to an entry that goes or moves, as normal modifies that raise events: memberof and refint
 * change entries silently, so Dirhinge does not rely on them (directories.md 0.3) and does not mind them. */
#include "gw/gw_priv.h"

struct found {
	struct gw_run *run;
	const char **dns;
	size_t n, cap;
};

static int
collect_dn(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct found *f = ctx;
	(void)e;
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		const char **dns = ARENA_ARRAY(f->run->m.a, cap, const char *);
		if (f->n > 0)
			memcpy(dns, f->dns, f->n * sizeof(*dns));
		f->dns = dns;
		f->cap = cap;
	}
	f->dns[f->n++] = arena_strdup(f->run->m.a, en->dn);
	return 0;
}

static int
find_referrers(struct gw_run *run, const char *base, const char *attr, const char *dn, struct found *f, struct err *e)
{
	*f = (struct found){.run = run};
	struct dir_search s = {
		.base = base,
		.scope = DIR_SUB,
		.filter = dir_f_eq(run->m.a, attr, strv_of(dn)),
		.attrs = (const char *const[]){"1.1", NULL},
		.page_size = run->m.caps->paged ? 500 : 0,
	};
	return dir_search_run(run->m.dir, run->m.a, false, &s, run->m.until, collect_dn, f, e);
}

static int
swap_in_groups(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	const struct map *groups = run->m.set->groups;
	const struct map_type_opts *opts = map_type_options(groups);
	struct found f;
	if (find_referrers(run, opts->base, opts->member_attribute, old_dn, &f, e) < 0)
		return err_cause(e, "look for groups with the member %s", old_dn);
	for (size_t i = 0; i < f.n; i++) {
		struct gw_members mm = {
			.del = &old_dn,
			.n_del = 1,
			.add = &new_dn,
			.n_add = new_dn ? 1 : 0,
		};
		if (gw_modify_group(run, groups, f.dns[i], NULL, &mm, NULL, NULL, e) < 0 && e->code != ERR_NOT_FOUND)
			return -1;
		err_clear(e);
	}
	return 0;
}

static int
swap_managers(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	const struct map *users = run->m.set->users;
	const char *attr = map_ldap_attr(users, SCIM_URN_ENTERPRISE ":manager");
	struct found f;
	if (!attr)
		return 0;
	if (find_referrers(run, map_type_options(users)->base, attr, old_dn, &f, e) < 0)
		return err_cause(e, "look for entries managed by %s", old_dn);
	for (size_t i = 0; i < f.n; i++) {
		struct dir_mods mods;
		dir_mods_init(&mods, run->m.a);
		dir_mods_value(&mods, DIR_MOD_DELETE, attr, strv_of(old_dn));
		if (new_dn)
			dir_mods_value(&mods, DIR_MOD_ADD, attr, strv_of(new_dn));
		if (dir_modify(run->m.dir, run->m.a, f.dns[i], &mods, NULL, run->m.until, e) < 0 &&
		    e->code != ERR_DIR_MISSING_VALUE && e->code != ERR_NOT_FOUND)
			return err_cause(e, "change the manager of %s", f.dns[i]);
		err_clear(e);
	}
	return 0;
}

int
gw_refs_remove(struct gw_run *run, const char *dn, struct err *e)
{
	return swap_in_groups(run, dn, NULL, e) < 0 ? -1 : swap_managers(run, dn, NULL, e);
}

int
gw_refs_rename(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	return swap_in_groups(run, old_dn, new_dn, e) < 0 ? -1 : swap_managers(run, old_dn, new_dn, e);
}
