/* SPDX-License-Identifier: Apache-2.0
 * Following: what is ready goes into one transaction with the resume point behind it; in between what is due. */
#include "dirhinge/base/log.h"
#include "sync/sync_priv.h"

#define BATCH_MAX  256
#define TICK_MS    60000
#define BACKLOG_MS 5000 /* that a second look waits at most for what has come already */
#define DRAIN_MS   300  /* of silence: what was on its way has arrived */
#define DRAIN_MAX  5000
#define RETRY_MS   60000 /* of a comparison that failed */

struct batch {
	struct sync *s;
	const struct dir_change *first;
	bool begin, full; /* a refresh came in between, and what it said of .full */
	bool look;        /* it is one of many, where nothing is told in between */
	bool gone;        /* something is told to be gone */
	bool broken;      /* the source broke off in between, and why */
	struct err why;
};

static int
take_change(struct batch *b, struct store_tx *tx, const struct dir_change *c, struct err *e)
{
	struct sync *s = b->s;
	struct observation o = {.entry = c->entry, .op = c->op, .csn = c->csn, .actor_dn = c->actor_dn};

	sync_note_cookie(s, c->cookie);
	switch (c->kind) {
	case DIR_BEGIN:
		b->begin = true;
		b->full = c->full;
		b->look = c->look;
		return 0;
	case DIR_DELETE:
		b->gone = true;
		break;
	case DIR_ENTRY:
	case DIR_OP:
		break;
	case DIR_COOKIE:
	case DIR_STALLED:
		return 0;
	case DIR_PRESENT:
	case DIR_END:
		return err_set(e, ERR_INTERNAL, "the change source sent a part of a refresh outside of one");
	}
	for (size_t i = 0; i < c->n_ids; i++) {
		o.sync_id = c->ids[i];
		if (sync_take(s, tx, &o, e) < 0)
			return -1;
	}
	return 0;
}

/* Below a base that was renamed every change looks like an entry that leaves (reliability.md F-21), and so does one
 * that the account may not read any more. */
static int
check_view(struct sync *s, struct err *e)
{
	const char *missing;
	int there = sync_canaries_read(s, &missing, e);

	return there == 0 ? sync_canary_untrusted(s, missing, e) : there < 0 ? -1 : 0;
}

static int
batch_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	struct batch *b = ctx;
	struct sync *s = b->s;

	if (take_change(b, tx, b->first, e) < 0)
		return -1;
	for (int n = 1; n < BATCH_MAX && !b->begin && dir_feed_ready(s->feed); n++) {
		struct dir_change c;
		/* What came before the break is whole and is committed. */
		b->broken = dir_feed_next(s->feed, sync_next_arena(s), deadline_in(0), &c, &b->why) < 0;
		if (b->broken)
			break;
		if (take_change(b, tx, &c, e) < 0)
			return -1;
	}
	return b->gone && check_view(s, e) < 0 ? -1 : sync_seal(s, tx, NULL, e);
}

/* Between two looks the connection may have been another one, so to each that brings something belongs what belongs to
 * each connect; the comparison only if there is a reason. */
static int
check_restored(struct sync *s, struct err *e)
{
	int older = sync_sentinel_check(s, e);

	if (older > 0) {
		s->reconcile_at = deadline_in(0);
		s->misplaced = true;
		sync_sentinel_write(s);
	}
	return older < 0 ? -1 : 0;
}

/* The first change is at hand. */
static int
take_batch(struct sync *s, const struct dir_change *first, struct err *e)
{
	struct batch b = {.s = s, .first = first, .why = ERR_INIT};
	bool full;

	if (first->kind == DIR_BEGIN) {
		b.begin = true;
		b.full = first->full;
		b.look = first->look;
	} else if (sync_commit(s, batch_tx, &b, e) < 0) {
		return -1;
	}
	if (b.broken)
		*e = b.why;
	if (b.broken || !b.begin)
		return b.broken ? -1 : 0;
	bool begun_full = b.full;
	if (sync_refresh(s, &begun_full, &full, e) < 0)
		return -1;
	if (b.look)
		return check_restored(s, e);
	if (!full) {
		s->reconcile_at = deadline_in(0);
		s->misplaced = true;
	}
	return 0;
}

/* 1: a change was taken, 0: none came until then. */
static int
next_batch(struct sync *s, deadline_t until, struct err *e)
{
	struct dir_change c;

	if (dir_feed_next(s->feed, sync_next_arena(s), until, &c, e) < 0)
		return -1;
	if (c.kind == DIR_STALLED)
		return 0;
	return take_batch(s, &c, e) < 0 ? -1 : 1;
}

