/* SPDX-License-Identifier: Apache-2.0
 * The newest committed events in memory, and who waits for more. A reader that is not far behind never asks SQLite, and
 * one that waits is woken only for a type of event that it may get. Thread rule: the caller holds the store's lock,
 * but for lots: one is the writer's until it is published, and frozen from then on. */
#ifndef DIRHINGE_SRC_STORE_RECENT_H
#define DIRHINGE_SRC_STORE_RECENT_H

#include "dirhinge/base/thread.h"
#include "dirhinge/store/store.h"

#define RECENT_LOTS   4096 /* a power of two; so many events at most if each came alone */
#define RECENT_EVENTS 8192
#define RECENT_BYTES  ((size_t)8 << 20)

/* --- a lot: the events of one transaction --------------------------------------------------------------------------
 */

struct store_lot; /* counted: by the ring, and by each reader that is at it */

struct store_lot *store_lot_new(void);
void store_lot_free(struct store_lot **lot); /* nobody else has it; accepts NULL inside */
/* Copies the event. False when the lot has become too big to be kept. */
bool store_lot_add(struct store_lot *lot, const struct store_event *ev, int64_t seq) DH_MUST_USE;

/* --- the ring ------------------------------------------------------------------------------------------------------
 */

struct store_waiter;

struct store_recent {
	struct store_lot *lots[RECENT_LOTS]; /* those from first to first + n - 1, modulo RECENT_LOTS */
	size_t first, n;
	size_t events, bytes;
	int64_t behind; /* every event there is with a higher number is in the ring */
	struct store_waiter *waiters;
};

/* After a commit: what it brought, NULL if nothing; the lot is the ring's now. *old: what nobody needs any more, to be
 * freed without the lock. Wakes who may want it. */
void store_recent_put(struct store_recent *r, struct store_lot **lot, struct store_lot **old);
/* After a commit that did something else to the log: forgets all, wakes everybody. head: the newest event there is. */
void store_recent_clear(struct store_recent *r, int64_t head, struct store_lot **old);
/* Retention: events below are not given any more. */
void store_recent_trim(struct store_recent *r, int64_t oldest, struct store_lot **old);
void store_recent_wake(struct store_recent *r);
/* Frees a list that put, clear, trim and give have made; without the lock. */
void store_lots_free(struct store_lot **old);

/* Events with a number > after, oldest first; the lots are kept until given back. */
struct store_recent_page {
	const struct store_event **events; /* room for max */
	struct store_lot **lots;           /* room for max */
	size_t n, n_lots, max;
};
/* False: the place is behind the ring. */
bool store_recent_take(struct store_recent *r, int64_t after, struct store_recent_page *p);
void store_recent_give(struct store_recent_page *p, struct store_lot **old);

/* The event with this number; NULL if it is not here. */
const struct store_event *store_recent_at(const struct store_recent *r, int64_t seq);
/* store_wait; gives the lock back while it waits. woken: nobody waits any more. */
bool store_recent_wait(struct store_recent *r, struct mutex *lock, const bool *woken, struct store_waiting *w,
		       deadline_t until);

#endif
