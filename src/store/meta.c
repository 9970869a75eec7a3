/* SPDX-License-Identifier: Apache-2.0
 * Small named values, and forgetting everything. */
#include "store/store_priv.h"

static int
get(struct store_db *d, struct arena *a, const char *name, struct strv *value_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, SQL_META_GET, e))
		return -1;
	store_q_text(&q, name);
	int rc = store_q_step(&q, e);
	if (rc == 1)
		*value_r = store_q_col_blob(&q, a, 0);
	return rc;
}

int
store_tx_meta_get(struct store_tx *tx, struct arena *a, const char *name, struct strv *value_r, struct err *e)
{
	return get(tx->d, a, name, value_r, e);
}

int
store_meta_get(struct store *s, struct arena *a, const char *name, struct strv *value_r, struct err *e)
{
	struct store_db *d = store_reader_take(s, e);
	if (!d)
		return -1;
	int rc = get(d, a, name, value_r, e);
	store_reader_give(s, d);
	return rc;
}

int
store_tx_meta_put(struct store_tx *tx, const char *name, struct strv value, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, value.n > 0 ? SQL_META_PUT : SQL_META_DROP, e))
		return -1;
	store_q_text(&q, name);
	if (value.n > 0)
		store_q_blob(&q, value);
	return store_q_run(&q, e);
}

static int
forget(struct store_tx *tx, void *ctx DH_UNUSED, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	char generation[17];

	/* Decided batches stay, they are a record; an undecided one ends with what it held. seq goes on. */
	if (store_db_exec(tx->d,
			  "DELETE FROM event; DELETE FROM state; DELETE FROM origin; DELETE FROM member; DELETE FROM "
			  "held; DELETE FROM told; DELETE FROM told_member; DELETE FROM meta;"
			  "DELETE FROM batch WHERE decided_us IS NULL",
			  e))
		return -1;
	store_generation_make(generation);
	if (store_q_begin(&q, tx->d, SQL_GENERATION_SET, e))
		return -1;
	store_q_text(&q, generation);
	store_q_int(&q, tx->now_us);
	if (store_q_run(&q, e))
		return -1;
	tx->untold = true;
	tx->generation = arena_strdup(tx->s->a, generation);
	tx->tally = (struct store_tally){.oldest = tx->tally.head + 1, .head = tx->tally.head};
	return 0;
}

int
store_reset(struct store *s, struct err *e)
{
	return store_write(s, forget, NULL, e);
}
