/* SPDX-License-Identifier: Apache-2.0
 * References between entries: DNs in the directory, ids in SCIM, translated by batched searches. */
#include "map/reverse.h"

/* Measured with 3,001 members: Samba compares each entry it finds with each item, so that 100 a search take twice the
 * time of 50; OpenLDAP does not mind. */
#define BATCH       50
#define BATCH_USERS 100 /* whose groups are looked for in one search */

struct item { /* one DN that a resource refers to */
	struct scim_view *res;
	const struct scim_attr *attr;
	const char *dn, *key, *fallback;
};

struct map_refs {
	struct map_run *r;
	struct item *items;
	size_t n, cap;
	struct groups_of *users;
	size_t n_users, cap_users;
};

struct map_refs *
map_refs_new(struct map_run *r)
{
	struct map_refs *refs = ARENA_NEW(r->a, struct map_refs);
	refs->r = r;
	return refs;
}

bool
map_refs_none(const struct map_refs *refs)
{
	return refs->n == 0 && refs->n_users == 0;
}

void
map_refs_add(struct map_refs *refs, struct scim_view *res, const struct scim_attr *attr, const char *dn,
	     const char *fallback)
{
	const char *key = dir_dn_normal(refs->r->a, dn);
	refs->items = ARENA_GROW(refs->r->a, refs->items, refs->n, &refs->cap, 16);
	refs->items[refs->n++] = (struct item){res, attr, dn, key, fallback};
}

void
map_refs_want_groups(struct map_refs *refs, struct scim_view *user, const struct dir_entry *en)
{
	struct map_run *r = refs->r;
	const char *member_of = r->caps->flavour->member_of;
	const struct dir_attr *at = member_of ? dir_entry_attr(en, member_of) : NULL;
	const char *key = member_of ? NULL : dir_dn_normal(r->a, en->dn);
	for (size_t i = 0; r->set->users->groups && at && i < at->n; i++)
		map_refs_add(refs, user, r->set->users->groups, at->values[i].p, NULL);
	if (!key)
		return;
	refs->users = ARENA_GROW(r->a, refs->users, refs->n_users, &refs->cap_users, 16);
	refs->users[refs->n_users++] = (struct groups_of){user, arena_strdup(r->a, en->dn), key};
}

static const char *
shown_text(struct map_run *r, const struct map *m, const char *path, const struct dir_entry *en)
{
	const struct map_row *row = map_row_of(m, path);
	struct strv v = row && row->codec->text ? map_row_shown(r, row, en, NULL) : (struct strv){0};
	return v.p ? arena_strndup(r->a, v.p, v.n) : NULL;
}

/* RFC 7643 4.3: manager.displayName is the displayName of the manager; nothing stands in for it, here or in members. */
static const char *
display_of(struct map_run *r, const struct map *m, const struct dir_entry *en)
{
	return shown_text(r, m, "displayName", en);
}

/* id, what map_entry_is looks at, and what a display name is made from */
static const char *const *
display_attrs(struct map_run *r)
{
	const char **attrs = ARENA_ARRAY(r->a, 8, const char *);
	size_t n = 0;
	attrs[n++] = r->caps->flavour->id_attr;
	attrs[n++] = "objectClass";
	attrs[n++] = map_ldap_attr(r->set->users, "userName");
	if (map_ldap_attr(r->set->users, "displayName"))
		attrs[n++] = map_ldap_attr(r->set->users, "displayName");
	attrs[n++] = map_ldap_attr(r->set->groups, "displayName");
	if (map_deleted_attr(r->set->users))
		attrs[n++] = map_deleted_attr(r->set->users);
	return attrs;
}

/* --- DNs to resources -------------------------------------------------------------------------------------------- */

struct resolving {
	struct map_run *r;
	struct strmap *targets; /* normal DN -> struct map_ref */
};

