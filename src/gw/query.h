/* SPDX-License-Identifier: Apache-2.0
 * Private: a query over one type or both: reading the ids of its result once, and the resources of a window of them.
 * Thread rule: confined to the request. */
#ifndef DIRHINGE_SRC_GW_QUERY_H
#define DIRHINGE_SRC_GW_QUERY_H

#include "dirhinge/scim/sort.h"
#include "gw/gw_priv.h"
#include "gw/snapshot.h"
#include "gw/stream.h"

#define GW_TYPES 2

/* One search for several at the same time: of users, whose entries are small. */
static inline enum dir_share
gw_share(const struct gw_run *run)
{
	return run->q->type == GW_USERS ? DIR_SHARE_ONE : DIR_ALONE;
}

/* The query on one resource type. */
struct gw_part {
	struct gw_req req; /* a copy with this type */
	struct gw_run run;
	const struct scim_filter *filter; /* NULL = all */
	struct map_query q;
};

struct gw_query {
	struct gw *g;
	struct arena *a;
	struct gw_part parts[GW_TYPES];
	size_t n_parts;
	bool sorted;
	struct scim_sort sort;
	struct gw_snap_key key;
	struct gw_stream *stream; /* brings entries of the page; NULL = none */
};

/* For the later pages (contrib/decisions/0009). */
struct gw_snaps *gw_snapshots(struct gw *g);
struct gw_streams *gw_streams_of(struct gw *g);
struct room *gw_room_of(struct gw *g);            /* for large pages, in resources */
const unsigned char *gw_seal(const struct gw *g); /* key of the cursors of this process, GW_SEAL_SIZE bytes */
/* When a request that begins now has to be answered. */
deadline_t gw_deadline(const struct gw *g, const struct gw_req *q);
/* A place among the long lists being sorted; false: none free. */
bool gw_sort_enter(struct gw *g) DH_MUST_USE;
void gw_sort_leave(struct gw *g);

/* The search for a part's entries below one of its bases. */
struct dir_search gw_part_search(const struct gw_part *part, size_t base, const struct dir_filter *f,
				 const char *const *attrs);
/* The whole result is read: w gets its piece and the total, build (NULL: none) all. Sorted if the query is and anybody
 * would see it. ERR_TOO_MANY past the limits for what the directory cannot decide or sort. */
int gw_query_scan(struct gw_query *q, struct gw_window *w, struct gw_snap_build *build, struct err *e) DH_MUST_USE;
/* The first page of a single part, if the directory decides alone: at most max entries; *more_r: there are others. */
struct gw_entries {
	const struct dir_entry **v;
	size_t n;
};
int gw_query_first(struct gw_query *q, size_t max, struct gw_entries *en_r, bool *more_r, struct err *e) DH_MUST_USE;
/* The attributes that the resources of a part are made from. */
const char *const *gw_part_attrs(struct gw_part *part);
/* The resources behind the items as JSON texts, in texts[0] to [w->n - 1]: as they are now; p is NULL for what has gone
 * or does not match any more. have: entries of the first part that were read already. */
int gw_query_fetch(struct gw_query *q, const struct gw_window *w, const struct gw_entries *have, struct strv *texts,
		   struct err *e) DH_MUST_USE;

#endif
