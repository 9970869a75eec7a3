/* SPDX-License-Identifier: Apache-2.0
 * The demo's private directory: files in a temporary directory and a slapd of its own. Thread rule: main only. */
#ifndef DIRHINGE_APP_DEMO_DIR_H
#define DIRHINGE_APP_DEMO_DIR_H

#include "app/child.h"
#include "dirhinge/base/arena.h"

#define DEMO_BIND_DN "cn=dirhinge,dc=example,dc=com"

struct demo_dir {
	struct arena *a;
	char *path;               /* the temporary directory, mode 0700; NULL = none */
	const char *token;        /* of the gateway's client; wiped by demo_dir_close, like the other */
	const char *events_token; /* of the reader of events */
	const char *ldap_uri, *ldapi_uri;
	const char *config_file;
	struct child slapd;
};

/* Makes the directory, fills it, starts slapd and waits until it answers. ERR_NOT_IMPLEMENTED if slapd is not
 * installed (the text says how to install it), ERR_IO else; what was begun is left for demo_dir_close. */
int demo_dir_open(struct demo_dir *d, struct err *e) DH_MUST_USE;
/* Ends slapd, removes all files. */
void demo_dir_close(struct demo_dir *d);

/* Path of a file in the directory. */
const char *demo_dir_file(const struct demo_dir *d, const char *name);

#endif
