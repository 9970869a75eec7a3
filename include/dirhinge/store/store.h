/* SPDX-License-Identifier: Apache-2.0
 * What outlives the process: events, the last known state of each entry, the resume point of the feed, held batches.
 * SQLite now (WAL, synchronous=FULL); everything here can stand on PostgreSQL as well. Thread rule: struct store is
 * locked, any thread; struct store_tx is confined to the function that got it.
 *
 * Writing: all changes of one store_write() call are one transaction; when it returns 0 they are on the disk. A failed
 * fsync or write ends the process (contrib/decisions): the next start recovers from the disk. Reading: from read-only
 * connections of their own, each call one short snapshot. */
#ifndef DIRHINGE_STORE_STORE_H
#define DIRHINGE_STORE_STORE_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/metrics.h"
#include "dirhinge/base/strv.h"

struct store;
struct store_told;
struct store_event;
/* Makes an event from the rows that tell it (first.h). */
typedef int (*store_compose_fn)(struct arena *a, const struct store_told *t, struct store_event *ev_r, struct err *e);

struct store_opts {
	const char *dir;          /* state_dir; made with mode 0700 if its parent exists */
	int64_t retention_ms;     /* of events */
	store_compose_fn compose; /* NULL: events of a first refresh cannot be read */
	struct metrics *metrics;  /* borrowed, may be NULL */
};

/* Takes the lock (flock; a second instance gets ERR_CONFLICT naming the pid), opens or makes the database, migrates it
 * in one transaction, refuses a newer schema and network file systems, runs quick_check. ERR_IO, ERR_CONFIG with what
 * to do. */
int store_open(const struct store_opts *opts, struct store **s_r, struct err *e) DH_MUST_USE;
void store_close(struct store **s);

/* Names the log that cursors belong to: 16 random hex digits, new with a new database and after store_reset. */
const char *store_generation(struct store *s);
/* 32 secret random bytes of this state directory: seals cursors. */
struct strv store_key(struct store *s);

/* --- events --------------------------------------------------------------------------------------------------------
 */

struct store_event {
	int64_t seq;                     /* > 0; given by the store when appended */
	const char *id;                  /* "evt_…" */
	const char *type;                /* "dsync.user.created" */
	const char *subject;             /* SCIM id */
	const char *dn_key, *old_dn_key; /* as struct event_seen: dir_dn_normal of the subject after / before */
	int64_t at_us;
	bool removal;     /* takes something away from somebody: the guard counts it */
	struct strv body; /* the JSON object without "cursor" */
};

/* Return 0 to go on, 1 to stop, -1 to fail. The event lives until the call returns. */
typedef int (*store_event_fn)(void *ctx, const struct store_event *ev, struct err *e);

struct store_range {
	int64_t oldest, head; /* seq of the oldest retained and of the newest event; oldest > head when there is none */
};
void store_range(struct store *s, struct store_range *r_r);
/* Events with seq > after, oldest first, at most limit: the newest ones from memory, older ones from the disk. */
int store_events(struct store *s, int64_t after, int64_t limit, store_event_fn fn, void *ctx,
		 struct err *e) DH_MUST_USE;
/* 64 bits of an event's id, for cursors: FNV-1a, so that a reader that has the event need not ask again. */
static inline uint64_t
store_mark(const char *id)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return h;
}
/* store_mark of the event at seq: 1 found, 0 no such event (any more). */
int store_event_mark(struct store *s, int64_t seq, uint64_t *mark_r, struct err *e) DH_MUST_USE;
/* One bit of 64 for a type of events; two types may share one, the names of event.h do not. */
static inline uint64_t
store_topic(const char *type)
{
	return UINT64_C(1) << (store_mark(type) >> 10 & 63);
}
struct store_waiting {
	uint64_t topics; /* OR of store_topic: who waits is not woken for any other event; UINT64_MAX = any */
	int64_t stop;    /* woken when an event has this number or a higher one, whatever its type; 0 = never */
	int64_t seq;     /* the place; it moves on over events of other types, below stop */
	uint64_t mark;   /* of the event at the place, if that has moved */
};
/* Waits until there is an event behind the place that may be wanted. False when the deadline passed or store_wake_all
 * was called. Decided in memory; for a place far behind always true at once. Capped: the caller counts. */
bool store_wait(struct store *s, struct store_waiting *w, deadline_t until);
void store_wake_all(struct store *s); /* at shutdown; later waits return at once */

/* --- writing -------------------------------------------------------------------------------------------------------
 */

struct store_tx;

/* Runs fn in one transaction with exclusive right to write; -1 from fn undoes all of it. */
int store_write(struct store *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx,
		struct err *e) DH_MUST_USE;

/* Appends, or holds behind what is held of the same subject (held.h). An id that is already there, held or not, is
 * ignored: a re-sync never makes a second one. Readers are woken after the commit. */
int store_tx_event(struct store_tx *tx, const struct store_event *ev, struct err *e) DH_MUST_USE;

/* Small named values: the feed's cookie, sentinel, map fingerprint … "" = absent for get (0). */
int store_tx_meta_get(struct store_tx *tx, struct arena *a, const char *name, struct strv *value_r,
		      struct err *e) DH_MUST_USE;
int store_tx_meta_put(struct store_tx *tx, const char *name, struct strv value, struct err *e) DH_MUST_USE;
int store_meta_get(struct store *s, struct arena *a, const char *name, struct strv *value_r, struct err *e) DH_MUST_USE;

/* There as soon as the state is whole: put with the first refresh, gone with store_reset. */
#define STORE_META_WHOLE "feed.map"

/* Forgets state, events, held batches and cookie; a new generation. For sync reset. */
int store_reset(struct store *s, struct err *e) DH_MUST_USE;

/* The same while no daemon runs, for a database that cannot be opened: its files become dirhinge.db.old. The key of
 * cursors stays, so that old ones are still answered with 410. ERR_CONFLICT: a daemon runs. */
int store_discard(const char *dir, struct err *e) DH_MUST_USE;

/* Retention in chunks, checkpoint; called now and then by one thread. Returns how many events it dropped: at most some
 * thousands, the rest next time. */
int store_maintain(struct store *s, int64_t now_us, int64_t *dropped_r, struct err *e) DH_MUST_USE;

struct store_stats {
	int64_t events, bytes, wal_bytes, users, groups, held;
	int64_t recent, recent_bytes; /* events at hand in memory */
	int64_t disk_pages;           /* pages of events that had to be read from the disk */
};
void store_get_stats(struct store *s, struct store_stats *st_r);

#endif
