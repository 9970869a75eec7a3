/* SPDX-License-Identifier: Apache-2.0
 * Transactions: one at a time, on the caller's thread, durable when they return. */
#include <sys/statvfs.h>

#include "store/fill.h"

void
store_gate_enter(struct store_gate *g)
{
	mutex_lock(&g->lock);
	uint64_t mine = g->next++;
	while (g->serving != mine)
		cond_wait(&g->turn, &g->lock);
	mutex_unlock(&g->lock);
}

void
store_gate_leave(struct store_gate *g)
{
	mutex_lock(&g->lock);
	g->serving++;
	cond_broadcast(&g->turn);
	mutex_unlock(&g->lock);
}

void
store_checkpoint(struct store *s, bool truncate)
{
	int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

	/* A full disk or a reader that holds it up costs nothing: the WAL keeps what could not be copied. A failed
	 * fsync ends the process like that of a commit: the copy would be taken for complete when tried again. */
	if (sqlite3_wal_checkpoint_v2(s->w.h, NULL, mode, NULL, NULL) != SQLITE_OK)
		(void)store_db_fail(&s->w, "checkpoint", NULL);
	s->checkpointed_pages = truncate ? 0 : s->wal_pages;
}

static void
publish(struct store *s, struct store_tx *tx)
{
	struct store_lot *old = NULL;

	mutex_lock(&s->lock);
	s->tally = tx->tally;
	if (tx->generation)
		s->generation = tx->generation;
	store_recent_trim(&s->recent, s->tally.oldest, &old);
	if (tx->untold)
		store_recent_clear(&s->recent, s->tally.head, &old);
	else
		store_recent_put(&s->recent, &tx->lot, &old);
	mutex_unlock(&s->lock);
	store_lots_free(&old);
}

static int
run(struct store_db *d, enum store_sql id, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	return store_q_begin(&q, d, id, e) ? -1 : store_q_run(&q, e);
}

/* What this transaction takes away goes into the window with it. */
static int
count_removals(struct store_tx *tx, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (tx->removals == 0)
		return 0;
	if (store_q_begin(&q, tx->d, SQL_REMOVALS_ADD, e))
		return -1;
	store_q_int(&q, tx->now_us / US_PER_S);
	store_q_int(&q, tx->removals);
	return store_q_run(&q, e);
}

static int
commit(struct store_tx *tx, struct err *e)
{
	int64_t begun = clock_mono_us();

	if (tx->d->failed)
		return err_set(e, ERR_IO, "the event store failed"); /* and fn did not pass it on */
	if (store_fill_finish(tx, e) || store_first_remember(tx, e) || store_told_keep(tx, e) || count_removals(tx, e))
		return -1;
	if (run(tx->d, SQL_COMMIT, e)) {
		/* Without room nothing of it is in the log, and SQLite undoes it. With any other failure nobody knows.
		 */
		if ((sqlite3_extended_errcode(tx->d->h) & 0xff) != SQLITE_FULL)
			store_db_fatal(tx->d, "commit");
		return -1;
	}
	metric_add(tx->s->counters.commits, 1, NULL);
	metric_observe(tx->s->counters.commit_time, clock_mono_us() - begun, NULL);
	return 0;
}

static int
transaction(struct store *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx, struct err *e)
{
	struct store_tx tx = {.s = s, .d = &s->w, .tally = s->tally, .now_us = clock_wall_us(), .held_behind = -1};

	tx.first = tx.tally.head;
	s->w.failed = false;
	if (run(&s->w, SQL_BEGIN, e))
		return -1;
	int rc = fn(&tx, ctx, e) || commit(&tx, e);
	store_fill_done(&tx);
	if (rc) {
		/* some errors have already undone it; and an undoing that fails leaves the log without a commit */
		if (!sqlite3_get_autocommit(s->w.h) && run(&s->w, SQL_ROLLBACK, NULL))
			store_db_fatal(&s->w, "roll back");
		store_lot_free(&tx.lot);
		return -1;
	}
	publish(s, &tx);
	store_lot_free(&tx.lot);
	return 0;
}

int
store_transact(struct store *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx, struct err *e)
{
	store_gate_enter(&s->gate);
	int rc = transaction(s, fn, ctx, e);
	/* the log begins again at its start after a complete checkpoint */
	if (s->wal_pages < s->checkpointed_pages)
		s->checkpointed_pages = 0;
	if (s->wal_pages - s->checkpointed_pages >= STORE_CKPT_PAGES)
		store_checkpoint(s, false);
	store_gate_leave(&s->gate);
	return rc;
}

static bool
has_room(struct store *s)
{
	struct statvfs fs;

	return statvfs(s->dir, &fs) || (uint64_t)fs.f_bavail * fs.f_frsize >= STORE_MIN_FREE;
}

int
store_write(struct store *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx, struct err *e)
{
	/* The last of the space is for retention, and for the shared index, which must not run out in a commit. */
	if (!has_room(s)) {
		/* a transaction that did not fit has left its size to the WAL */
		store_gate_enter(&s->gate);
		store_checkpoint(s, true);
		store_gate_leave(&s->gate);
		if (!has_room(s))
			return err_set(e, ERR_IO, "the disk of the event store is full");
	}
	return store_transact(s, fn, ctx, e);
}
