/* SPDX-License-Identifier: Apache-2.0
 * Filters on resources. Two-valued logic as in the directory's (!(a=x)): "ne" is the negation of "eq", so it holds for
 * a resource without the attribute and fails for a multi-valued one of which any value is equal; every other comparison
 * is true if any value satisfies it. "eq null" is "not pr". Recursion is bounded by the parser's limits on depth and
 * number. */
#include "dirhinge/base/codec.h"
#include "dirhinge/scim/filter.h"
#include "text.h"

static struct strv
view(const json_t *string)
{
	return strv_n(json_string_value(string), json_string_length(string));
}

static bool
order_holds(int cmp, enum scim_op op)
{
	switch (op) {
	case SCIM_EQ:
		return cmp == 0;
	case SCIM_GT:
		return cmp > 0;
	case SCIM_GE:
		return cmp >= 0;
	case SCIM_LT:
		return cmp < 0;
	case SCIM_LE:
		return cmp <= 0;
	case SCIM_NE:
	case SCIM_CO:
	case SCIM_SW:
	case SCIM_EW:
	case SCIM_PR:
		break;
	}
	return false;
}

static bool
text_holds(const struct scim_attr *attr, enum scim_op op, struct strv have, struct strv want)
{
	switch (op) {
	case SCIM_CO:
		return scim_text_contains(have, want, attr->case_exact);
	case SCIM_SW:
		return scim_text_starts(have, want, attr->case_exact);
	case SCIM_EW:
		return scim_text_ends(have, want, attr->case_exact);
	case SCIM_EQ:
	case SCIM_GT:
	case SCIM_GE:
	case SCIM_LT:
	case SCIM_LE:
	case SCIM_NE:
	case SCIM_PR:
		break;
	}
	return order_holds(scim_text_cmp(have, want, attr->case_exact), op);
}

/* RFC 7644 3.4.2.2: dates are compared as instants, whatever zone they are written in. */
static bool
instant_holds(enum scim_op op, struct strv have, struct strv want)
{
	int64_t a, b;
	if (time_from_rfc3339(have, &a, NULL) || time_from_rfc3339(want, &b, NULL))
		return false;
	return order_holds((a > b) - (a < b), op);
}

static bool
number_holds(enum scim_op op, const json_t *have, const json_t *want)
{
	if (json_is_integer(have) && json_is_integer(want)) {
		json_int_t a = json_integer_value(have), b = json_integer_value(want);
		return order_holds((a > b) - (a < b), op);
	}
	double a = json_number_value(have), b = json_number_value(want);
	return order_holds((a > b) - (a < b), op);
}

/* One value, no array. A value of another type than the schema's never matches. */
static bool
value_holds(const struct scim_attr *attr, enum scim_op op, const json_t *have, const json_t *want)
{
	if (json_is_string(have) && json_is_string(want))
		return attr->kind == SCIM_DATETIME ? instant_holds(op, view(have), view(want))
						   : text_holds(attr, op, view(have), view(want));
	if (json_is_number(have) && json_is_number(want))
		return number_holds(op, have, want);
	return op == SCIM_EQ && json_is_boolean(have) && json_is_boolean(want) &&
	       json_is_true(have) == json_is_true(want);
}

/* RFC 7644 table 3: pr means a non-empty value. In normal form a complex value that is there holds something. */
static bool
present(const json_t *v)
{
	size_t i;
	json_t *m;
	json_array_foreach (v, i, m)
		if (present(m))
			return true;
	if (json_is_string(v))
		return json_string_length(v) > 0;
	if (json_is_object(v))
		return json_object_size(v) > 0;
	return json_is_boolean(v) || json_is_number(v);
}

/* v: the value of the reference's top attribute, or one of its values. */
static bool
any_present(const struct scim_ref *ref, const json_t *v)
{
	size_t i;
	json_t *m;
	if (!ref->sub)
		return present(v);
	json_array_foreach (v, i, m)
		if (any_present(ref, m))
			return true;
	return present(json_object_get(v, ref->sub->name));
}

static bool
any_holds(const struct scim_ref *ref, const struct scim_filter *f, const json_t *v)
{
	size_t i;
	json_t *m;
	json_array_foreach (v, i, m)
		if (any_holds(ref, f, m))
			return true;
	if (ref->sub) {
		const struct scim_ref sub = {.attr = ref->sub};
		return any_holds(&sub, f, json_object_get(v, ref->sub->name));
	}
	return value_holds(ref->attr, f->op == SCIM_NE ? SCIM_EQ : f->op, v, f->value);
}

static bool
compare(const struct scim_filter *f, const json_t *v)
{
	if (f->op == SCIM_PR)
		return any_present(&f->ref, v);
	if (json_is_null(f->value))
		return any_present(&f->ref, v) == (f->op == SCIM_NE);
	return any_holds(&f->ref, f, v) == (f->op != SCIM_NE);
}

static const json_t *
value_of(const struct scim_type *t, const json_t *resource, const struct scim_attr *attr)
{
	if (scim_attr_in_extension(t, attr))
		resource = json_object_get(resource, attr->schema->urn);
	return json_object_get(resource, attr->name);
}

static bool
match_any_element(const struct scim_filter *f, const json_t *v)
{
	size_t i;
	json_t *m;
	if (!json_is_array(v))
		return v && !json_is_null(v) && scim_filter_match_element(f, v);
	json_array_foreach (v, i, m)
		if (scim_filter_match_element(f, m))
			return true;
	return false;
}

bool
scim_filter_match(const struct scim_type *t, const struct scim_filter *f, const json_t *resource)
{
	switch (f->kind) {
	case SCIM_AND:
		return scim_filter_match(t, f->left, resource) && scim_filter_match(t, f->right, resource);
	case SCIM_OR:
		return scim_filter_match(t, f->left, resource) || scim_filter_match(t, f->right, resource);
	case SCIM_NOT:
		return !scim_filter_match(t, f->left, resource);
	case SCIM_COMPARE:
		return compare(f, value_of(t, resource, f->ref.attr));
	case SCIM_VALUE_PATH:
		return match_any_element(f->left, value_of(t, resource, f->ref.attr));
	}
	return false;
}

bool
scim_filter_match_element(const struct scim_filter *f, const json_t *element)
{
	switch (f->kind) {
	case SCIM_AND:
		return scim_filter_match_element(f->left, element) && scim_filter_match_element(f->right, element);
	case SCIM_OR:
		return scim_filter_match_element(f->left, element) || scim_filter_match_element(f->right, element);
	case SCIM_NOT:
		return !scim_filter_match_element(f->left, element);
	case SCIM_COMPARE:
		/* The elements of a simple multi-valued attribute are the values themselves. */
		return compare(f, f->ref.attr->parent ? json_object_get(element, f->ref.attr->name) : element);
	case SCIM_VALUE_PATH:
		break; /* the parser refuses brackets in brackets */
	}
	return false;
}
