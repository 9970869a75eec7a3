/* SPDX-License-Identifier: Apache-2.0
 * One exchange, from the request target to the reply. */
#include "request.h"

#include "auth.h"
#include "dirhinge/base/codec.h"
#include "ep.h"
#include "http_priv.h"
#include "media.h"

struct req *
http_req_new(struct http *h, const char *target)
{
	unsigned char id[HTTP_ID_SIZE];
	struct arena *a = http_arena_get(h, id);
	struct req *q = ARENA_NEW(a, struct req);
	q->a = a;
	q->h = h;
	q->err = ERR_INIT;
	q->started_us = clock_mono_us();
	q->target = arena_strdup(a, target);
	q->method_name = "";
	q->head.content_length = -1;
	memcpy(q->id, hex_encode(a, strv_n((const char *)id, sizeof id)), sizeof q->id);
	q->body = BUF_INIT(0);
	return q;
}

void
http_req_free(struct req **qp)
{
	struct req *q = *qp;
	if (!q)
		return;
	*qp = NULL;
	http_reply_abandoned(q);
	if (q->reply.stream.done)
		q->reply.stream.done(q->reply.stream.ctx);
	buf_done(&q->body);
	struct http *h = q->h;
	struct arena *a = q->a;
	bool counted = q->counted;
	http_clients_put(h, &q->clients);
	http_arena_put(h, &a);
	if (counted)
		http_request_done(h);
}

struct arena *
http_req_arena(struct req *q)
{
	return q->a;
}

bool
http_req_has_head(const struct req *q)
{
	return q->has_head;
}

const struct reply *
http_req_reply(const struct req *q)
{
	must(q->replied);
	return &q->reply;
}

bool
http_req_is_slow(const struct req *q)
{
	return q->route && (q->route->flags & ROUTE_SLOW);
}

/* --- checks on the header block --------------------------------------------------------------------------------- */

static bool
has_body(const struct req *q)
{
	return q->head.chunked || q->head.content_length > 0;
}

static int
check_target(struct req *q, struct err *e)
{
	if (http_uri_parse(q->a, q->target, &q->uri, e) < 0)
		return -1;
	/* RFC 9112 3.2.2 lets the target win; two names that differ are somebody's confusion */
	if (q->uri.authority.p && !strv_caseeq(q->uri.authority, q->head.host))
		return err_set(e, ERR_REQUEST, "the host of the request target differs from Host");
	return 0;
}

static int
check_route(struct req *q, struct err *e)
{
	unsigned allowed = 0;
	if (q->uri.asterisk) {
		if (q->method != M_OPTIONS)
			return err_set(e, ERR_REQUEST, "the target * is for OPTIONS only");
		http_reply_field(q, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
		http_reply_empty(q, 204);
		return 0;
	}
	int found = http_route_find(&http_routes[q->h->opts.face], q->h->opts.base_path, &q->uri, q->method, &q->route,
				    &q->arg, &allowed);
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "there is nothing at this path");
	if (found == 1)
		return 0;
	http_reply_field(q, "Allow", http_route_allow(q->a, allowed));
	if (q->method != M_OPTIONS)
		return err_set(e, ERR_METHOD, "the method is not allowed here");
	http_reply_empty(q, 204);
	return 0;
}

/* Who may open the socket in state_dir may do all: its mode is the check. */
static const struct principal local_operator = {
	.name = "local", .profile = "lenient", .tolerate = SCIM_TOL_LENIENT, .scopes = POLICY_ADMIN};

static int
check_client(struct req *q, struct err *e)
{
	static const char *const type_names[] = {[GW_USERS] = "User", [GW_GROUPS] = "Group"};
	if (q->route->flags & ROUTE_OPEN)
		return 0;
	if (q->h->opts.face == HTTP_LOCAL) {
		q->who = &local_operator;
		return 0;
	}
	q->clients = http_clients_get(q->h);
	if (http_auth_check(q->clients->sha256, q->head.authorization, q->clients->v, q->clients->n, &q->who, e) < 0) {
		/* RFC 6750 3: an error code only if a token was given */
		http_reply_field(q, "WWW-Authenticate",
				 q->head.authorization.p ? "Bearer realm=\"dirhinge\", error=\"invalid_token\""
							 : "Bearer realm=\"dirhinge\"");
		return -1;
	}
	if ((q->route->flags & ROUTE_ADMIN) && !(q->who->scopes & POLICY_ADMIN))
		return err_set(e, ERR_FORBIDDEN, "the client needs the scope admin");
	if ((q->route->flags & ROUTE_EVENTS) && !(q->who->scopes & POLICY_EVENTS_READ))
		return err_set(e, ERR_FORBIDDEN, "the client needs the scope events:read");
	if (!(q->route->flags & ROUTE_TYPED))
		return 0;
	return policy_check(q->who, q->route->verb, type_names[q->route->type], e);
}

/* RFC 7644 3.7.4: Bulk announces a limit of its own. A group comes with all its members: 100,000 are about 5 MB. */
static int64_t
body_limit(const struct req *q)
{
	if (q->route && (q->route->flags & ROUTE_BULK))
		return GW_BULK_MAX_PAYLOAD;
	bool group = q->route && (q->route->flags & ROUTE_TYPED) && q->route->type == GW_GROUPS;
	return group ? 8 * q->h->opts.max_body : q->h->opts.max_body;
}

