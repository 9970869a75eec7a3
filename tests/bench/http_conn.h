/* SPDX-License-Identifier: Apache-2.0
 * One keep-alive connection of the HTTP load generator: plain sockets, with or without TLS, no library between the
 * clock and the wire. */
#ifndef DIRHINGE_TESTS_BENCH_HTTP_CONN_H
#define DIRHINGE_TESTS_BENCH_HTTP_CONN_H

#include <gnutls/gnutls.h>
#include <netdb.h>

#include "bench.h"

/* Where requests go: taken from a URL once. */
struct target {
	bool tls;
	char host[256], port[16];
	char base[512];  /* path before that of the request */
	char token[512]; /* "" is none */
	struct addrinfo *address;
	gnutls_certificate_credentials_t trust;
};

void target_open(struct target *t, const char *url, const char *token_file, const char *ca_file);

struct http_conn {
	const struct target *t;
	int fd;
	gnutls_session_t tls;
	struct buf out, in;
	size_t sent;
	size_t head; /* bytes up to the body; 0 = not there yet */
	size_t want; /* bytes of the whole answer */
	int status;
};

void http_conn_open(struct http_conn *c, const struct target *t, bool blocking);
void http_conn_close(struct http_conn *c);
/* Puts a request into the buffer; send and receive are http_conn_io(). */
void http_conn_request(struct http_conn *c, const char *method, const char *path, struct strv body);
enum http_io { HTTP_READ, HTTP_WRITE, HTTP_DONE, HTTP_LOST };
/* As far as it goes without waiting (a blocking connection: to the end). HTTP_DONE: status and body are there. */
enum http_io http_conn_io(struct http_conn *c);
struct strv http_conn_body(const struct http_conn *c);

/* http_walk.c: pages one after another, or a feed that never ends. */
struct walk {
	const char *path;   /* {start} or {cursor} stand in it */
	const char *field;  /* the member whose text is the next cursor; NULL: by {start} */
	const char *cursor; /* the first; NULL: empty */
	long page;
	const char *mark;    /* follow: text before the numbers whose arrival is printed; NULL: walk to the end */
	long marks, seconds; /* follow: until so many were seen, or so long */
};
void http_walk(const struct target *t, const struct walk *w);

#endif
