/* SPDX-License-Identifier: Apache-2.0
 * The body of a PATCH request to a list of typed operations, one attribute each (RFC 7644 3.5.2). */
#include "dirhinge/scim/patch.h"
#include "scim/normal.h"

static const struct {
	const char *name;
	enum scim_patch_kind kind;
} kinds[] = {{"add", SCIM_ADD}, {"replace", SCIM_REPLACE}, {"remove", SCIM_REMOVE}};

/* One operation of the body while it is taken apart. */
struct op {
	struct scim_ctx *c;
	struct scim_patch *patch;
	size_t *cap;
	enum scim_patch_kind kind;
	const json_t *value;
	unsigned index;
};

static void
push(const struct op *op, const struct scim_path *path, const json_t *value)
{
	struct scim_patch *p = op->patch;

	p->ops = ARENA_GROW(op->c->a, p->ops, p->n, op->cap, 8);
	p->ops[p->n++] = (struct scim_patch_op){.kind = op->kind, .path = path, .value = value, .index = op->index};
}

static void
push_attr(const struct op *op, const struct scim_attr *attr, const json_t *value)
{
	struct scim_path *path = ARENA_NEW(op->c->a, struct scim_path);

	path->attr = attr;
	push(op, path, value);
}

/* The same failure with the place in the body in front. */
static int
op_error(const struct op *op, const char *member, const struct err *why, struct err *e)
{
	return err_at(e, why->offset, why->code, "Operations[%u].%s: %s", op->index, member, why->detail);
}

static bool
is_read_only(const struct scim_path *path)
{
	return (path->attr && scim_attr_kept(path->attr)) || (path->sub && path->sub->mutability == SCIM_READ_ONLY);
}

/* 1 parsed, 0 to be ignored, -1 error. */
static int
parse_path(const struct op *op, const char *member, struct strv text, const struct scim_path **path_r, struct err *e)
{
	struct err why = ERR_INIT;
	int rc = scim_path_parse(op->c, text, path_r, &why);

	return rc < 0 ? op_error(op, member, &why, e) : rc;
}

static int
unknown_key(const struct op *op, const char *key, struct err *e)
{
	if (scim_tolerates(op->c, SCIM_TOL_UNKNOWN_ATTR, key))
		return 0;
	/* RFC 7644 table 9: what is wrong is the message, there is no path. */
	return err_set(e, ERR_SYNTAX, "Operations[%u].value: %s: no such attribute", op->index, key);
}

/* Libraries that build an extension's object from its schema write its name into it (scim2-models). */
static bool
names_itself(const struct scim_schema *s, const char *key, const json_t *value)
{
	return str_caseeq(key, "schemas") && json_array_size(value) == 1 &&
	       str_caseeq(json_string_value(json_array_get(value, 0)), s->urn);
}

/* The members of an extension's object, each as an operation of its own. value NULL: all attributes of the schema. */
static int
split_schema(const struct op *op, const struct scim_schema *s, const json_t *value, struct err *e)
{
	const char *key;
	json_t *v;

	if (json_unassigned(value)) {
		for (size_t i = 0; op->kind != SCIM_ADD && i < s->n_attrs; i++)
			if (!scim_attr_kept(&s->attrs[i]))
				push_attr(op, &s->attrs[i], value);
		return 0;
	}
	if (!json_is_object(value))
		return err_set(e, ERR_VALUE, "Operations[%u].value: %s: expected an object, got %s", op->index, s->urn,
			       json_kind(value));
	json_object_foreach (scim_iterable(value), key, v) {
		const struct scim_attr *attr = scim_type_attr(op->c->type, strv_of(s->urn), strv_of(key));
		if (!attr && !names_itself(s, key, v) && unknown_key(op, key, e) < 0)
			return -1;
		if (attr && !scim_attr_kept(attr))
			push_attr(op, attr, v);
	}
	return 0;
}

/* RFC 7644 3.10: "URN:attribute" names the attribute everywhere, as a key too; it is no liberty of the client. */
static bool
is_full_name(const struct scim_type *type, const char *key)
{
	struct strv urn, rest;

	scim_split_urn(type, strv_of(key), &urn, &rest);
	return urn.n > 0 && rest.n > 0 && scim_type_attr(type, urn, rest) != NULL;
}

static int
split_key(const struct op *op, const char *key, const json_t *value, struct err *e)
{
	const struct scim_schema *s = scim_type_schema(op->c->type, strv_of(key));
	const struct scim_attr *attr = s ? NULL : scim_attr_find(op->c, strv_of(key));
	const struct scim_path *path = NULL;
	int rc;

	if (s)
		return split_schema(op, s, value, e);
	if (attr) {
		/* RFC 7644 3.5.2.3: clients send back whole resources; what is the server's is not asked for, nor is
		 * the end of a password that they could not read, nor of what the server always has. */
		bool unread = attr->mutability == SCIM_WRITE_ONLY || attr->filled;
		if (!scim_attr_kept(attr) && !(unread && json_unassigned(value)))
			push_attr(op, attr, value);
		return 0;
	}
	if (!is_full_name(op->c->type, key) &&
	    (!strpbrk(key, ".:[") || !scim_tolerates(op->c, SCIM_TOL_FLAT_KEYS, key)))
		return unknown_key(op, key, e);
	rc = parse_path(op, "value", strv_of(key), &path, e);
	if (rc <= 0)
		return rc;
	if (path->extension)
		return split_schema(op, path->extension, value, e);
	if (!is_read_only(path))
		push(op, path, value);
	return 0;
}

