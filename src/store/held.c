/* SPDX-License-Identifier: Apache-2.0
 * Batches of removals that wait for an operator. */
#include "store/store_priv.h"

int64_t
store_tx_removals_here(struct store_tx *tx)
{
	return tx->removals;
}

int
store_tx_removals_since(struct store_tx *tx, int64_t since_us, int64_t *n_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_REMOVALS_SINCE, e))
		return -1;
	store_q_int(&q, since_us / US_PER_S);
	if (store_q_step(&q, e) != 1)
		return -1;
	*n_r = store_q_col_int(&q, 0);
	return 0;
}

/* --- holding -------------------------------------------------------------------------------------------------------
 */

int
store_tx_holds(struct store_tx *tx, struct err *e)
{
	return tx->held_behind >= 0 ? 0 : store_db_number(tx->d, SQL_HELD_LAST, 0, &tx->held_behind, e);
}

static int
open_batch(struct store_tx *tx, const char *reason, int64_t now_us, int64_t *batch_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_db_number(tx->d, SQL_BATCH_OPEN, 0, batch_r, e))
		return -1;
	if (*batch_r > 0)
		return 0;
	if (store_q_begin(&q, tx->d, SQL_BATCH_NEW, e))
		return -1;
	store_q_text(&q, reason);
	store_q_int(&q, now_us);
	if (store_q_run(&q, e))
		return -1;
	*batch_r = sqlite3_last_insert_rowid(tx->d->h);
	return 0;
}

static int
run_two(struct store_tx *tx, enum store_sql id, int64_t one, int64_t two, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_int(&q, one);
	store_q_int(&q, two);
	return store_q_run(&q, e);
}

static int
run_one(struct store_tx *tx, enum store_sql id, int64_t n, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_int(&q, n);
	return store_q_run(&q, e);
}

int
store_tx_hold_back(struct store_tx *tx, const char *reason, int64_t now_us, int64_t *batch_r, struct err *e)
{
	int64_t batch, last;

	if (store_tx_holds(tx, e) || open_batch(tx, reason, now_us, &batch, e) ||
	    store_db_number(tx->d, SQL_HELD_LAST, 0, &last, e) || run_two(tx, SQL_HELD_TAKE, batch, tx->first, e))
		return -1;
	int64_t taken = sqlite3_changes64(tx->d->h);
	tx->untold = true;
	if (run_two(tx, SQL_HELD_TAKEN, tx->first, last, e))
		return -1;
	must(sqlite3_changes64(tx->d->h) == taken);
	tx->tally.held += taken;
	tx->tally.events -= taken;
	tx->removals = 0; /* each was in a subject that is held now */
	if (store_tx_recount_range(tx, e))
		return -1;
	*batch_r = batch;
	return 0;
}

/* --- looking -------------------------------------------------------------------------------------------------------
 */

static int
read_batches(struct store_db *d, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, d, SQL_BATCH_LIST, e))
		return -1;
	while ((rc = store_q_step(&q, e)) == 1) {
		struct store_batch *b = store_rows_add(rows);
		b->id = store_q_col_int(&q, 0);
		b->reason = store_q_col_text(&q, rows->a, 1);
		b->opened_us = store_q_col_int(&q, 2);
		b->removals = store_q_col_int(&q, 3);
		b->events = store_q_col_int(&q, 4);
		b->subjects = store_q_col_int(&q, 5);
	}
	return rc;
}

int
store_batches(struct store *s, store_batch_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_batch)};
	struct store_db *d = store_reader_take(s, e);

	if (!d)
		return -1;
	int rc = read_batches(d, &rows, e);
	store_reader_give(s, d);
	const struct store_batch *v = rows.v;
	for (size_t i = 0; i < rows.n && rc == 0; i++)
		rc = fn(ctx, &v[i], e);
	return rc < 0 ? -1 : 0;
}

/* 1 decided, 0 undecided, -1 no such batch or another error. */
static int
decided(struct store_db *d, int64_t id, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_BATCH_GET, e))
		return -1;
	store_q_int(&q, id);
	int rc = store_q_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no held batch %jd", (intmax_t)id);
	return rc < 0 ? -1 : store_q_col_int(&q, 0) != 0;
}

static int
read_held(struct store_db *d, int64_t after, int64_t batch, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, d, SQL_HELD_PAGE, e))
		return -1;
	store_q_int(&q, after);
	store_q_int(&q, batch);
	store_q_int(&q, STORE_CHUNK);
	while ((rc = store_q_step(&q, e)) == 1)
		if (store_event_read(&q, rows->a, store_rows_add(rows), e))
			return -1;
	return rc;
}

