/* SPDX-License-Identifier: Apache-2.0
 * The body of a create or replace request to a resource in normal form. */
#include "scim/normal.h"

#define MAX_SCHEMAS 64

/* RFC 7643 3: "schemas" names what the body holds. The list of the result is built from what is really there. */
static int
check_schemas(struct scim_ctx *c, const json_t *body, struct err *e)
{
	const json_t *list = json_get_ci(body, "schemas", NULL);
	bool core = false;
	size_t i;
	const json_t *el;

	if (json_unassigned(list))
		return scim_tolerates(c, SCIM_TOL_NO_SCHEMAS, "schemas")
			       ? 0
			       : err_set(e, ERR_SYNTAX, "schemas is missing: it must name %s", c->type->core->urn);
	if (!json_is_array(list))
		return scim_tolerates(c, SCIM_TOL_SHAPE, "schemas")
			       ? 0
			       : err_set(e, ERR_SYNTAX, "schemas: expected an array, got %s", json_kind(list));
	if (json_array_size(list) > MAX_SCHEMAS)
		return err_set(e, ERR_SYNTAX, "schemas has more than %d elements", MAX_SCHEMAS);
	json_array_foreach (list, i, el) {
		const char *urn = json_string_value(el);
		const struct scim_schema *s = urn ? scim_type_schema(c->type, strv_of(urn)) : NULL;
		core = core || s == c->type->core;
		if (!s && !scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, urn ? urn : "schemas"))
			return err_set(e, ERR_SYNTAX, "schemas[%zu]: not a schema of %s", i, c->type->name);
		for (size_t k = 0; k < i; k++)
			if (urn && str_caseeq(urn, json_string_value(json_array_get(list, k))) &&
			    !scim_tolerates(c, SCIM_TOL_DUPLICATES, "schemas"))
				return err_set(e, ERR_SYNTAX, "schemas[%zu]: listed twice", i);
	}
	if (!core && !scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, c->type->core->urn))
		return err_set(e, ERR_SYNTAX, "schemas must name %s", c->type->core->urn);
	return 0;
}

static bool
lists_urn(const json_t *body, const char *urn)
{
	size_t i;
	const json_t *el;

	json_array_foreach (json_get_ci(body, "schemas", NULL), i, el)
		if (str_caseeq(json_string_value(el), urn))
			return true;
	return false;
}

static int
put_attr(struct scim_ctx *c, const struct scim_attr *attr, const json_t *value, bool replace, json_t *res,
	 struct err *e)
{
	const struct scim_place at = {.name = attr->path};
	bool partial = replace && attr->kind == SCIM_COMPLEX && !attr->multi;
	json_t *out = NULL;

	/* RFC 7644 3.3, 3.5.1: readOnly attributes in a body are ignored. */
	if (scim_attr_kept(attr))
		return 0;
	if (scim_normal(c, attr, false, partial, value, &at, &out, e) < 0)
		return -1;
	if (!out && replace && !attr->filled)
		out = json_null();
	if (partial && json_is_object(out) && json_object_size(out) == 0) {
		json_decref(out); /* {} says nothing about any sub-attribute */
		return 0;
	}
	if (out)
		scim_resource_set(c->type, res, attr, out);
	return 0;
}

static int
put_extension(struct scim_ctx *c, const struct scim_schema *s, const json_t *value, bool replace, json_t *res,
	      struct err *e)
{
	const char *key;
	json_t *v;

	if (json_unassigned(value)) {
		for (size_t i = 0; replace && i < s->n_attrs; i++)
			if (put_attr(c, &s->attrs[i], NULL, true, res, e) < 0)
				return -1;
		return 0;
	}
	if (!json_is_object(value))
		return err_set(e, ERR_VALUE, "%s: expected an object, got %s", s->urn, json_kind(value));
	json_object_foreach (scim_iterable(value), key, v) {
		const struct scim_attr *attr = scim_type_attr(c->type, strv_of(s->urn), strv_of(key));
		const struct scim_place at = {.up = &(struct scim_place){.name = s->urn}, .name = key};
		if (attr) {
			if (put_attr(c, attr, v, replace, res, e) < 0)
				return -1;
		} else if (!scim_tolerates(c, SCIM_TOL_UNKNOWN_ATTR, scim_place_text(c->a, &at))) {
			return err_set(e, ERR_SYNTAX, "%s: no such attribute", scim_place_text(c->a, &at));
		}
	}
	return 0;
}

/* "URN:employeeNumber" beside the core attributes instead of inside the extension's object. */
static const struct scim_attr *
find_flat(struct scim_ctx *c, const char *key)
{
	struct strv urn, rest;

	scim_split_urn(c->type, strv_of(key), &urn, &rest);
	if (urn.n == 0 || rest.n == 0 || !scim_type_attr(c->type, urn, rest))
		return NULL;
	return scim_tolerates(c, SCIM_TOL_FLAT_KEYS, key) ? scim_type_attr(c->type, urn, rest) : NULL;
}

static int
put_member(struct scim_ctx *c, const json_t *body, const char *key, const json_t *value, bool replace, json_t *res,
	   struct err *e)
{
	const struct scim_schema *s = scim_type_schema(c->type, strv_of(key));
	const struct scim_attr *attr;

	if (s) {
		if (!json_unassigned(value) && !lists_urn(body, s->urn) &&
		    !scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, s->urn))
			return err_set(e, ERR_SYNTAX, "%s has values but is not in schemas", s->urn);
		return put_extension(c, s, value, replace, res, e);
	}
	attr = scim_attr_find(c, strv_of(key));
	if (!attr)
		attr = find_flat(c, key);
	if (attr)
		return put_attr(c, attr, value, replace, res, e);
	if (scim_tolerates(c, SCIM_TOL_UNKNOWN_ATTR, key))
		return 0;
	return err_set(e, ERR_SYNTAX, "%s: no such attribute", key);
}

int
scim_resource_normalise(struct scim_ctx *c, const json_t *body, enum scim_normal_mode mode, json_t **res_r,
			struct err *e)
{
	json_auto_t *res = json_object();
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return err_set(e, ERR_SYNTAX, "the body must be an object, got %s", json_kind(body));
	if (check_schemas(c, body, e) < 0)
		return -1;
	/* In front of everything else; filled at the end. */
	json_object_set_new(res, "schemas", json_array());
	json_object_foreach (scim_iterable(body), key, value)
		if (put_member(c, body, key, value, mode == SCIM_FOR_REPLACE, res, e) < 0)
			return -1;
	if (scim_resource_check_parts(c, res, NULL, mode == SCIM_FOR_REPLACE, e) < 0)
		return -1;
	scim_resource_set_schemas(c->type, res);
	*res_r = json_keep(c->a, TAKE(res));
	return 0;
}
