/* SPDX-License-Identifier: Apache-2.0
 * Cursors: a position behind one event of one log, sealed so that nobody can make or change one (reliability.md T-60).
 * mark ties it to the event itself: a log restored from a backup gives other events the same numbers. Pure. */
#ifndef DIRHINGE_EVENT_CURSOR_H
#define DIRHINGE_EVENT_CURSOR_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

struct event_log { /* what a cursor belongs to */
	struct strv key;
	const char *generation; /* 16 hex digits */
};

struct event_cursor {
	int64_t seq; /* 0 = before the first event */
	uint64_t mark;
};

/* URL-safe text without padding, the same for the same position. */
char *event_cursor_text(struct arena *a, const struct event_log *log, const struct event_cursor *c);
/* ERR_CURSOR: not one of ours or changed on the way; ERR_GONE: of another generation. */
int event_cursor_parse(const struct event_log *log, struct strv text, struct event_cursor *c_r,
		       struct err *e) DH_MUST_USE;

#endif
