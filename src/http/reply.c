/* SPDX-License-Identifier: Apache-2.0
 * Replies and the log line of each request. */
#include "reply.h"

#include "dirhinge/base/log.h"
#include "dirhinge/scim/message.h"
#include "http_priv.h"
#include "media.h"
#include "request.h"

#define LOG_FIELDS_MAX 24

void
http_reply_field(struct req *q, const char *name, const char *value)
{
	struct reply *r = &q->reply;
	if (!value)
		return;
	must(r->n_fields < REPLY_FIELDS_MAX);
	r->fields[r->n_fields].name = name;
	r->fields[r->n_fields].value = value;
	r->n_fields++;
}

/* --- log -------------------------------------------------------------------------------------------------------- */

struct log_list {
	struct log_field v[LOG_FIELDS_MAX];
	size_t n;
};

static void
put(struct log_list *l, struct log_field f)
{
	must(l->n + 1 < ARRAY_SIZE(l->v));
	l->v[l->n++] = f;
	l->v[l->n] = LOG_END;
}

/* The client's own id helps to find the request in its log; anything odd is left out. */
static const char *
client_request_id(struct req *q)
{
	struct strv s = q->head.request_id;
	if (s.n == 0 || s.n > 128)
		return NULL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\')
			return NULL;
	}
	return arena_strndup(q->a, s.p, s.n);
}

static const char *
tolerated(struct req *q)
{
	unsigned seen = 0;
	const char *out = NULL;
	for (const struct scim_note *n = q->gw.notes; n; n = n->next) {
		if (seen & n->kind)
			continue;
		seen |= n->kind;
		out = arena_printf(q->a, "%s%s%s", out ? out : "", out ? "," : "", scim_tolerance_name(n->kind));
	}
	return out;
}

/* Who was left out of a group is worth a name (wire-cases.md F34); the line's limit cuts a long list. */
static const char *
unknown_members(struct req *q)
{
	const char *out = NULL;
	int shown = 0;
	for (const struct scim_note *n = q->gw.notes; n && shown < 20; n = n->next)
		if (n->kind == SCIM_TOL_UNKNOWN_MEMBER) {
			out = arena_printf(q->a, "%s%s%.64s", out ? out : "", out ? "," : "", n->what);
			shown++;
		}
	return out;
}

static const char *
ignored(struct req *q)
{
	const char *out = NULL;
	for (const char *const *p = q->gw.ignored; p && *p; p++)
		out = arena_printf(q->a, "%s%s%s", out ? out : "", out ? "," : "", *p);
	return out;
}

static void
put_error(struct log_list *l, const struct err *e)
{
	put(l, LOG_S("error", err_name(e->code)));
	put(l, LOG_S("detail", e->detail[0] ? e->detail : NULL));
	put(l, LOG_S("cause", e->cause[0] ? e->cause : NULL));
	put(l, LOG_S("where", e->where));
	if (e->ldap_rc)
		put(l, LOG_I("ldap_rc", e->ldap_rc));
}

static enum log_level
level_of(const struct req *q)
{
	if (q->reply.status == 500)
		return LOG_ERROR_;
	for (const struct scim_note *n = q->gw.notes; n; n = n->next)
		if (n->kind == SCIM_TOL_UNKNOWN_MEMBER)
			return LOG_WARN_; /* a group that silently lacks somebody */
	bool probe = q->route && (q->route->flags & ROUTE_OPEN);
	return probe && q->reply.status < 400 ? LOG_DEBUG_ : LOG_INFO_;
}

/* RFC 7644 7.5.2: the path, never the query: filters hold personal data. */
static void
log_request(struct req *q, const char *msg)
{
	struct log_list l = {.n = 0};
	enum log_level level = level_of(q);
	if (!log_enabled(level))
		return;
	put(&l, LOG_S("request_id", q->id));
	put(&l, LOG_S("client_request_id", client_request_id(q)));
	put(&l, LOG_S("client", q->who ? q->who->name : NULL));
	put(&l, LOG_S("method", q->method_name));
	put(&l, LOG_S("path", q->uri.path));
	if (q->replied)
		put(&l, LOG_I("status", q->reply.status));
	put(&l, LOG_I("ms", (clock_mono_us() - q->started_us + 500) / 1000));
	put(&l, LOG_S("tolerated", tolerated(q)));
	put(&l, LOG_S("unknown_members", unknown_members(q)));
	put(&l, LOG_S("ignored", ignored(q)));
	if (q->err.code != ERR_OK)
		put_error(&l, &q->err);
	log_fields(level, msg, l.v);
}

void
http_reply_abandoned(struct req *q)
{
	if (!q->has_head || q->replied)
		return;
	http_count_request(q);
	log_request(q, "request abandoned");
}

/* --- replies ---------------------------------------------------------------------------------------------------- */

static void
finish(struct req *q, int status)
{
	must(!q->replied);
	q->reply.status = status;
	q->replied = true;
	http_reply_field(q, "Cache-Control", "no-store");
	http_reply_field(q, "X-Content-Type-Options", "nosniff");
	http_reply_field(q, "X-Request-Id", q->id);
	q->reply.close = q->reply.close || http_draining(q->h);
	http_count_request(q);
	log_request(q, "request");
}

void
http_reply_json(struct req *q, int status, const char *type, json_t *j)
{
	char *text = json_text(q->a, json_keep(q->a, j));
	q->reply.body = strv_of(text);
	http_reply_field(q, "Content-Type", type ? type : http_media_choose(q->head.accept));
	finish(q, status);
}

void
http_reply_text(struct req *q, int status, const char *type, struct strv text)
{
	q->reply.body = text;
	http_reply_field(q, "Content-Type", type);
	finish(q, status);
}

void
http_reply_stream(struct req *q, const char *type, const struct reply_stream *s)
{
	q->reply.stream = *s;
	http_reply_field(q, "Content-Type", type);
	finish(q, 200);
}

void
http_reply_empty(struct req *q, int status)
{
	q->reply.body = STRV("");
	finish(q, status);
}

void
http_reply_err(struct req *q)
{
	enum err_code code = q->err.code;
	if (code == ERR_OK) /* a -1 without a reason is our mistake */
		(void)err_set(&q->err, ERR_INTERNAL, NULL);
	int64_t wait = q->err.retry_after;
	if (wait == 0)
		wait = err_retry_after(q->err.code);
	if (wait > 0)
		http_reply_field(q, "Retry-After", arena_printf(q->a, "%lld", (long long)wait));
	json_t *j = scim_error(&q->err);
	if (q->err.code == ERR_GONE)
		must(json_object_set_new(j, "resync", json_string("/events/snapshot")) == 0);
	http_reply_json(q, err_http(q->err.code), MEDIA_SCIM, j);
}
