/* SPDX-License-Identifier: Apache-2.0
 * The last known state of each entry. */
#include "store/fill.h"

#define LIST_CHUNK 64 /* rows of store_state_list in memory at once */

static int64_t
sum_of(struct strv entry, struct strv resource)
{
	return (int64_t)store_sum(store_sum(STORE_SUM_INIT, entry), resource);
}

int
store_state_read(const struct store_q *q, struct arena *a, bool whole, struct store_state *st_r, struct err *e)
{
	struct store_state st = {
		.row = store_q_col_int(q, 0),
		.sync_id = store_q_col_text(q, a, 1),
		.id = store_q_col_text(q, a, 2),
		.kind = (enum store_kind)store_q_col_int(q, 3),
		.flags = (unsigned)store_q_col_int(q, 4) & ~(unsigned)STORE_FIRST,
		.incarnation = store_q_col_int(q, 5),
		.dn = store_q_col_text(q, a, 6),
		.dn_key = store_q_col_text(q, a, 7),
		.csn = store_q_col_text(q, a, 8),
	};
	if (whole) {
		st.entry = store_q_col_blob(q, a, 10);
		st.resource = store_q_col_blob(q, a, 11);
		if (sum_of(st.entry, st.resource) != store_q_col_int(q, 9)) {
			(void)err_set(e, ERR_IO, "the event store is damaged");
			return err_cause(
				e,
				"%s: the state of %s is not what was written; restore the file or run dirhinge "
				"sync reset",
				q->d->path, st.sync_id ? st.sync_id : "?");
		}
	}
	*st_r = st;
	return 0;
}

static int
get(struct store_db *d, enum store_sql id, const char *key, struct arena *a, struct store_state *st_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, id, e))
		return -1;
	store_q_text(&q, key);
	int rc = store_q_step(&q, e);
	if (rc == 1 && store_state_read(&q, a, true, st_r, e))
		return -1;
	return rc;
}

int
store_state_get(struct store *s, struct arena *a, const char *sync_id, struct store_state *st_r, struct err *e)
{
	struct store_db *d = store_reader_take(s, e);
	if (!d)
		return -1;
	int rc = get(d, SQL_STATE_GET, sync_id, a, st_r, e);
	store_reader_give(s, d);
	return rc;
}

int
store_db_state_of(struct store_db *d, struct arena *a, const char *id, struct store_state *st_r, struct err *e)
{
	return get(d, SQL_STATE_OF_ID, id, a, st_r, e);
}

int
store_tx_state(struct store_tx *tx, struct arena *a, const char *sync_id, struct store_state *st_r, struct err *e)
{
	return tx->fill ? store_fill_by_sync(tx, sync_id, a, st_r, e) : get(tx->d, SQL_STATE_GET, sync_id, a, st_r, e);
}

int
store_tx_state_by_dn(struct store_tx *tx, struct arena *a, const char *dn_key, struct store_state *st_r, struct err *e)
{
	return tx->fill ? store_fill_by_dn(tx, dn_key, a, st_r, e) : get(tx->d, SQL_STATE_BY_DN, dn_key, a, st_r, e);
}

int
store_tx_state_by_id(struct store_tx *tx, struct arena *a, const char *id, struct store_state *st_r, struct err *e)
{
	return store_fill_index(tx, FILL_ID, e) ? -1 : get(tx->d, SQL_STATE_BY_ID, id, a, st_r, e);
}

int64_t
store_state_count(struct store *s, enum store_kind kind)
{
	mutex_lock(&s->lock);
	int64_t n = kind == STORE_USER ? s->tally.users : kind == STORE_GROUP ? s->tally.groups : 0;
	mutex_unlock(&s->lock);
	return n;
}

int
store_db_count_state(struct store_db *d, enum store_kind kind, int64_t *n_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_STATE_COUNT, e))
		return -1;
	store_q_int(&q, kind);
	if (store_q_step(&q, e) != 1)
		return -1;
	*n_r = store_q_col_int(&q, 0);
	return 0;
}

/* --- lists ---------------------------------------------------------------------------------------------------------
 */

static int
read_rows(struct store_q *q, bool whole, struct store_rows *rows, int64_t *last_r, struct err *e)
{
	int rc;

	while ((rc = store_q_step(q, e)) == 1) {
		if (store_state_read(q, rows->a, whole, store_rows_add(rows), e))
			return -1;
		*last_r = store_q_col_int(q, 0);
	}
	return rc;
}

static int
read_list(struct store_db *d, enum store_kind kind, const char *after, int64_t limit, struct store_rows *rows,
	  struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int64_t last;

	if (store_q_begin(&q, d, SQL_STATE_LIST, e))
		return -1;
	store_q_text(&q, after);
	store_q_int(&q, kind);
	store_q_int(&q, limit);
	return read_rows(&q, true, rows, &last, e);
}

static int
tell(const struct store_rows *rows, store_state_fn fn, void *ctx, struct err *e)
{
	const struct store_state *v = rows->v;
	int rc = 0;

	for (size_t i = 0; i < rows->n && rc == 0; i++)
		rc = fn(ctx, &v[i], e);
	return rc;
}

