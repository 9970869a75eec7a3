/* SPDX-License-Identifier: Apache-2.0
 * Lookups in a map, and which LDAP attributes a request needs. */
#include "map/active.h"
#include "map/derive.h"

const struct scim_type *
map_type(const struct map *m)
{
	return m->type;
}

const struct map_type_opts *
map_type_options(const struct map *m)
{
	return m->opts;
}

const struct map_strategy *
map_active(const struct map *m)
{
	return m->active;
}

bool
map_needs_placeholder(const struct map *m)
{
	return m->placeholder;
}

const struct map_home *
map_home_of(const struct map *m, const struct scim_attr *attr)
{
	for (size_t i = 0; i < m->n_homes; i++)
		if (m->homes[i].attr == attr)
			return &m->homes[i];
	return NULL;
}

const struct map_row *
map_row_of(const struct map *m, const char *scim_path)
{
	for (size_t i = 0; i < m->n_rows; i++)
		if (!m->rows[i]->slot && str_caseeq(m->rows[i]->path, scim_path))
			return m->rows[i];
	return NULL;
}

const char *
map_ldap_attr(const struct map *m, const char *scim_path)
{
	const struct map_row *row = map_row_of(m, scim_path);
	return row ? row->ldap : NULL;
}

/* --- lists of attributes -------------------------------------------------------------------------------------------
 * Which attributes an answer needs is looked up when the map is loaded; what a request adds is which of them. */

struct numbers { /* of LDAP attributes */
	size_t *v, n;
};

struct map_needs {
	const char *const *all, *const *change;           /* whole lists, each by its own name */
	const char *const *read_all, *const *read_change; /* the same for searches */
	const char **names;                               /* all that an answer may need, each once */
	size_t n;
	struct numbers *homes; /* of each of them */
	struct numbers always, active, groups;
};

struct wanted {
	struct map_run *r;
	const struct map *m;
	const char **v;
	size_t n, cap;
};

static void
want(struct wanted *w, const char *attr)
{
	for (size_t i = 0; i < w->n; i++)
		if (!attr || str_caseeq(w->v[i], attr))
			return;
	if (!attr)
		return;
	w->v = ARENA_GROW(w->r->a, w->v, w->n, &w->cap, 64);
	w->v[w->n++] = attr;
	w->v = ARENA_GROW(w->r->a, w->v, w->n, &w->cap, 64);
	w->v[w->n] = NULL;
}

static void
want_list(struct wanted *w, const char *const *attrs)
{
	for (; attrs && *attrs; attrs++)
		want(w, *attrs);
}

static void
want_row(struct wanted *w, const struct map_row *row)
{
	want(w, row->ldap);
	if (!row->made || !row->required)
		return;
	/* Whether the value is a made-up one shows by comparing with what it would be made from. */
	if (w->m->marks)
		want(w, w->m->marks->ldap);
	want(w, map_ldap_attr(w->m, "userName"));
	for (size_t i = 0; row->made[i]; i++)
		for (const struct map_row **source = row->made[i]; *source; source++)
			if ((*source)->at)
				want(w, (*source)->ldap);
}

static void
want_home(struct wanted *w, const struct map_home *h)
{
	for (size_t i = 0; i < h->n_rows; i++)
		want_row(w, h->rows[i]);
}

static void
want_always(struct wanted *w)
{
	const struct dir_flavour *f = w->r->caps->flavour;
	const char *const attrs[] = {
		f->id_attr, f->created_attr, f->modified_attr, f->version_attr, "modifiersName", "objectClass", NULL};
	want_list(w, attrs);
}

/* Numbers of what w names, in the list of all attributes. */
static struct numbers
needs_of(struct wanted *all, const struct wanted *w)
{
	struct numbers needs = {.v = ARENA_ARRAY(all->r->a, w->n + 1, size_t)};
	for (size_t i = 0; i < w->n; i++) {
		size_t k = 0;
		want(all, w->v[i]);
		while (!str_caseeq(all->v[k], w->v[i]))
			k++;
		needs.v[needs.n++] = k;
	}
	return needs;
}

static struct map_needs *
find_needs(struct map_run *r, const struct map *m)
{
	struct wanted all = {.r = r, .m = m}, always = all, active = all, groups = all;
	struct map_needs *needs = ARENA_NEW(r->a, struct map_needs);
	want_always(&always);
	needs->always = needs_of(&all, &always);
	needs->homes = ARENA_ARRAY(r->a, m->n_homes + 1, struct numbers);
	for (size_t i = 0; i < m->n_homes; i++) {
		struct wanted home = {.r = r, .m = m};
		want_home(&home, &m->homes[i]);
		needs->homes[i] = needs_of(&all, &home);
	}
	want_list(&active, m->active ? m->active->attrs : NULL);
	needs->active = needs_of(&all, &active);
	want(&groups, m->users ? r->caps->flavour->member_of : NULL);
	needs->groups = needs_of(&all, &groups);
	needs->names = all.v;
	needs->n = all.n;
	return needs;
}

