/* SPDX-License-Identifier: Apache-2.0
 * Events of a first refresh: a few numbers in the log, and the text made from rows whenever it is read. A row that
 * changes is kept once, as it was (table origin), until retention has taken the last of these events. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/fill.h"

#define META_FIRST "events.first"

static int64_t
sum_of(const struct store_first *f)
{
	uint64_t h = STORE_SUM_INIT ^ (uint64_t)f->at_us;

	h = store_sum(h, strv_n((const char *)&(const uint64_t){htole64((uint64_t)f->row)}, sizeof(uint64_t)));
	h = store_sum(h, strv_n((const char *)&(const uint64_t){htole64((uint64_t)f->member)}, sizeof(uint64_t)));
	return (int64_t)store_sum(h, strv_of(f->type));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int
damaged(const struct store_q *q, int64_t seq, struct err *e)
{
	(void)err_set(e, ERR_IO, "the event store is damaged");
	return err_cause(e, "%s: event %jd is not what was written; restore the file or run dirhinge sync reset",
			 q->d->path, (intmax_t)seq);
}

static int
read_row(struct store_db *d, int64_t row, struct arena *a, struct store_state *st_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_FIRST_ROW, e))
		return -1;
	store_q_int(&q, row);
	int rc = store_q_step(&q, e); /* what was kept stands in front of what is there now */
	return rc == 1 && store_state_read(&q, a, true, st_r, e) ? -1 : rc;
}

int
store_first_read(const struct store_q *q, struct arena *a, struct store_event *ev_r, struct err *e)
{
	struct store_first f = {
		.type = store_q_col_text(q, a, 2),
		.at_us = store_q_col_int(q, 6),
		.row = store_q_col_int(q, 8),
		.member = store_q_col_int(q, 9),
	};
	struct store_state subject, member;
	struct store_event ev = {0};
	int64_t seq = store_q_col_int(q, 0);

	if (!f.type || sum_of(&f) != store_q_col_int(q, 10))
		return damaged(q, seq, e);
	int rc = read_row(q->d, f.row, a, &subject, e);
	if (rc == 1 && f.member)
		rc = read_row(q->d, f.member, a, &member, e);
	if (rc < 1)
		return rc < 0 ? -1 : damaged(q, seq, e);
	const struct store_told t = {f.type, f.at_us, &subject, f.member ? &member : NULL};
	if (!q->d->compose)
		return err_set(e, ERR_INTERNAL, "events of the first refresh cannot be read here");
	if (q->d->compose(a, &t, &ev, e))
		return -1;
	ev.seq = seq;
	*ev_r = ev;
	return 0;
}

int
store_first_load(struct store_db *d, int64_t *first_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);

	if (store_q_begin(&q, d, SQL_META_GET, e))
		return -1;
	store_q_text(&q, META_FIRST);
	int rc = store_q_step(&q, e);
	*first_r = rc == 1 ? strtoll(store_q_col_blob(&q, a, 0).p, NULL, 10) : 0;
	return rc < 0 ? -1 : 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int
append(struct store_tx *tx, const struct store_first *f, size_t n, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, n == LOT_ROWS ? SQL_FIRST_ADD_LOT : SQL_FIRST_ADD, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		store_q_text(&q, f[i].type);
		store_q_int(&q, f[i].at_us);
		store_q_int(&q, tx->now_us);
		store_q_int(&q, f[i].row);
		store_q_int(&q, f[i].member);
		store_q_int(&q, sum_of(&f[i]));
	}
	if (store_q_run(&q, e))
		return -1;
	must(sqlite3_changes64(tx->d->h) == (int64_t)n);
	store_event_appended(tx, (int64_t)n);
	return 0;
}

int
store_tx_first(struct store_tx *tx, const struct store_first *f, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	for (size_t i = 0, lot; i < n; i += lot) {
		lot = n - i >= LOT_ROWS ? LOT_ROWS : 1;
		if (append(tx, f + i, lot, e))
			return -1;
	}
	/* readers have them from the disk */
	store_lot_free(&tx->lot);
	tx->untold = true;
	tx->tally.first = tx->tally.head;
	return 0;
}

int
store_first_keep(struct store_tx *tx, int64_t row, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	/* nobody can ask for it any more */
	if (tx->tally.first < tx->tally.oldest)
		return 0;
	if (store_q_begin(&q, tx->d, SQL_FIRST_KEEP, e))
		return -1;
	store_q_int(&q, row);
	return store_q_run(&q, e);
}

int
store_first_remember(struct store_tx *tx, struct err *e)
{
	char text[24];

	if (tx->tally.first <= tx->first)
		return 0;
	int n = snprintf(text, sizeof(text), "%jd", (intmax_t)tx->tally.first);
	return store_tx_meta_put(tx, META_FIRST, strv_n(text, (size_t)n), e);
}

int
store_first_forget(struct store_tx *tx, int64_t *dropped_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	*dropped_r = 0;
	if (tx->tally.first >= tx->tally.oldest)
		return 0;
	if (store_q_begin(&q, tx->d, SQL_FIRST_FORGET, e))
		return -1;
	store_q_int(&q, STORE_DROP_CHUNK);
	if (store_q_run(&q, e))
		return -1;
	*dropped_r = sqlite3_changes64(tx->d->h);
	return 0;
}