/* One chunk of it; *after: the id of its last row. 1: fn wants no more. */
static int
list_chunk(struct store *s, enum store_kind kind, const char **after, int64_t n, int64_t *rows_r, struct arena *ids,
	   store_state_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(64 * 1024);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_state)};
	struct store_db *d = store_reader_take(s, e);

	if (!d)
		return -1;
	int rc = read_list(d, kind, *after, n, &rows, e);
	store_reader_give(s, d);
	if (rc < 0)
		return -1;
	const struct store_state *v = rows.v;
	if (rows.n > 0)
		*after = arena_strdup(ids, v[rows.n - 1].id);
	*rows_r = (int64_t)rows.n;
	return tell(&rows, fn, ctx, e);
}

/* By chunks: many may list at once, and whole rows are longer than what most want of them. */
int
store_state_list(struct store *s, enum store_kind kind, const char *after, int64_t limit, store_state_fn fn, void *ctx,
		 struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *ids = arena_new(4096);
	const char *at = after ? after : "";
	int rc = 0;

	for (int64_t left = limit, rows = 0; left > 0 && rc == 0; left -= rows) {
		int64_t n = left < LIST_CHUNK ? left : LIST_CHUNK;
		rc = list_chunk(s, kind, &at, n, &rows, ids, fn, ctx, e);
		if (rc == 0 && rows < n)
			break;
	}
	return rc < 0 ? -1 : 0;
}

static int
read_chunk(struct store_tx *tx, int64_t *after, int64_t last, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_STATE_EACH, e))
		return -1;
	store_q_int(&q, *after);
	store_q_int(&q, last);
	store_q_int(&q, STORE_CHUNK);
	return read_rows(&q, false, rows, after, e);
}

/* By chunks, so that fn may write: rows keep their place, and new ones come behind the last. */
int
store_tx_state_each(struct store_tx *tx, store_state_fn fn, void *ctx, struct err *e)
{
	int64_t after = INT64_MIN, last;
	int rc = 0;

	if (store_db_number(tx->d, SQL_STATE_LAST, INT64_MIN, &last, e))
		return -1;
	while (rc == 0 && after < last) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(64 * 1024);
		struct store_rows rows = {.a = a, .size = sizeof(struct store_state)};
		rc = read_chunk(tx, &after, last, &rows, e);
		if (rc == 0)
			rc = tell(&rows, fn, ctx, e);
		if (rows.n == 0)
			break;
	}
	return rc < 0 ? -1 : 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static void
count(struct store_tally *t, enum store_kind kind, unsigned flags, int by)
{
	if (flags & STORE_TOMBSTONE)
		return;
	if (kind == STORE_USER)
		t->users += by;
	else if (kind == STORE_GROUP)
		t->groups += by;
}

/* What is stored of it. */
struct former {
	enum store_kind kind;
	unsigned flags;
	int64_t row;
};

static int
former(struct store_tx *tx, const char *sync_id, struct former *f_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (tx->fill) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
		struct store_state st;
		int known = store_fill_by_sync(tx, sync_id, a, &st, e);
		/* It is there, and to be written over: that statement needs its index. */
		if (known != 1 || store_fill_index(tx, FILL_SYNC, e))
			return known == 1 ? -1 : known;
	}
	if (store_q_begin(&q, tx->d, SQL_STATE_KIND, e))
		return -1;
	store_q_text(&q, sync_id);
	int rc = store_q_step(&q, e);
	if (rc == 1)
		*f_r = (struct former){
			.kind = (enum store_kind)store_q_col_int(&q, 0),
			.flags = (unsigned)store_q_col_int(&q, 1),
			.row = store_q_col_int(&q, 2),
		};
	return rc;
}

static int
write_row(struct store_tx *tx, enum store_sql id, const struct store_state *st, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_text(&q, st->sync_id);
	store_q_text(&q, st->id);
	store_q_int(&q, st->kind);
	store_q_int(&q, st->flags);
	store_q_int(&q, st->incarnation);
	store_q_text(&q, st->dn);
	store_q_text(&q, st->dn_key);
	store_q_text(&q, st->csn);
	store_q_int(&q, st->flags & STORE_TOMBSTONE ? tx->now_us : 0);
	if (id != SQL_STATE_BURY) {
		store_q_int(&q, sum_of(st->entry, st->resource));
		store_q_blob(&q, st->entry);
		store_q_blob(&q, st->resource);
	}
	return store_q_run(&q, e);
}

int
store_tx_state_put(struct store_tx *tx, const struct store_state *st, struct err *e)
{
	struct former was = {.kind = STORE_OTHER, .flags = STORE_TOMBSTONE};
	int known = former(tx, st->sync_id, &was, e);
	/* What a tombstone was is kept for the time that an operator may call the removal wrong. */
	bool bury = known == 1 && st->flags & STORE_TOMBSTONE && st->entry.n == 0 && st->resource.n == 0;

	if (known < 0 || (was.flags & STORE_FIRST && store_first_keep(tx, was.row, e)))
		return -1;
	if (write_row(tx, bury ? SQL_STATE_BURY : known ? SQL_STATE_PUT : SQL_STATE_ADD, st, e))
		return -1;
	tx->row = known ? was.row : sqlite3_last_insert_rowid(tx->d->h);
	if (tx->fill)
		store_fill_note(tx, st, tx->row, !known);
	count(&tx->tally, was.kind, was.flags, -1);
	count(&tx->tally, st->kind, st->flags, 1);
	return 0;
}

int64_t
store_tx_row(const struct store_tx *tx)
{
	return tx->row;
}
