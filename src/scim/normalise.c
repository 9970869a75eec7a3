/* SPDX-License-Identifier: Apache-2.0
 * Values of one attribute to normal form: types, canonical names, the shapes that clients are known to send. */
#include "dirhinge/base/codec.h"
#include "scim/normal.h"

#define PLACE_MAX 400

static void
place_add(struct buf *b, const struct scim_place *at)
{
	if (at->up)
		place_add(b, at->up);
	if (!at->name)
		buf_printf(b, "[%zu]", at->index);
	else
		buf_printf(b, "%s%s", at->up ? "." : "", at->name);
}

const char *
scim_place_text(struct arena *a, const struct scim_place *at)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(PLACE_MAX);

	place_add(&b, at);
	return arena_strdup(a, buf_str(&b));
}

static int
wrong_type(struct scim_ctx *c, const struct scim_place *at, const char *wanted, const json_t *value, struct err *e)
{
	return err_set(e, ERR_VALUE, "%s: expected %s, got %s", scim_place_text(c->a, at), wanted, json_kind(value));
}

static bool
tolerates(struct scim_ctx *c, enum scim_tolerance kind, const struct scim_place *at)
{
	return (c->tolerate & (unsigned)kind) != 0 && scim_tolerates(c, kind, scim_place_text(c->a, at));
}

/* --- simple values ----------------------------------------------------------------------------------------------- */

typedef int (*simple_fn)(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r,
			 struct err *e);

static int
normal_string(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	/* Numbers of employees and the like come as JSON numbers. */
	if (json_is_integer(value) && tolerates(c, SCIM_TOL_SHAPE, at)) {
		*out_r = json_string(arena_printf(c->a, "%lld", (long long)json_integer_value(value)));
		return 0;
	}
	if (!json_is_string(value))
		return wrong_type(c, at, "a string", value, e);
	*out_r = json_string_length(value) ? json_deep_copy(value) : NULL;
	return 0;
}

static int
normal_boolean(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	const char *s = json_string_value(value);
	bool yes = str_caseeq(s, "true");

	if (s && (yes || str_caseeq(s, "false")) && tolerates(c, SCIM_TOL_STRING_BOOL, at)) {
		*out_r = json_boolean(yes);
		return 0;
	}
	if (!json_is_boolean(value))
		return wrong_type(c, at, "a boolean", value, e);
	*out_r = json_boolean(json_is_true(value));
	return 0;
}

static int
normal_decimal(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	if (!json_is_number(value))
		return wrong_type(c, at, "a number", value, e);
	*out_r = json_deep_copy(value);
	return 0;
}

static int
normal_integer(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	if (!json_is_integer(value))
		return wrong_type(c, at, "an integer", value, e);
	*out_r = json_deep_copy(value);
	return 0;
}

static int
normal_datetime(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	int64_t us;
	struct err why = ERR_INIT;

	if (!json_is_string(value))
		return wrong_type(c, at, "a date and time", value, e);
	if (json_string_length(value) > 0 &&
	    time_from_rfc3339(strv_n(json_string_value(value), json_string_length(value)), &us, &why) < 0)
		return err_set(e, ERR_VALUE, "%s: not a date and time such as 2026-11-20T09:00:00Z",
			       scim_place_text(c->a, at));
	return normal_string(c, value, at, out_r, e);
}

static int
normal_binary(struct scim_ctx *c, const json_t *value, const struct scim_place *at, json_t **out_r, struct err *e)
{
	struct strv bytes;
	struct err why = ERR_INIT;

	if (!json_is_string(value))
		return wrong_type(c, at, "base64 text", value, e);
	/* RFC 7643 2.3.6: base64 of RFC 4648 section 4, padding kept. */
	if (base64_decode(c->a, strv_n(json_string_value(value), json_string_length(value)), &bytes, &why) < 0)
		return err_set(e, ERR_VALUE, "%s: not base64", scim_place_text(c->a, at));
	return normal_string(c, value, at, out_r, e);
}

static const simple_fn simple[] = {
	[SCIM_STRING] = normal_string,    [SCIM_BOOLEAN] = normal_boolean, [SCIM_DECIMAL] = normal_decimal,
	[SCIM_INTEGER] = normal_integer,  [SCIM_BINARY] = normal_binary,   [SCIM_DATETIME] = normal_datetime,
	[SCIM_REFERENCE] = normal_string,
};

static int
normal_simple(struct scim_ctx *c, const struct scim_attr *attr, const json_t *value, const struct scim_place *at,
	      json_t **out_r, struct err *e)
{
	const json_t *inner = json_is_object(value) ? json_get_ci(value, "value", NULL) : NULL;

	if (json_array_size(value) == 1)
		inner = json_array_get(value, 0);
	/* ["x"], {"value":"x"} and Entra's [{"value":"x"}] on a path that names one simple value. */
	if (inner && tolerates(c, SCIM_TOL_SHAPE, at))
		return scim_normal(c, attr, true, false, inner, at, out_r, e);
	return simple[attr->kind](c, value, at, out_r, e);
}

/* --- complex values ---------------------------------------------------------------------------------------------- */

