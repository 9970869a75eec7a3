/* SPDX-License-Identifier: Apache-2.0
 * Attributes that live in one row each, sub-attributes of name among them, and values that are made up because the
 * directory requires an attribute for which SCIM gave nothing (sn, cn). */
#include "dirhinge/base/buf.h"
#include "map/plan.h"

json_t *
map_leaf_get(const struct map *m, const json_t *res, const struct scim_attr *leaf)
{
	json_t *top = res ? scim_resource_get(m->type, res, scim_attr_top(leaf)) : NULL;
	json_t *v = leaf->parent ? json_object_get(top, leaf->name) : top;
	return json_unassigned(v) ? NULL : v;
}

struct strv
map_row_shown(struct map_run *r, const struct map_row *row, const struct dir_entry *en, struct scim_scalar *out_r)
{
	const struct dir_attr *at = row->at ? dir_entry_attr(en, row->ldap) : NULL;
	struct strv rdn = {0};
	/* Of several values the one in the DN is the name. */
	if (at && at->n > 1 && row->names && dir_dn_rdn_value(r->a, en->dn, row->ldap, &rdn, NULL) != 1)
		rdn.p = NULL;
	for (size_t i = 0; at && i < at->n; i++) {
		if (rdn.p && !map_value_same(row->at, rdn, at->values[i]))
			continue;
		struct scim_scalar shown;
		if (!row->codec->decode(r->a, row, at->values[i], &shown))
			continue;
		if (out_r)
			*out_r = shown;
		return at->values[i];
	}
	return (struct strv){0};
}

/* --- made-up values ---------------------------------------------------------------------------------------------- */

/* Text of a source of made_from: from a resource or from an entry. */
struct source {
	struct map_run *r;
	const struct map *m;
	const json_t *res;
	const struct dir_entry *en;
};

static struct strv
source_text(const struct source *s, const struct map_row *row)
{
	if (!row->at)
		return (struct strv){0};
	if (s->en) {
		struct strv shown = map_row_shown(s->r, row, s->en, NULL);
		return map_is_synthetic(s->r, s->m, row, s->en, shown) ? (struct strv){0} : shown;
	}
	const json_t *v = map_leaf_get(s->m, s->res, row->leaf);
	return json_is_string(v) ? strv_n(json_string_value(v), json_string_length(v)) : (struct strv){0};
}

/* p NULL: no alternative has a value. */
static struct strv
make_up(const struct source *s, const struct map_row *row)
{
	for (size_t i = 0; row->made && row->made[i]; i++) {
		DH_CLEANUP(buf_done) struct buf b = BUF_INIT(1u << 20);
		for (const struct map_row **part = row->made[i]; *part; part++) {
			struct strv v = source_text(s, *part);
			if (v.n && b.n)
				buf_addc(&b, ' ');
			buf_addv(&b, v);
		}
		if (b.n && !b.full)
			return strv_n(arena_strndup(s->r->a, buf_str(&b), b.n), b.n);
	}
	return (struct strv){0};
}

static bool
is_marked(const struct map *m, const struct map_row *row, const struct dir_entry *en)
{
	const struct dir_attr *marks = dir_entry_attr(en, m->marks->ldap);
	for (size_t i = 0; marks && i < marks->n; i++)
		if (strv_caseeq(marks->values[i], strv_of(row->ldap)))
			return true;
	return false;
}

