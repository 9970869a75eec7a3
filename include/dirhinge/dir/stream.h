/* SPDX-License-Identifier: Apache-2.0
 * A paged search (RFC 2696) that stays open while its caller does other things: each page is searched for when it is
 * asked for, and begins behind the last one. It has a connection to itself, taken out of the pool, which may make
 * another in its place. Thread rule: a stream belongs to one thread at a time. */
#ifndef DIRHINGE_DIR_STREAM_H
#define DIRHINGE_DIR_STREAM_H

#include "dirhinge/dir/dir.h"

/* At most so many at once, connections beyond the size of the pool. */
#define DIR_STREAMS 4

struct dir_stream;

/* s: without more_r, size_limit and matched. NULL if there are as many already, or if no connection is idle at this
 * moment: nobody waits for a stream, and nobody has to wait because of one. */
struct dir_stream *dir_stream_open(struct dir *d, const struct dir_search *s);
/* The next n entries or fewer, given to fn as by dir_search_run with keep: 1 there is more, 0 that was all, -1 failed:
 * the stream is of no use any more, whatever it gave. A callback that stops ends it too. */
int dir_stream_page(struct dir_stream *st, struct arena *a, size_t n, deadline_t until, dir_entry_fn fn, void *ctx,
		    struct err *e) DH_MUST_USE;
void dir_stream_close(struct dir_stream **st); /* a cleanup function */

#endif
