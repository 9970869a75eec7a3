/* SPDX-License-Identifier: Apache-2.0
 * Queries: GET on a type and POST …/.search (RFC 7644 3.4.2, 3.4.3). */
#include "ep.h"
#include "http_priv.h"
#include "media.h"

#define SCIM_URN_SEARCH "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

/* RFC 7644 3.4.2.4: startIndex below 1 means 1, count below 0 means 0. An absurd number stays a number. */
static int
parse_number(const char *name, const char *text, int64_t least, int64_t *n_r, struct err *e)
{
	struct strv s = strv_of(text);
	bool minus = s.n > 0 && s.p[0] == '-';
	int64_t n = 0;
	size_t i = minus || (s.n > 0 && s.p[0] == '+') ? 1 : 0;
	if (i == s.n)
		return err_set(e, ERR_VALUE, "%s is not a number", name);
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return err_set(e, ERR_VALUE, "%s is not a number", name);
		n = n > (INT64_MAX - 9) / 10 ? INT64_MAX / 10 : n * 10 + (s.p[i] - '0');
	}
	n = minus ? -n : n;
	*n_r = n < least ? least : n;
	return 0;
}

/* noted: what was tolerated in the body. */
static int
run(struct req *q, const struct gw_list *l, const struct scim_note *noted, struct err *e)
{
	struct strv response;
	int rc = gw_search(q->h->opts.gw, &q->gw, l, &response, e);
	for (; noted; noted = noted->next) {
		struct scim_note *copy = ARENA_NEW(q->a, struct scim_note);
		*copy = (struct scim_note){noted->kind, noted->what, q->gw.notes};
		q->gw.notes = copy;
	}
	if (rc < 0)
		return -1;
	http_reply_text(q, 200, http_media_choose(q->head.accept), response);
	return 0;
}

static int
list(struct req *q, unsigned types, struct err *e)
{
	const char *start = http_uri_param(&q->uri, "startIndex");
	const char *count = http_uri_param(&q->uri, "count");
	struct gw_list l = {
		.types = types,
		.filter = http_uri_param(&q->uri, "filter"),
		.sort_by = http_uri_param(&q->uri, "sortBy"),
		.sort_order = http_uri_param(&q->uri, "sortOrder"),
		.cursor = http_uri_param(&q->uri, "cursor"),
		.start_index = 1,
		.count = -1,
	};
	if ((start && parse_number("startIndex", start, 1, &l.start_index, e) < 0) ||
	    (count && parse_number("count", count, 0, &l.count, e) < 0))
		return -1;
	http_ep_gw_init(q);
	return run(q, &l, NULL, e);
}

int
http_ep_list(struct req *q, struct err *e)
{
	return list(q, 0, e);
}

/* RFC 7644 3.4.2.1: "/" holds what the client may read. */
static int
readable_types(struct req *q, unsigned *types_r, struct err *e)
{
	static const char *const names[] = {[GW_USERS] = "User", [GW_GROUPS] = "Group"};
	unsigned types = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (policy_check(q->who, POLICY_READ, names[i], e) == 0)
			types |= 1U << i;
	if (types == 0)
		return -1;
	err_clear(e);
	*types_r = types;
	return 0;
}

int
http_ep_list_all(struct req *q, struct err *e)
{
	unsigned types;
	return readable_types(q, &types, e) < 0 ? -1 : list(q, types, e);
}

/* --- .search ---------------------------------------------------------------------------------------------------- */

static int
check_schemas(struct scim_ctx *c, const json_t *body, struct err *e)
{
	const json_t *schemas = json_get_ci(body, "schemas", NULL), *item = NULL;
	size_t i = 0;
	json_array_foreach (schemas, i, item)
		if (json_is_string(item) && str_caseeq(json_string_value(item), SCIM_URN_SEARCH))
			return 0;
	if (scim_tolerates(c, SCIM_TOL_NO_SCHEMAS, "schemas"))
		return 0;
	return err_set(e, ERR_SYNTAX, "schemas must contain %s", SCIM_URN_SEARCH);
}