static int
check_body(struct req *q, struct err *e)
{
	int64_t limit = body_limit(q);
	q->body = BUF_INIT((size_t)limit);
	if (q->route->flags & ROUTE_JSON) {
		bool given = q->head.content_type.p != NULL;
		/* wire case G2: some clients send none */
		if (!given && str_eq(q->who->profile, "strict"))
			return err_set(e, ERR_MEDIA_TYPE, "Content-Type is missing; send " MEDIA_SCIM);
		if (given && !http_media_is_json(q->head.content_type))
			return err_set(e, ERR_MEDIA_TYPE,
				       "Content-Type must be " MEDIA_SCIM " or " MEDIA_JSON " in UTF-8");
		if (q->head.content_encoding.n && !strv_caseeq(q->head.content_encoding, STRV("identity")))
			return err_set(e, ERR_MEDIA_TYPE, "Content-Encoding is not supported");
	}
	if (q->head.content_length > limit)
		return err_set(e, ERR_TOO_LARGE, "the request body is larger than %lld bytes", (long long)limit);
	return 0;
}

static int
check_head(struct req *q, const struct req_head *in, struct err *e)
{
	static int (*const checks[])(struct req *, struct err *) = {check_target, check_route, check_client,
								    check_body};
	q->method_name = arena_strdup(q->a, in->method);
	q->method = http_route_method_parse(in->method);
	if (http_guard_check(q->a, in->version, in->fields, in->n_fields, &q->head, e) < 0) {
		q->reply.close = true;
		return -1;
	}
	if (!in->peer_allowed)
		return err_set(e, ERR_FORBIDDEN, "a client certificate of the configured authority is needed");
	for (size_t i = 0; i < ARRAY_SIZE(checks) && !q->replied; i++)
		if (checks[i](q, e) < 0)
			return -1;
	return 0;
}

/* A refused body that is small is read and thrown away: closing on unread data resets the connection and the client
 * may lose the answer. A client that waits for 100 gets its answer instead. */
static enum req_next
next_step(struct req *q)
{
	if (q->reply.close)
		return REQ_ANSWER;
	if (!has_body(q))
		return REQ_RUN;
	if (!q->replied)
		return REQ_BODY;
	if (!q->head.expect.p && q->head.content_length <= HTTP_LINGER_MAX)
		return REQ_BODY;
	q->reply.close = true;
	return REQ_ANSWER;
}

enum req_next
http_req_head(struct req *q, const struct req_head *in)
{
	q->has_head = true;
	q->conn = in->conn;
	q->counted = true;
	http_request_open(q->h);
	if (check_head(q, in, &q->err) < 0)
		http_reply_err(q);
	return next_step(q);
}

/* --- body ------------------------------------------------------------------------------------------------------- */

bool
http_req_body(struct req *q, const char *p, size_t n)
{
	int64_t limit = body_limit(q);
	q->body_bytes += (int64_t)n;
	if (q->replied)
		return q->body_bytes <= HTTP_LINGER_MAX + limit;
	if (q->body_bytes <= limit) {
		buf_add(&q->body, p, n);
		return true;
	}
	/* chunked: the length was not announced (wire case G3) */
	buf_done(&q->body);
	(void)err_set(&q->err, ERR_TOO_LARGE, "the request body is larger than %lld bytes", (long long)limit);
	http_reply_err(q);
	return true;
}

static void
run_route(struct req *q)
{
	bool counted = !(q->route->flags & ROUTE_FREE);
	if (counted && !http_enter(q->h)) {
		(void)err_set(&q->err, ERR_BUSY, NULL);
		http_reply_err(q);
		return;
	}
	if (q->route->fn(q, &q->err) < 0)
		http_reply_err(q);
	if (counted)
		http_leave(q->h);
}

void
http_req_run(struct req *q)
{
	if (!q->replied)
		run_route(q);
	must(q->replied);
}

/* --- for end points --------------------------------------------------------------------------------------------- */

int
http_req_json(struct req *q, json_t **body_r, struct err *e)
{
	const struct json_limits limits = {.max_bytes = (size_t)body_limit(q)};
	if (q->body.n == 0)
		return err_set(e, ERR_SYNTAX, "the request has no body");
	return json_parse(q->a, buf_view(&q->body), &limits, body_r, e);
}

const char *
http_req_base_url(struct req *q)
{
	const struct http_opts *o = &q->h->opts;
	if (o->external_url) {
		struct strv url = strv_of(o->external_url);
		while (url.n && url.p[url.n - 1] == '/')
			url.n--;
		return arena_join(q->a, (const struct strv[]){url, strv_of(o->base_path)}, 2);
	}
	/* guard.c has checked that Host is nothing but a host */
	const struct strv parts[] = {o->tls_cert_file ? STRV("https://") : STRV("http://"), q->head.host,
				     strv_of(o->base_path)};
	return arena_join(q->a, parts, ARRAY_SIZE(parts));
}
