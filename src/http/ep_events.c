/* SPDX-License-Identifier: Apache-2.0
 * GET /events: one page of the change feed, waited for if the client wants (long poll). */
#include "ep.h"
#include "events.h"
#include "http_priv.h"
#include "media.h"

#define WAIT_MAX_S 20
#define PAGE_BYTES (4u * 1024 * 1024)
#define PAGE_MAX   (32u * 1024 * 1024)

static void
free_buf(void *b)
{
	buf_done(b);
}

static int
parse_wait(const struct req *q, int64_t *ms_r, struct err *e)
{
	const char *text = http_uri_param(&q->uri, "wait");
	int64_t s = 0;
	for (const char *p = text ? text : ""; *p; p++) {
		if (*p < '0' || *p > '9')
			return err_set(e, ERR_VALUE, "wait is not a number of seconds");
		s = s > WAIT_MAX_S ? s : s * 10 + (*p - '0');
	}
	*ms_r = 1000 * (s > WAIT_MAX_S ? WAIT_MAX_S : s);
	return 0;
}

/* For operators: begins at the last so many events. */
static int
apply_last(const struct req *q, struct events_read *r, struct err *e)
{
	const char *text = http_uri_param(&q->uri, "last");
	struct store_range range;
	int64_t n = 0;
	if (!text)
		return 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return err_set(e, ERR_VALUE, "last is not a number of events");
		n = n > INT32_MAX ? n : n * 10 + (*p - '0');
	}
	store_range(r->store, &range);
	r->at = (struct event_cursor){.seq = range.head - n < range.oldest - 1 ? range.oldest - 1 : range.head - n};
	http_events_batch(r);
	return store_event_mark(r->store, r->at.seq, &r->at.mark, e) < 0 ? -1 : 0;
}

/* Reads until there is something, the time is over or the client has gone. */
static int
fill(struct req *q, struct events_read *r, struct buf *out, struct events_batch *b, struct err *e)
{
	deadline_t until = deadline_in(r->wait_ms);
	bool ended = false;
	for (;;) {
		if (http_page_enter(q->h, r->limit, e) < 0)
			return -1;
		int rc = http_events_take(r, EVENTS_PAGE, out, b, e);
		http_page_leave(q->h, r->limit);
		if (rc < 0)
			return -1;
		if (b->n > 0 || b->full || !http_events_wait(q, r, until, &ended))
			return 0;
	}
}

static int
page(struct req *q, struct events_read *r, struct err *e)
{
	struct buf *out = ARENA_NEW(q->a, struct buf);
	struct events_batch b;
	*out = BUF_INIT(PAGE_MAX);
	arena_defer(q->a, free_buf, out);
	buf_adds(out, "{\"data\":[");
	if (fill(q, r, out, &b, e) < 0)
		return -1;
	buf_printf(out, "],\"next_cursor\":\"%s\",\"has_more\":%s}", http_events_cursor(q->a, r),
		   b.full ? "true" : "false");
	http_count_delivered(q, "page", b.n);
	http_reply_text(q, 200, MEDIA_JSON, buf_view(out));
	return 0;
}

int
http_ep_events(struct req *q, struct err *e)
{
	static const char *const params[] = {"after", "limit", "types", "filter", "wait", NULL};
	static const char *const operator_params[] = {"after", "limit", "types", "filter", "wait", "last", NULL};
	struct events_read r = {.bytes = PAGE_BYTES};
	bool operators = q->route->flags & ROUTE_ADMIN;
	if (http_events_known(q, operators ? operator_params : params, e) < 0 ||
	    http_events_limit(q, &r.limit, e) < 0 || parse_wait(q, &r.wait_ms, e) < 0 ||
	    http_events_begin(q, http_uri_param(&q->uri, "after"), &r, e) < 0 || apply_last(q, &r, e) < 0 ||
	    http_reader_enter(q->h, READER_PAGE, e) < 0)
		return -1;
	int rc = page(q, &r, e);
	http_reader_leave(q->h, READER_PAGE);
	return rc;
}
