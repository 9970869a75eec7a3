/* SPDX-License-Identifier: Apache-2.0
 * A first refresh. An index that grows with every row is what costs most of it, in time and in pages that are written
 * again and again; made from the rows at the end it is a sort. Until then rows are found through two tables of hashes:
 * eight bytes a row, and a row that is found is read and compared. */
#include "store/fill.h"

#define FIRST_CAP 4096 /* a power of two, like every later one */

static const char *const names[] = {
	[FILL_SYNC] = "state_sync",
	[FILL_ID] = "state_id",
	[FILL_DN] = "state_dn",
	[FILL_MEMBER_DN] = "member_dn",
	[FILL_MEMBER_ID] = "member_member",
};

struct slot {
	uint32_t hash, row; /* row 0: free; there are not so many */
};

struct table {
	struct arena *a;
	struct slot *slots;
	size_t cap, n;
};

struct fill {
	struct arena *a;
	const char *put_off[FILL_N_INDEXES]; /* how it is made; NULL = it is there */
	struct table sync, dn;
};

/* --- tables ------------------------------------------------------------------------------------------------------- */

static uint32_t
hash_of(const char *text)
{
	uint64_t h = store_sum(STORE_SUM_INIT, strv_of(text));

	h ^= h >> 29;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32);
}

static void
table_make(struct table *t, size_t cap)
{
	*t = (struct table){.a = arena_new(256), .cap = cap};
	t->slots = ARENA_ARRAY(t->a, cap, struct slot);
}

static void
table_insert(struct table *t, struct slot s)
{
	size_t i = s.hash & (t->cap - 1);

	while (t->slots[i].row)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = s;
	t->n++;
}

static void
table_add(struct table *t, const char *key, int64_t row)
{
	must(row > 0 && row <= UINT32_MAX);
	if (t->n >= t->cap / 4 * 3) {
		struct table old = *t;
		table_make(t, old.cap * 2);
		for (size_t i = 0; i < old.cap; i++)
			if (old.slots[i].row)
				table_insert(t, old.slots[i]);
		arena_free(&old.a);
	}
	table_insert(t, (struct slot){hash_of(key), (uint32_t)row});
}

/* The next row behind place *at with this hash, 0 = no more; *at = the hash at first. */
static int64_t
table_next(const struct table *t, uint32_t hash, size_t *at)
{
	for (;;) {
		const struct slot *s = &t->slots[*at & (t->cap - 1)];
		if (!s->row)
			return 0;
		(*at)++;
		if (s->hash == hash)
			return s->row;
	}
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int
read_at(struct store_db *d, int64_t row, struct arena *a, struct store_state *st_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_STATE_AT, e))
		return -1;
	store_q_int(&q, row);
	int rc = store_q_step(&q, e);
	return rc == 1 && store_state_read(&q, a, true, st_r, e) ? -1 : rc;
}

static int
find(struct store_tx *tx, bool by_dn, const char *key, struct arena *a, struct store_state *st_r, struct err *e)
{
	const struct table *t = by_dn ? &tx->fill->dn : &tx->fill->sync;
	uint32_t hash = hash_of(key);
	size_t at = hash;

	for (int64_t row; (row = table_next(t, hash, &at)) > 0;) {
		struct store_state st;
		int rc = read_at(tx->d, row, a, &st, e);
		if (rc < 0)
			return -1;
		/* a row may have got another name since */
		bool same = by_dn ? str_eq(st.dn_key, key) && !(st.flags & STORE_TOMBSTONE) : str_eq(st.sync_id, key);
		if (rc == 1 && same) {
			*st_r = st;
			return 1;
		}
	}
	return 0;
}

int
store_fill_by_sync(struct store_tx *tx, const char *sync_id, struct arena *a, struct store_state *st_r, struct err *e)
{
	return find(tx, false, sync_id, a, st_r, e);
}

int
store_fill_by_dn(struct store_tx *tx, const char *dn_key, struct arena *a, struct store_state *st_r, struct err *e)
{
	return find(tx, true, dn_key, a, st_r, e);
}

void
store_fill_note(struct store_tx *tx, const struct store_state *st, int64_t row, bool added)
{
	struct table *dn = &tx->fill->dn;
	uint32_t hash = hash_of(st->dn_key);
	size_t at = hash;

	if (added)
		table_add(&tx->fill->sync, st->sync_id, row);
	for (int64_t known; (known = table_next(dn, hash, &at)) > 0;)
		if (known == row)
			return;
	table_add(dn, st->dn_key, row);
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

static const char *
definition(struct store_db *d, struct arena *a, const char *name, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_INDEX, e))
		return NULL;
	store_q_text(&q, name);
	int rc = store_q_step(&q, e);
	if (rc == 0)
		(void)err_set(e, ERR_INTERNAL, "the event store has no index %s", name);
	return rc == 1 ? store_q_col_text(&q, a, 0) : NULL;
}

int
store_tx_fill(struct store_tx *tx, struct err *e)
{
	int64_t rows;

	if (tx->fill || store_db_number(tx->d, SQL_STATE_ANY, 0, &rows, e))
		return tx->fill ? 0 : -1;
	if (rows > 0)
		return 0;
	/* Rows come one behind the other; what a sort may take is measured by this as well. */
	if (store_db_exec(tx->d, "PRAGMA cache_size = -6144", e))
		return -1;
	struct arena *a = arena_new(2048);
	struct fill *f = ARENA_NEW(a, struct fill);
	tx->fill = f;
	f->a = a;
	table_make(&f->sync, FIRST_CAP);
	table_make(&f->dn, FIRST_CAP);
	for (size_t i = 0; i < FILL_N_INDEXES; i++) {
		f->put_off[i] = definition(tx->d, a, names[i], e);
		if (!f->put_off[i] || store_db_exec(tx->d, arena_printf(a, "DROP INDEX %s", names[i]), e))
			return -1;
	}
	return 0;
}

int
store_fill_index(struct store_tx *tx, enum fill_index i, struct err *e)
{
	if (!tx->fill || !tx->fill->put_off[i])
		return 0;
	if (store_db_exec(tx->d, tx->fill->put_off[i], e))
		return -1;
	tx->fill->put_off[i] = NULL;
	return 0;
}

int
store_fill_finish(struct store_tx *tx, struct err *e)
{
	if (!tx->fill)
		return 0;
	/* they are not asked for any more */
	arena_free(&tx->fill->sync.a);
	arena_free(&tx->fill->dn.a);
	for (size_t i = 0; i < FILL_N_INDEXES; i++)
		if (store_fill_index(tx, (enum fill_index)i, e))
			return -1;
	return 0;
}

void
store_fill_done(struct store_tx *tx)
{
	struct fill *f = tx->fill;

	if (!f)
		return;
	tx->fill = NULL;
	if (store_db_exec(tx->d, "PRAGMA cache_size = " STORE_CACHE, NULL))
		store_db_fatal(tx->d, "set the cache");
	arena_free(&f->sync.a);
	arena_free(&f->dn.a);
	struct arena *a = f->a;
	arena_free(&a); /* holds the struct itself */
}
