/* SPDX-License-Identifier: Apache-2.0
 * HTTP over a Unix socket, for the command line talking to the daemon. With src/net the only user of libcurl.
 * Thread rule: confined. */
#ifndef DIRHINGE_NET_LOCAL_H
#define DIRHINGE_NET_LOCAL_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/err.h"

struct net_local {
	const char *socket; /* path */
	const char *method; /* "GET" */
	const char *target; /* "/admin/v1/sync" */
	struct strv body;   /* JSON, p NULL = none */
	int64_t timeout_ms; /* without any byte */
};
/* Pieces of a body as they arrive; 0 to go on, 1 to stop. */
typedef int (*net_piece_fn)(void *ctx, struct strv piece);

/* The whole answer: *status_r and body. ERR_UNAVAILABLE with the remedy if nobody listens there, ERR_FORBIDDEN if the
 * socket's mode keeps us out. */
int net_local_call(const struct net_local *q, int *status_r, struct buf *body, struct err *e) DH_MUST_USE;
/* The same for an answer without end; returns when fn says so or the connection ends. An answer other than 200 goes to
 * body instead. */
int net_local_stream(const struct net_local *q, int *status_r, net_piece_fn fn, void *ctx, struct buf *body,
		     struct err *e) DH_MUST_USE;

#endif
