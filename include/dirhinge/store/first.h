/* SPDX-License-Identifier: Apache-2.0
 * The first refresh: an empty store takes everything there is in one transaction. Indexes that only a full store needs
 * are put off to its end, and what was there when the feed began is not stored a second time as events: such an event
 * is told from the rows of the state as they were then, whenever it is read. Thread rule: as store.h. */
#ifndef DIRHINGE_STORE_FIRST_H
#define DIRHINGE_STORE_FIRST_H

#include "dirhinge/store/state.h"

/* To be called before the first row is put. Only if there is no state at all; otherwise nothing changes. All functions
 * of a transaction do what they always do; those that need an index that is put off make it. */
int store_tx_fill(struct store_tx *tx, struct err *e) DH_MUST_USE;

/* An event that can be told from rows. Its id is not looked up: it must be one that no other event can have. Both rows
 * carry STORE_FIRST; one that changes later is kept as it was for as long as the event is. */
struct store_first {
	const char *type;
	int64_t at_us;
	int64_t row, member; /* store_tx_row of the subject, and of a member or 0 */
};
/* n of them, in this order. */
int store_tx_first(struct store_tx *tx, const struct store_first *f, size_t n, struct err *e) DH_MUST_USE;

/* What store_opts.compose makes the event from: all of *ev_r but seq, the same whenever it is asked. Any thread. */
struct store_told {
	const char *type;
	int64_t at_us;
	const struct store_state *subject, *member; /* member NULL: there is none */
};

#endif
