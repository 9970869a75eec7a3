/* SPDX-License-Identifier: Apache-2.0
 * The log of events: appended in a transaction, read by pages, waited for. */
#include "store/fill.h"

#define PAGE_CHUNK 64 /* events in memory at once, of each of many readers */

static uint64_t
sum_text(uint64_t h, const char *text)
{
	return text ? store_sum(h, strv_n(text, strlen(text) + 1)) : store_sum(h, STRV("\1"));
}

int64_t
store_event_sum(const struct store_event *ev)
{
	uint64_t h = (STORE_SUM_INIT ^ (uint64_t)ev->at_us) + ev->removal;

	h = sum_text(h, ev->id);
	h = sum_text(h, ev->type);
	h = sum_text(h, ev->subject);
	h = sum_text(h, ev->dn_key);
	h = sum_text(h, ev->old_dn_key);
	return (int64_t)store_sum(h, ev->body);
}

int
store_event_read(const struct store_q *q, struct arena *a, struct store_event *ev_r, struct err *e)
{
	struct store_event ev = {
		.seq = store_q_col_int(q, 0),
		.id = store_q_col_text(q, a, 1),
		.type = store_q_col_text(q, a, 2),
		.subject = store_q_col_text(q, a, 3),
		.dn_key = store_q_col_text(q, a, 4),
		.old_dn_key = store_q_col_text(q, a, 5),
		.at_us = store_q_col_int(q, 6),
		.removal = store_q_col_int(q, 7) != 0,
		.body = store_q_col_blob(q, a, 11),
	};
	if (!store_q_col_null(q, 8))
		return store_first_read(q, a, ev_r, e);
	if (!ev.id || !ev.type || !ev.subject || store_event_sum(&ev) != store_q_col_int(q, 10)) {
		(void)err_set(e, ERR_IO, "the event store is damaged");
		return err_cause(e,
				 "%s: event %jd is not what was written; restore the file or run dirhinge sync reset",
				 q->d->path, (intmax_t)ev.seq);
	}
	*ev_r = ev;
	return 0;
}

void
store_range(struct store *s, struct store_range *r_r)
{
	mutex_lock(&s->lock);
	*r_r = (struct store_range){.oldest = s->tally.oldest, .head = s->tally.head};
	mutex_unlock(&s->lock);
}

static int
read_page(struct store_db *d, int64_t after, int64_t limit, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, d, SQL_EVENT_PAGE, e))
		return -1;
	store_q_int(&q, after);
	store_q_int(&q, limit);
	while ((rc = store_q_step(&q, e)) == 1)
		if (store_event_read(&q, rows->a, store_rows_add(rows), e))
			return -1;
	return rc;
}

/* False: the place is too far behind. */
static bool
take_recent(struct store *s, int64_t after, struct store_recent_page *p)
{
	mutex_lock(&s->lock);
	/* what retention has dropped is in no page, though a lot may still hold it */
	int64_t dropped = s->tally.oldest - 1;
	bool here = store_recent_take(&s->recent, after < dropped ? dropped : after, p);
	s->disk_pages += !here;
	mutex_unlock(&s->lock);
	return here;
}

static void
give_recent(struct store *s, struct store_recent_page *p)
{
	struct store_lot *old = NULL;

	mutex_lock(&s->lock);
	store_recent_give(p, &old);
	mutex_unlock(&s->lock);
	store_lots_free(&old);
}

/* One page from memory or from the disk, told to fn. *rows_r: how many it had; *after: the last one told. */
static int
tell_page(struct store *s, int64_t *after, int64_t n, int64_t *rows_r, store_event_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16 * 1024);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_event)};
	struct store_recent_page p = {.max = (size_t)n};
	int rc = 0;

	p.events = ARENA_ARRAY(a, p.max, const struct store_event *);
	p.lots = ARENA_ARRAY(a, p.max, struct store_lot *);
	if (!take_recent(s, *after, &p)) {
		struct store_db *d = store_reader_take(s, e);
		if (!d)
			return -1;
		rc = read_page(d, *after, n, &rows, e);
		store_reader_give(s, d);
		for (const struct store_event *evs = rows.v; p.n < rows.n; p.n++)
			p.events[p.n] = &evs[p.n];
	}
	for (size_t i = 0; i < p.n && rc == 0; i++)
		rc = fn(ctx, p.events[i], e);
	if (p.n > 0)
		*after = p.events[p.n - 1]->seq;
	*rows_r = (int64_t)p.n;
	give_recent(s, &p);
	return rc;
}

int
store_events(struct store *s, int64_t after, int64_t limit, store_event_fn fn, void *ctx, struct err *e)
{
	int rc = 0;

	for (int64_t left = limit, rows = 0; left > 0 && rc == 0; left -= rows) {
		int64_t n = left < PAGE_CHUNK ? left : PAGE_CHUNK;
		rc = tell_page(s, &after, n, &rows, fn, ctx, e);
		if (rc == 0 && rows < n)
			break;
	}
	return rc < 0 ? -1 : 0;
}

