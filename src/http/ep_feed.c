/* SPDX-License-Identifier: Apache-2.0
 * What operators ask of the change feed: its state, a reconciliation, a new beginning, and the batches of removals that
 * the guard holds. */
#include "dirhinge/base/codec.h"
#include "ep.h"
#include "events.h"
#include "http_priv.h"
#include "media.h"

#define RECONCILE_MS (10 * 60 * 1000)
#define HELD_MAX     (64u * 1024 * 1024)
#define WHY_MAX      500
#define WHO_MAX      64

static int
feed_ops(struct req *q, const struct http_feed_ops **ops_r, struct err *e)
{
	const struct http_opts *o = &q->h->opts;
	if (o->feed) {
		*ops_r = o->feed;
		return 0;
	}
	return err_set(e, ERR_NOT_IMPLEMENTED, "the change feed is off: %s",
		       o->feed_off ? o->feed_off : "the server's log says why");
}

/* --- sync ------------------------------------------------------------------------------------------------------- */

static void
set(json_t *j, const char *name, json_t *value)
{
	must(json_object_set_new(j, name, value) == 0);
}

static json_t *
log_state(struct store *s)
{
	struct store_range range;
	struct store_stats stats;
	store_range(s, &range);
	store_get_stats(s, &stats);
	json_t *j = json_object();
	set(j, "oldest", json_integer(range.oldest));
	set(j, "head", json_integer(range.head));
	set(j, "events", json_integer(stats.events));
	set(j, "bytes", json_integer(stats.bytes));
	set(j, "wal_bytes", json_integer(stats.wal_bytes));
	return j;
}

int
http_ep_sync_status(struct req *q, struct err *e)
{
	const struct http_opts *o = &q->h->opts;
	if (http_events_known(q, (const char *const[]){NULL}, e) < 0)
		return -1;
	json_t *j = o->feed ? o->feed->status(o->feed_ctx) : json_object();
	if (!o->feed) {
		set(j, "state", json_string("off"));
		set(j, "reason", json_string(o->feed_off ? o->feed_off : "the server's log says why"));
	}
	if (o->store)
		set(j, "log", log_state(o->store));
	http_reply_json(q, 200, MEDIA_JSON, j);
	return 0;
}

int
http_ep_sync_reconcile(struct req *q, struct err *e)
{
	const struct http_feed_ops *ops;
	json_t *found = NULL;
	if (feed_ops(q, &ops, e) < 0 || ops->reconcile(q->h->opts.feed_ctx, deadline_in(RECONCILE_MS), &found, e) < 0)
		return -1;
	http_reply_json(q, 200, MEDIA_JSON, found);
	return 0;
}

int
http_ep_sync_reset(struct req *q, struct err *e)
{
	const struct http_feed_ops *ops;
	if (feed_ops(q, &ops, e) < 0 || ops->reset(q->h->opts.feed_ctx, deadline_in(RECONCILE_MS), e) < 0)
		return -1;
	json_t *j = json_object();
	set(j, "state", json_string("reset"));
	set(j, "generation", json_string(store_generation(q->h->opts.store)));
	http_reply_json(q, 200, MEDIA_JSON, j);
	return 0;
}

/* --- guard ------------------------------------------------------------------------------------------------------ */

static json_t *
batch_json(const struct store_batch *b)
{
	json_t *j = json_object();
	set(j, "id", json_integer(b->id));
	char opened[32];
	time_to_rfc3339(b->opened_us, opened);
	set(j, "opened", json_string(opened));
	set(j, "reason", json_string(b->reason));
	set(j, "removals", json_integer(b->removals));
	set(j, "events", json_integer(b->events));
	set(j, "subjects", json_integer(b->subjects));
	return j;
}

struct batches {
	json_t *list;
	int64_t wanted; /* 0 = all */
};

static int
take_batch(void *ctx, const struct store_batch *b, struct err *e)
{
	struct batches *l = ctx;
	(void)e;
	if (l->wanted && l->wanted != b->id)
		return 0;
	must(json_array_append_new(l->list, batch_json(b)) == 0);
	return 0;
}

static int
list_batches(struct req *q, int64_t wanted, json_t **list_r, struct err *e)
{
	struct store *s;
	struct batches l = {.list = json_keep(q->a, json_array()), .wanted = wanted};
	if (http_events_known(q, (const char *const[]){NULL}, e) < 0 || http_events_store(q, &s, e) < 0 ||
	    store_batches(s, take_batch, &l, e) < 0)
		return -1;
	*list_r = l.list;
	return 0;
}

