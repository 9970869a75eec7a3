/* SPDX-License-Identifier: Apache-2.0
 * Filters on multi-valued complex attributes: a value may stand in a slot or inside a JSON element, and conditions in
 * brackets must meet in one element, which LDAP cannot say. So this only narrows; the resource decides. */
#include "map/query.h"

/* "sub":value as it stands inside a canonical JSON element; p NULL if it cannot be searched for. */
static struct strv
json_fragment(struct map_run *r, const char *sub, enum scim_op op, const json_t *value)
{
	const struct strv none = {0};
	if (op == SCIM_PR)
		return strv_of(arena_printf(r->a, "\"%s\":", sub));
	json_t *obj = json_keep(r->a, json_object());
	if (!obj || !value || json_object_set(obj, sub, json_keep(r->a, json_deep_copy(value))) < 0)
		return none;
	struct strv text = strv_of(json_text_canonical(r->a, obj));
	if (text.n < 2)
		return none;
	text = strv_n(text.p + 1, text.n - 2); /* without braces */
	if (op == SCIM_EQ)
		return text;
	/* "sub":"value" : the middle of the string is a part of any longer one. */
	size_t skip = strlen(sub) + 4;
	if (!json_is_string(value) || text.n < skip + 2)
		return none;
	struct strv inner = strv_n(text.p + skip, text.n - skip - 1);
	return inner.p[0] == ' ' || inner.p[inner.n - 1] == ' ' ? none : inner;
}

static const struct dir_filter *
in_elements(struct map_run *r, const struct map_row *row, const struct scim_attr *sub, enum scim_op op,
	    const json_t *value)
{
	const struct strv empty = STRV("");
	bool exact_rule = strv_casestarts(strv_of(row->at->equality), STRV("caseExact"));
	bool folds = sub->kind != SCIM_BOOLEAN && !sub->case_exact && exact_rule;
	bool searchable = op == SCIM_PR || op == SCIM_EQ || op == SCIM_CO || op == SCIM_SW || op == SCIM_EW;
	struct strv part = {0};
	if (searchable && row->at->has_substring && !(folds && op != SCIM_PR))
		part = json_fragment(r, sub->name, op, value);
	return part.p ? dir_f_sub(r->a, row->ldap, empty, part, empty) : dir_f_present(r->a, row->ldap);
}

/* NULL means "matches nothing" here. */
static const struct dir_filter *
join(struct map_run *r, const struct dir_filter *x, const struct dir_filter *y)
{
	return x && y ? dir_f_or2(r->a, x, y) : x ? x : y;
}

/* The rows of one slot against one sub-attribute; NULL: the slot cannot match. */
static const struct dir_filter *
in_slot(struct map_run *r, const struct map_slot *slot, const struct scim_attr *sub, enum scim_op op,
	const json_t *value)
{
	const struct dir_filter *any = NULL;
	const char *type = json_string_value(value);
	if (str_eq(sub->name, "type")) {
		if (op == SCIM_EQ && type && (!slot->type || !str_caseeq(type, slot->type)))
			return NULL;
		for (size_t i = 0; i < slot->n_rows; i++)
			any = join(r, any, dir_f_present(r->a, slot->rows[i]->ldap));
		return any;
	}
	for (size_t i = 0; i < slot->n_rows; i++) {
		bool never;
		if (slot->rows[i]->leaf != sub)
			continue;
		const struct dir_filter *f = map_row_query(r, slot->rows[i], op, value, &never);
		any = never ? any : join(r, any, f);
	}
	return any;
}

/* Entries with an element for which "sub op value" may hold. */
static struct map_narrow
on_sub(struct map_run *r, const struct map_home *h, const struct scim_attr *sub, enum scim_op op, const json_t *value)
{
	/* An element without the sub-attribute matches "ne", and so may an entry without element. */
	if (op == SCIM_NE || json_is_null(value))
		return (struct map_narrow){.kind = NARROW_ALL};
	const struct dir_filter *any = h->element ? in_elements(r, h->element, sub, op, value) : NULL;
	for (size_t i = 0; i < h->n_slots; i++)
		any = join(r, any, in_slot(r, &h->slots[i], sub, op, value));
	if (!any)
		return (struct map_narrow){.kind = NARROW_NONE, .exact = true};
	return (struct map_narrow){.kind = NARROW_SOME, .f = any};
}

static struct map_narrow
on_any(struct map_run *r, const struct map_home *h)
{
	const struct dir_filter *any = NULL;
	for (size_t i = 0; i < h->n_rows; i++)
		any = join(r, any, dir_f_present(r->a, h->rows[i]->ldap));
	return (struct map_narrow){.kind = NARROW_SOME, .f = any};
}

/* The filter in brackets. Its conditions meet in one element; here each is only known to hold for some element. */
static struct map_narrow
in_brackets(struct map_run *r, const struct map_home *h, const struct scim_filter *f)
{
	struct map_narrow x, y;
	switch (f->kind) {
	case SCIM_AND:
		x = in_brackets(r, h, f->left);
		y = in_brackets(r, h, f->right);
		if (x.kind == NARROW_NONE || y.kind == NARROW_ALL)
			return x;
		if (y.kind == NARROW_NONE || x.kind == NARROW_ALL)
			return y;
		x.f = dir_f_and2(r->a, x.f, y.f);
		return x;
	case SCIM_OR:
		x = in_brackets(r, h, f->left);
		y = in_brackets(r, h, f->right);
		if (x.kind == NARROW_ALL || y.kind == NARROW_NONE)
			return x;
		if (y.kind == NARROW_ALL || x.kind == NARROW_NONE)
			return y;
		x.f = dir_f_or2(r->a, x.f, y.f);
		return x;
	case SCIM_NOT:
	case SCIM_VALUE_PATH:
		return (struct map_narrow){.kind = NARROW_ALL};
	case SCIM_COMPARE:
		return on_sub(r, h, f->ref.attr, f->op, f->value);
	}
	return (struct map_narrow){.kind = NARROW_ALL};
}

struct map_narrow
map_multi_narrow(struct map_run *r, const struct map_home *h, const struct scim_filter *f)
{
	if (f->kind == SCIM_COMPARE)
		return f->ref.sub                             ? on_sub(r, h, f->ref.sub, f->op, f->value)
		       : f->op == SCIM_PR || f->op == SCIM_EQ ? on_any(r, h)
							      : (struct map_narrow){.kind = NARROW_ALL};
	struct map_narrow inner = in_brackets(r, h, f->left);
	/* "emails[not (…)]" still needs an element. */
	return inner.kind == NARROW_ALL ? on_any(r, h) : inner;
}
