/* SPDX-License-Identifier: Apache-2.0
 * The feed's thread: connects, takes a refresh, follows, and begins again with a longer pause when that fails. */
#include "dirhinge/sync/sync.h"

#include "dirhinge/base/log.h"
#include "sync/sync_priv.h"

#define OPEN_MS        10000
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   30000
#define BEHIND_MIN_MS  2000

/* --- between threads --- */

bool
sync_stopping(struct sync *s)
{
	mutex_lock(&s->lock);
	bool stop = s->stop || (s->request.kind == REQUEST_RESET && !s->request.done);
	mutex_unlock(&s->lock);
	return stop;
}

/* lock held */
static void
wake(struct sync *s)
{
	if (s->feed)
		dir_feed_wake(s->feed);
	cond_broadcast(&s->changed);
}

enum request_kind
sync_request_take(struct sync *s)
{
	mutex_lock(&s->lock);
	enum request_kind kind = s->request.taken || s->request.done ? REQUEST_NONE : s->request.kind;
	if (kind != REQUEST_NONE)
		s->request.taken = true;
	mutex_unlock(&s->lock);
	return kind;
}

void
sync_request_done(struct sync *s, int rc, const struct err *e, json_t *found)
{
	mutex_lock(&s->lock);
	struct sync_request *q = &s->request;
	if (q->kind == REQUEST_NONE || q->abandoned) {
		json_decref(found);
		*q = (struct sync_request){.kind = REQUEST_NONE};
	} else {
		q->done = true;
		q->rc = rc;
		if (e)
			q->e = *e;
		q->found = found;
	}
	cond_broadcast(&s->changed);
	mutex_unlock(&s->lock);
}

static int
ask(struct sync *s, enum request_kind kind, deadline_t until, json_t **found_r, struct err *e)
{
	struct sync_request *q = &s->request;
	int rc = 0;

	mutex_lock(&s->lock);
	if (s->stop || q->kind != REQUEST_NONE) {
		mutex_unlock(&s->lock);
		return err_set(e, ERR_BUSY, "the change feed is being stopped or asked for something else already");
	}
	*q = (struct sync_request){.kind = kind, .e = ERR_INIT};
	wake(s);
	while (!q->done && !s->stop && cond_wait_until(&s->changed, &s->lock, until))
		;
	if (!q->done) {
		rc = err_set(e, ERR_BUSY, "%s",
			     s->stop ? "the change feed is being stopped"
				     : "the change feed is still at it; look at its status");
		if (q->taken)
			q->abandoned = true;
		else
			q->kind = REQUEST_NONE;
	} else {
		rc = q->rc;
		if (rc < 0)
			*e = q->e;
		else if (found_r)
			*found_r = TAKE(q->found);
		json_decref(q->found);
		*q = (struct sync_request){.kind = REQUEST_NONE};
	}
	mutex_unlock(&s->lock);
	return rc;
}

int
sync_reconcile(struct sync *s, deadline_t until, json_t **found_r, struct err *e)
{
	return ask(s, REQUEST_RECONCILE, until, found_r, e);
}

int
sync_reset(struct sync *s, deadline_t until, struct err *e)
{
	return ask(s, REQUEST_RESET, until, NULL, e);
}

/* --- one attempt --- */

struct arena *
sync_next_arena(struct sync *s)
{
	arena_free(&s->run.a);
	s->run.a = s->run.map.a = arena_new(16384);
	s->run.now_us = s->run.map.now_us = clock_wall_us();
	return s->run.a;
}

/* The resume point, unless the map is another one than the state was made with: then everything is looked at. */
static int
load_cookie(struct sync *s, bool *begun_r, struct err *e)
{
	struct arena *a = sync_next_arena(s);
	struct strv cookie, print;
	int has, had;

	buf_reset(&s->cookie);
	has = store_meta_get(s->opts.store, a, META_COOKIE, &cookie, e);
	had = has < 0 ? -1 : store_meta_get(s->opts.store, a, META_MAP, &print, e);
	if (had < 0)
		return err_cause(e, "read the resume point");
	*begun_r = had == 1 && print.n > 0;
	if (*begun_r && !strv_eq(print, strv_of(s->map_print)))
		log_event(LOG_WARN_, "the attribute map is not the one of the last run: every entry is looked at anew",
			  LOG_END);
	else if (*begun_r && has == 1)
		buf_addv(&s->cookie, cookie);
	return 0;
}

static int
compare_after(struct sync *s, bool full, struct err *e)
{
	int older = sync_sentinel_check(s, e);

	if (older < 0)
		return -1;
	if (full && !older && deadline_left(s->reconcile_at) > 0)
		return 0;
	s->reconcile_at = deadline_in(s->opts.reconcile_ms);
	return sync_compare(s, false, NULL, e);
}

static int
attempt(struct sync *s, struct err *e)
{
	bool begun, full;

	if (sync_setup(s, e) < 0 || sync_canaries_load(s, e) < 0 || load_cookie(s, &begun, e) < 0 ||
	    sync_ids_load(s->run.recheck, s->opts.store, e) < 0)
		return -1;
	/* Later only behind a comparison that missed nothing: it must not vouch for a tree that came back empty. */
	if (!begun && sync_canaries_make(s, e) < 0)
		return -1;
	if (dir_feed_open(s->feed, buf_view(&s->cookie), deadline_in(OPEN_MS), e) < 0)
		return -1;
	sync_report_state(s, SYNC_STATE_REFRESH, NULL);
	s->reconcile_at = deadline_in(s->opts.reconcile_ms);
	if (sync_refresh(s, NULL, &full, e) < 0)
		return -1;
	s->run.moved = false; /* all was read, or is compared now */
	if (compare_after(s, full, e) < 0)
		return -1;
	sync_report_state(s, SYNC_STATE_LIVE, NULL);
	s->failures = 0;
	sync_sentinel_write(s);
	return sync_live(s, e);
}

