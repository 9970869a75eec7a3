/* SPDX-License-Identifier: Apache-2.0
 * Clean-up of references to an entry that goes or moves, as normal modifies that raise events: memberof and refint
 * change entries silently, so Dirhinge does not rely on them (directories.md 0.3) and does not mind them. */
#include "gw/cause.h"

struct gw_found {
	struct gw_run *run;
	struct gw_group *entries; /* any entries that refer, not only groups */
	size_t n, cap;
};

static int
collect(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct gw_found *f = ctx;
	struct arena *a = f->run->m.a;
	(void)e;
	f->entries = ARENA_GROW(a, f->entries, f->n, &f->cap, 16);
	f->entries[f->n++] = (struct gw_group){.dn = arena_strdup(a, en->dn), .id = map_id(&f->run->m, en)};
	return 0;
}

static int
find(struct gw_run *run, const char *base, const char *attr, const char *dn, struct gw_found *f, struct err *e)
{
	*f = (struct gw_found){.run = run};
	struct dir_search s = {
		.base = base,
		.scope = DIR_SUB,
		.filter = dir_f_eq(run->m.a, attr, strv_of(dn)),
		.attrs = (const char *const[]){run->m.caps->flavour->id_attr, NULL},
		.page_size = run->m.caps->paged ? 500 : 0,
	};
	if (dir_search_run(run->m.dir, run->m.a, false, &s, run->m.until, collect, f, e) < 0)
		return err_cause(e, "look for entries whose %s is %s", attr, dn);
	return 0;
}

static int
find_groups(struct gw_run *run, const char *dn, struct gw_found *f, struct err *e)
{
	const struct map_type_opts *opts = map_type_options(run->m.set->groups);
	return find(run, opts->base, opts->member_attribute, dn, f, e);
}

static int
swap_one_manager(struct gw_run *run, const struct gw_group *en, const char *attr, const char *old_dn,
		 const char *new_dn, struct err *e)
{
	struct dir_mods mods;
	struct dir_write w = {.assertion = gw_guard(run, en->dn, en->id, NULL), .id = en->id};
	dir_mods_init(&mods, run->m.a);
	dir_mods_value(&mods, DIR_MOD_DELETE, attr, strv_of(old_dn));
	if (new_dn)
		dir_mods_value(&mods, DIR_MOD_ADD, attr, strv_of(new_dn));
	return gw_write_modify(run, en->dn, &mods, &w, e);
}

static int
swap_one_member(struct gw_run *run, const struct gw_group *group, const char *attr, const char *old_dn,
		const char *new_dn, struct err *e)
{
	struct gw_members mm = {.del = &old_dn, .n_del = 1, .add = &new_dn, .n_add = new_dn ? 1 : 0};
	(void)attr;
	return gw_modify_group(run, group, NULL, &mm, NULL, e);
}

typedef int (*swap_fn)(struct gw_run *run, const struct gw_group *en, const char *attr, const char *old_dn,
		       const char *new_dn, struct err *e);

/* Looks again when an entry was changed, renamed or deleted between the search and its modify: what is gone by then
 * does not refer any more. */
static int
swap_all(struct gw_run *run, const struct map *m, const char *attr, const char *old_dn, const char *new_dn,
	 swap_fn swap, struct err *e)
{
	bool again = true;
	for (int i = 0; again; i++) {
		struct gw_found f;
		again = false;
		if (find(run, map_type_options(m)->base, attr, old_dn, &f, e) < 0)
			return -1;
		for (size_t k = 0; k < f.n; k++) {
			if (swap(run, &f.entries[k], attr, old_dn, new_dn, e) == 0)
				continue;
			if (!gw_raced(e) || i + 1 >= GW_TRIES)
				return err_cause(e, "take %s out of %s of %s", old_dn, attr, f.entries[k].dn);
			err_clear(e);
			again = true;
		}
	}
	return 0;
}

static int
swap_in_groups(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	const struct map *groups = run->m.set->groups;
	const char *attr = map_type_options(groups)->member_attribute;
	return swap_all(run, groups, attr, old_dn, new_dn, swap_one_member, e);
}

static int
swap_managers(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	const struct map *users = run->m.set->users;
	const char *attr = map_ldap_attr(users, SCIM_URN_ENTERPRISE ":manager");
	return attr ? swap_all(run, users, attr, old_dn, new_dn, swap_one_manager, e) : 0;
}

int
gw_refs_remove(struct gw_run *run, const char *dn, struct err *e)
{
	return swap_in_groups(run, dn, NULL, e) < 0 ? -1 : swap_managers(run, dn, NULL, e);
}

int
gw_refs_remove_member(struct gw_run *run, const char *dn, struct err *e)
{
	return swap_in_groups(run, dn, NULL, e);
}

int
gw_refs_rename(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e)
{
	if (run->m.caps->flavour->links_follow)
		return 0;
	return swap_in_groups(run, old_dn, new_dn, e) < 0 ? -1 : swap_managers(run, old_dn, new_dn, e);
}

int
gw_refs_find(struct gw_run *run, const char *dn, const struct gw_found **found_r, struct err *e)
{
	struct gw_found *f = ARENA_NEW(run->m.a, struct gw_found);
	*f = (struct gw_found){.run = run};
	if (!run->m.caps->flavour->links_follow && find_groups(run, dn, f, e) < 0)
		return -1;
	*found_r = f;
	return 0;
}

int
gw_refs_drop(struct gw_run *run, const char *dn, const struct gw_found *found, struct err *e)
{
	for (size_t i = 0; i < found->n; i++) {
		if (swap_one_member(run, &found->entries[i], NULL, dn, NULL, e) < 0 && !gw_raced(e))
			return err_cause(e, "take the former owner of %s out of %s", dn, found->entries[i].dn);
		err_clear(e);
	}
	return 0;
}
