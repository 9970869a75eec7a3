/* SPDX-License-Identifier: Apache-2.0
 * See scim_tree.h. */
#include "scim_tree.h"

/* --- views ------------------------------------------------------------------------------------------------------- */

static bool
scalar_of(const json_t *j, struct scim_scalar *s_r)
{
	*s_r = (struct scim_scalar){.type = json_typeof(j)};
	if (json_is_string(j))
		s_r->text = strv_n(json_string_value(j), json_string_length(j));
	if (json_is_integer(j))
		s_r->integer = json_integer_value(j);
	if (json_is_real(j))
		s_r->real = json_real_value(j);
	return !json_is_null(j) && !json_is_object(j) && !json_is_array(j);
}

static void
add_item(struct scim_view *v, const struct scim_attr *attr, const json_t *j)
{
	struct scim_scalar s;
	const char *key;
	json_t *value;

	if (attr->kind == SCIM_COMPLEX ? !json_is_object(j) : !scalar_of(j, &s))
		return;
	struct scim_item *it = scim_view_item(v, attr);
	if (attr->kind != SCIM_COMPLEX)
		scim_item_set(it, attr, s);
	json_object_foreach ((json_t *)(uintptr_t)j, key, value) {
		const struct scim_attr *sub = scim_attr_sub(attr, strv_of(key));
		if (sub && scalar_of(value, &s))
			scim_item_set(it, sub, s);
	}
}

static void
add_all(struct scim_view *v, struct strv urn, const json_t *from)
{
	const char *key;
	json_t *value, *el;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)from, key, value) {
		const struct scim_attr *attr = scim_type_attr(v->type, urn, strv_of(key));
		if (!attr && urn.n == 0 && scim_type_schema(v->type, strv_of(key)))
			add_all(v, strv_of(key), value);
		if (!attr || str_eq(key, "schemas"))
			continue;
		if (!attr->multi)
			add_item(v, attr, value);
		json_array_foreach (attr->multi ? value : NULL, i, el)
			add_item(v, attr, el);
	}
}

struct scim_view *
scim_tree_view(struct arena *a, const struct scim_type *t, const json_t *res)
{
	struct scim_view *v = scim_view_new(a, t);

	add_all(v, (struct strv){0}, res);
	return v;
}

/* --- projection -------------------------------------------------------------------------------------------------- */

static bool
is_whole(const struct scim_project *p, const struct scim_attr *attr)
{
	for (size_t i = 0; i < attr->n_subs; i++)
		if (!scim_project_shows_sub(p, attr, &attr->subs[i]))
			return false;
	return true;
}

static json_t *
project_complex(const struct scim_project *p, const struct scim_attr *attr, const json_t *value)
{
	json_t *out = json_object();

	for (size_t i = 0; i < attr->n_subs; i++) {
		json_t *v = json_object_get(value, attr->subs[i].name);
		if (v && scim_project_shows_sub(p, attr, &attr->subs[i]))
			json_object_set(out, attr->subs[i].name, v);
	}
	return out;
}

/* A new reference; NULL if nothing of the value is wanted. */
static json_t *
project_value(const struct scim_project *p, const struct scim_attr *attr, json_t *value)
{
	size_t i;
	json_t *el;

	if (is_whole(p, attr))
		return json_incref(value);
	if (json_is_object(value)) {
		json_auto_t *out = project_complex(p, attr, value);
		return json_object_size(out) ? TAKE(out) : NULL;
	}
	json_auto_t *list = json_array();
	json_array_foreach (value, i, el) {
		json_auto_t *out = project_complex(p, attr, el);
		if (json_object_size(out))
			json_array_append(list, out);
	}
	return json_array_size(list) ? TAKE(list) : NULL;
}

/* cut_r: something was left out. */
static void
project_into(const struct scim_project *p, const struct scim_type *t, struct strv urn, const json_t *from, json_t *out,
	     bool *cut_r)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)from, key, value) {
		const struct scim_attr *attr = scim_type_attr(t, urn, strv_of(key));
		json_t *v = attr && scim_project_wants(p, attr) ? project_value(p, attr, value) : NULL;
		if (v)
			json_object_set_new(out, key, v);
		*cut_r |= attr && (!v || !is_whole(p, attr));
	}
}

json_t *
scim_tree_project(const struct scim_project *p, const struct scim_type *t, const json_t *res)
{
	json_auto_t *out = json_object();
	bool cut = scim_project_given(p);

	/* RFC 7643 3 and 3.1: in every answer, whatever was asked for. */
	json_object_set(out, "schemas", json_object_get(res, "schemas"));
	project_into(p, t, (struct strv){0}, res, out, &cut);
	for (size_t i = 0; i < t->n_extensions; i++) {
		const char *urn = t->extensions[i]->urn;
		json_auto_t *ext = json_object();
		project_into(p, t, strv_of(urn), json_object_get(res, urn), ext, &cut);
		if (json_object_size(ext))
			json_object_set(out, urn, ext);
	}
	return cut ? TAKE(out) : json_incref((json_t *)(uintptr_t)res); /* counting is all that changes */
}