bool
map_is_synthetic(struct map_run *r, const struct map *m, const struct map_row *row, const struct dir_entry *en,
		 struct strv value)
{
	if (!row->made || !row->required || !value.p)
		return false;
	if (!m->marks) {
		const struct map_row *name = map_row_of(m, "userName");
		return name && strv_eq(value, map_row_shown(r, name, en, NULL));
	}
	/* Somebody else may have given the entry a real name since: then the value is no longer what we made. */
	const struct source s = {.r = r, .m = m, .en = en};
	return is_marked(m, row, en) && strv_eq(value, make_up(&s, row));
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* RFC 7643 2.4: a simple multi-valued attribute shows every value of its LDAP attribute. */
static bool
is_list(const struct map_row *row)
{
	return row->attr->multi;
}

/* Text in the same spelling, anything else by what it means: one instant in two zones. */
static bool
same_json(const struct scim_attr *leaf, const json_t *x, const json_t *y)
{
	bool text = leaf->kind == SCIM_STRING || leaf->kind == SCIM_REFERENCE || leaf->kind == SCIM_BINARY;
	return text ? json_equal(x, y) : scim_value_equal(leaf, x, y);
}

static bool
same_shown(const struct scim_attr *leaf, const struct scim_scalar *x, const json_t *y)
{
	json_auto_t *j = scim_scalar_tree(x);
	return same_json(leaf, j, y);
}

static bool
list_has(const struct scim_attr *leaf, const struct scim_scalar *list, size_t n, const struct scim_scalar *value)
{
	json_auto_t *j = scim_scalar_tree(value);
	for (size_t i = 0; i < n; i++)
		if (same_shown(leaf, &list[i], j))
			return true;
	return false;
}

static void
read_list(struct map_run *r, const struct map_row *row, const struct dir_entry *en, struct scim_view *res)
{
	const struct dir_attr *at = dir_entry_attr(en, row->ldap);
	struct scim_scalar *list = at ? ARENA_ARRAY(r->a, at->n, struct scim_scalar) : NULL;
	size_t n = 0;
	for (size_t i = 0; at && i < at->n; i++) {
		/* Two spellings of one number in an attribute of text. */
		if (row->codec->decode(r->a, row, at->values[i], &list[n]) &&
		    (row->codec->text || !list_has(row->leaf, list, n, &list[n])))
			scim_item_set(scim_view_item(res, row->leaf), row->leaf, list[n++]);
	}
}

void
map_plain_read(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en,
	       struct scim_view *res)
{
	for (size_t i = 0; i < h->n_rows; i++) {
		struct scim_scalar shown;
		if (is_list(h->rows[i])) {
			read_list(r, h->rows[i], en, res);
			continue;
		}
		struct strv v = map_row_shown(r, h->rows[i], en, &shown);
		if (v.p && !map_is_synthetic(r, m, h->rows[i], en, v))
			scim_view_set(res, h->rows[i]->leaf, shown);
	}
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static void
plan_mark(struct map_plan *p, const struct map_row *row, bool synthetic)
{
	if (!row->made || !p->m->marks)
		return;
	const struct dir_attr *marks = p->current ? dir_entry_attr(p->current, p->m->marks->ldap) : NULL;
	for (size_t i = 0; marks && i < marks->n; i++)
		if (strv_caseeq(marks->values[i], strv_of(row->ldap)))
			map_state_add(&p->have, p->m->marks, marks->values[i]);
	if (synthetic)
		map_state_add(&p->want, p->m->marks, strv_of(row->ldap));
}

/* A made-up value follows its sources; one that nobody touched stays, so that a change of something else does not
 * rewrite names. */
static bool
follows(const struct map_plan *p, const struct map_row *row, struct strv shown)
{
	if (!row->made || !row->required || !shown.p)
		return false;
	const struct source old = {.r = p->r, .m = p->m, .res = p->before};
	const struct source new = {.r = p->r, .m = p->m, .res = p->after};
	return map_is_synthetic(p->r, p->m, row, p->current, shown) && !strv_eq(make_up(&old, row), make_up(&new, row));
}

/* The value as the entry holds it, if it does in whatever spelling, else as it is to be written. */
static int
list_value(const struct map_plan *p, const struct map_row *row, const json_t *value, struct strv *v_r, struct err *e)
{
	const struct dir_attr *at = p->current ? dir_entry_attr(p->current, row->ldap) : NULL;
	for (size_t i = 0; at && i < at->n; i++) {
		struct scim_scalar held;
		if (row->codec->decode(p->r->a, row, at->values[i], &held) && same_shown(row->leaf, &held, value)) {
			*v_r = at->values[i];
			return 0;
		}
	}
	return row->codec->encode(p->r->a, row, value, v_r, e);
}

static int
plan_list(struct map_plan *p, const struct map_row *row, struct err *e)
{
	const json_t *new = map_leaf_get(p->m, p->after, row->leaf), *el;
	const struct dir_attr *at = p->current ? dir_entry_attr(p->current, row->ldap) : NULL;
	size_t k;
	if (p->current && json_equal(map_leaf_get(p->m, p->before, row->leaf), new))
		return 0;
	for (size_t i = 0; at && i < at->n; i++) {
		struct scim_scalar shown;
		if (row->codec->decode(p->r->a, row, at->values[i], &shown))
			map_state_add(&p->have, row, at->values[i]);
	}
	json_array_foreach (new, k, el) {
		struct strv value;
		if (list_value(p, row, el, &value, e) < 0)
			return -1;
		map_state_add(&p->want, row, value);
	}
	if (json_array_size(new) == 0 && row->required)
		return err_set(e, ERR_VALUE, "%s is required by the directory", row->leaf->path);
	return 0;
}

static int
plan_row(struct map_plan *p, const struct map_row *row, struct err *e)
{
	const json_t *old = map_leaf_get(p->m, p->before, row->leaf), *new = map_leaf_get(p->m, p->after, row->leaf);
	struct strv shown = p->current ? map_row_shown(p->r, row, p->current, NULL) : (struct strv){0};
	if (p->current && (old && new ? same_json(row->leaf, old, new) : !old && !new && !follows(p, row, shown)))
		return 0;
	if (shown.p)
		map_state_add(&p->have, row, shown);
	struct strv value = {0};
	if (new && row->codec->encode(p->r->a, row, new, &value, e) < 0)
		return -1;
	/* Only a new or another name: whoever has an odd one must still be disabled and changed. */
	if (new && p->m->users && row->leaf->uniqueness == SCIM_UNIQUE_SERVER &&map_check_name(p->r, row, value, e) < 0)
		return -1;
	bool synthetic = !new && row->required && row->made;
	if (synthetic) {
		const struct source s = {.r = p->r, .m = p->m, .res = p->after};
		value = make_up(&s, row);
	}
	if (!value.p && row->required)
		return err_set(e, ERR_VALUE, "%s is required by the directory", row->leaf->path);
	if (value.p)
		map_state_add(&p->want, row, value);
	plan_mark(p, row, synthetic);
	return 0;
}

int
map_plain_plan(struct map_plan *p, const struct map_home *h, struct err *e)
{
	for (size_t i = 0; i < h->n_rows; i++)
		if ((is_list(h->rows[i]) ? plan_list : plan_row)(p, h->rows[i], e) < 0)
			return -1;
	return 0;
}

/* --- externalId -------------------------------------------------------------------------------------------------- */

/* RFC 7643 3.1: externalId is scoped by the client: one attribute holds "client:externalId" for each. */
struct strv
map_client_value(struct map_run *r, struct strv external_id)
{
	return strv_of(arena_printf(r->a, "%s:%.*s", r->client, (int)external_id.n, external_id.p));
}

struct strv
map_client_shown(struct map_run *r, const struct map_row *row, const struct dir_entry *en)
{
	const struct dir_attr *at = r->client ? dir_entry_attr(en, row->ldap) : NULL;
	if (!at)
		return (struct strv){0};
	struct strv prefix = map_client_value(r, STRV(""));
	for (size_t i = 0; i < at->n; i++)
		if (at->values[i].n > prefix.n && strv_starts(at->values[i], prefix) && utf8_valid(at->values[i], NULL))
			return at->values[i];
	return (struct strv){0};
}

int
map_client_plan(struct map_plan *p, const struct map_home *h, struct err *e)
{
	const struct map_row *row = h->rows[0];
	const json_t *old = map_leaf_get(p->m, p->before, row->leaf), *new = map_leaf_get(p->m, p->after, row->leaf);
	if (old && new &&json_equal(old, new))
		return 0;
	if (new && !p->r->client)
		return err_set(e, ERR_VALUE, "externalId belongs to a client, and there is none");
	struct strv shown = p->current ? map_client_shown(p->r, row, p->current) : (struct strv){0};
	if (!new && !old)
		return 0;
	if (new && !shown.p && row->at->single && p->current &&dir_entry_attr(p->current, row->ldap))
		return err_set(e, ERR_CONFLICT,
			       "externalId: another client has set it, and the directory has room for one");
	if (shown.p)
		map_state_add(&p->have, row, shown);
	if (new)
		map_state_add(&p->want, row,
			      map_client_value(p->r, strv_n(json_string_value(new), json_string_length(new))));
	return 0;
}
