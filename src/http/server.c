/* SPDX-License-Identifier: Apache-2.0
 * The only user of <microhttpd.h>. Thread per connection and poll: the epoll loop of the versions in Debian hangs
 * (dependencies.md 0.2), a thread pool serves connections one after another. Not used on purpose: the POST processor,
 * digest and basic helpers, upgrade, suspend. */
#include "server.h"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/log.h"
#include "request.h"
#include "tls.h"

#define CONNECTION_MEMORY (32u * 1024) /* bounds the header block */
#define STREAM_BLOCK      (16u * 1024)
#define STACK_SIZE        (1024u * 1024) /* jansson recurses: dependencies.md 0.2 */
#define TLS_PRIORITIES    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct server {
	struct arena *a;
	struct http *http;
	struct MHD_Daemon *daemon;
	struct conns *conns;
	bool check_peer;
};

static struct conn *
conn_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct server *s = cls;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		must(info);
		*context = http_conn_open(s->conns, info->connect_fd);
		return;
	}
	/* called before the library closes the descriptor */
	struct conn *conn = *context;
	*context = NULL;
	http_conn_close(&conn);
}

/* The raw request target, before the library decodes anything. */
static void *
on_target(void *cls, const char *target, struct MHD_Connection *c)
{
	struct server *s = cls;
	(void)c;
	return http_req_new(s->http, target);
}

/* The library's own decoder is disarmed: uri.c is the only one. */
static size_t
keep_escapes(void *cls, struct MHD_Connection *c, char *text)
{
	(void)cls;
	(void)c;
	return strlen(text);
}

static void on_log(void *cls, const char *fmt, va_list ap) DH_PRINTF(2, 0);

static void
on_log(void *cls, const char *fmt, va_list ap)
{
	char line[512];
	(void)cls;
	int n = vsnprintf(line, sizeof line, fmt, ap);
	if (n < 0)
		return;
	line[strcspn(line, "\r\n")] = '\0';
	log_event(LOG_INFO_, "libmicrohttpd", LOG_S("text", line), LOG_END);
}

static void
on_completed(void *cls, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode why)
{
	struct req *q = *context;
	(void)cls;
	*context = NULL;
	http_req_free(&q);
	struct conn *conn = conn_of(c);
	if (conn && why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		http_conn_enter(conn, CONN_IDLE);
}

/* --- header block ----------------------------------------------------------------------------------------------- */

struct field_list {
	struct header_field v[GUARD_FIELDS_MAX + 1];
	size_t n;
};

static enum MHD_Result
on_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	struct field_list *l = cls;
	(void)kind;
	if (l->n == ARRAY_SIZE(l->v))
		return MHD_NO;
	l->v[l->n++] = (struct header_field){{name, name_n}, {value, value ? value_n : 0}};
	return MHD_YES;
}

static bool
peer_allowed(const struct server *s, struct MHD_Connection *c)
{
	if (!s->check_peer)
		return true;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && http_tls_peer_verified(info->tls_session);
}

static enum req_next
head(const struct server *s, struct MHD_Connection *c, struct req *q, const char *method, const char *version)
{
	struct field_list *fields = ARENA_NEW(http_req_arena(q), struct field_list);
	(void)MHD_get_connection_values_n(c, MHD_HEADER_KIND, on_field, fields);
	const struct req_head in = {.method = method,
				    .conn = conn_of(c),
				    .version = version,
				    .fields = fields->v,
				    .n_fields = fields->n,
				    .peer_allowed = peer_allowed(s, c)};
	return http_req_head(q, &in);
}

/* --- answer ----------------------------------------------------------------------------------------------------- */

/* In thread-per-connection mode a callback may block. While it does, no deadline of the connection runs; each piece
 * must be taken by the client in the time that a reply may take. Answering 0 would make the library ask again at once.
 */
static ssize_t
on_pull(void *cls, uint64_t at, char *out, size_t max)
{
	struct req *q = cls;
	const struct reply *r = http_req_reply(q);
	(void)at;
	http_conn_enter(q->conn, CONN_WORK);
	size_t n = r->stream.pull(r->stream.ctx, out, max);
	http_conn_enter(q->conn, CONN_STREAM);
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

/* A 304 gets the length of what is given here, 0, where RFC 9110 8.6 wants that of the 200 or none. The library leaves
 * it out of 1xx and 204 only; without a known length it announces chunks instead, for which some clients wait. The
 * length of the 200 could be forced, but to know it the resource would have to be made, which a 304 is there to save.
 */
static struct MHD_Response *
make_response(struct req *q)
{
	const struct reply *r = http_req_reply(q);
	if (r->stream.pull)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_pull, q, NULL);
	union {
		const char *in;
		void *out; /* the library's parameter is not const; it does not write with RESPMEM_PERSISTENT */
	} body = {.in = r->body.p ? r->body.p : ""};
	return MHD_create_response_from_buffer(r->body.n, body.out, MHD_RESPMEM_PERSISTENT);
}

