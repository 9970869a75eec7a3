/* SPDX-License-Identifier: Apache-2.0
 * What the files of the store share. */
#ifndef DIRHINGE_SRC_STORE_STORE_PRIV_H
#define DIRHINGE_SRC_STORE_STORE_PRIV_H

#include "dirhinge/base/thread.h"
#include "dirhinge/store/first.h"
#include "dirhinge/store/held.h"
#include "store/db.h"
#include "store/recent.h"

#define STORE_DB_NAME   "dirhinge.db"
#define STORE_LOCK_NAME "dirhinge.lock"
#define STORE_KEY_NAME  "cursor.key"

#define STORE_KEY_SIZE     32
#define STORE_READERS      4   /* more only wait for each other: a page takes less than 0.1 ms */
#define STORE_CHUNK        256 /* rows read before their function is called */
#define STORE_DROP_CHUNK   500 /* rows of one transaction of retention: some ms, in which nobody else writes */
#define STORE_DROP_CHUNKS  10  /* of one call: who calls has other things to do, and comes again */
#define STORE_MIN_FREE     (1 << 20)
#define STORE_CKPT_PAGES   1000
#define STORE_TRUNCATE_WAL (64 << 20)
#define STORE_SMALL_FILE   (64 << 20) /* checked at every start; larger ones after a crash: 1 s a GB, or the disk */

#define US_PER_S   INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_S)

/* Numbers that are asked for often; those of a transaction become everybody's when it is committed. */
struct store_tally {
	int64_t oldest, head; /* as struct store_range */
	int64_t events, users, groups, held;
	int64_t first; /* the last event that is told from rows; 0 = there is none */
};

/* First come, first served: retention releases it between two chunks, and who waits then must get it. */
struct store_gate {
	struct mutex lock;
	struct cond turn;
	uint64_t next, serving;
};

struct store_counters {
	struct metric *commits, *commit_time, *events, *bytes, *wal, *held;
};

struct store {
	struct arena *a; /* this struct, paths, generations */
	const char *dir, *path, *wal_path;
	int64_t retention_us;
	store_compose_fn compose;
	int lock_fd;
	bool clean; /* was closed, not killed */
	unsigned char key[STORE_KEY_SIZE];
	struct store_counters counters;

	struct store_gate gate; /* the writer's connection and what follows */
	struct store_db w;
	int wal_pages, checkpointed_pages;

	struct mutex lock; /* all below */
	struct cond free_reader;
	const char *generation;
	struct store_tally tally;
	struct store_recent recent;
	bool woken;
	int64_t disk_pages;
	struct store_db readers[STORE_READERS];
	bool reader_open[STORE_READERS], reader_busy[STORE_READERS];
};

struct store_tx {
	struct store *s;
	struct store_db *d;
	struct store_tally tally;
	int64_t now_us;
	int64_t first;          /* head when the transaction began: what it appends has a higher seq */
	int64_t removals;       /* among its events that are not held */
	int64_t held_behind;    /* what it holds has a higher place; -1: it holds nothing */
	struct store_lot *lot;  /* what it has appended, NULL if nothing */
	bool untold;            /* the log has changed in another way than by that */
	const char *generation; /* set by store_reset: the new one */
	int64_t row;            /* of the state, put last */
	struct fill *fill;      /* a first refresh; fill.c */
};

/* One transaction; as store_write, without looking for free space: for what makes room. */
int store_transact(struct store *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx,
		   struct err *e) DH_MUST_USE;
void store_gate_enter(struct store_gate *g);
void store_gate_leave(struct store_gate *g);
/* Copies what the log holds now into the tally: after rows were taken out. */
int store_tx_recount_range(struct store_tx *tx, struct err *e) DH_MUST_USE;
/* Live rows of a kind, counted. */
int store_db_count_state(struct store_db *d, enum store_kind kind, int64_t *n_r, struct err *e) DH_MUST_USE;
/* Copies as many WAL pages into the database as readers allow. truncate: and empties the WAL. */
void store_checkpoint(struct store *s, bool truncate);

/* By SCIM id, a live row before a tombstone: 1, 0, -1. */
int store_db_state_of(struct store_db *d, struct arena *a, const char *id, struct store_state *st_r,
		      struct err *e) DH_MUST_USE;
/* Before anything is held: remembers from where on. */
int store_tx_holds(struct store_tx *tx, struct err *e) DH_MUST_USE;
/* told.c. With the commit: keeps what readers know of what it holds. */
int store_told_keep(struct store_tx *tx, struct err *e) DH_MUST_USE;
/* The state goes back to that. */
int store_told_restore(struct store_tx *tx, int64_t batch, struct err *e) DH_MUST_USE;
int store_told_drop(struct store_tx *tx, int64_t batch, struct err *e) DH_MUST_USE;

/* A reader of the pool; waits for one. NULL with *e. */
struct store_db *store_reader_take(struct store *s, struct err *e);
void store_reader_give(struct store *s, struct store_db *d);

/* A row of STATE_COLS (whole), or of STATE_HEAD. */
int store_state_read(const struct store_q *q, struct arena *a, bool whole, struct store_state *st_r,
		     struct err *e) DH_MUST_USE;

/* open.c and its helpers */
/* *clean_r: who had it last gave it back. */
int store_lock_dir(const char *dir, int *fd_r, bool *clean_r, struct err *e) DH_MUST_USE;
void store_unlock_dir(int *fd, bool clean);
/* "nfs" for the magic number of a network file system (statfs(2)), else NULL. */
const char *store_network_fs(uint64_t magic);
/* Brings the schema to this version in one transaction, or refuses. */
int store_migrate(struct store_db *d, struct err *e) DH_MUST_USE;
void store_generation_make(char out[17]);
int store_random(void *out, size_t n, struct err *e) DH_MUST_USE;
int64_t store_file_size(const char *path); /* 0 if there is none */
void store_count_setup(struct store *s, struct metrics *m);

/* A check sum that a flipped bit does not survive; SQLite has none over its pages. */
#define STORE_SUM_INIT UINT64_C(0xcbf29ce484222325)
uint64_t store_sum(uint64_t h, struct strv v);
int64_t store_event_sum(const struct store_event *ev);
/* So many rows were put into the log, by one statement: their numbers have no gaps. */
void store_event_appended(struct store_tx *tx, int64_t n);
/* Reads EVENT_COLS (or the same of held, with place for seq). ERR_IO if the sum is wrong. */
int store_event_read(const struct store_q *q, struct arena *a, struct store_event *ev_r, struct err *e) DH_MUST_USE;
/* Appends rows to an array in a. */
struct store_rows {
	struct arena *a;
	void *v;
	size_t n, cap, size;
};
void *store_rows_add(struct store_rows *r);

#endif