static int
on_target(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct resolving *rs = ctx;
	const char *key = dir_dn_normal(rs->r->a, en->dn);
	const struct map *m = key ? map_of_entry(rs->r, en, key) : NULL;
	if (!key)
		return 0;
	struct map_ref *t = ARENA_NEW(rs->r->a, struct map_ref); /* id NULL: an entry that is not shown */
	if (m)
		*t = (struct map_ref){map_id(rs->r, en), display_of(rs->r, m, en), m->users};
	strmap_put(rs->targets, strv_of(key), t);
	return 0;
}

static int
search_batch(struct resolving *rs, const char *base, const struct dir_filter *const *items, size_t n, struct err *e)
{
	struct dir_search s = {
		.base = base,
		.scope = DIR_SUB,
		.filter = dir_f_or(rs->r->a, items, n),
		.attrs = display_attrs(rs->r),
		.at_most = (int)n,
	};
	return n ? dir_search_run(rs->r->dir, rs->r->a, false, &s, rs->r->until, on_target, rs, e) : 0;
}

static bool
below(struct map_run *r, const struct item *it, const char *base)
{
	return dir_dn_under(r->a, it->dn, base, false) && (!r->sees || r->sees(r->sees_ctx, it->key));
}

/* Each DN is looked for once, below the base that it lies under; anything else is no resource of ours. */
static int
resolve_below(struct resolving *rs, const struct map_refs *refs, const char *base, struct strmap *seen, struct err *e)
{
	const struct dir_filter *items[BATCH];
	size_t n = 0;
	for (size_t i = 0; i < refs->n; i++) {
		const struct item *it = &refs->items[i];
		if (!it->key || strmap_get(seen, strv_of(it->key)) || !below(rs->r, it, base))
			continue;
		strmap_put(seen, strv_of(it->key), rs);
		items[n++] = dir_f_eq(rs->r->a, rs->r->caps->flavour->dn_attr, strv_of(it->dn));
		if (n == BATCH) {
			if (search_batch(rs, base, items, n, e) < 0)
				return -1;
			n = 0;
		}
	}
	return search_batch(rs, base, items, n, e);
}

static void
set_sub(struct scim_item *ref, const struct scim_attr *attr, struct strv name, const char *value)
{
	const struct scim_attr *sub = value ? scim_attr_sub(attr, name) : NULL;
	if (sub)
		scim_item_set(ref, sub, scim_text(strv_of(value)));
}

static void
set_reference(struct map_run *r, struct scim_item *ref, const struct scim_attr *attr, const struct map_ref *t)
{
	set_sub(ref, attr, STRV("value"), t->id);
	set_sub(ref, attr, STRV("$ref"), map_location(r, t->user ? r->set->users : r->set->groups, t->id));
}

static void
set_member(struct map_run *r, struct scim_item *ref, const struct scim_attr *attr, const struct map_ref *t)
{
	set_reference(r, ref, attr, t);
	set_sub(ref, attr, STRV("type"), t->user ? "User" : "Group");
	set_sub(ref, attr, STRV("display"), t->display);
}

void
map_refs_fallback(struct scim_view *res, const struct scim_attr *attr, const char *value)
{
	set_sub(scim_view_item(res, attr), attr, STRV("value"), value);
}

static void
set_group(struct map_run *r, struct scim_item *ref, const struct scim_attr *attr, const struct map_ref *t)
{
	set_reference(r, ref, attr, t);
	set_sub(ref, attr, STRV("type"), "direct");
	set_sub(ref, attr, STRV("display"), t->display);
}

static void
show_item(struct map_run *r, const struct item *it, const struct map_ref *t)
{
	const struct scim_attr *attr = it->attr;
	if (attr == r->set->users->groups) {
		if (t && !t->user)
			set_group(r, scim_view_item(it->res, attr), attr, t);
	} else if (attr->multi) {
		if (t)
			set_member(r, scim_view_item(it->res, attr), attr, t);
	} else if (t && t->user) {
		struct scim_item *ref = scim_view_item(it->res, attr);
		set_reference(r, ref, attr, t);
		set_sub(ref, attr, STRV("displayName"), t->display);
	} else if (it->fallback) {
		map_refs_fallback(it->res, attr, it->fallback);
	}
}

