/* SPDX-License-Identifier: Apache-2.0
 * Private: the ids that a query found, kept for the later pages of a crawl (contrib/decisions/0009). Bounded in bytes
 * (snapshots being built included) and in number per client; what was used least recently goes first.
 * Thread rule: the store is locked; a build is confined. */
#ifndef DIRHINGE_SRC_GW_SNAPSHOT_H
#define DIRHINGE_SRC_GW_SNAPSHOT_H

#include "dirhinge/base/arena.h"
#include "dirhinge/crypto/hash.h"

struct gw_item {
	unsigned char id[16];
	unsigned char type; /* enum gw_type */
};

struct gw_snaps_opts {
	size_t max_bytes;
	size_t max_per_client;
	int64_t idle_ms;      /* since it was used last */
	int64_t index_ms;     /* since it was made: after it paging by index begins anew */
	int64_t (*now)(void); /* monotonic milliseconds */
};

struct gw_snaps;
struct gw_snaps *gw_snaps_new(const struct gw_snaps_opts *opts);
void gw_snaps_free(struct gw_snaps **s);
int64_t gw_snaps_now(const struct gw_snaps *s);

/* A query of a client: who asks, and a digest of what. */
struct gw_snap_key {
	const char *client;
	unsigned char query[SHA256_SIZE];
};

struct gw_snap_build;
/* Begin before the directory is read. The handle lives in a, the snapshot does not. */
struct gw_snap_build *gw_snap_build_new(struct arena *a, struct gw_snaps *s, const struct gw_snap_key *key);
/* False: the store has no room; the build has given back what it had and stays useless. */
bool gw_snap_build_add(struct gw_snap_build *b, const struct gw_item *item);
/* Throws away what was not kept; a cleanup function. */
void gw_snap_build_free(struct gw_snap_build **b);
/* Keeps it and returns its number; 0 if it had become useless. The build is useless afterwards. */
uint64_t gw_snap_build_keep(struct gw_snap_build *b);

/* A piece of a snapshot: in, first; out, the rest. */
struct gw_window {
	size_t first; /* from 0 */
	size_t n;     /* in: at most; out: copied to items */
	size_t total;
	struct gw_item *items;
};
/* False: it is not there any more, or is not this query's. */
bool gw_snap_read(struct gw_snaps *s, uint64_t id, const struct gw_snap_key *key, struct gw_window *w);
/* The snapshot that a page by index belongs to, 0 if a new one is to be made: the newest of the query, unless the
 * gateway itself wrote since and the page does not go on where the last one ended. */
uint64_t gw_snap_find(struct gw_snaps *s, const struct gw_snap_key *key, size_t first);
/* Where the next page by index may begin after this one: behind what was asked for, or behind what was there. */
void gw_snap_served(struct gw_snaps *s, uint64_t id, size_t first, size_t next_returned, size_t next_asked);
/* The gateway changed the directory. */
void gw_snaps_written(struct gw_snaps *s);

struct gw_snaps_stats {
	size_t bytes, n;
};
void gw_snaps_get_stats(struct gw_snaps *s, struct gw_snaps_stats *st_r);

#endif
