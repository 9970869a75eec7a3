/* SPDX-License-Identifier: Apache-2.0
 * Reads server-sent events (HTML standard, 9.2.6) from pieces of any size. Thread rule: confined. */
#ifndef DIRHINGE_APP_SSE_H
#define DIRHINGE_APP_SSE_H

#include "dirhinge/base/buf.h"

#define SSE_LINE_MAX (16u * 1024 * 1024)

struct sse {
	struct buf line; /* not yet ended */
	struct buf data; /* of the event that is being read */
	struct buf id;   /* the last one seen, also without an event */
	/* data of an event; 0 to go on, 1 to stop */
	int (*fn)(void *ctx, struct strv data);
	void *ctx;
};

void sse_begin(struct sse *s, int (*fn)(void *ctx, struct strv data), void *ctx);
void sse_done(struct sse *s);
/* 1 when fn stopped it. What was begun in an earlier connection is dropped by sse_reset. */
int sse_feed(struct sse *s, struct strv piece);
void sse_reset(struct sse *s);

#endif