json_t *
map_member_of(struct map_run *r, const struct map_ref *ref)
{
	const struct scim_attr *attr = scim_type_attr(r->set->groups->type, STRV(""), STRV("members"));
	if (!attr)
		return NULL;
	struct scim_item member = scim_item_new(r->a, attr);
	set_member(r, &member, attr, ref);
	return scim_item_tree(&member, attr);
}

/* seen: the keys that were looked for. */
static int
look_up(struct resolving *rs, const struct map_refs *refs, struct strmap *seen, struct err *e)
{
	struct map_run *r = rs->r;
	if (resolve_below(rs, refs, r->set->users->opts->base, seen, e) < 0 ||
	    resolve_below(rs, refs, r->set->groups->opts->base, seen, e) < 0)
		return err_cause(e, "resolve references");
	return 0;
}

static int
resolve_items(struct map_refs *refs, struct err *e)
{
	struct map_run *r = refs->r;
	if (refs->n == 0)
		return 0;
	struct resolving rs = {r, strmap_new(r->a, false)};
	if (look_up(&rs, refs, strmap_new(r->a, false), e) < 0)
		return -1;
	for (size_t i = 0; i < refs->n; i++) {
		const struct item *it = &refs->items[i];
		const struct map_ref *t = it->key ? strmap_get(rs.targets, strv_of(it->key)) : NULL;
		show_item(r, it, t && t->id ? t : NULL);
	}
	return 0;
}

int
map_refs_resolve_by(struct map_run *r, struct map_refs *refs, map_ref_fn fn, void *ctx, struct err *e)
{
	for (size_t i = 0; i < refs->n; i++) {
		const struct item *it = &refs->items[i];
		struct map_ref ref;
		int found = it->key ? fn(ctx, it->key, &ref, e) : 0;
		if (found < 0)
			return err_cause(e, "resolve references");
		show_item(r, it, found ? &ref : NULL);
	}
	refs->n = 0;
	return 0;
}

int
map_refs_replaced(struct map_run *r, const char **dns, size_t *n, struct err *e)
{
	struct map_refs *refs = map_refs_new(r);
	struct resolving rs = {r, strmap_new(r->a, false)};
	struct strmap *seen = strmap_new(r->a, false);
	size_t kept = 0;
	for (size_t i = 0; i < *n; i++)
		map_refs_add(refs, NULL, NULL, dns[i], NULL);
	if (look_up(&rs, refs, seen, e) < 0)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		const char *key = refs->items[i].key;
		const struct map_ref *t = key ? strmap_get(rs.targets, strv_of(key)) : NULL;
		if (key && strmap_get(seen, strv_of(key)) && (!t || t->id))
			dns[kept++] = dns[i];
	}
	*n = kept;
	return 0;
}

/* --- groups of users --------------------------------------------------------------------------------------------- */

static const struct groups_of *
user_of(const struct reverse *rv, struct strv dn)
{
	const struct groups_of *u = strmap_get(rv->by_text, dn);
	if (u)
		return u;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024); /* a list may have 100,000 that are nobody's */
	const char *key = dir_dn_normal(a, dn.p);
	return key ? strmap_get(rv->by_dn, strv_of(key)) : NULL;
}

const char *const *
map_group_attrs(struct map_run *r, bool members)
{
	const struct map *groups = r->set->groups;
	const char *name = map_ldap_attr(groups, "displayName"), **attrs = ARENA_ARRAY(r->a, 4, const char *);
	attrs[0] = r->caps->flavour->id_attr;
	attrs[1] = name ? name : "objectClass";
	attrs[2] = members ? groups->opts->member_attribute : NULL;
	return attrs;
}

struct map_ref
map_group_ref(struct map_run *r, const struct dir_entry *en)
{
	return (struct map_ref){map_id(r, en), display_of(r, r->set->groups, en), false};
}

void
map_group_add(struct reverse *rv, const struct groups_of *u, const struct map_ref *g)
{
	const struct scim_attr *attr = rv->r->set->users->groups;
	if (attr)
		set_group(rv->r, scim_view_item(u->user, attr), attr, g);
}

