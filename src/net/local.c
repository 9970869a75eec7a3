/* SPDX-License-Identifier: Apache-2.0
 * HTTP over a Unix socket with libcurl. */
#include "dirhinge/net/local.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/clock.h"

#define CONNECT_MS INT64_C(5000)

struct call {
	CURL *curl;
	struct curl_slist *fields;
	net_piece_fn fn; /* NULL: all goes to body */
	void *ctx;
	struct buf *body;
	bool stopped, silent;
	deadline_t until; /* a byte must come before */
	int64_t timeout_ms;
	char why[CURL_ERROR_SIZE];
};

static void
call_done(struct call *c)
{
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->fields);
}

static size_t
on_piece(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;
	long status = 0;
	n *= size;
	c->until = deadline_in(c->timeout_ms);
	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c->fn && status == 200) {
		c->stopped = c->fn(c->ctx, strv_n(p, n)) != 0;
		return c->stopped ? CURL_WRITEFUNC_ERROR : n;
	}
	buf_add(c->body, p, n);
	return c->body->full ? CURL_WRITEFUNC_ERROR : n;
}

/* Called about once a second. (CURLOPT_LOW_SPEED_TIME would take heartbeats of a few bytes for silence.) */
static int
on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct call *c = ctx;
	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	c->silent = deadline_left(c->until) == 0;
	return c->silent;
}

static void
set_up(struct call *c, const struct net_local *q, const char *url)
{
	CURL *h = c->curl;
	(void)curl_easy_setopt(h, CURLOPT_URL, url);
	(void)curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, q->socket);
	(void)curl_easy_setopt(h, CURLOPT_PROXY, ""); /* the environment has no say here */
	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	(void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
	(void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->fields);
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_piece);
	(void)curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->why);
	if (!q->body.p)
		return;
	(void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
	(void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body.p);
}

static int
fail(const struct call *c, CURLcode rc, const struct net_local *q, struct err *e)
{
	long code = 0;
	(void)curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &code);
	if (rc == CURLE_COULDNT_CONNECT && (code == EACCES || code == EPERM))
		return err_set(e, ERR_FORBIDDEN, "%s may not be opened; only the daemon's user and root may (try sudo)",
			       q->socket);
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST)
		return err_set(e, ERR_UNAVAILABLE,
			       "no daemon answers at %s%s%s; is dirhinge serve running with this configuration?",
			       q->socket, code ? ": " : "", code ? strerror((int)code) : "");
	if (rc == CURLE_OPERATION_TIMEDOUT || c->silent)
		return err_set(e, ERR_UNAVAILABLE, "the daemon at %s was silent for %lld s", q->socket,
			       (long long)(q->timeout_ms / 1000));
	if (c->body->full)
		return err_set(e, ERR_TOO_LARGE, "the daemon's answer is longer than %zu bytes", c->body->limit);
	return err_set(e, ERR_UNAVAILABLE, "the daemon at %s broke the answer off: %s", q->socket,
		       c->why[0] ? c->why : curl_easy_strerror(rc));
}

int
net_local_stream(const struct net_local *q, int *status_r, net_piece_fn fn, void *ctx, struct buf *body, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(512);
	DH_CLEANUP(call_done) struct call c = {.curl = curl_easy_init(), .fn = fn, .ctx = ctx, .body = body};
	long status = 0;
	must(c.curl);
	c.timeout_ms = q->timeout_ms;
	c.until = deadline_in(q->timeout_ms);
	c.fields = curl_slist_append(NULL, "Content-Type: application/json");
	must(c.fields);
	set_up(&c, q, arena_printf(a, "http://localhost%s", q->target));
	CURLcode rc = curl_easy_perform(c.curl);
	if (rc != CURLE_OK && !c.stopped)
		return fail(&c, rc, q, e);
	(void)curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &status);
	*status_r = (int)status;
	return 0;
}

int
net_local_call(const struct net_local *q, int *status_r, struct buf *body, struct err *e)
{
	return net_local_stream(q, status_r, NULL, NULL, body, e);
}
