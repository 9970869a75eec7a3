/* SPDX-License-Identifier: Apache-2.0
 * Resources as lists of values, and the two things that are made of them: text and trees. */
#include "dirhinge/scim/view.h"
#include "scim/normal.h"

#define PARTS_FIRST 32
#define ITEMS_FIRST 4
#define TEXT_FIRST  2048 /* bytes */

struct scim_view *
scim_view_new(struct arena *a, const struct scim_type *t)
{
	struct scim_view *v = ARENA_NEW(a, struct scim_view);

	*v = (struct scim_view){.a = a, .type = t, .cap = PARTS_FIRST};
	v->parts = ARENA_ARRAY(a, v->cap, struct scim_part);
	return v;
}

const struct scim_part *
scim_view_part(const struct scim_view *v, const struct scim_attr *attr)
{
	/* Sub-attributes come one behind the other. */
	for (size_t i = v->n; i > 0; i--)
		if (v->parts[i - 1].attr == attr)
			return &v->parts[i - 1];
	return NULL;
}

static struct scim_part *
part_of(struct scim_view *v, const struct scim_attr *attr)
{
	const struct scim_part *found = scim_view_part(v, attr);

	if (found)
		return &v->parts[found - v->parts];
	if (v->n == v->cap) {
		struct scim_part *parts = ARENA_ARRAY(v->a, v->cap * 2, struct scim_part);
		memcpy(parts, v->parts, v->n * sizeof(*parts));
		v->parts = parts;
		v->cap *= 2;
	}
	v->parts[v->n] = (struct scim_part){.attr = attr};
	return &v->parts[v->n++];
}

struct scim_item
scim_item_new(struct arena *a, const struct scim_attr *attr)
{
	size_t room = attr->n_subs ? attr->n_subs : 1;

	return (struct scim_item){.v = ARENA_ARRAY(a, room, struct scim_field)};
}

void
scim_item_set(struct scim_item *it, const struct scim_attr *attr, struct scim_scalar value)
{
	size_t i = 0;

	while (i < it->n && it->v[i].attr != attr)
		i++;
	it->v[i] = (struct scim_field){attr, value};
	it->n += i == it->n;
}

const struct scim_scalar *
scim_item_get(const struct scim_item *it, const struct scim_attr *attr)
{
	for (size_t i = 0; i < it->n; i++)
		if (it->v[i].attr == attr)
			return &it->v[i].value;
	return NULL;
}

struct scim_item *
scim_view_item(struct scim_view *v, const struct scim_attr *attr)
{
	struct scim_part *part = part_of(v, attr);

	if (!attr->multi)
		part->n = 0; /* the last one counts */
	part->items = ARENA_GROW(v->a, part->items, part->n, &part->cap, attr->multi ? ITEMS_FIRST : 1);
	part->items[part->n] = scim_item_new(v->a, attr);
	return &part->items[part->n++];
}

void
scim_view_set(struct scim_view *v, const struct scim_attr *attr, struct scim_scalar value)
{
	const struct scim_attr *top = scim_attr_top(attr);
	struct scim_part *part = part_of(v, top);

	scim_item_set(part->n ? &part->items[0] : scim_view_item(v, top), attr, value);
}

const struct scim_scalar *
scim_view_get(const struct scim_view *v, const struct scim_attr *attr)
{
	const struct scim_part *part = attr ? scim_view_part(v, scim_attr_top(attr)) : NULL;

	return part ? scim_item_get(&part->items[0], attr) : NULL;
}

bool
scim_scalar_equal(const struct scim_scalar *x, const struct scim_scalar *y)
{
	if (x->type != y->type)
		return false;
	if (x->type == JSON_STRING)
		return strv_eq(x->text, y->text);
	if (x->type == JSON_INTEGER)
		return x->integer == y->integer;
	return x->type != JSON_REAL || !(x->real < y->real || x->real > y->real);
}

bool
scim_item_equal(const struct scim_item *x, const struct scim_item *y)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct scim_scalar *other = scim_item_get(y, x->v[i].attr);
		if (!other || !scim_scalar_equal(&x->v[i].value, other))
			return false;
	}
	return x->n == y->n;
}

