/* SPDX-License-Identifier: Apache-2.0
 * The body of a Bulk request to operations (RFC 7644 3.7). */
#include "dirhinge/scim/bulk.h"

#include "dirhinge/base/strmap.h"
#include "scim/bulk_refs.h"

static const char *const methods[] = {
	[SCIM_BULK_POST] = "POST",
	[SCIM_BULK_PUT] = "PUT",
	[SCIM_BULK_PATCH] = "PATCH",
	[SCIM_BULK_DELETE] = "DELETE",
};

/* --- one operation ----------------------------------------------------------------------------------------------- */

static int
text_of(const json_t *obj, const char *key, const char **text_r, struct err *e)
{
	const json_t *v = json_get_ci(obj, key, NULL);
	if (json_unassigned(v))
		return 0;
	if (!json_is_string(v))
		return err_set(e, ERR_SYNTAX, "%s: expected a string, got %s", key, json_kind(v));
	*text_r = json_string_length(v) > 0 ? json_string_value(v) : NULL;
	return 0;
}

static int
parse_method(struct scim_bulk_op *op, struct err *e)
{
	if (!op->method_name)
		return err_set(e, ERR_SYNTAX, "method is missing");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_caseeq(op->method_name, methods[i])) {
			op->method = (enum scim_bulk_method)i;
			return 0;
		}
	return err_set(e, ERR_SYNTAX, "method: must be POST, PUT, PATCH or DELETE");
}

/* RFC 7644 3.7: a path relative to the base URL; clients also send the URL itself or its path. */
static struct strv
relative_path(const char *base_url, struct strv path)
{
	struct strv base = strv_of(base_url);
	if (strv_starts(path, base) && base.n > 0)
		return strv_n(path.p + base.n, path.n - base.n);
	const char *host = base_url ? strstr(base_url, "://") : NULL;
	struct strv local = strv_of(host ? strchr(host + 3, '/') : base_url);
	if (local.n > 0 && strv_starts(path, local))
		return strv_n(path.p + local.n, path.n - local.n);
	return path;
}

static int
parse_path(struct arena *a, const struct scim_bulk_opts *o, struct scim_bulk_op *op, const char *text, struct err *e)
{
	if (!text)
		return err_set(e, ERR_SYNTAX, "path is missing");
	struct strv rest = relative_path(o->base_url, strv_of(text));
	if (rest.n > 0 && rest.p[0] == '/')
		rest = strv_n(rest.p + 1, rest.n - 1);
	size_t slash = strv_chr(rest, '/');
	struct strv name = strv_n(rest.p, slash), id = {0};
	if (slash < rest.n)
		id = strv_n(rest.p + slash + 1, rest.n - slash - 1);
	for (size_t i = 0; i < o->n_types; i++)
		if (strv_eq(name, strv_of(o->types[i]->endpoint + 1)))
			op->type = o->types[i];
	bool odd = strv_chr(id, '/') < id.n || strv_chr(id, '?') < id.n || strv_chr(id, '#') < id.n;
	if (!op->type || odd)
		return err_set(e, ERR_NOT_FOUND, "path: there is nothing for Bulk at \"%.100s\"", text);
	if ((op->method == SCIM_BULK_POST) != (id.n == 0))
		return err_set(e, ERR_METHOD, "path: %s needs %s", methods[op->method],
			       op->method == SCIM_BULK_POST ? "the path of a resource type" : "the path of a resource");
	op->target = id.n > 0 ? arena_strndup(a, id.p, id.n) : NULL;
	return 0;
}

static int
parse_op(struct arena *a, const struct scim_bulk_opts *o, const json_t *in, struct scim_bulk_op *op, struct err *e)
{
	const char *path = NULL;
	if (!json_is_object(in))
		return err_set(e, ERR_SYNTAX, "expected an object, got %s", json_kind(in));
	if (text_of(in, "bulkId", &op->bulk_id, e) < 0 || text_of(in, "method", &op->method_name, e) < 0 ||
	    text_of(in, "version", &op->version, e) < 0 || text_of(in, "path", &path, e) < 0 ||
	    parse_method(op, e) < 0 || parse_path(a, o, op, path, e) < 0)
		return -1;
	op->data = json_get_ci(in, "data", NULL);
	if (op->method == SCIM_BULK_POST && !op->bulk_id)
		return err_set(e, ERR_SYNTAX, "bulkId is missing: POST needs one");
	if (op->method != SCIM_BULK_DELETE && !json_is_object(op->data))
		return err_set(e, ERR_SYNTAX, "data: %s needs an object", methods[op->method]);
	return 0;
}