int
sync_drain(struct sync *s, struct err *e)
{
	deadline_t until = deadline_in(DRAIN_MAX);
	int rc = 1;

	while (rc == 1 && deadline_left(until) > 0)
		rc = next_batch(s, deadline_in(DRAIN_MS), e);
	/* If that was the end of it because somebody asked for something, it must not be slept over. */
	dir_feed_wake(s->feed);
	return rc < 0 ? -1 : 0;
}

/* --- what is due --- */

static int
recheck_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	struct sync *s = ctx;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct observation as = {.coalesced = true, .reresolve = true};
	size_t n;
	const char *const *ids = sync_ids_take(s->run.recheck, a, false, &n);

	return sync_take_fetched(s, tx, ids, n, &as, NULL, e) < 0 ? -1 : sync_seal(s, tx, NULL, e);
}

static int
count_removals(struct store_tx *tx, void *ctx, struct err *e)
{
	struct sync *s = ctx;
	int64_t n;

	if (store_tx_removals_since(tx, clock_wall_us() - s->opts.guard.window_ms * 1000, &n, e) < 0)
		return -1;
	mutex_lock(&s->lock);
	s->report.removals = n;
	mutex_unlock(&s->lock);
	return 0;
}

void
sync_tick(struct sync *s)
{
	struct err e = ERR_INIT;
	int64_t dropped;

	if (deadline_left(s->tick_at) > 0)
		return;
	s->tick_at = deadline_in(TICK_MS);
	if (store_maintain(s->opts.store, clock_wall_us(), &dropped, &e) < 0 ||
	    store_write(s->opts.store, count_removals, s, &e) < 0)
		log_err(LOG_WARN_, "the store could not be looked after", &e);
	else if (dropped > 0)
		log_event(LOG_INFO_, "events past their retention are dropped", LOG_I("events", dropped), LOG_END);
}

/* A comparison that could not be made leaves the feed as it is; one that shows an incomplete view ends it. */
static int
compare_due(struct sync *s, struct err *e)
{
	s->reconcile_at = deadline_in(s->opts.reconcile_ms);
	s->misplaced |= s->run.moved;
	s->run.moved = false;
	if (sync_compare(s, false, NULL, e) == 0) {
		s->misplaced = false;
		return 0;
	}
	if (s->why != SYNC_BROKEN)
		return -1;
	log_err(LOG_WARN_, "the comparison with the directory could not be made; it is tried again", e);
	err_clear(e);
	s->reconcile_at = deadline_in(RETRY_MS);
	return 0;
}

/* Below a container that was renamed nobody is known by the new name before the comparison: to look for them sooner
 * would be to miss them all. And what has come already may name those who would be missed. */
static deadline_t
recheck_due(const struct sync *s)
{
	bool wait = s->run.moved || s->misplaced || sync_ids_count(s->run.recheck) == 0;

	if (wait)
		return INT64_MAX;
	return sync_ids_due(s->run.recheck) + (dir_feed_ready(s->feed) ? BACKLOG_MS : 0);
}

static int
do_due(struct sync *s, struct err *e)
{
	if ((s->run.moved || deadline_left(s->reconcile_at) == 0) && compare_due(s, e) < 0)
		return -1;
	if (deadline_left(recheck_due(s)) == 0 && sync_commit(s, recheck_tx, s, e) < 0)
		return -1;
	if (s->changed_since && clock_mono_ms() - s->canaries.written_ms >= TICK_MS) {
		s->changed_since = false;
		sync_sentinel_write(s);
	}
	sync_tick(s);
	return 0;
}

static deadline_t
next_due(const struct sync *s)
{
	deadline_t due = deadline_min(s->reconcile_at, s->tick_at);

	return s->run.moved ? deadline_in(0) : deadline_min(due, recheck_due(s));
}

static int
do_request(struct sync *s, struct err *e)
{
	json_t *found = NULL;

	/* A reset ends the connection: sync_stopping() says so. */
	if (sync_request_take(s) != REQUEST_RECONCILE)
		return 0;
	int rc = sync_compare(s, true, &found, e);
	sync_request_done(s, rc, e, found);
	if (rc == 0 || s->why != SYNC_BROKEN)
		return rc;
	err_clear(e);
	return 0;
}

int
sync_live(struct sync *s, struct err *e)
{
	s->misplaced = false;
	for (;;) {
		if (sync_stopping(s)) {
			s->why = SYNC_STOPPED;
			return err_set(e, ERR_UNAVAILABLE, "the change feed is being stopped");
		}
		sync_report_source(s);
		if (do_request(s, e) < 0 || do_due(s, e) < 0 || next_batch(s, next_due(s), e) < 0)
			return -1;
	}
}