static int
read_mark(struct store_db *d, int64_t seq, uint64_t *mark_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct store_event ev;

	if (store_q_begin(&q, d, SQL_EVENT_AT, e))
		return -1;
	store_q_int(&q, seq);
	int rc = store_q_step(&q, e);
	if (rc == 1 && store_event_read(&q, a, &ev, e))
		return -1;
	if (rc == 1)
		*mark_r = store_mark(ev.id);
	return rc;
}

int
store_event_mark(struct store *s, int64_t seq, uint64_t *mark_r, struct err *e)
{
	mutex_lock(&s->lock);
	const struct store_event *ev = seq < s->tally.oldest ? NULL : store_recent_at(&s->recent, seq);
	uint64_t mark = ev ? store_mark(ev->id) : 0;
	mutex_unlock(&s->lock);
	if (ev) {
		*mark_r = mark;
		return 1;
	}
	struct store_db *d = store_reader_take(s, e);
	if (!d)
		return -1;
	int rc = read_mark(d, seq, mark_r, e);
	store_reader_give(s, d);
	return rc;
}

bool
store_wait(struct store *s, struct store_waiting *w, deadline_t until)
{
	mutex_lock(&s->lock);
	bool news = store_recent_wait(&s->recent, &s->lock, &s->woken, w, until);
	mutex_unlock(&s->lock);
	return news;
}

void
store_wake_all(struct store *s)
{
	mutex_lock(&s->lock);
	s->woken = true;
	store_recent_wake(&s->recent);
	mutex_unlock(&s->lock);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int
has(struct store_tx *tx, enum store_sql id, const char *key, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_text(&q, key);
	return store_q_step(&q, e);
}

static void
bind_event(struct store_q *q, const struct store_event *ev)
{
	store_q_text(q, ev->id);
	store_q_text(q, ev->type);
	store_q_text(q, ev->subject);
	store_q_text(q, ev->dn_key);
	store_q_text(q, ev->old_dn_key);
	store_q_int(q, ev->at_us);
	store_q_int(q, ev->removal);
}

/* The undecided batch that holds events of this subject: 1, 0, -1. */
static int
held_in(struct store_tx *tx, const char *subject, int64_t *batch_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_HELD_BATCH, e))
		return -1;
	store_q_text(&q, subject);
	if (store_q_step(&q, e) != 1)
		return -1;
	*batch_r = store_q_col_int(&q, 0);
	return *batch_r > 0;
}

static int
hold(struct store_tx *tx, int64_t batch, const struct store_event *ev, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc = has(tx, SQL_EVENT_HAS, ev->id, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (store_tx_holds(tx, e) || store_q_begin(&q, tx->d, SQL_HELD_ADD, e))
		return -1;
	store_q_int(&q, batch);
	bind_event(&q, ev);
	store_q_int(&q, store_event_sum(ev));
	store_q_blob(&q, ev->body);
	if (store_q_run(&q, e))
		return -1;
	tx->tally.held += sqlite3_changes64(tx->d->h);
	return 0;
}

/* For who reads it in a moment. */
static void
remember(struct store_tx *tx, const struct store_event *ev)
{
	if (tx->untold)
		return;
	if (!tx->lot)
		tx->lot = store_lot_new();
	tx->untold = !store_lot_add(tx->lot, ev, tx->tally.head);
	if (tx->untold)
		store_lot_free(&tx->lot);
}

void
store_event_appended(struct store_tx *tx, int64_t n)
{
	bool empty = tx->tally.oldest > tx->tally.head;

	tx->tally.head = sqlite3_last_insert_rowid(tx->d->h);
	if (empty)
		tx->tally.oldest = tx->tally.head - n + 1;
	tx->tally.events += n;
}

static int
append(struct store_tx *tx, const struct store_event *ev, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_EVENT_ADD, e))
		return -1;
	bind_event(&q, ev);
	store_q_int(&q, tx->now_us);
	store_q_int(&q, store_event_sum(ev));
	store_q_blob(&q, ev->body);
	if (store_q_run(&q, e))
		return -1;
	if (sqlite3_changes64(tx->d->h) == 0)
		return 0;
	store_event_appended(tx, 1);
	tx->removals += ev->removal;
	remember(tx, ev);
	return 0;
}

int
store_tx_event(struct store_tx *tx, const struct store_event *ev, struct err *e)
{
	int64_t batch;

	if (tx->tally.held > 0) {
		int rc = has(tx, SQL_HELD_HAS, ev->id, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		rc = held_in(tx, ev->subject, &batch, e);
		if (rc != 0)
			return rc < 0 ? -1 : hold(tx, batch, ev, e);
	}
	return append(tx, ev, e);
}

int
store_tx_recount_range(struct store_tx *tx, struct err *e)
{
	int64_t oldest, head;

	if (store_db_number(tx->d, SQL_EVENT_MIN, 0, &oldest, e) || store_db_number(tx->d, SQL_EVENT_MAX, 0, &head, e))
		return -1;
	/* the head never falls: cursors stand on it */
	tx->tally.head = head > tx->first ? head : tx->first;
	tx->tally.oldest = oldest > 0 ? oldest : tx->tally.head + 1;
	return 0;
}
