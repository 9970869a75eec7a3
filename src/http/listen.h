/* SPDX-License-Identifier: Apache-2.0
 * The listening socket: host:port, [v6]:port, unix:/path, or the one a service manager hands over (LISTEN_FDS).
 * Thread rule: confined. */
#ifndef DIRHINGE_HTTP_LISTEN_H
#define DIRHINGE_HTTP_LISTEN_H

#include "dirhinge/base/err.h"

enum listen_kind { LISTEN_TCP, LISTEN_UNIX };

struct listen_address {
	enum listen_kind kind;
	char host[256]; /* LISTEN_TCP: without brackets; "" = all addresses */
	char port[6];
	char path[108]; /* LISTEN_UNIX */
};

struct listen {
	int fd;
	char address[300];     /* in use, with the real port: "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock" */
	char unlink_path[108]; /* a socket file made by us, "" otherwise */
};

/* ERR_CONFIG says which form is expected. */
int http_listen_parse(const char *text, struct listen_address *a_r, struct err *e) DH_MUST_USE;

struct listen_wish {
	const char *option; /* "server.listen", for errors */
	const char *text;
	bool inherit; /* takes the inherited socket if LISTEN_PID is this process */
};
/* A socket file nobody listens on is removed; one in use, or a file that is no socket, is ERR_IO. */
int http_listen_open(const struct listen_wish *w, struct listen *l_r, struct err *e) DH_MUST_USE;

/* Closes the descriptor (-1: somebody else did) and removes our socket file. */
void http_listen_close(struct listen *l);

#endif
