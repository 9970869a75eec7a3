/* SPDX-License-Identifier: Apache-2.0
 * Who is in which group, one row each. */
#include "dirhinge/base/buf.h"
#include "store/fill.h"

static int
read_members(struct store_q *q, struct store_rows *rows, struct err *e)
{
	int rc;

	while ((rc = store_q_step(q, e)) == 1) {
		struct store_member *m = store_rows_add(rows);
		m->group = store_q_col_text(q, rows->a, 0);
		m->dn_key = store_q_col_text(q, rows->a, 1);
		m->member_id = store_q_col_text(q, rows->a, 2);
	}
	return rc;
}

static int
tell(const struct store_rows *rows, store_member_fn fn, void *ctx, struct err *e)
{
	const struct store_member *v = rows->v;
	int rc = 0;

	for (size_t i = 0; i < rows->n && rc == 0; i++)
		rc = fn(ctx, &v[i], e);
	return rc;
}

static int
put(struct store_tx *tx, const struct store_member *m, size_t n, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, n == LOT_ROWS ? SQL_MEMBER_PUT_LOT : SQL_MEMBER_PUT, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		store_q_text(&q, m[i].group);
		store_q_text(&q, m[i].dn_key);
		store_q_text(&q, m[i].member_id);
	}
	return store_q_run(&q, e);
}

int
store_tx_member_put_many(struct store_tx *tx, const struct store_member *m, size_t n, struct err *e)
{
	for (size_t i = 0, lot; i < n; i += lot) {
		lot = n - i >= LOT_ROWS ? LOT_ROWS : 1;
		if (put(tx, m + i, lot, e))
			return -1;
	}
	return 0;
}

int
store_tx_member_put(struct store_tx *tx, const struct store_member *m, struct err *e)
{
	return put(tx, m, 1, e);
}

int
store_tx_member_drop(struct store_tx *tx, const char *group, const char *dn_key, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_MEMBER_DROP, e))
		return -1;
	store_q_text(&q, group);
	store_q_text(&q, dn_key);
	return store_q_run(&q, e);
}

int
store_tx_member_drop_all(struct store_tx *tx, const char *group, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_MEMBER_DROP_ALL, e))
		return -1;
	store_q_text(&q, group);
	return store_q_run(&q, e);
}

static int
read_chunk(struct store_tx *tx, const char *group, const char *after, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_MEMBERS, e))
		return -1;
	store_q_text(&q, group);
	store_q_text(&q, after);
	store_q_int(&q, STORE_CHUNK);
	return read_members(&q, rows, e);
}

/* By chunks in the order of the DN, so that fn may put and drop members. */
int
store_tx_members(struct store_tx *tx, const char *group, store_member_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf after = BUF_INIT(SIZE_MAX);
	int rc = 0;
	bool more = true;

	while (rc == 0 && more) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(32 * 1024);
		struct store_rows rows = {.a = a, .size = sizeof(struct store_member)};
		rc = read_chunk(tx, group, buf_str(&after), &rows, e);
		const struct store_member *v = rows.v;
		more = rows.n == STORE_CHUNK;
		if (more) {
			buf_reset(&after);
			buf_adds(&after, v[rows.n - 1].dn_key);
		}
		if (rc == 0)
			rc = tell(&rows, fn, ctx, e);
	}
	return rc < 0 ? -1 : 0;
}

static int
members_of(struct store_tx *tx, enum store_sql id, const char *key, store_member_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_member)};
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_text(&q, key);
	if (read_members(&q, &rows, e))
		return -1;
	store_q_end(&q); /* fn may ask the same */
	return tell(&rows, fn, ctx, e) < 0 ? -1 : 0;
}

int
store_tx_members_of_dn(struct store_tx *tx, const char *dn_key, store_member_fn fn, void *ctx, struct err *e)
{
	if (store_fill_index(tx, FILL_MEMBER_DN, e))
		return -1;
	return members_of(tx, SQL_MEMBERS_OF_DN, dn_key, fn, ctx, e);
}

int
store_tx_members_of_id(struct store_tx *tx, const char *member_id, store_member_fn fn, void *ctx, struct err *e)
{
	if (store_fill_index(tx, FILL_MEMBER_ID, e))
		return -1;
	return members_of(tx, SQL_MEMBERS_OF_ID, member_id, fn, ctx, e);
}

static int
read_known(struct store_db *d, const char *group, int64_t limit, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_MEMBERS_KNOWN, e))
		return -1;
	store_q_text(&q, group);
	store_q_int(&q, limit);
	return read_members(&q, rows, e);
}

int
store_members(struct store *s, const char *group, int64_t limit, store_member_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct store_rows rows = {.a = a, .size = sizeof(struct store_member)};
	struct store_db *d = store_reader_take(s, e);

	if (!d)
		return -1;
	int rc = read_known(d, group, limit, &rows, e);
	store_reader_give(s, d);
	return rc < 0 || tell(&rows, fn, ctx, e) < 0 ? -1 : 0;
}
