/* SPDX-License-Identifier: Apache-2.0
 * The HTTP side: framing guard, routing, authentication, bodies, SCIM error documents; with src/http the only user of
 * libmicrohttpd (thread per connection + poll; never epoll: contrib/decisions/0004). Thread rule: locked. */
#ifndef DIRHINGE_HTTP_HTTP_H
#define DIRHINGE_HTTP_HTTP_H

#include "dirhinge/base/metrics.h"
#include "dirhinge/gw/gw.h"
#include "dirhinge/store/held.h"

struct http;

enum http_face {
	HTTP_SCIM,  /* the service: base_path, /events, /livez, /readyz */
	HTTP_ADMIN, /* the operators' listener: /metrics, /livez, /readyz with causes; the rest wants scope admin */
	HTTP_LOCAL, /* the same on a Unix socket in state_dir, without tokens: its mode 0600 says who may */
};

/* What operators may ask of the change feed. app fills it in: http does not know sync. */
struct http_feed_ops {
	json_t *(*status)(void *ctx); /* a new object, as sync_status */
	int (*reconcile)(void *ctx, deadline_t until, json_t **found_r, struct err *e);
	int (*reset)(void *ctx, deadline_t until, struct err *e);
};

struct http_opts {
	enum http_face face;
	const char *listen;       /* "host:port" (port 0 = any), "[v6]:port" or "unix:/path"; a socket handed over by
				   * the service manager (LISTEN_FDS) takes its place for HTTP_SCIM */
	const char *base_path;    /* "/scim/v2", no trailing slash */
	const char *external_url; /* "https://host" for locations, or NULL: scheme and Host of the request */
	const char *tls_cert_file, *tls_key_file, *tls_client_ca_file; /* NULL = plain HTTP */
	int64_t max_in_flight; /* requests being worked on; above it 503 + Retry-After */
	int64_t max_connections;
	int64_t max_body; /* bytes */
	const struct principal *clients;
	size_t n_clients;
	struct gw *gw; /* borrowed */
	int64_t max_results;
	struct metrics *metrics;          /* borrowed; HTTP_SCIM counts there, HTTP_ADMIN prints it; NULL = neither */
	struct store *store;              /* borrowed; NULL = the change feed is off, and /events says so */
	int64_t max_streams;              /* readers of /events together; above it 503 + Retry-After */
	const struct http_feed_ops *feed; /* HTTP_ADMIN, HTTP_LOCAL; NULL = the feed is off */
	void *feed_ctx;
	const char *feed_off; /* why, for operators; NULL = it is on */
};

/* Binds and starts to serve. ERR_IO with the option, the address and what to do. */
int http_start(const struct http_opts *opts, struct http **h_r, struct err *e) DH_MUST_USE;
/* The address in use ("127.0.0.1:8080"), with the real port. */
const char *http_address(const struct http *h);
/* Replaces the clients (SIGHUP); requests in flight keep the old set. */
void http_set_clients(struct http *h, const struct principal *clients, size_t n_clients);
/* /readyz answers 503, no new connections, waits for requests in flight at most grace_ms, stops, frees. Readers of
 * /events end at once, for which the store's waiters are woken for good (store_wake_all). */
void http_stop(struct http **h, int64_t grace_ms);

#endif
