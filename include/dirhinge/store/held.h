/* SPDX-License-Identifier: Apache-2.0
 * Batches of removals that the guard holds until an operator decides. A subject with a held event has all its later
 * events held behind it (store_tx_event sees to that); other subjects are not touched. Thread rule: as store.h. */
#ifndef DIRHINGE_STORE_HELD_H
#define DIRHINGE_STORE_HELD_H

#include "dirhinge/store/state.h"

/* Removals among the events that this transaction has appended (not held). */
int64_t store_tx_removals_here(struct store_tx *tx);
/* Removals that went out since a point in time, those of this transaction left out: the guard's window. Counts outlive
 * the events' retention as long as they are younger than a day. What an operator released, and what went out before,
 * does not count: it was looked at, and the next single removal must not wait for the window to pass. */
int store_tx_removals_since(struct store_tx *tx, int64_t since_us, int64_t *n_r, struct err *e) DH_MUST_USE;
/* Takes back what this transaction has appended for each subject that has a removal in it, into the open batch (a new
 * one if there is none; its reason is then set). The batch's id. */
int store_tx_hold_back(struct store_tx *tx, const char *reason, int64_t now_us, int64_t *batch_r,
		       struct err *e) DH_MUST_USE;

struct store_batch {
	int64_t id;
	const char *reason; /* for the operator: "61 removals in 60 min; the limit is 50" */
	int64_t opened_us;
	int64_t removals, events, subjects;
};
typedef int (*store_batch_fn)(void *ctx, const struct store_batch *b, struct err *e);
/* Undecided batches, oldest first. Read-only. */
int store_batches(struct store *s, store_batch_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* Events of one batch, in order (.seq is the place in the batch). Read-only; ERR_NOT_FOUND. */
int store_batch_events(struct store *s, int64_t id, store_event_fn fn, void *ctx, struct err *e) DH_MUST_USE;

/* Release: its events become events, in their order. Reject: they are thrown away, and the state goes back to what
 * was told: who was to be deleted as STORE_SUSPECTED, what was to be told of others (disabled, members) as
 * STORE_REJECTED, so that reconciliation looks at them again. Either is
 * one transaction and leaves a record of who and why. *events_r: how many. ERR_NOT_FOUND; ERR_CONFLICT if decided, or
 * if it is not the batch that was looked at: events are only ever added, so that their number tells. */
struct store_decision {
	bool release;
	const char *who, *why; /* why may be "" */
	int64_t expect;        /* so many events were looked at; 0 = whatever there is */
	int64_t now_us;
};
int store_batch_decide(struct store *s, int64_t id, const struct store_decision *d, int64_t *events_r,
		       struct err *e) DH_MUST_USE;

#endif
