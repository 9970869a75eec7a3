/* SPDX-License-Identifier: Apache-2.0
 * Private: searches kept open for crawls of everything: while a client asks for one page after the other, entries come
 * from a paged search instead of by their ids. The snapshot stays the truth about who is in a page; a stream only
 * brings entries cheaper, and whoever finds none goes on by ids (contrib/decisions/0009). Bounded in number and in
 * idle time. Thread rule: the store is locked; a stream taken out belongs to its request. */
#ifndef DIRHINGE_SRC_GW_STREAM_H
#define DIRHINGE_SRC_GW_STREAM_H

#include "dirhinge/dir/stream.h"
#include "gw/snapshot.h"

struct gw_streams_opts {
	struct dir *dir; /* borrowed */
	size_t max, max_per_client;
	int64_t idle_ms; /* since its last page: a client that takes so long for a page is not waiting for ours */
};

struct gw_streams;
struct gw_streams *gw_streams_new(const struct gw_streams_opts *opts);
void gw_streams_free(struct gw_streams **s); /* none may be taken out */

/* What a page wants. */
struct gw_stream_use {
	uint64_t snapshot;
	const char *client;
	size_t first;        /* item of the snapshot that the page begins with */
	struct dir_search s; /* the same for all pages of a stream */
};

struct gw_stream;
/* The stream that stands where this page begins (or a little behind: pages may overlap), or NULL. */
struct gw_stream *gw_stream_take(struct gw_streams *s, const struct gw_stream_use *use);
/* A new one, at the first item of the snapshot; NULL where the bounds or the pool do not allow it. */
struct gw_stream *gw_stream_open(struct gw_streams *s, const struct gw_stream_use *use);
/* The entries of n items from place first on, as far as the stream brings them: at most n, in a. Never fails: what does
 * not come is read by its id, and a stream that is lost brings nothing any more. */
size_t gw_stream_fill(struct gw_stream *st, struct arena *a, const char *id_attr, const struct gw_item *items, size_t n,
		      size_t first, deadline_t until, const struct dir_entry **v);
/* After the page; keep: there are others. */
void gw_stream_give(struct gw_streams *s, struct gw_stream **st, bool keep);

size_t gw_streams_open(struct gw_streams *s); /* those taken out included */

#endif
