/* SPDX-License-Identifier: Apache-2.0
 * The last known state of each entry and of each group's member list: what the feed compares with. Thread rule: as
 * store.h. */
#ifndef DIRHINGE_STORE_STATE_H
#define DIRHINGE_STORE_STATE_H

#include "dirhinge/store/store.h"

enum store_kind { STORE_USER = 1, STORE_GROUP = 2, STORE_OTHER = 3 /* canaries, containers: no events */ };

enum store_state_flag {
	STORE_TOMBSTONE = 1 << 0, /* gone; the row stays so that a return is a new incarnation */
	STORE_SUSPECTED = 1 << 1, /* gone for the directory, but an operator rejected the removal */
	STORE_UNTOLD = 1 << 2,    /* only within a first refresh: no event has told of it yet */
	STORE_REJECTED = 1 << 3,  /* there, but as readers know it: an operator rejected what was to be told since */
	STORE_FIRST = 1 << 4,     /* put only: events are told from this row (first.h) */
};

struct store_state {
	int64_t row;         /* its number; not looked at when it is put */
	const char *sync_id; /* key: the feed's id */
	const char *id;      /* SCIM id */
	enum store_kind kind;
	unsigned flags;
	int64_t incarnation; /* from 1 */
	const char *dn, *dn_key;
	const char *csn;      /* of the last change seen, "" if unknown */
	struct strv entry;    /* dir_blob of the mapped attributes */
	struct strv resource; /* the SCIM resource as JSON, members left out */
};

typedef int (*store_state_fn)(void *ctx, const struct store_state *st, struct err *e);

/* Read-only, any thread. By key: 1 found, 0, -1; st_r in a. */
int store_state_get(struct store *s, struct arena *a, const char *sync_id, struct store_state *st_r,
		    struct err *e) DH_MUST_USE;
/* Live (not tombstone) rows of a kind (0 = users and groups) with id > after, by id, at most limit: the snapshot. */
int store_state_list(struct store *s, enum store_kind kind, const char *after, int64_t limit, store_state_fn fn,
		     void *ctx, struct err *e) DH_MUST_USE;
int64_t store_state_count(struct store *s, enum store_kind kind); /* live ones */

/* --- in a transaction: its own writes are seen --- */

int store_tx_state(struct store_tx *tx, struct arena *a, const char *sync_id, struct store_state *st_r,
		   struct err *e) DH_MUST_USE;
/* The live entry with this DN (by dn_key). */
int store_tx_state_by_dn(struct store_tx *tx, struct arena *a, const char *dn_key, struct store_state *st_r,
			 struct err *e) DH_MUST_USE;
/* The live entry with this SCIM id, which is not the sync id in every directory. */
int store_tx_state_by_id(struct store_tx *tx, struct arena *a, const char *id, struct store_state *st_r,
			 struct err *e) DH_MUST_USE;
/* Every row, tombstones included, without entry and resource. */
int store_tx_state_each(struct store_tx *tx, store_state_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* A tombstone with empty entry and resource keeps those that are stored, so that a rejected removal can be undone; they
 * are forgotten when the retention has passed. fn of the lists in a transaction may write. */
int store_tx_state_put(struct store_tx *tx, const struct store_state *st, struct err *e) DH_MUST_USE;
int64_t store_tx_row(const struct store_tx *tx); /* number of the row that was put last */

/* Members of a group as the directory lists them: one row each; member_id is the SCIM id the DN belongs to, NULL while
 * it belongs to nobody known. Deltas only, so that one change in 100,000 costs one row. */
struct store_member {
	const char *group; /* SCIM id */
	const char *dn_key;
	const char *member_id;
};
typedef int (*store_member_fn)(void *ctx, const struct store_member *m, struct err *e);
int store_tx_member_put(struct store_tx *tx, const struct store_member *m, struct err *e) DH_MUST_USE;
int store_tx_member_put_many(struct store_tx *tx, const struct store_member *m, size_t n, struct err *e) DH_MUST_USE;
int store_tx_member_drop(struct store_tx *tx, const char *group, const char *dn_key, struct err *e) DH_MUST_USE;
int store_tx_member_drop_all(struct store_tx *tx, const char *group, struct err *e) DH_MUST_USE;
int store_tx_members(struct store_tx *tx, const char *group, store_member_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* Rows of any group that hold this DN / this member. */
int store_tx_members_of_dn(struct store_tx *tx, const char *dn_key, store_member_fn fn, void *ctx,
			   struct err *e) DH_MUST_USE;
int store_tx_members_of_id(struct store_tx *tx, const char *member_id, store_member_fn fn, void *ctx,
			   struct err *e) DH_MUST_USE;
/* Read-only, any thread: members of a group for the snapshot, resolved ones only. */
int store_members(struct store *s, const char *group, int64_t limit, store_member_fn fn, void *ctx,
		  struct err *e) DH_MUST_USE;

#endif
