/* SPDX-License-Identifier: Apache-2.0
 * From resources to a new entry or to the modify of an existing one. */
#include "map/plan.h"
#include "map/active.h"

void
map_plan_ignore(struct map_plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_ignored; i++)
		if (str_eq(p->ignored[i], path))
			return;
	if (p->n_ignored + 1 >= p->cap_ignored) {
		size_t cap = p->cap_ignored ? p->cap_ignored * 2 : 8;
		const char **v = ARENA_ARRAY(p->r->a, cap, const char *);
		if (p->n_ignored)
			memcpy(v, p->ignored, p->n_ignored * sizeof(*v));
		p->ignored = v;
		p->cap_ignored = cap;
	}
	p->ignored[p->n_ignored++] = path;
	p->ignored[p->n_ignored] = NULL;
}

static int
plan_home(struct map_plan *p, const struct map_home *h, struct err *e)
{
	switch (h->kind) {
	case HOME_PLAIN:
		return map_plain_plan(p, h, e);
	case HOME_MULTI:
		return map_multi_plan(p, h, e);
	case HOME_MANAGER:
		return map_manager_plan(p, h, e);
	case HOME_CLIENT:
		return map_client_plan(p, h, e);
	case HOME_MEMBERS: /* changed value by value by the caller, never read and rewritten (DESIGN.md 1.2) */
		return 0;
	}
	return 0;
}

/* A hash stored by the client would get round the directory's quality rules. */
static bool
looks_hashed(struct strv s)
{
	size_t close = strv_chr(s, '}');
	if (s.n < 3 || s.p[0] != '{' || close == s.n || close < 2)
		return false;
	for (size_t i = 1; i < close; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./", s.p[i]))
			return false;
	return true;
}

static int
plan_password(const struct map_plan *p, struct map_change *c, struct err *e)
{
	const json_t *v = p->m->users ? json_object_get(p->after, "password") : NULL;
	if (json_unassigned(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) == 0)
		return err_set(e, ERR_VALUE, "password: a string is needed");
	if (!p->m->caps->password_modify)
		return err_set(e, ERR_NOT_IMPLEMENTED, "this directory has no operation to set a password");
	struct strv s = strv_n(json_string_value(v), json_string_length(v));
	if (looks_hashed(s))
		return err_set(e, ERR_VALUE, "password: hashed passwords are not accepted");
	c->password = strv_n(arena_strndup(p->r->a, s.p, s.n), s.n);
	return 0;
}

static int
plan_all(struct map_plan *p, struct map_change *c, struct err *e)
{
	p->have.a = p->want.a = p->r->a;
	p->mods = &c->mods;
	dir_mods_init(&c->mods, p->r->a);
	for (size_t i = 0; i < p->m->n_homes; i++)
		if (plan_home(p, &p->m->homes[i], e) < 0)
			return -1;
	/* externalId is a common attribute that every client sends, also where the directory has no room for it. */
	bool home = scim_type_attr(p->m->type, STRV(""), STRV("externalId")) != NULL;
	if (!home && !json_unassigned(json_object_get(p->after, "externalId")))
		map_plan_ignore(p, "externalId");
	return plan_password(p, c, e);
}

/* --- a new entry ------------------------------------------------------------------------------------------------- */

static void
add_classes(struct map_plan *p)
{
	const struct map *m = p->m;
	for (const char *const *oc = m->opts->object_classes; *oc; oc++)
		dir_mods_value(p->mods, DIR_MOD_ADD, "objectClass", strv_of(*oc));
	const char *const more[] = {m->aux_class, m->active ? m->active->aux_class : NULL};
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		bool there = !more[i];
		for (size_t k = 0; !there && p->mods->n && k < p->mods->mods[0].n; k++)
			there = strv_caseeq(p->mods->mods[0].values[k], strv_of(more[i]));
		if (!there)
			dir_mods_value(p->mods, DIR_MOD_ADD, "objectClass", strv_of(more[i]));
	}
}