int
map_group_told(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct reverse *rv = ctx;
	const struct map_ref g = map_group_ref(rv->r, en);
	if (!g.id || !map_sees(rv->r, en->dn))
		return 0;
	rv->told++;
	if (!rv->by_dn) {
		map_group_add(rv, &rv->users[0], &g);
		return 0;
	}
	const struct dir_attr *at = dir_entry_attr(en, rv->r->set->groups->opts->member_attribute);
	for (size_t i = 0; at && i < at->n; i++) {
		const struct groups_of *u = user_of(rv, at->values[i]);
		if (u)
			map_group_add(rv, u, &g);
	}
	return 0;
}

/* others: what all groups match that were not told yet, NULL = all. */
static int
search_groups(struct reverse *rv, size_t from, size_t n, const struct dir_filter *others, struct err *e)
{
	struct map_run *r = rv->r;
	const struct map *groups = r->set->groups;
	const char *name = map_ldap_attr(groups, "displayName");
	const struct dir_filter *items[BATCH_USERS + 2];
	for (size_t i = 0; i < n; i++)
		items[i] = dir_f_eq(r->a, groups->opts->member_attribute, strv_of(rv->users[from + i].dn));
	const struct dir_filter *wanted[] = {dir_f_or(r->a, items, n), others, map_class_test(groups)};
	/* matchedValues applies to every attribute of the answer: id and name have to match as well. */
	items[n] = dir_f_present(r->a, r->caps->flavour->id_attr);
	items[n + 1] = name ? dir_f_present(r->a, name) : NULL;
	struct dir_search s = {
		.base = groups->opts->base,
		.scope = DIR_SUB,
		.filter = dir_f_and(r->a, wanted, 3),
		.attrs = map_group_attrs(r, rv->by_dn != NULL),
		.matched = rv->by_dn ? dir_f_or(r->a, items, n + 2) : NULL,
		.share = rv->by_dn ? DIR_ALONE : DIR_SHARE_LINKS,
	};
	return dir_search_run(r->dir, r->a, false, &s, r->until, map_group_told, rv, e);
}

/* One user at a time: without matchedValues a search for many would bring every member of every group. */
static int
resolve_each(struct map_refs *refs, struct err *e)
{
	struct reverse rv = {.r = refs->r, .users = refs->users, .n = 1};
	for (; rv.users < refs->users + refs->n_users; rv.users++)
		if (search_groups(&rv, 0, 1, NULL, e) < 0)
			return -1;
	return 0;
}

static int
resolve_page(struct map_refs *refs, struct err *e)
{
	struct arena *a = refs->r->a;
	struct reverse rv = {.r = refs->r, .users = refs->users, .n = refs->n_users};
	const struct dir_filter *others;
	rv.by_text = strmap_new(a, false);
	rv.by_dn = strmap_new(a, false);
	for (size_t i = 0; i < rv.n; i++) {
		struct groups_of *u = &refs->users[i];
		strmap_put(rv.by_text, strv_of(u->dn), u);
		strmap_put(rv.by_dn, strv_of(u->key), u);
	}
	if (map_wide_groups(&rv, &others, e) < 0)
		return -1;
	for (size_t i = 0; i < rv.n; i += BATCH_USERS)
		if (search_groups(&rv, i, rv.n - i < BATCH_USERS ? rv.n - i : BATCH_USERS, others, e) < 0)
			return -1;
	return 0;
}

static int
resolve_groups(struct map_refs *refs, struct err *e)
{
	bool page = refs->n_users > 1 && refs->r->caps->matched_values;
	if ((page ? resolve_page : resolve_each)(refs, e) < 0)
		return err_cause(e, "look for the groups of users");
	return 0;
}

int
map_refs_resolve(struct map_run *r DH_UNUSED, struct map_refs *refs, struct err *e)
{
	if (resolve_items(refs, e) < 0 || resolve_groups(refs, e) < 0)
		return -1;
	refs->n = refs->n_users = 0;
	return 0;
}
