/* SPDX-License-Identifier: Apache-2.0
 * Deadlines of connections. libmicrohttpd's time-out is for inactivity only: one byte now and then holds a connection
 * for ever (reliability.md T-15), so a thread cuts connections whose phase takes too long. Thread rule: locked. */
#ifndef DIRHINGE_HTTP_CONNS_H
#define DIRHINGE_HTTP_CONNS_H

#include "dirhinge/base/defs.h"

struct conns;
struct conn;

enum conn_phase {
	CONN_HEADER, /* waiting for a request line and its header block */
	CONN_BODY,
	CONN_WORK, /* ours: no deadline here */
	CONN_REPLY,
	CONN_STREAM, /* a piece of a reply without end is being sent; has the deadline of a reply */
	CONN_IDLE,   /* kept alive between two requests; includes the next header block */
};

struct conn_limits {
	int64_t header_ms, body_ms, reply_ms, idle_ms;
};

struct conns *http_conns_new(const struct conn_limits *limits);
/* No connection may be left. */
void http_conns_free(struct conns **cs);

/* A new connection in phase CONN_HEADER. The descriptor stays the caller's and must stay open until http_conn_close. */
struct conn *http_conn_open(struct conns *cs, int fd);
void http_conn_close(struct conn **c);
/* Enters a phase; its deadline begins now. */
void http_conn_enter(struct conn *c, enum conn_phase phase);
/* At the end: pieces of replies without end have no more than ms from now on. */
void http_conns_hurry(struct conns *cs, int64_t ms);
/* True if the client has closed its side: nobody will read what is sent. Only by the connection's thread. */
bool http_conn_gone(const struct conn *c);
/* Connections open now, and cut so far. */
void http_conns_count(struct conns *cs, int64_t *open_r, int64_t *cut_r);

#endif