/* The body stays in the request's arena, which on_completed frees after the library is done with it. */
static enum MHD_Result
answer(struct MHD_Connection *c, struct req *q)
{
	const struct reply *r = http_req_reply(q);
	struct MHD_Response *m = make_response(q);
	if (!m)
		return MHD_NO;
	enum MHD_Result ok = MHD_YES;
	for (size_t i = 0; i < r->n_fields && ok == MHD_YES; i++)
		ok = MHD_add_response_header(m, r->fields[i].name, r->fields[i].value);
	if (ok == MHD_YES && r->close)
		ok = MHD_add_response_header(m, "Connection", "close");
	struct conn *conn = conn_of(c);
	if (conn)
		http_conn_enter(conn, CONN_REPLY);
	if (ok == MHD_YES)
		ok = MHD_queue_response(c, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return ok;
}

/* Called once with the header block, then for each piece of the body, then once more without data. A reply made in the
 * first call of a request with a body ends the connection after it, so that is done only when it must be. */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
	   const char *data, size_t *size, void **context)
{
	const struct server *s = cls;
	struct req *q = *context;
	struct conn *conn = conn_of(c);
	(void)url;
	if (!q || !conn)
		return MHD_NO;
	if (!http_req_has_head(q)) {
		enum req_next next = head(s, c, q, method, version);
		if (next == REQ_ANSWER)
			return answer(c, q);
		http_conn_enter(conn, next == REQ_BODY ? CONN_BODY : CONN_WORK);
		return MHD_YES;
	}
	if (*size > 0) {
		bool go_on = http_req_body(q, data, *size);
		*size = 0;
		/* older versions refuse a reply here, and then there is nothing left but to close */
		return go_on ? MHD_YES : answer(c, q);
	}
	/* the library counts the time in a handler as the client's inactivity; conns.c has the deadlines that matter */
	if (http_req_is_slow(q))
		(void)MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	http_conn_enter(conn, CONN_WORK);
	http_req_run(q);
	return answer(c, q);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

struct option_list {
	struct MHD_OptionItem v[16];
	size_t n;
};

static void
option(struct option_list *l, enum MHD_OPTION id, intptr_t value, const void *p)
{
	union {
		const void *in;
		void *out;
	} ptr = {.in = p};
	must(l->n + 1 < ARRAY_SIZE(l->v));
	l->v[l->n++] = (struct MHD_OptionItem){id, value, ptr.out};
	l->v[l->n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static void
fill_options(struct option_list *l, const struct server_opts *o)
{
	option(l, MHD_OPTION_LISTEN_SOCKET, o->fd, NULL);
	option(l, MHD_OPTION_CONNECTION_LIMIT, (intptr_t)o->max_connections, NULL);
	option(l, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL);
	option(l, MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)((o->idle_ms + 999) / 1000), NULL);
	option(l, MHD_OPTION_THREAD_STACK_SIZE, STACK_SIZE, NULL);
	/* 0.9.75 strict adds two refusals (no Host, blank in the target), answered in HTML; guard.c and uri.c make the
	 * same ones with a SCIM error. The levels of 1.0 do more (bare LF, folded fields), which only the library sees.
	 */
#if MHD_VERSION >= 0x00097701
	option(l, MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL);
#else
	option(l, MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL);
#endif
	if (!o->tls_cert)
		return;
	option(l, MHD_OPTION_HTTPS_MEM_CERT, 0, o->tls_cert);
	option(l, MHD_OPTION_HTTPS_MEM_KEY, 0, o->tls_key);
	option(l, MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES);
	if (o->tls_client_ca)
		option(l, MHD_OPTION_HTTPS_MEM_TRUST, 0, o->tls_client_ca);
}

/* A failed start closes the listening socket in some versions and in others not. */
static void
close_if_left(int fd, const struct stat *before)
{
	struct stat now;
	if (fstat(fd, &now) == 0 && now.st_dev == before->st_dev && now.st_ino == before->st_ino)
		close(fd);
}

int
http_server_start(const struct server_opts *o, struct http *h, struct server **s_r, struct err *e)
{
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG | (o->tls_cert ? MHD_USE_TLS : 0u);
	struct option_list options = {.n = 0};
	struct arena *a = arena_new(1024);
	struct server *s = ARENA_NEW(a, struct server);
	s->a = a;
	s->http = h;
	s->check_peer = o->tls_client_ca != NULL;
	s->conns = http_conns_new(&o->limits);
	fill_options(&options, o);
	struct stat listening;
	must(fstat(o->fd, &listening) == 0);
	s->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				 MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
				 NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
				 on_connection, s, MHD_OPTION_ARRAY, options.v, MHD_OPTION_END);
	if (!s->daemon) {
		close_if_left(o->fd, &listening);
		http_conns_free(&s->conns);
		arena_free(&a);
		return err_set(e, ERR_IO, "the HTTP server does not start%s",
			       o->tls_cert ? "; check that certificate_file and key_file belong together" : "");
	}
	*s_r = s;
	return 0;
}

void
http_server_quiesce(struct server *s)
{
	MHD_socket fd = MHD_quiesce_daemon(s->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void
http_server_stop(struct server **sp)
{
	struct server *s = *sp;
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	http_conns_free(&s->conns);
	struct arena *a = s->a;
	*sp = NULL;
	arena_free(&a);
}

struct conns *
http_server_conns(struct server *s)
{
	return s->conns;
}