/* --- trees ------------------------------------------------------------------------------------------------------- */

json_t *
scim_scalar_tree(const struct scim_scalar *s)
{
	switch (s->type) {
	case JSON_STRING:
		return json_stringn_nocheck(s->text.p, s->text.n);
	case JSON_INTEGER:
		return json_integer(s->integer);
	case JSON_REAL:
		return json_real(s->real);
	case JSON_TRUE:
	case JSON_FALSE:
		return json_boolean(s->type == JSON_TRUE);
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return NULL;
}

json_t *
scim_item_tree(const struct scim_item *it, const struct scim_attr *attr)
{
	if (attr->kind != SCIM_COMPLEX)
		return scim_scalar_tree(&it->v[0].value);
	json_t *obj = json_object();
	for (size_t i = 0; i < it->n; i++)
		json_object_set_new_nocheck(obj, it->v[i].attr->name, scim_scalar_tree(&it->v[i].value));
	return obj;
}

static json_t *
part_tree(const struct scim_part *part)
{
	if (!part->attr->multi)
		return scim_item_tree(&part->items[0], part->attr);
	json_t *list = json_array();
	for (size_t i = 0; i < part->n; i++)
		json_array_append_new(list, scim_item_tree(&part->items[i], part->attr));
	return list;
}

json_t *
scim_view_tree(const struct scim_view *v)
{
	json_t *res = json_object();

	json_object_set_new_nocheck(res, "schemas", json_array()); /* the first one */
	for (size_t i = 0; i < v->n; i++)
		scim_resource_set(v->type, res, v->parts[i].attr, part_tree(&v->parts[i]));
	scim_resource_set_schemas(v->type, res);
	return res;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static void
print_scalar(struct buf *out, const struct scim_scalar *s)
{
	switch (s->type) {
	case JSON_STRING:
		json_print_text(out, s->text);
		return;
	case JSON_TRUE:
		buf_adds(out, "true");
		return;
	case JSON_FALSE:
		buf_adds(out, "false");
		return;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, s->integer);
		return;
	case JSON_REAL: {
		json_auto_t *j = json_real(s->real);
		json_print(out, j);
		return;
	}
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return;
	}
}

struct print {
	struct buf *out;
	const struct scim_view *v;
	const struct scim_project *p; /* NULL: everything */
};

static enum scim_shown
shown(const struct print *pr, const struct scim_attr *attr)
{
	return pr->p ? scim_project_shows(pr->p, attr) : SCIM_SHOWN_WHOLE;
}

/* Whether anything is left of it. */
static bool
shows_item(const struct print *pr, const struct scim_part *part, const struct scim_item *it)
{
	bool any = shown(pr, part->attr) == SCIM_SHOWN_WHOLE;

	for (size_t i = 0; i < it->n && !any; i++)
		any = scim_project_shows_sub(pr->p, part->attr, it->v[i].attr);
	return any;
}

static bool
shows_part(const struct print *pr, const struct scim_part *part)
{
	enum scim_shown how = shown(pr, part->attr);
	bool any = how == SCIM_SHOWN_WHOLE;

	for (size_t i = 0; i < part->n && how == SCIM_SHOWN_PARTS && !any; i++)
		any = shows_item(pr, part, &part->items[i]);
	return any;
}

static void
print_field(const struct print *pr, const struct scim_attr *attr, const struct scim_scalar *value, bool *first)
{
	if (!*first)
		buf_addc(pr->out, ',');
	*first = false;
	buf_addv(pr->out, attr->key);
	print_scalar(pr->out, value);
}

/* What is whole keeps its order, what is not has the schema's. */
static void
print_item(const struct print *pr, const struct scim_part *part, const struct scim_item *it)
{
	const struct scim_attr *attr = part->attr;
	bool first = true;

	if (attr->kind != SCIM_COMPLEX) {
		print_scalar(pr->out, &it->v[0].value);
		return;
	}
	bool whole = shown(pr, attr) == SCIM_SHOWN_WHOLE;
	buf_addc(pr->out, '{');
	for (size_t i = 0; whole && i < it->n; i++)
		print_field(pr, it->v[i].attr, &it->v[i].value, &first);
	for (size_t i = 0; !whole && i < attr->n_subs; i++) {
		const struct scim_scalar *value = scim_item_get(it, &attr->subs[i]);
		if (value && scim_project_shows_sub(pr->p, attr, &attr->subs[i]))
			print_field(pr, &attr->subs[i], value, &first);
	}
	buf_addc(pr->out, '}');
}

static void
print_part(const struct print *pr, const struct scim_part *part)
{
	bool first = true;

	buf_addv(pr->out, part->attr->key);
	if (!part->attr->multi) {
		print_item(pr, part, &part->items[0]);
		return;
	}
	buf_addc(pr->out, '[');
	for (size_t i = 0; i < part->n; i++) {
		if (!shows_item(pr, part, &part->items[i]))
			continue;
		if (!first)
			buf_addc(pr->out, ',');
		first = false;
		print_item(pr, part, &part->items[i]);
	}
	buf_addc(pr->out, ']');
}

static bool
has_value(const struct scim_view *v, const struct scim_schema *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->parts[i].attr->schema == s)
			return true;
	return false;
}

