/* SPDX-License-Identifier: Apache-2.0
 * Which end point answers which method and path: one row each. Thread rule: frozen. */
#ifndef DIRHINGE_HTTP_ROUTE_H
#define DIRHINGE_HTTP_ROUTE_H

#include "dirhinge/http/http.h"
#include "uri.h"

struct req;

enum route_method {
	M_GET = 1 << 0,
	M_HEAD = 1 << 1,
	M_POST = 1 << 2,
	M_PUT = 1 << 3,
	M_PATCH = 1 << 4,
	M_DELETE = 1 << 5,
	M_OPTIONS = 1 << 6,
};

enum route_flag {
	ROUTE_ROOT = 1 << 0,   /* the pattern begins at /, not at base_path */
	ROUTE_OPEN = 1 << 1,   /* no token */
	ROUTE_TYPED = 1 << 2,  /* .type and .verb are checked against the client's scopes */
	ROUTE_JSON = 1 << 3,   /* has a JSON body */
	ROUTE_FREE = 1 << 4,   /* takes no place among the requests in flight */
	ROUTE_BULK = 1 << 5,   /* the body may have GW_BULK_MAX_PAYLOAD bytes */
	ROUTE_BELOW = 1 << 6,  /* the pattern and everything below it */
	ROUTE_ADMIN = 1 << 7,  /* the client needs the scope admin */
	ROUTE_EVENTS = 1 << 8, /* the client needs the scope events:read */
	ROUTE_SLOW = 1 << 9,   /* may wait longer than the 25 s of other answers */
};

/* Answers through reply.h and returns 0, or -1 with *e. */
typedef int (*route_fn)(struct req *q, struct err *e);

struct route {
	unsigned methods;    /* enum route_method */
	const char *pattern; /* "/Users/{}": {} is any one segment */
	route_fn fn;
	enum gw_type type;
	enum policy_verb verb;
	unsigned flags; /* enum route_flag */
};

struct route_table {
	const struct route *rows;
	size_t n;
};
extern const struct route_table http_routes[]; /* by enum http_face */

/* 0 for a method nobody here knows. */
unsigned http_route_method_parse(const char *name);

/* "GET" for one bit. */
const char *http_route_method_name(unsigned method);
/* "Users/{id}", "Schemas": what the route is called in metrics; "none" for NULL. In the arena or static. */
const char *http_route_resource(struct arena *a, const struct route *r);

/* Segments of the base path are compared first. 1 found; 0 no such path; -1 the path is there, not the method (HEAD
 * counts as GET). *allowed_r is set unless 0 was returned; *arg_r is what {} matched. */
int http_route_find(const struct route_table *t, const char *base_path, const struct uri *u, unsigned method,
		    const struct route **route_r, const char **arg_r, unsigned *allowed_r);

/* "GET, HEAD, OPTIONS" in the arena. */
const char *http_route_allow(struct arena *a, unsigned allowed);

#endif