static int
get_text(const json_t *body, const char *name, const char **text_r, struct err *e)
{
	const json_t *v = json_get_ci(body, name, NULL);
	if (json_unassigned(v))
		return 0;
	if (!json_is_string(v))
		return err_set(e, ERR_VALUE, "%s must be a string, not %s", name, json_kind(v));
	*text_r = json_string_value(v);
	return 0;
}

static int
get_number(struct scim_ctx *c, const json_t *body, const char *name, int64_t least, int64_t *n_r, struct err *e)
{
	const json_t *v = json_get_ci(body, name, NULL);
	if (!v || json_is_null(v))
		return 0;
	if (json_is_string(v) && scim_tolerates(c, SCIM_TOL_SHAPE, name))
		return parse_number(name, json_string_value(v), least, n_r, e);
	if (!json_is_integer(v))
		return err_set(e, ERR_VALUE, "%s must be an integer, not %s", name, json_kind(v));
	*n_r = json_integer_value(v) < least ? least : json_integer_value(v);
	return 0;
}

/* An array of names here, one list with commas in a query. */
static int
get_names(struct scim_ctx *c, const json_t *body, const char *name, const char **list_r, struct err *e)
{
	const json_t *v = json_get_ci(body, name, NULL), *item = NULL;
	const char *list = NULL;
	size_t i = 0;
	if (json_unassigned(v))
		return 0;
	if (json_is_string(v) && scim_tolerates(c, SCIM_TOL_SHAPE, name)) {
		*list_r = json_string_value(v);
		return 0;
	}
	if (!json_is_array(v))
		return err_set(e, ERR_VALUE, "%s must be an array of strings, not %s", name, json_kind(v));
	if (json_array_size(v) > SCIM_PROJECT_MAX)
		return err_set(e, ERR_VALUE, "%s names more than %d attributes", name, SCIM_PROJECT_MAX);
	json_array_foreach (v, i, item) {
		if (!json_is_string(item))
			return err_set(e, ERR_VALUE, "%s must be an array of strings", name);
		list = arena_printf(c->a, "%s%s%s", list ? list : "", list ? "," : "", json_string_value(item));
	}
	*list_r = list;
	return 0;
}

static int
read_body(struct req *q, struct scim_ctx *c, const json_t *body, struct gw_list *l, struct err *e)
{
	return check_schemas(c, body, e) < 0 || get_text(body, "filter", &l->filter, e) < 0 ||
			       get_text(body, "sortBy", &l->sort_by, e) < 0 ||
			       get_text(body, "sortOrder", &l->sort_order, e) < 0 ||
			       get_text(body, "cursor", &l->cursor, e) < 0 ||
			       get_number(c, body, "startIndex", 1, &l->start_index, e) < 0 ||
			       get_number(c, body, "count", 0, &l->count, e) < 0 ||
			       get_names(c, body, "attributes", &q->gw.attributes, e) < 0 ||
			       get_names(c, body, "excludedAttributes", &q->gw.excluded, e) < 0
		       ? -1
		       : 0;
}

static int
search(struct req *q, unsigned types, struct err *e)
{
	json_t *body = NULL;
	struct gw_list l = {.types = types, .start_index = 1, .count = -1};
	struct scim_ctx c = {.a = q->a, .tolerate = q->who->tolerate};
	http_ep_gw_init(q);
	if (http_req_json(q, &body, e) < 0)
		return -1;
	if (!json_is_object(body))
		return err_set(e, ERR_SYNTAX, "the request body must be an object");
	return read_body(q, &c, body, &l, e) < 0 ? -1 : run(q, &l, c.notes, e);
}

int
http_ep_search(struct req *q, struct err *e)
{
	return search(q, 0, e);
}

int
http_ep_search_all(struct req *q, struct err *e)
{
	unsigned types;
	return readable_types(q, &types, e) < 0 ? -1 : search(q, types, e);
}
