/* SPDX-License-Identifier: Apache-2.0
 * Private, the seam inside sync: the engine (refresh.c, live.c, reconcile.c) says what the directory said, observe.c
 * compares it with the last known state and makes the events. Thread rule: confined to the feed's thread. */
#ifndef DIRHINGE_SRC_SYNC_OBSERVE_H
#define DIRHINGE_SRC_SYNC_OBSERVE_H

#include "dirhinge/dir/feed.h"
#include "dirhinge/event/event.h"
#include "dirhinge/map/map.h"
#include "dirhinge/store/cause.h"
#include "dirhinge/store/held.h"

struct sync_ids; /* a set of sync ids; sync_priv.h */
struct memory;   /* what observe.c keeps from one observation to the next; seen.h */

/* A CSN later than that is of a clock that runs ahead. */
#define CSN_AHEAD_US (INT64_C(5) * 60 * 1000000)

/* Values of an entry that are looked at apart from what is mapped; NULL: it shows none. */
struct apart {
	const struct dir_attr *members, *groups;
};

struct sync_run {
	/* Of the observation, the same as map.a; given back and made anew by the engine between two, never inside. */
	struct arena *a;
	struct store *store;
	struct causes *causes;
	struct map_run map; /* .dir NULL: nothing here asks the directory */
	const char *source; /* "main" */
	int64_t now_us;
	/* what observing leaves behind */
	struct sync_ids *recheck;       /* entries to read again: sync_recheck() */
	bool moved;                     /* a container came, went or has another DN: children are not told, reconcile */
	int64_t counted[EVENT_N_TYPES]; /* events appended, for metrics */
	int64_t last_change_us;         /* greatest event time */
	struct memory *memory;          /* NULL at first; given back by sync_run_done */
};

struct ready; /* what can be made of an entry without the store; seen.h */

struct observation {
	const char *sync_id;
	const struct dir_entry *entry; /* as it is now; NULL with op NULL: gone */
	const struct ready *ready;     /* made of entry before; NULL: not yet */
	const struct dir_op *op;       /* one operation of the history, instead of entry */
	const char *csn, *actor_dn;    /* NULL = not known */
	bool initial;                  /* first refresh of an empty store */
	bool coalesced;                /* stands for all changes of a gap */
	bool reresolve;                /* after sync_recheck(): references are to be resolved anew */
};

/* Compares with the last known state, appends the events, writes state and member rows. *need_fetch_r: the operation
 * does not fit what is known (nothing was written): fetch the entry and observe that.
 *
 *   what happened                      events, in this order
 *   new, or back after it was gone     created; of a group then user_added for each member
 *   changed                            activated or deactivated, then updated; of a group then user_removed, user_added
 *   gone, or no resource any more      user_removed from each group that has it, then deleted with the last state
 *   a resource of the other kind       as gone, then as new
 *   a change that no row of the map shows, another DN alone, containers, canaries: none
 *
 * Members and managers are names in the directory and followed by id: a row (struct store_member) for each, of nobody
 * while nobody known has that name. A row that finds its owner, or whose owner moves, has its holder read again, and
 * only what the directory then lists is told; a renamed member is nobody who comes or goes. A change that was told
 * already (its CSN is not newer) is passed over, unless .coalesced: then the directory went back and is followed. An
 * event's id rests on the CSN; where that has told of something else before, the time is added. */
int sync_observe(struct sync_run *r, struct store_tx *tx, const struct observation *o, bool *need_fetch_r,
		 struct err *e) DH_MUST_USE;

/* At the END of an initial refresh, in its transaction: tells of the entries that referred to others which came behind
 * them (managers, members). */
int sync_observe_end(struct sync_run *r, struct store_tx *tx, struct err *e) DH_MUST_USE;
/* After a transaction that was undone, or with everything else. */
void sync_run_done(struct sync_run *r);
/* Which entries besides resources and canaries are kept, as STORE_OTHER: those that entries lie below. Moving one moves
 * them, without a message for each. NULL-terminated object classes. */
extern const char *const sync_containers[];

/* Asks the engine to read this entry again and to observe it with .reresolve: at once, or a second later, when overlays
 * that change members silently (refint) are through. */
void sync_recheck(struct sync_run *r, const char *sync_id, bool at_once);
/* True while that look is to come. */
bool sync_rechecks(const struct sync_run *r, const char *sync_id);

#endif
