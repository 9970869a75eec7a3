/* SPDX-License-Identifier: Apache-2.0
 * The change feed: one thread that follows the directory (dir/feed.h), compares each entry with its last known state
 * through the map, and commits events, state and resume point in one transaction (store). Nothing here knows of
 * requests. Thread rule: locked; sync_start and sync_stop by one thread. */
#ifndef DIRHINGE_SYNC_SYNC_H
#define DIRHINGE_SYNC_SYNC_H

#include "dirhinge/dir/feed.h"
#include "dirhinge/map/map.h"
#include "dirhinge/store/cause.h"
#include "dirhinge/store/first.h"

struct sync;

/* What events name as their source: the directory, whatever server answers for it. */
#define SYNC_SOURCE "main"

/* Events of a first refresh from the rows they are told from: store_opts.compose. */
int sync_compose(struct arena *a, const struct store_told *t, struct store_event *ev_r, struct err *e) DH_MUST_USE;

struct sync_guard_opts {
	int64_t max_removals; /* held above the larger of the two */
	int64_t max_percent;  /* of the users and groups known */
	int64_t window_ms;
};

struct sync_opts {
	struct dir *dir; /* borrowed, like all below */
	const struct map_opts *map;
	struct store *store;
	struct causes *causes;
	const char *base_url; /* of meta.location: external_url and base_path, or base_path alone */
	struct sync_guard_opts guard;
	bool history; /* use the accesslog where it can be read */
	bool poll;    /* hold no search open: look every poll_ms */
	int64_t poll_ms;
	enum dir_dirsync dirsync;
	int64_t reconcile_ms;    /* between two reconciliations; they also follow every reconnect */
	struct metrics *metrics; /* may be NULL */
};

/* Starts the thread; the directory need not be there yet. */
int sync_start(const struct sync_opts *opts, struct sync **s_r, struct err *e) DH_MUST_USE;
void sync_stop(struct sync **s);
/* Answers those who wait in sync_reconcile and sync_reset, and lets the thread end, so that the listeners they came
 * from can be stopped; sync_stop follows. Accepts NULL. */
void sync_quit(struct sync *s);

/* A new JSON object for operators: "state" (connecting, refresh, live, behind, untrusted, unsupported, stopped) with
 * "reason" and "remedy" when it is not live, "source", "note" (why not a better one), "guarantee" {class, means,
 * poll_seconds where it is polled}, "uri", "entries" {users, groups}, "last_change", "last_refresh", "last_reconcile"
 * and what it "found", "restored" (when the directory was seen to be set back), "canaries" [{dn, state}],
 * "removals_in_window", "held_events", "held_batches", "connects", "generation".
 */
json_t *sync_status(struct sync *s);
/* Compares everything known with everything there, now; waits for the end. The object tells what was found: "listed",
 * "read_again", "gone", "kept_by_operator" (absent, but their removal was rejected), "events". ERR_UNAVAILABLE while
 * the directory is not followed, ERR_BUSY while something else was asked for. */
int sync_reconcile(struct sync *s, deadline_t until, json_t **found_r, struct err *e) DH_MUST_USE;
/* Forgets everything and begins anew with another generation: cursors are answered with 410. */
int sync_reset(struct sync *s, deadline_t until, struct err *e) DH_MUST_USE;

#endif
