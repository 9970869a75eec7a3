/* SPDX-License-Identifier: Apache-2.0
 * What the files of this module share of struct http. Thread rule: locked. */
#ifndef DIRHINGE_HTTP_HTTP_PRIV_H
#define DIRHINGE_HTTP_HTTP_PRIV_H

#include "conns.h"
#include "count.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/http/http.h"
#include "listen.h"

/* Bytes of a refused body that are read and thrown away so that the client gets to read the answer; beyond it the
 * connection is closed. */
#define HTTP_LINGER_MAX (8 * 1024 * 1024)

/* Arenas of requests that are kept for others: as many as are often worked on at once. */
#define HTTP_ARENA_SIZE  (32 * 1024) /* what a GET needs, in one block */
#define HTTP_ARENAS_KEPT 16

#define HTTP_ID_SIZE 16

struct server;

/* A set of clients; requests in flight keep the one they began with. */
struct clients {
	struct arena *a;
	int64_t refs; /* http.lock */
	const struct crypto_digest *sha256;
	struct principal *v;
	size_t n;
};

struct http {
	struct arena *a;
	struct http_opts opts; /* strings copied; .clients is not used: see below */
	struct listen listen;
	struct server *server;
	struct secret *tls_key;
	struct http_counters counters;
	struct room *room; /* for long pages, in events or resources */
	struct mutex lock; /* all below */
	struct cond changed;
	struct clients *clients;
	int64_t open;             /* requests whose header block was accepted and that are not finished */
	int64_t in_flight;        /* of these, being worked on */
	int64_t waiters, streams; /* readers of /events: pages (long polls or not), streams */
	bool draining;
	struct arena *spare[HTTP_ARENAS_KEPT];
	size_t n_spare;
	unsigned char ids[16][HTTP_ID_SIZE]; /* of the next requests; the last n_ids */
	size_t n_ids;
};

/* http_start with other deadlines than those of production, for tests. */
extern const struct conn_limits http_default_limits;
int http_start_limits(const struct http_opts *opts, const struct conn_limits *limits, struct http **h_r,
		      struct err *e) DH_MUST_USE;

struct clients *http_clients_get(struct http *h);
void http_clients_put(struct http *h, struct clients **c);
/* The memory of one request, empty, and its id: random bytes. */
struct arena *http_arena_get(struct http *h, unsigned char id[HTTP_ID_SIZE]);
/* For the time in which a page of so many items is made; short ones do not wait. ERR_BUSY. */
int http_page_enter(struct http *h, int64_t limit, struct err *e) DH_MUST_USE;
void http_page_leave(struct http *h, int64_t limit);
void http_arena_put(struct http *h, struct arena **a);
/* A request begins and ends. */
void http_request_open(struct http *h);
void http_request_done(struct http *h);
/* A place among the requests in flight; false: none free. */
bool http_enter(struct http *h);
void http_leave(struct http *h);
/* A place among the readers of /events, of which a stream keeps one until its end. ERR_BUSY: none free. */
enum reader { READER_PAGE, READER_STREAM };
int http_reader_enter(struct http *h, enum reader kind, struct err *e) DH_MUST_USE;
void http_reader_leave(struct http *h, enum reader kind);
/* False once the clients were replaced (SIGHUP): what does not end by itself is to look again at who may. */
bool http_clients_current(struct http *h, const struct clients *c);
bool http_draining(struct http *h);

#endif
