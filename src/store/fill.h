/* SPDX-License-Identifier: Apache-2.0
 * What the first refresh needs of the other files of the store. */
#ifndef DIRHINGE_SRC_STORE_FILL_H
#define DIRHINGE_SRC_STORE_FILL_H

#include "store/store_priv.h"

/* --- fill.c: the state of a first refresh, found without its indexes --- */

enum fill_index { FILL_SYNC, FILL_ID, FILL_DN, FILL_MEMBER_DN, FILL_MEMBER_ID, FILL_N_INDEXES };
/* A statement that is to come needs this index: made if it is put off. */
int store_fill_index(struct store_tx *tx, enum fill_index i, struct err *e) DH_MUST_USE;
/* The row with this sync id, or the live one with this dn_key: 1, 0, -1. */
int store_fill_by_sync(struct store_tx *tx, const char *sync_id, struct arena *a, struct store_state *st_r,
		       struct err *e) DH_MUST_USE;
int store_fill_by_dn(struct store_tx *tx, const char *dn_key, struct arena *a, struct store_state *st_r,
		     struct err *e) DH_MUST_USE;
/* A row was put. */
void store_fill_note(struct store_tx *tx, const struct store_state *st, int64_t row, bool added);
/* Makes what is still put off. */
int store_fill_finish(struct store_tx *tx, struct err *e) DH_MUST_USE;
void store_fill_done(struct store_tx *tx);

/* --- first.c: events told from rows --- */

/* From a row of EVENT_COLS that has no text of its own. */
int store_first_read(const struct store_q *q, struct arena *a, struct store_event *ev_r, struct err *e) DH_MUST_USE;
/* The state row is about to change: it is kept for the events it tells. */
int store_first_keep(struct store_tx *tx, int64_t row, struct err *e) DH_MUST_USE;
/* Before the commit: where these events end. */
int store_first_remember(struct store_tx *tx, struct err *e) DH_MUST_USE;
/* Some of what was kept for them, once they are all gone. */
int store_first_forget(struct store_tx *tx, int64_t *dropped_r, struct err *e) DH_MUST_USE;
int store_first_load(struct store_db *d, int64_t *first_r, struct err *e) DH_MUST_USE;

#endif