static void
add_members(const struct map_plan *p, const char *const *dns, size_t n)
{
	const char *member = p->m->opts->member_attribute;
	for (size_t i = 0; i < n; i++)
		dir_mods_value(p->mods, DIR_MOD_ADD, member, strv_of(dns[i]));
	/* RFC 4519 3.5: groupOfNames must have a member; a zero-length DN stands in for none. */
	if (n == 0 && p->m->placeholder)
		dir_mods_value(p->mods, DIR_MOD_ADD, member, map_placeholder);
}

int
map_rdn(struct map_run *r, const struct map_row *row, const char *dn, struct strv value, char **rdn_r, struct err *e)
{
	size_t max = r->caps->flavour->max_rdn ? r->caps->flavour->max_rdn : SIZE_MAX;
	char *rdn = NULL;
	/* Escaping only makes it longer: a value over the limit is not even tried. */
	if (value.n <= max && (dn ? dir_rdn_change(r->a, dn, row->ldap, value, &rdn, e)
				  : dir_rdn_build(r->a, row->ldap, value, &rdn, e)) < 0)
		return -1;
	if (!rdn || strlen(rdn) > max)
		return err_set(e, ERR_VALUE, "%s is too long to name an entry; at most about %zu bytes are possible",
			       row->leaf->path, max - strlen(row->ldap) - 1);
	*rdn_r = rdn;
	return 0;
}

static int
new_dn(const struct map_plan *p, char **dn_r, struct err *e)
{
	char *rdn;
	for (size_t i = 0; i < p->want.n; i++) {
		const struct map_vals *v = &p->want.vals[i];
		if (!v->row->names || v->n == 0)
			continue;
		if (map_rdn(p->r, v->row, NULL, v->v[0], &rdn, e) < 0)
			return -1;
		return dir_dn_child(p->r->a, p->m->opts->rdn, v->v[0], p->r->home ? p->r->home : p->m->opts->base, dn_r,
				    e);
	}
	return err_set(e, ERR_VALUE, "%s names the entry in the directory and is missing", p->m->opts->rdn);
}

int
map_to_entry(struct map_run *r, const struct map *m, const json_t *res, const char *const *member_dns, size_t n,
	     char **dn_r, struct map_change *c_r, struct err *e)
{
	struct map_change c = {0};
	struct map_plan p = {.r = r, .m = m, .after = res};
	char *dn;
	if (plan_all(&p, &c, e) < 0 || map_derive(&p, e) < 0 || new_dn(&p, &dn, e) < 0)
		return -1;
	add_classes(&p);
	for (size_t i = 0; i < p.want.n; i++)
		for (size_t k = 0; k < p.want.vals[i].n; k++)
			dir_mods_value(p.mods, DIR_MOD_ADD, p.want.vals[i].row->ldap, p.want.vals[i].v[k]);
	if (!m->users)
		add_members(&p, member_dns, n);
	if (map_active_plan(&p, &c, e) < 0)
		return -1;
	for (size_t i = 0; i < c.mods.n; i++)
		c.mods.mods[i].op = DIR_MOD_ADD;
	c.ignored = p.ignored;
	*dn_r = dn;
	*c_r = c;
	return 0;
}

/* --- a change ---------------------------------------------------------------------------------------------------- */

int
map_to_mods(struct map_run *r, const struct map *m, const json_t *before, const json_t *after,
	    const struct dir_entry *current, struct map_change *c_r, struct err *e)
{
	struct map_change c = {0};
	struct map_plan p = {.r = r, .m = m, .before = before, .after = after, .current = current};
	if (plan_all(&p, &c, e) < 0 || map_derive(&p, e) < 0 ||
	    map_state_diff(r, &p.have, &p.want, current, &c, e) < 0 || map_active_plan(&p, &c, e) < 0)
		return -1;
	map_add_class(r, m, current, &c.mods);
	c.ignored = p.ignored;
	*c_r = c;
	return 0;
}
