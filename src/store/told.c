/* SPDX-License-Identifier: Apache-2.0
 * What readers know of subjects whose events are held: the state is ahead of it. When a batch is rejected, its events
 * are thrown away and nobody will ever hear of them; then the state goes back to what readers know, or what turns out
 * to be true after all would show no difference. */
#include "dirhinge/base/buf.h"
#include "store/store_priv.h"

struct keeping {
	struct store_tx *tx;
	struct store_db *before; /* as it was when the transaction began */
	int64_t batch;
	const char *id;
};

static int
with_id(struct store_db *d, enum store_sql sql, const struct keeping *k, const char *member, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, sql, e))
		return -1;
	store_q_text(&q, k->id);
	store_q_text(&q, member);
	return store_q_step(&q, e);
}

/* What came in one transaction of the batch and went in another is as it was. */
static int
note_member(const struct keeping *k, const struct store_member *m, bool lost, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, k->tx->d, SQL_TOLD_MEMBER_BACK, e))
		return -1;
	store_q_int(&q, k->batch);
	store_q_text(&q, k->id);
	store_q_text(&q, m->member_id);
	store_q_int(&q, !lost);
	if (store_q_run(&q, e))
		return -1;
	if (sqlite3_changes64(k->tx->d->h) > 0)
		return 0;
	store_q_end(&q);
	if (store_q_begin(&q, k->tx->d, SQL_TOLD_MEMBER, e))
		return -1;
	store_q_int(&q, k->batch);
	store_q_text(&q, k->id);
	store_q_text(&q, m->member_id);
	store_q_text(&q, m->dn_key);
	store_q_int(&q, lost);
	return store_q_run(&q, e);
}

static int
read_page(struct store_db *d, const char *group, const char *after, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, d, SQL_MEMBERS, e))
		return -1;
	store_q_text(&q, group);
	store_q_text(&q, after);
	store_q_int(&q, STORE_CHUNK);
	while ((rc = store_q_step(&q, e)) == 1) {
		struct store_member *m = store_rows_add(rows);
		m->dn_key = store_q_col_text(&q, rows->a, 1);
		m->member_id = store_q_col_text(&q, rows->a, 2);
	}
	return rc;
}

/* Notes each member that one side has and the other has not. */
static int
keep_members(const struct keeping *k, bool lost, struct err *e)
{
	struct store_db *has = lost ? k->before : k->tx->d, *other = lost ? k->tx->d : k->before;
	DH_CLEANUP(buf_done) struct buf after = BUF_INIT(1 << 20);
	size_t n = STORE_CHUNK;

	while (n == STORE_CHUNK) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(16 * 1024);
		struct store_rows rows = {.a = a, .size = sizeof(struct store_member)};
		if (read_page(has, k->id, buf_str(&after), &rows, e))
			return -1;
		const struct store_member *m = rows.v;
		n = rows.n;
		for (size_t i = 0; i < n; i++) {
			int there = m[i].member_id ? with_id(other, SQL_MEMBER_HAS, k, m[i].member_id, e) : 1;
			if (there < 0 || (there == 0 && note_member(k, &m[i], lost, e)))
				return -1;
		}
		buf_reset(&after);
		if (n > 0)
			buf_adds(&after, m[n - 1].dn_key);
	}
	return 0;
}

static int
keep_resource(const struct keeping *k, struct strv resource, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	/* of several transactions the first */
	if (store_q_begin(&q, k->tx->d, SQL_TOLD_PUT, e))
		return -1;
	store_q_int(&q, k->batch);
	store_q_text(&q, k->id);
	store_q_int(&q, (int64_t)store_sum(STORE_SUM_INIT, resource));
	store_q_blob(&q, resource);
	return store_q_run(&q, e);
}

