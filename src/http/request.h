/* SPDX-License-Identifier: Apache-2.0
 * One exchange: from the request target to the reply. Everything in it lives in its arena.
 * Thread rule: confined to the connection's thread. */
#ifndef DIRHINGE_HTTP_REQUEST_H
#define DIRHINGE_HTTP_REQUEST_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/gw/gw.h"
#include "guard.h"
#include "reply.h"
#include "route.h"
#include "uri.h"

struct http;
struct clients;
struct conn;

struct req {
	struct arena *a;
	struct http *h;
	struct conn *conn; /* borrowed; set with the head */
	struct err err;
	char id[33];
	int64_t started_us;
	const char *target; /* raw; may hold anything */
	const char *method_name;
	unsigned method; /* enum route_method; HEAD is routed as GET */
	bool has_head;
	struct uri uri;
	struct header_facts head;
	const struct route *route;
	const char *arg;         /* what {} of the pattern matched */
	struct clients *clients; /* the set in force when the request came */
	const struct principal *who;
	struct buf body;
	int64_t body_bytes; /* also counts what was thrown away */
	bool counted;       /* holds a place among the open requests */
	struct gw_req gw;
	struct reply reply;
	bool replied;
};

struct req_head {
	const char *method, *version;
	const struct header_field *fields;
	size_t n_fields;
	bool peer_allowed; /* client certificate */
	struct conn *conn;
};

enum req_next {
	REQ_ANSWER, /* the reply is there and must be sent before anything else is read */
	REQ_BODY,   /* http_req_body for each piece, then http_req_run */
	REQ_RUN,    /* no body: http_req_run */
};

struct req *http_req_new(struct http *h, const char *target);
void http_req_free(struct req **q);
struct arena *http_req_arena(struct req *q);
bool http_req_has_head(const struct req *q);
/* All checks that need no body: framing, target, route, method, token, scope, media type, length. */
enum req_next http_req_head(struct req *q, const struct req_head *in);
/* False: far beyond the limit; the reply is there and no more is read. */
bool http_req_body(struct req *q, const char *p, size_t n);
/* Runs the end point (unless a check failed before); afterwards there is a reply. */
void http_req_run(struct req *q);
/* True if the end point may wait longer than an answer may take: the library's own time-out must not count. */
bool http_req_is_slow(const struct req *q);
const struct reply *http_req_reply(const struct req *q);

/* For end points: the body as JSON; ERR_SYNTAX if there is none. */
int http_req_json(struct req *q, json_t **body_r, struct err *e) DH_MUST_USE;
/* The URL of base_path, without trailing slash, in the arena. */
const char *http_req_base_url(struct req *q);

#endif
