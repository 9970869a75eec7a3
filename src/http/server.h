/* SPDX-License-Identifier: Apache-2.0
 * The adapter around libmicrohttpd: everything else in this module sees only this and calls nothing of the library.
 * It feeds request.h in this order: http_req_new, http_req_head, http_req_body*, http_req_run, http_req_free. Thread
 * rule: locked. */
#ifndef DIRHINGE_HTTP_SERVER_H
#define DIRHINGE_HTTP_SERVER_H

#include "conns.h"
#include "dirhinge/base/err.h"

struct http;
struct server;

struct server_opts {
	int fd; /* listening; the server's from the call on, also when it fails */
	const char *tls_cert, *tls_key, *tls_client_ca; /* PEM text; must outlive the server. NULL = plain */
	int64_t max_connections;
	int64_t idle_ms;
	struct conn_limits limits;
};

int http_server_start(const struct server_opts *o, struct http *h, struct server **s_r, struct err *e) DH_MUST_USE;
/* No new connections from now on; the listening socket is closed. */
void http_server_quiesce(struct server *s);
/* Ends all connections, waits for their threads, frees. */
void http_server_stop(struct server **s);
struct conns *http_server_conns(struct server *s);

#endif