/* --- envelope ---------------------------------------------------------------------------------------------------- */

static int
check_schemas(struct scim_ctx *c, const json_t *body, struct err *e)
{
	const json_t *list = json_get_ci(body, "schemas", NULL), *el;
	size_t i;
	if (json_unassigned(list) && scim_tolerates(c, SCIM_TOL_NO_SCHEMAS, "schemas"))
		return 0;
	json_array_foreach (list, i, el)
		if (str_caseeq(json_string_value(el), SCIM_URN_BULK_REQUEST))
			return 0;
	if (!json_unassigned(list) && scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, "schemas"))
		return 0;
	return err_set(e, ERR_SYNTAX, "schemas must name " SCIM_URN_BULK_REQUEST);
}

static int
parse_fail_on_errors(const json_t *body, int64_t *n_r, struct err *e)
{
	const json_t *v = json_get_ci(body, "failOnErrors", NULL);
	if (json_unassigned(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return err_set(e, ERR_VALUE, "failOnErrors: must be a number of errors");
	*n_r = json_integer_value(v);
	return 0;
}

static int
define(struct scim_bulk *b, struct scim_bulk_op *op, struct err *e)
{
	if (op->method != SCIM_BULK_POST || !op->bulk_id || op->bad.code != ERR_OK)
		return 0;
	if (strmap_put(b->posts, strv_of(op->bulk_id), op))
		return err_set(e, ERR_VALUE, "bulkId \"%.64s\" is used by two operations", op->bulk_id);
	return 0;
}

static void
order_by_target(struct scim_bulk *b)
{
	struct strmap *last = strmap_new(b->a, true);
	for (size_t i = 0; i < b->n; i++) {
		struct scim_bulk_op *op = &b->ops[i];
		if (op->bad.code == ERR_OK && op->target)
			op->after = strmap_put(
				last, strv_of(arena_printf(b->a, "%s/%s", op->type->endpoint, op->target)), op);
	}
}

int
scim_bulk_parse(struct scim_ctx *c, const json_t *body, const struct scim_bulk_opts *o, struct scim_bulk *b_r,
		struct err *e)
{
	struct scim_bulk b = {.a = c->a, .posts = strmap_new(c->a, false)};
	const json_t *list = json_get_ci(body, "Operations", NULL);
	if (!json_is_object(body))
		return err_set(e, ERR_SYNTAX, "the body must be an object, got %s", json_kind(body));
	if (check_schemas(c, body, e) < 0 || parse_fail_on_errors(body, &b.fail_on_errors, e) < 0)
		return -1;
	b.n = json_array_size(list);
	if (b.n == 0)
		return err_set(e, ERR_SYNTAX, "Operations: must be an array with at least one operation");
	/* RFC 7644 3.7.4: the answer names the limit. */
	if (b.n > o->max_operations)
		return err_set(e, ERR_TOO_LARGE, "the request has %zu operations, the limit (maxOperations) is %zu",
			       b.n, o->max_operations);
	b.ops = ARENA_ARRAY(c->a, b.n, struct scim_bulk_op);
	for (size_t i = 0; i < b.n; i++) {
		b.ops[i] = (struct scim_bulk_op){.bad = ERR_INIT};
		(void)(parse_op(c->a, o, json_array_get(list, i), &b.ops[i], &b.ops[i].bad) < 0);
		if (define(&b, &b.ops[i], e) < 0)
			return -1;
	}
	order_by_target(&b);
	for (size_t i = 0; i < b.n; i++)
		scim_bulk_find_refs(&b, &b.ops[i]);
	*b_r = b;
	return 0;
}