static bool
project_wants(const struct scim_project *p, const struct scim_attr *attr)
{
	if (scim_project_wants(p, attr))
		return true;
	for (size_t i = 0; i < attr->n_subs; i++)
		if (scim_project_wants(p, &attr->subs[i]))
			return true;
	return false;
}

struct asked {
	const struct map *m;
	bool *on; /* by number */
};

static void
ask(struct asked *q, const struct numbers *needs)
{
	for (size_t i = 0; i < needs->n; i++)
		q->on[needs->v[i]] = true;
}

static bool
on_node(void *ctx, const struct scim_filter *node)
{
	struct asked *q = ctx;
	const struct map *m = q->m;
	const struct scim_attr *attr = node->ref.attr ? scim_attr_top(node->ref.attr) : NULL;
	const struct map_home *h = attr ? map_home_of(m, attr) : NULL;
	if (h)
		ask(q, &m->needs->homes[h - m->homes]);
	if (attr && attr == m->shows_active)
		ask(q, &m->needs->active);
	if (attr && attr == m->groups)
		ask(q, &m->needs->groups);
	return true;
}

static const char *const *
collect(struct arena *a, const struct map *m, const struct scim_project *p, const struct scim_filter *f)
{
	struct asked q = {m, ARENA_ARRAY(a, m->needs->n, bool)};
	const char **v = ARENA_ARRAY(a, m->needs->n + 1, const char *);
	size_t n = 0;
	ask(&q, &m->needs->always);
	for (size_t i = 0; i < m->n_homes; i++)
		if (project_wants(p, m->homes[i].attr))
			ask(&q, &m->needs->homes[i]);
	if (m->shows_active && scim_project_wants(p, m->shows_active))
		ask(&q, &m->needs->active);
	if (m->groups && project_wants(p, m->groups))
		ask(&q, &m->needs->groups);
	if (f)
		scim_filter_visit(f, on_node, &q);
	for (size_t i = 0; i < m->needs->n; i++)
		if (q.on[i])
			v[n++] = m->needs->names[i];
	return v;
}

static const char *const *
collect_change(struct map_run *r, const struct map *m)
{
	struct wanted w = {.r = r, .m = m};
	want_always(&w);
	for (size_t i = 0; i < m->n_homes; i++)
		if (m->homes[i].kind != HOME_MEMBERS)
			want_home(&w, &m->homes[i]);
	if (m->active) {
		want_list(&w, m->active->attrs);
		want(&w, m->active->attr_change);
	}
	for (size_t i = 0; i < m->n_derived; i++) {
		want(&w, m->derived[i].row.ldap);
		for (const char *const *const *from = m->derived[i].from; *from; from++)
			want_list(&w, *from);
	}
	want_list(&w, r->caps->flavour->protect_attrs);
	return w.v;
}

/* The server looks for each attribute of an entry in the list it was sent, and for each of the list in its schema: a
 * third of ours are those of our own class, which has one name (RFC 4529). Of another class that would bring what
 * nobody asked for. */
static const char *const *
by_class(struct arena *a, const struct map *m, const char *const *from)
{
	size_t n = 0, kept = 0;
	if (!m->caps->class_attrs || !m->aux_class || !str_caseeq(m->aux_class, "dirhingeUser"))
		return from;
	while (from[n])
		n++;
	const char **v = ARENA_ARRAY(a, n + 2, const char *);
	for (size_t i = 0; i < n; i++)
		if (!dir_subschema_may(m->caps->schema, m->aux_class, from[i]) ||
		    dir_subschema_must(m->caps->schema, m->aux_class, from[i]))
			v[kept++] = from[i];
	v[kept++] = arena_printf(a, "@%s", m->aux_class);
	v[kept] = NULL;
	return kept < n ? v : from;
}

void
map_attrs_prepare(struct arena *a, struct map *m)
{
	struct map_run r = {.a = a, .caps = m->caps};
	struct map_needs *needs = find_needs(&r, m);
	m->needs = needs;
	needs->all = collect(a, m, NULL, NULL);
	needs->read_all = by_class(a, m, needs->all);
	needs->change = collect_change(&r, m);
	needs->read_change = by_class(a, m, needs->change);
}

const char *const *
map_attrs(struct map_run *r, const struct map *m, const struct scim_project *p, const struct scim_filter *f)
{
	return f || scim_project_given(p) ? collect(r->a, m, p, f) : m->needs->read_all;
}

const char *const *
map_attrs_post(struct map_run *r, const struct map *m, const struct scim_project *p)
{
	return scim_project_given(p) ? collect(r->a, m, p, NULL) : m->needs->all;
}

const char *const *
map_attrs_change(struct map_run *r DH_UNUSED, const struct map *m)
{
	return m->needs->read_change;
}

const char *const *
map_attrs_change_names(const struct map *m)
{
	return m->needs->change;
}