/* RFC 7643 3.3: an extension is listed as long as one of its attributes has a value. */
static void
print_schemas(struct buf *out, const struct scim_view *v)
{
	const struct scim_type *t = v->type;

	buf_adds(out, "{\"schemas\":[");
	json_print_text(out, strv_of(t->core->urn));
	for (size_t x = 0; x < t->n_extensions; x++) {
		if (!has_value(v, t->extensions[x]))
			continue;
		buf_addc(out, ',');
		json_print_text(out, strv_of(t->extensions[x]->urn));
	}
	buf_addc(out, ']');
}

/* The parts of an extension, which may stand apart in the view, are one object. */
static void
print_extension(const struct print *pr, const struct scim_schema *s)
{
	bool first = true;

	for (size_t i = 0; i < pr->v->n; i++) {
		const struct scim_part *part = &pr->v->parts[i];
		if (part->attr->schema != s || !shows_part(pr, part))
			continue;
		buf_addc(pr->out, ',');
		if (first) {
			buf_addv(pr->out, s->key);
			buf_addc(pr->out, '{');
			first = false;
		}
		print_part(pr, part);
	}
	if (!first)
		buf_addc(pr->out, '}');
}

/* An extension stands where its first value came, or behind all others if something was left out. */
static bool
is_cut(const struct print *pr)
{
	bool cut = scim_project_given(pr->p);

	for (size_t i = 0; i < pr->v->n && !cut; i++)
		cut = shown(pr, pr->v->parts[i].attr) != SCIM_SHOWN_WHOLE;
	return cut;
}

static bool
is_first(const struct scim_view *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (v->parts[k].attr->schema == v->parts[i].attr->schema)
			return false;
	return true;
}

void
scim_view_print(struct buf *out, const struct scim_view *v, const struct scim_project *p)
{
	const struct print pr = {out, v, p};
	const struct scim_type *t = v->type;
	bool cut = is_cut(&pr);

	print_schemas(out, v);
	for (size_t i = 0; i < v->n; i++) {
		const struct scim_part *part = &v->parts[i];
		if (scim_attr_in_extension(t, part->attr)) {
			if (!cut && is_first(v, i))
				print_extension(&pr, part->attr->schema);
		} else if (shows_part(&pr, part)) {
			buf_addc(out, ',');
			print_part(&pr, part);
		}
	}
	for (size_t x = 0; cut && x < t->n_extensions; x++)
		print_extension(&pr, t->extensions[x]);
	buf_addc(out, '}');
}

struct strv
scim_view_text(struct arena *a, const struct scim_view *v, const struct scim_project *p)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(SIZE_MAX);

	buf_reserve(&out, TEXT_FIRST);
	scim_view_print(&out, v, p);
	return strv_n(arena_strndup(a, buf_str(&out), out.n), out.n);
}