static int
tell_held(struct store *s, int64_t *after, int64_t batch, store_event_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(64 * 1024);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_event)};
	struct store_db *d = store_reader_take(s, e);

	if (!d)
		return -1;
	int rc = *after == 0 && decided(d, batch, e) < 0 ? -1 : read_held(d, *after, batch, &rows, e);
	store_reader_give(s, d);
	const struct store_event *v = rows.v;
	for (size_t i = 0; i < rows.n && rc == 0; i++)
		rc = fn(ctx, &v[i], e);
	if (rows.n > 0)
		*after = v[rows.n - 1].seq;
	return rc == 0 && rows.n < STORE_CHUNK ? 1 : rc;
}

int
store_batch_events(struct store *s, int64_t id, store_event_fn fn, void *ctx, struct err *e)
{
	int64_t after = 0;
	int rc;

	do
		rc = tell_held(s, &after, id, fn, ctx, e);
	while (rc == 0);
	return rc < 0 ? -1 : 0;
}

/* --- deciding ------------------------------------------------------------------------------------------------------
 */

struct verdict {
	int64_t batch;
	const struct store_decision *d;
	int64_t events;
};

static int
record(struct store_tx *tx, const struct verdict *v, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_BATCH_DECIDE, e))
		return -1;
	store_q_int(&q, v->batch);
	store_q_int(&q, v->d->now_us);
	store_q_int(&q, v->d->release);
	store_q_text(&q, v->d->who);
	store_q_text(&q, v->d->why);
	store_q_int(&q, v->events);
	return store_q_run(&q, e);
}

/* Not counted in the guard's window, and what went out before the limit was reached is forgotten with them: somebody
 * has looked at all of it, and the next single removal must not wait. */
static int
release(struct store_tx *tx, int64_t batch, struct err *e)
{
	if (run_two(tx, SQL_HELD_RELEASE, tx->now_us, batch, e) || run_one(tx, SQL_REMOVALS_DROP, INT64_MAX, e))
		return -1;
	tx->tally.events += sqlite3_changes64(tx->d->h);
	tx->untold = true;
	return store_tx_recount_range(tx, e);
}

static int
revive(struct store_tx *tx, int64_t batch, struct err *e)
{
	if (run_one(tx, SQL_STATE_REVIVE, batch, e) || store_told_restore(tx, batch, e) ||
	    store_db_count_state(tx->d, STORE_USER, &tx->tally.users, e) ||
	    store_db_count_state(tx->d, STORE_GROUP, &tx->tally.groups, e))
		return -1;
	return 0;
}

/* While somebody looked at the batch, more may have come: that is decided when it was looked at, too. */
static int
check_expected(struct store_tx *tx, const struct verdict *v, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (v->d->expect == 0)
		return 0;
	if (store_q_begin(&q, tx->d, SQL_HELD_COUNT_OF, e))
		return -1;
	store_q_int(&q, v->batch);
	if (store_q_step(&q, e) != 1)
		return -1;
	int64_t n = store_q_col_int(&q, 0);
	if (n == v->d->expect)
		return 0;
	return err_set(e, ERR_CONFLICT, "held batch %jd has %jd events now, not %jd: look at it again",
		       (intmax_t)v->batch, (intmax_t)n, (intmax_t)v->d->expect);
}

static int
decide(struct store_tx *tx, void *ctx, struct err *e)
{
	struct verdict *v = ctx;
	int done = decided(tx->d, v->batch, e);

	if (done < 0)
		return -1;
	if (done)
		return err_set(e, ERR_CONFLICT, "held batch %jd has been decided already", (intmax_t)v->batch);
	if (check_expected(tx, v, e))
		return -1;
	if ((v->d->release ? release : revive)(tx, v->batch, e) || run_one(tx, SQL_HELD_DROP, v->batch, e))
		return -1;
	v->events = sqlite3_changes64(tx->d->h);
	tx->tally.held -= v->events;
	return store_told_drop(tx, v->batch, e) ? -1 : record(tx, v, e);
}

int
store_batch_decide(struct store *s, int64_t id, const struct store_decision *d, int64_t *events_r, struct err *e)
{
	struct verdict v = {.batch = id, .d = d};

	if (store_write(s, decide, &v, e))
		return -1;
	*events_r = v.events;
	return 0;
}