/* --- pauses --- */

static enum sync_state
state_of(const struct sync *s, const struct err *e)
{
	if (s->why == SYNC_UNTRUSTED)
		return SYNC_STATE_UNTRUSTED;
	switch ((int)e->code) {
	case ERR_PRECONDITION:
		return SYNC_STATE_BEHIND;
	case ERR_DIR_UNSUPPORTED:
		return SYNC_STATE_UNSUPPORTED;
	case ERR_NOT_FOUND: /* base missing, rights lost, results limited: nothing may be concluded from what is seen */
	case ERR_FORBIDDEN:
	case ERR_TOO_MANY:
		return SYNC_STATE_UNTRUSTED;
	default:
		return SYNC_STATE_CONNECTING;
	}
}

/* The default text of the code speaks of a request. */
static void
explain(enum sync_state state, struct err *e)
{
	struct err why = *e;

	if (state != SYNC_STATE_BEHIND)
		return;
	err_set(e, why.code, "the server is behind what was seen before: it lags, or was set back to an older state");
	err_cause(e, "%s", why.cause);
}

/* Doubles from failure to failure; spread, so that several gateways do not come back together. */
static int64_t
pause_ms(struct sync *s, enum sync_state state)
{
	int64_t ms = PAUSE_FIRST_MS << (s->failures < 8 ? s->failures : 8);

	s->failures++;
	if (state != SYNC_STATE_CONNECTING && ms < BEHIND_MIN_MS)
		ms = BEHIND_MIN_MS;
	if (ms > PAUSE_MAX_MS)
		ms = PAUSE_MAX_MS;
	return ms - clock_mono_us() % (ms / 4);
}

static void
refuse_request(struct sync *s, const struct err *why)
{
	struct err e = ERR_INIT;

	if (sync_request_take(s) == REQUEST_NONE)
		return;
	err_set(&e, ERR_UNAVAILABLE, "the change feed does not follow the directory now");
	if (why)
		err_cause(&e, "%s: %s", why->detail, why->cause);
	sync_request_done(s, -1, &e, NULL);
}

static void
wait_ms(struct sync *s, int64_t ms, const struct err *why)
{
	deadline_t until = deadline_in(ms);

	for (;;) {
		mutex_lock(&s->lock);
		while (!s->stop && (s->request.kind == REQUEST_NONE || s->request.taken) &&
		       cond_wait_until(&s->changed, &s->lock, until))
			;
		bool on =
			s->stop || (s->request.kind == REQUEST_RESET && !s->request.done) || deadline_left(until) == 0;
		mutex_unlock(&s->lock);
		if (on)
			return;
		refuse_request(s, why);
	}
}

static void
reset(struct sync *s)
{
	struct err e = ERR_INIT;

	if (sync_request_take(s) != REQUEST_RESET)
		return;
	int rc = store_reset(s->opts.store, &e);
	if (rc == 0) {
		log_event(LOG_WARN_, "the change feed was reset: cursors of readers are answered with 410",
			  LOG_S("generation", store_generation(s->opts.store)), LOG_END);
		sync_ids_clear(s->run.recheck);
	}
	sync_request_done(s, rc, &e, NULL);
}

static void *
follow(void *ctx)
{
	struct sync *s = ctx;

	for (;;) {
		struct err e = ERR_INIT;
		mutex_lock(&s->lock);
		bool stop = s->stop;
		mutex_unlock(&s->lock);
		if (stop)
			break;
		reset(s);
		sync_tick(s);
		s->why = SYNC_BROKEN;
		attempt(s, &e);
		if (s->feed)
			dir_feed_close(s->feed);
		if (sync_stopping(s))
			continue;
		enum sync_state state = state_of(s, &e);
		explain(state, &e);
		sync_report_state(s, state, &e);
		wait_ms(s, pause_ms(s, state), &e);
	}
	sync_report_state(s, SYNC_STATE_STOPPED, NULL);
	refuse_request(s, NULL);
	return NULL;
}

/* --- life --- */

int
sync_start(const struct sync_opts *opts, struct sync **s_r, struct err *e)
{
	struct arena *a = arena_new(4096);
	struct sync *s = ARENA_NEW(a, struct sync);

	(void)e;
	s->a = a;
	s->opts = *opts;
	s->cookie = BUF_INIT(1024 * 1024);
	s->run = (struct sync_run){
		.store = opts->store, .causes = opts->causes, .source = SYNC_SOURCE, .recheck = sync_ids_new()};
	mutex_init(&s->lock);
	cond_init(&s->changed);
	sync_report_setup(s);
	thread_start(&s->thread, "feed", follow, s);
	*s_r = s;
	return 0;
}

void
sync_quit(struct sync *s)
{
	if (!s)
		return;
	mutex_lock(&s->lock);
	s->stop = true;
	wake(s);
	mutex_unlock(&s->lock);
}

void
sync_stop(struct sync **sp)
{
	struct sync *s = *sp;

	if (!s)
		return;
	sync_quit(s);
	thread_join(&s->thread);
	dir_feed_free(&s->feed);
	arena_free(&s->setup);
	arena_free(&s->run.a);
	sync_run_done(&s->run);
	sync_ids_free(&s->run.recheck);
	buf_done(&s->cookie);
	sync_report_done(s);
	cond_done(&s->changed);
	mutex_done(&s->lock);
	struct arena *a = s->a;
	*sp = NULL;
	arena_free(&a); /* holds the struct itself */
}