/* {"value":"{\"value\":\"Admin\",\"displayName\":\"Admin\"}"}: Entra's app roles are objects in a string. */
static int
unwrap_json(struct scim_ctx *c, const struct scim_attr *attr, json_t *obj, const struct scim_place *at, struct err *e)
{
	const char *text = json_string_value(json_object_get(obj, "value"));
	const struct scim_attr *value = scim_attr_value(attr);
	json_t *inner;
	struct err why = ERR_INIT;

	if ((c->tolerate & SCIM_TOL_JSON_STRING) == 0 || !text || text[0] != '{' || value->kind != SCIM_STRING)
		return 0;
	if (json_parse(c->a, strv_of(text), NULL, &inner, &why) < 0 ||
	    !json_is_string(json_get_ci(inner, "value", NULL)) || !tolerates(c, SCIM_TOL_JSON_STRING, at))
		return 0;
	for (size_t i = 0; i < attr->n_subs; i++) {
		const struct scim_attr *sub = &attr->subs[i];
		const struct scim_place here = {.up = at, .name = sub->name};
		const json_t *v = json_get_ci(inner, sub->name, NULL);
		json_t *out = NULL;
		if (!v && str_eq(sub->name, "display"))
			v = json_get_ci(inner, "displayName", NULL);
		if (!v || scim_sub_is_derived(attr, sub))
			continue;
		if (scim_normal(c, sub, false, false, v, &here, &out, e) < 0)
			return -1;
		if (out)
			json_object_set_new(obj, sub->name, out);
	}
	return 0;
}

static int
normal_subs(struct scim_ctx *c, const struct scim_attr *attr, bool partial, const json_t *value,
	    const struct scim_place *at, json_t *obj, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (scim_iterable(value), key, v) {
		const struct scim_attr *sub = scim_attr_sub(attr, strv_of(key));
		const struct scim_place here = {.up = at, .name = sub ? sub->name : key};
		json_t *out = NULL;
		if (!sub && !tolerates(c, SCIM_TOL_UNKNOWN_ATTR, &here))
			return err_set(e, ERR_SYNTAX, "%s: no such attribute", scim_place_text(c->a, &here));
		if (!sub || scim_sub_is_derived(attr, sub))
			continue;
		if (scim_normal(c, sub, false, false, v, &here, &out, e) < 0)
			return -1;
		if (!out && partial)
			out = json_null();
		if (out)
			json_object_set_new(obj, sub->name, out);
	}
	return 0;
}

static int
normal_object(struct scim_ctx *c, const struct scim_attr *attr, bool partial, const json_t *value,
	      const struct scim_place *at, json_t **out_r, struct err *e)
{
	json_auto_t *obj = json_object();
	const struct scim_attr *sub = scim_attr_value(attr);

	if (json_is_object(value)) {
		if (normal_subs(c, attr, partial, value, at, obj, e) < 0)
			return -1;
	} else {
		/* manager: "271" instead of {"value":"271"} */
		const struct scim_place here = {.up = at, .name = "value"};
		json_t *out = NULL;
		if (!json_is_string(value) || !sub || !tolerates(c, SCIM_TOL_SHAPE, at))
			return wrong_type(c, at, "an object", value, e);
		if (scim_normal(c, sub, false, false, value, &here, &out, e) < 0)
			return -1;
		if (out)
			json_object_set_new(obj, sub->name, out);
	}
	if (unwrap_json(c, attr, obj, at, e) < 0)
		return -1;
	*out_r = !partial && scim_complex_is_empty(attr, obj) ? NULL : TAKE(obj);
	return 0;
}

static int
normal_complex(struct scim_ctx *c, const struct scim_attr *attr, bool partial, const json_t *value,
	       const struct scim_place *at, json_t **out_r, struct err *e)
{
	if (json_is_string(value) && json_string_length(value) == 0) {
		*out_r = NULL;
		return 0;
	}
	/* "manager": [{"value":"26118915"}] */
	if (json_array_size(value) == 1 && tolerates(c, SCIM_TOL_SHAPE, at))
		return scim_normal(c, attr, true, partial, json_array_get(value, 0), at, out_r, e);
	return normal_object(c, attr, partial, value, at, out_r, e);
}

static int
normal_list(struct scim_ctx *c, const struct scim_attr *attr, const json_t *value, const struct scim_place *at,
	    json_t **out_r, struct err *e)
{
	json_auto_t *list = json_array();
	size_t i;
	const json_t *el;
	json_t *out = NULL;

	if (!json_is_array(value)) {
		if (!tolerates(c, SCIM_TOL_SHAPE, at))
			return wrong_type(c, at, "an array", value, e);
		if (scim_normal(c, attr, true, false, value, at, &out, e) < 0)
			return -1;
		if (out)
			json_array_append_new(list, out);
	}
	json_array_foreach (value, i, el) {
		const struct scim_place here = {.up = at, .index = i};
		if (scim_normal(c, attr, true, false, el, &here, &out, e) < 0)
			return -1;
		if (out)
			json_array_append_new(list, out);
	}
	*out_r = json_array_size(list) ? TAKE(list) : NULL;
	return 0;
}

int
scim_normal(struct scim_ctx *c, const struct scim_attr *attr, bool one, bool partial, const json_t *value,
	    const struct scim_place *at, json_t **out_r, struct err *e)
{
	/* RFC 7643 2.5: null and the empty array are the same as no value. */
	if (json_unassigned(value)) {
		*out_r = NULL;
		return 0;
	}
	if (attr->multi && !one)
		return normal_list(c, attr, value, at, out_r, e);
	if (attr->kind == SCIM_COMPLEX)
		return normal_complex(c, attr, partial, value, at, out_r, e);
	return normal_simple(c, attr, value, at, out_r, e);
}
