/* SPDX-License-Identifier: Apache-2.0
 * Private: the feed's thread and what its parts share. sync.c runs it, setup.c prepares the source, refresh.c, live.c
 * and take.c take what comes, reconcile.c compares, canary.c proves, guard.c holds, status.c tells. Thread rule:
 * everything but struct sync_report and struct sync_request belongs to the feed's thread. */
#ifndef DIRHINGE_SRC_SYNC_PRIV_H
#define DIRHINGE_SRC_SYNC_PRIV_H

#include <jansson.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/sync/sync.h"
#include "sync/canary.h"
#include "sync/observe.h"
#include "sync/status.h"

#define SYNC_STALL_MS 60000 /* a refresh that says nothing for so long has broken off */
#define SYNC_LIST_MS  (10 * 60 * 1000)
#define SYNC_FETCH_MS 10000

/* Names in the store's meta. */
#define META_COOKIE "feed.cookie"
#define META_MAP \
	STORE_META_WHOLE /* fingerprint of the map that the state was made with; there after the first refresh */
#define META_CANARIES "feed.canaries"
#define META_RECHECK  "feed.recheck"  /* sync ids */
#define META_SENTINEL "feed.sentinel" /* the greatest value that came through the feed */

/* --- ids.c: entries to look at again ----------------------------------------------------------------------------- */
struct sync_ids *sync_ids_new(void);
void sync_ids_free(struct sync_ids **ids);
size_t sync_ids_count(const struct sync_ids *ids);
deadline_t sync_ids_due(const struct sync_ids *ids); /* of the first */
/* Takes out those that are due, or all. */
const char *const *sync_ids_take(struct sync_ids *ids, struct arena *a, bool all, size_t *n_r);
void sync_ids_clear(struct sync_ids *ids);
/* With the transaction that made them; and as the last one left them. */
int sync_ids_keep(struct sync_ids *ids, struct store_tx *tx, struct err *e) DH_MUST_USE;
int sync_ids_load(struct sync_ids *ids, struct store *s, struct err *e) DH_MUST_USE;

enum sync_why {              /* how an attempt ended */
		SYNC_BROKEN, /* by the error's code */
		SYNC_UNTRUSTED,
		SYNC_STOPPED,
};

enum request_kind { REQUEST_NONE, REQUEST_RECONCILE, REQUEST_RESET };

struct sync_request { /* one at a time; guarded by sync.lock */
	enum request_kind kind;
	bool taken, done, abandoned;
	int rc;
	struct err e;
	json_t *found;
};

struct sync {
	struct sync_opts opts;
	struct arena *a; /* of this struct and what lives as long */
	struct thread thread;

	/* the feed's thread */
	struct arena *setup; /* of maps, filter and attributes; one for each successful setup */
	struct dir_feed *feed;
	const char *bases[SYNC_BASES_MAX + 1];
	const char *const *feed_bases; /* without one that lies below the other */
	const char *id_attr, *version_attr;
	char map_print[17];
	struct sync_run run;
	struct canaries canaries;
	struct buf cookie; /* the newest that is durable or part of the open transaction */
	enum sync_why why;
	int failures;       /* since it followed last */
	bool changed_since; /* events were committed since the sentinel was written */
	bool misplaced;     /* a container may have been renamed, and no comparison has succeeded since */
	deadline_t reconcile_at, tick_at, csn_alarm_at;
	int64_t held_batch; /* told in the log */
	deadline_t held_told;

	struct mutex lock; /* guards what follows, and the pointer feed for dir_feed_wake */
	struct cond changed;
	bool stop;
	struct sync_request request;
	struct sync_report report;
	struct sync_metrics metrics;
};

/* A fresh arena for the next observation; the former one is given back. */
struct arena *sync_next_arena(struct sync *s);
bool sync_stopping(struct sync *s);

/* --- sync.c ---------------------------------------------------------------------------------------------------------
 */
/* A fresh arena for the next observation; the former one is given back. */
struct arena *sync_next_arena(struct sync *s);
/* True if the attempt is to end: the engine stops, or everything is to be forgotten. */
bool sync_stopping(struct sync *s);
/* What somebody waits for, once; answered with sync_request_done (takes found). */
enum request_kind sync_request_take(struct sync *s);
void sync_request_done(struct sync *s, int rc, const struct err *e, json_t *found);

/* Maps, bases and the change source (setup.c); again when an earlier attempt failed. */
int sync_setup(struct sync *s, struct err *e) DH_MUST_USE;

/* Takes BEGIN … END in one transaction (refresh.c). begun_full: BEGIN has come already, and this is what it said of
 * .full; NULL: it is still to come. s->why tells why it failed. */
int sync_refresh(struct sync *s, const bool *begun_full, bool *was_full_r, struct err *e) DH_MUST_USE;

/* --- take.c ---------------------------------------------------------------------------------------------------------
 */
/* Hands one observation on; reads the entry from the directory if an operation does not fit. */
int sync_take(struct sync *s, struct store_tx *tx, const struct observation *o, struct err *e) DH_MUST_USE;
/* Reads these entries anew and observes each like as. What is not there is gone and counted; gone_r NULL: left alone.
 */
int sync_take_fetched(struct sync *s, struct store_tx *tx, const char *const *ids, size_t n,
		      const struct observation *as, int64_t *gone_r, struct err *e) DH_MUST_USE;
/* The resume point of the transaction to come; p NULL: none. */
void sync_note_cookie(struct sync *s, struct strv cookie);
/* Ends every transaction of changes: guard, resume point. */
int sync_seal(struct sync *s, struct store_tx *tx, const char *hold_because, struct err *e) DH_MUST_USE;
/* store_write, and counting what it brought. */
int sync_commit(struct sync *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx,
		struct err *e) DH_MUST_USE;

/* --- live.c ---------------------------------------------------------------------------------------------------------
 */
/* Follows until the source breaks off or the engine is to stop. Always -1; s->why tells why. */
int sync_live(struct sync *s, struct err *e) DH_MUST_USE;
/* Takes what has come already, until a little silence. */
int sync_drain(struct sync *s, struct err *e) DH_MUST_USE;
/* Retention and the like, when they are due. */
void sync_tick(struct sync *s);

/* reconcile.c. asked: by an operator; entries whose removal was rejected are then looked at again. found_r (may be
 * NULL): a new object. */
int sync_compare(struct sync *s, bool asked, json_t **found_r, struct err *e) DH_MUST_USE;

/* --- guard.c ----------------------------------------------------------------------------------------------------- */
int64_t sync_guard_limit(const struct sync_guard_opts *g, int64_t known);
/* Holds back what this transaction takes away if it is too much, or if because is not NULL. */
int sync_guard_check(struct sync *s, struct store_tx *tx, const char *because, struct err *e) DH_MUST_USE;

#endif
