/* SPDX-License-Identifier: Apache-2.0
 * GET /events/stream: the change feed as server-sent events (HTML standard, 9.2). The id of each event is its cursor,
 * so that a client that comes again continues where it was. */
#include "dirhinge/base/log.h"
#include "ep.h"
#include "events.h"
#include "http_priv.h"

#define SSE_TYPE    "text/event-stream"
#define BATCH       200
#define BEAT_MS     15000
#define BATCH_BYTES (64u * 1024) /* of each of many streams */
#define BATCH_MAX   (32u * 1024 * 1024)

struct stream {
	struct req *q;
	struct events_read r;
	struct buf out; /* not yet sent: from .sent on */
	size_t sent;
	int64_t told_seq; /* the last place the client was told */
	int64_t began_us, events;
	deadline_t beat;
	bool ended;
};

/* A comment keeps proxies and the client's time-outs quiet. When a filter has passed events by, an id without data
 * moves the client's place on (HTML 9.2.6), so that it does not fall behind retention. */
static void
write_beat(struct stream *s)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(512);
	buf_adds(&s->out, ":\n");
	if (s->r.at.seq != s->told_seq)
		buf_printf(&s->out, "id: %s\n", http_events_cursor(a, &s->r));
	buf_addc(&s->out, '\n');
	s->told_seq = s->r.at.seq;
}

static void
end_with_error(struct stream *s, struct err *e)
{
	s->ended = true;
	/* the client comes again with its last id and gets the error as an answer */
	buf_reset(&s->out);
	log_err(e->code == ERR_GONE ? LOG_INFO_ : LOG_ERROR_, "a stream of events ends", e);
}

/* Makes the next piece; nothing in .out means the end. */
static void
refill(struct stream *s)
{
	struct err e = ERR_INIT;
	struct events_batch b = {0};
	bool ended = false;
	if (s->out.cap > 2 * BATCH_BYTES)
		buf_done(&s->out); /* a big event does not stay */
	buf_reset(&s->out);
	s->sent = 0;
	while (!s->ended && s->out.n == 0) {
		http_events_batch(&s->r);
		if (http_events_take(&s->r, EVENTS_SSE, &s->out, &b, &e) < 0) {
			end_with_error(s, &e);
			return;
		}
		if (b.n > 0) {
			s->told_seq = s->r.at.seq;
			s->events += b.n;
			http_count_delivered(s->q, "stream", b.n);
		} else if (!b.full && !http_events_wait(s->q, &s->r, s->beat, &ended)) {
			s->ended = ended;
			if (!ended)
				write_beat(s);
		}
	}
	s->ended = s->ended || http_draining(s->q->h) || !http_clients_current(s->q->h, s->q->clients);
	s->beat = deadline_in(BEAT_MS);
}

static size_t
pull(void *ctx, char *out, size_t max)
{
	struct stream *s = ctx;
	if (s->sent == s->out.n && !s->ended)
		refill(s);
	size_t n = s->out.n - s->sent < max ? s->out.n - s->sent : max;
	if (n > 0)
		memcpy(out, s->out.p + s->sent, n);
	s->sent += n;
	return n;
}

static void
done(void *ctx)
{
	struct stream *s = ctx;
	struct req *q = s->q;
	buf_done(&s->out);
	http_reader_leave(q->h, READER_STREAM);
	log_event(LOG_INFO_, "stream ended", LOG_S("request_id", q->id), LOG_S("client", q->who->name),
		  LOG_I("events", s->events), LOG_I("s", (clock_mono_us() - s->began_us) / 1000000), LOG_END);
}

/* A client that comes again sends the same target as at first, and where it is by now in the field: the field wins. */
static const char *
begin_after(struct req *q)
{
	struct strv last = q->head.last_event_id;
	if (last.n)
		return arena_strndup(q->a, last.p, last.n);
	return http_uri_param(&q->uri, "after");
}

int
http_ep_events_stream(struct req *q, struct err *e)
{
	static const char *const params[] = {"after", "types", "filter", NULL};
	struct stream *s = ARENA_NEW(q->a, struct stream);
	*s = (struct stream){.q = q, .out = BUF_INIT(BATCH_MAX), .began_us = clock_mono_us()};
	s->r.limit = BATCH;
	s->r.bytes = BATCH_BYTES;
	if (http_events_known(q, params, e) < 0 || http_events_begin(q, begin_after(q), &s->r, e) < 0)
		return -1;
	if (q->method == M_HEAD) {
		/* the library would send the last chunk of a stream all the same, into the next answer */
		http_reply_field(q, "Content-Type", SSE_TYPE);
		http_reply_empty(q, 200);
		return 0;
	}
	if (http_reader_enter(q->h, READER_STREAM, e) < 0)
		return -1;
	/* sent at once: the client sees that it is connected, and where it is if nothing happens for a while */
	buf_printf(&s->out, "retry: 2000\nid: %s\n\n", http_events_cursor(q->a, &s->r));
	s->told_seq = s->r.at.seq;
	s->beat = deadline_in(BEAT_MS);
	http_reply_field(q, "X-Accel-Buffering", "no"); /* nginx would collect the events otherwise */
	http_reply_stream(q, SSE_TYPE, &(const struct reply_stream){.pull = pull, .done = done, .ctx = s});
	return 0;
}