static int
keep_one(const struct keeping *k, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct store_state was, now;
	int had = store_db_state_of(k->before, a, k->id, &was, e);
	int has = store_db_state_of(k->tx->d, a, k->id, &now, e);

	if (had < 0 || has < 0)
		return -1;
	/* Nobody knows of it. What is buried keeps its last state by itself. */
	if (!had || !has || was.flags & STORE_TOMBSTONE)
		return 0;
	if (!strv_eq(was.resource, now.resource) && keep_resource(k, was.resource, e))
		return -1;
	return was.kind == STORE_GROUP && (keep_members(k, true, e) || keep_members(k, false, e)) ? -1 : 0;
}

struct held_subject {
	int64_t batch;
	const char *id;
};

static int
read_subjects(struct store_db *d, enum store_sql sql, int64_t n, struct store_rows *rows, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, d, sql, e))
		return -1;
	store_q_int(&q, n);
	while ((rc = store_q_step(&q, e)) == 1) {
		struct held_subject *one = store_rows_add(rows);
		one->batch = store_q_col_int(&q, 0);
		one->id = store_q_col_text(&q, rows->a, 1);
	}
	return rc;
}

int
store_told_keep(struct store_tx *tx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct store_rows rows = {.a = a, .size = sizeof(struct held_subject)};
	int rc = 0;

	if (tx->held_behind < 0)
		return 0;
	if (read_subjects(tx->d, SQL_HELD_SUBJECTS, tx->held_behind, &rows, e))
		return -1;
	struct store_db *before = store_reader_take(tx->s, e);
	if (!before)
		return -1;
	const struct held_subject *one = rows.v;
	for (size_t i = 0; i < rows.n && rc == 0; i++) {
		const struct keeping k = {.tx = tx, .before = before, .batch = one[i].batch, .id = one[i].id};
		rc = keep_one(&k, e);
	}
	store_reader_give(tx->s, before);
	return rc;
}

/* --- going back ----------------------------------------------------------------------------------------------------
 */

static int
run_with(struct store_tx *tx, enum store_sql sql, int64_t batch, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, sql, e))
		return -1;
	store_q_int(&q, batch);
	return store_q_run(&q, e);
}

static int
told_resource(struct store_tx *tx, struct arena *a, const struct held_subject *one, struct strv *resource_r,
	      struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, SQL_TOLD_GET, e))
		return -1;
	store_q_int(&q, one->batch);
	store_q_text(&q, one->id);
	if (store_q_step(&q, e) != 1)
		return -1;
	*resource_r = store_q_col_blob(&q, a, 1);
	if ((int64_t)store_sum(STORE_SUM_INIT, *resource_r) == store_q_col_int(&q, 0))
		return 0;
	(void)err_set(e, ERR_IO, "the event store is damaged");
	return err_cause(e, "%s: what was told of %s is not what was written", tx->d->path, one->id);
}

static int
restore_resource(struct store_tx *tx, const struct held_subject *one, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct store_state st;
	int found = store_tx_state_by_id(tx, a, one->id, &st, e);

	if (found <= 0)
		return found;
	st.flags |= STORE_REJECTED;
	return told_resource(tx, a, one, &st.resource, e) ? -1 : store_tx_state_put(tx, &st, e);
}

int
store_told_restore(struct store_tx *tx, int64_t batch, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct store_rows rows = {.a = a, .size = sizeof(struct held_subject)};

	if (read_subjects(tx->d, SQL_TOLD_SUBJECTS, batch, &rows, e))
		return -1;
	const struct held_subject *one = rows.v;
	for (size_t i = 0; i < rows.n; i++)
		if (restore_resource(tx, &one[i], e))
			return -1;
	if (run_with(tx, SQL_TOLD_MEMBERS_COME, batch, e) || run_with(tx, SQL_TOLD_MEMBERS_GO, batch, e) ||
	    run_with(tx, SQL_TOLD_GROUPS, batch, e))
		return -1;
	return 0;
}

int
store_told_drop(struct store_tx *tx, int64_t batch, struct err *e)
{
	return run_with(tx, SQL_TOLD_DROP, batch, e) || run_with(tx, SQL_TOLD_MEMBERS_DROP, batch, e) ? -1 : 0;
}
