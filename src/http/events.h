/* SPDX-License-Identifier: Apache-2.0
 * What the readers of the change feed share: the query, the place in the log, batches of events as text. Thread rule:
 * confined. */
#ifndef DIRHINGE_HTTP_EVENTS_H
#define DIRHINGE_HTTP_EVENTS_H

#include "dirhinge/event/cursor.h"
#include "dirhinge/event/select.h"
#include "dirhinge/store/store.h"

struct req;

#define EVENTS_LIMIT     100
#define EVENTS_LIMIT_MAX 1000

struct events_read {
	struct store *store;
	struct event_log log;
	struct event_select select;
	int64_t limit;
	int64_t wait_ms;
	uint64_t topics;        /* of events that may be for the client (store_wait) */
	int64_t stop;           /* a batch ends behind the event with this number, or the first one above */
	size_t bytes;           /* a batch ends behind the event that takes it above */
	struct event_cursor at; /* behind the last event looked at */
};

/* The store behind /events; ERR_NOT_IMPLEMENTED with the reason when the feed is off. */
int http_events_store(struct req *q, struct store **s_r, struct err *e) DH_MUST_USE;
/* ERR_VALUE for a query parameter that is not in the NULL-terminated list. */
int http_events_known(const struct req *q, const char *const *names, struct err *e) DH_MUST_USE;
/* limit, or its default; ERR_VALUE if it is not 1 to EVENTS_LIMIT_MAX. */
int http_events_limit(const struct req *q, int64_t *limit_r, struct err *e) DH_MUST_USE;
/* Which resource types the client may see and its fences, into an empty select. */
void http_events_rights(struct req *q, struct event_select *s);
/* Rights, types and filter of the request, and the place: after NULL or "" = before the oldest event, "now" = behind
 * the newest. ERR_CURSOR, ERR_GONE, ERR_VALUE, ERR_FILTER, ERR_UNAVAILABLE. */
int http_events_begin(struct req *q, const char *after, struct events_read *r, struct err *e) DH_MUST_USE;
/* The place as text. */
const char *http_events_cursor(struct arena *a, const struct events_read *r);
/* ERR_GONE if events behind the place are no longer there, or the log is another one. */
int http_events_check(const struct events_read *r, struct err *e) DH_MUST_USE;

enum events_form { EVENTS_PAGE /* objects with commas between */, EVENTS_SSE };

struct events_batch {
	int64_t n;
	bool full; /* there may be more right behind it; the same for the same place, whenever it is read */
};
/* Appends the events behind the place that the client gets, and moves the place on. */
int http_events_take(struct events_read *r, enum events_form form, struct buf *out, struct events_batch *b_r,
		     struct err *e) DH_MUST_USE;
/* Begins a batch here; http_events_begin has done so for the first. */
void http_events_batch(struct events_read *r);
/* True when there is something behind the place, which moves on over what is nothing for the client. False at the
 * deadline or when the reader has to end: it drains, the client left, or its rights have changed. *ended_r tells which.
 */
bool http_events_wait(struct req *q, struct events_read *r, deadline_t until, bool *ended_r);

#endif