static int
split_pathless(const struct op *op, struct err *e)
{
	const json_t *value = op->value;
	const char *key;
	json_t *v;

	/* RFC 7644 3.5.2.2: remove without path has no target. */
	if (op->kind == SCIM_REMOVE)
		return err_set(e, ERR_NO_TARGET, "Operations[%u]: remove needs a path", op->index);
	if (json_array_size(value) == 1 && scim_tolerates(op->c, SCIM_TOL_SHAPE, "value"))
		value = json_array_get(value, 0);
	if (!json_is_object(value))
		return err_set(e, ERR_VALUE, "Operations[%u].value: without path an object is needed, got %s",
			       op->index, json_kind(value));
	json_object_foreach (scim_iterable(value), key, v)
		if (split_key(op, key, v, e) < 0)
			return -1;
	return 0;
}

/* RFC 7643 2.5; an empty string holds nothing either. */
static bool
is_unassigned(const json_t *value)
{
	return json_unassigned(value) || (json_is_string(value) && json_string_length(value) == 0);
}

static int
with_path(const struct op *op, const char *text, struct err *e)
{
	const struct scim_path *path = NULL;
	int rc = parse_path(op, "path", strv_of(text), &path, e);

	if (rc <= 0)
		return rc;
	if (path->extension)
		return split_schema(op, path->extension, op->value, e);
	/* RFC 7644 3.5.2: modifying a readOnly attribute is an error when it is named. */
	if (is_read_only(path))
		return err_set(e, ERR_MUTABILITY, "Operations[%u].path: %s is readOnly", op->index,
			       path->sub ? path->sub->path : path->attr->path);
	/* What cannot be read is not known to be absent: success would claim a removal that did not happen. */
	if (path->attr->mutability == SCIM_WRITE_ONLY && (op->kind == SCIM_REMOVE || is_unassigned(op->value)))
		return err_set(e, ERR_MUTABILITY,
			       "Operations[%u].path: %s can be set, not removed; set active to false to stop logins",
			       op->index, path->attr->path);
	push(op, path, op->value);
	return 0;
}

static int
parse_kind(struct op *op, const json_t *body, struct err *e)
{
	const char *name = json_string_value(json_get_ci(body, "op", NULL));

	/* The values are lower case in RFC 7644 3.5.2; "Add" and "Replace" are on the wire every day. */
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_caseeq(name, kinds[i].name)) {
			op->kind = kinds[i].kind;
			return 0;
		}
	return err_set(e, ERR_SYNTAX, "Operations[%u].op: must be add, replace or remove", op->index);
}

static int
parse_op(struct op *op, const json_t *body, struct err *e)
{
	const json_t *path;

	if (!json_is_object(body))
		return err_set(e, ERR_SYNTAX, "Operations[%u]: expected an object, got %s", op->index, json_kind(body));
	if (parse_kind(op, body, e) < 0)
		return -1;
	path = json_get_ci(body, "path", NULL);
	op->value = json_get_ci(body, "value", NULL);
	if (!op->value && op->kind != SCIM_REMOVE)
		return err_set(e, ERR_VALUE, "Operations[%u].value: missing", op->index);
	if (json_is_string(path) && json_string_length(path) == 0 && scim_tolerates(op->c, SCIM_TOL_SHAPE, "path"))
		path = NULL;
	if (!path || json_is_null(path))
		return split_pathless(op, e);
	if (!json_is_string(path))
		return err_set(e, ERR_PATH, "Operations[%u].path: expected a string, got %s", op->index,
			       json_kind(path));
	return with_path(op, json_string_value(path), e);
}

static int
check_schemas(struct scim_ctx *c, const json_t *body, struct err *e)
{
	const json_t *list = json_get_ci(body, "schemas", NULL);
	size_t i;
	const json_t *el;

	if (json_unassigned(list) && scim_tolerates(c, SCIM_TOL_NO_SCHEMAS, "schemas"))
		return 0;
	json_array_foreach (list, i, el)
		if (str_caseeq(json_string_value(el), SCIM_URN_PATCHOP))
			return 0;
	if (!json_unassigned(list) && scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, SCIM_URN_PATCHOP))
		return 0;
	return err_set(e, ERR_SYNTAX, "schemas must name %s", SCIM_URN_PATCHOP);
}

int
scim_patch_parse(struct scim_ctx *c, const json_t *body, struct scim_patch *patch_r, struct err *e)
{
	struct scim_patch patch = {0};
	size_t cap = 0, n;
	const json_t *list;

	if (!json_is_object(body))
		return err_set(e, ERR_SYNTAX, "the body must be an object, got %s", json_kind(body));
	if (check_schemas(c, body, e) < 0)
		return -1;
	list = json_get_ci(body, "Operations", NULL);
	/* RFC 7644 3.5.2: one or more operations. */
	n = json_array_size(list);
	if (n == 0)
		return err_set(e, ERR_SYNTAX, "Operations: expected an array of at least one operation");
	if (n > SCIM_PATCH_MAX_OPS)
		return err_set(e, ERR_TOO_LARGE, "Operations: at most %d are allowed", SCIM_PATCH_MAX_OPS);
	for (size_t i = 0; i < n; i++) {
		struct op op = {.c = c, .patch = &patch, .cap = &cap, .index = (unsigned)i};
		if (parse_op(&op, json_array_get(list, i), e) < 0)
			return -1;
	}
	*patch_r = patch;
	return 0;
}