int
http_ep_guard_list(struct req *q, struct err *e)
{
	json_t *list = NULL;
	if (list_batches(q, 0, &list, e) < 0)
		return -1;
	json_t *j = json_object();
	set(j, "data", json_incref(list));
	http_reply_json(q, 200, MEDIA_JSON, j);
	return 0;
}

static int
batch_id(const struct req *q, int64_t *id_r, struct err *e)
{
	int64_t n = 0;
	for (const char *p = q->arg; *p; p++) {
		if (*p < '0' || *p > '9' || n > INT64_C(1000000000000))
			return err_set(e, ERR_NOT_FOUND, "there is no held batch with this id");
		n = n * 10 + (*p - '0');
	}
	*id_r = n;
	return 0;
}

static void
free_buf(void *b)
{
	buf_done(b);
}

static int
write_held(void *ctx, const struct store_event *ev, struct err *e)
{
	struct buf *out = ctx;
	(void)e;
	buf_addc(out, out->p[out->n - 1] == '[' ? ' ' : ',');
	buf_addv(out, ev->body);
	return 0;
}

int
http_ep_guard_show(struct req *q, struct err *e)
{
	json_t *list = NULL;
	int64_t id;
	struct buf *out = ARENA_NEW(q->a, struct buf);
	*out = BUF_INIT(HELD_MAX);
	arena_defer(q->a, free_buf, out);
	if (batch_id(q, &id, e) < 0 || list_batches(q, id, &list, e) < 0)
		return -1;
	if (json_array_size(list) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no held batch with this id");
	const char *head = json_text(q->a, json_array_get(list, 0));
	buf_printf(out, "%.*s,\"data\":[", (int)strlen(head) - 1, head);
	if (store_batch_events(q->h->opts.store, id, write_held, out, e) < 0)
		return -1;
	buf_adds(out, "]}");
	if (out->full)
		return err_set(e, ERR_TOO_LARGE, "the events of the batch are longer than %u bytes", HELD_MAX);
	http_reply_text(q, 200, MEDIA_JSON, buf_view(out));
	return 0;
}

/* Text for the record of the decision; "" if it is not there. */
static int
body_text(const json_t *body, const char *name, size_t max, const char **text_r, struct err *e)
{
	const json_t *v = json_object_get(body, name);
	if (v && (!json_is_string(v) || json_string_length(v) > max))
		return err_set(e, ERR_VALUE, "%s must be a string of at most %zu bytes", name, max);
	*text_r = v ? json_string_value(v) : "";
	return 0;
}

/* "expect": the number of events of the batch that was looked at; 0 if it is not there. */
static int
body_expect(const json_t *body, int64_t *n_r, struct err *e)
{
	const json_t *v = json_object_get(body, "expect");
	if (v && (!json_is_integer(v) || json_integer_value(v) < 1))
		return err_set(e, ERR_VALUE, "expect must be a number of events, 1 or more");
	*n_r = v ? json_integer_value(v) : 0;
	return 0;
}

static int
decide(struct req *q, bool release, struct err *e)
{
	json_t *body = NULL;
	struct store *s;
	struct store_decision d = {.release = release, .now_us = clock_wall_us()};
	int64_t id, events = 0;
	if (batch_id(q, &id, e) < 0 || http_events_store(q, &s, e) < 0 ||
	    (q->body.n > 0 && http_req_json(q, &body, e) < 0) || body_text(body, "why", WHY_MAX, &d.why, e) < 0 ||
	    body_text(body, "who", WHO_MAX, &d.who, e) < 0 || body_expect(body, &d.expect, e) < 0)
		return -1;
	/* only the socket's peer may say who it is: it has no name of its own */
	if (q->h->opts.face != HTTP_LOCAL || !*d.who)
		d.who = q->who->name;
	if (store_batch_decide(s, id, &d, &events, e) < 0)
		return -1;
	json_t *j = json_object();
	set(j, "id", json_integer(id));
	set(j, "decision", json_string(release ? "released" : "rejected"));
	set(j, "events", json_integer(events));
	http_reply_json(q, 200, MEDIA_JSON, j);
	return 0;
}

int
http_ep_guard_release(struct req *q, struct err *e)
{
	return decide(q, true, e);
}

int
http_ep_guard_reject(struct req *q, struct err *e)
{
	return decide(q, false, e);
}
