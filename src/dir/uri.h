/* SPDX-License-Identifier: Apache-2.0
 * Private: LDAP URIs of the configuration, read strictly and written anew, so that libldap never sees a spelling that
 * was judged differently here. */
#ifndef DIRHINGE_SRC_DIR_URI_H
#define DIRHINGE_SRC_DIR_URI_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"

enum uri_scheme { URI_LDAP, URI_LDAPS, URI_LDAPI };

struct uri {
	enum uri_scheme scheme;
	const char *text; /* "ldap://host:389", "ldapi://%2Frun%2Fldapi"; given to libldap and shown to operators */
	const char *host; /* socket path for ldapi */
	bool loopback;    /* 127.0.0.0/8, ::1 or "localhost" */
};

/* scheme://host[:port][/] and nothing else: no DN, no query, no user part, no list. ERR_CONFIG. */
int dir_uri_parse(struct arena *a, const char *text, struct uri *u_r, struct err *e) DH_MUST_USE;

/* True if a connected peer is on this machine: loopback address or Unix socket. */
struct sockaddr;
bool dir_uri_local_peer(const struct sockaddr *sa);

#endif
