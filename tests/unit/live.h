/* SPDX-License-Identifier: Apache-2.0
 * Real slapds for the tests of src/dir: started by slapd.sh in a directory of their own, killed and thrown away at
 * the end. */
#ifndef DIRHINGE_TESTS_LIVE_H
#define DIRHINGE_TESTS_LIVE_H

#include <check.h>
#include <sys/types.h>

#include "dirhinge/dir/dir.h"

#define SUFFIX "dc=example,dc=com"
#define PEOPLE "ou=people," SUFFIX
#define GROUPS "ou=groups," SUFFIX

struct live {
	pid_t pid; /* 0 = not running */
	const char *cert;
	const char *feed; /* NULL, or the settings of "slapd.sh feed" */
	char name[16];
	char dir[96];
	char ldap[64], ldaps[64], localhost[64], ldapi[256]; /* its URIs */
};

/* Makes the directory and the certificates, opens the trap; exits 77 if slapd is not installed. */
void live_begin(void);
/* Kills what runs, removes the directory; true if nobody fell into the trap. */
bool live_end(void);

/* Runs a suite with one server for all its tests, between live_begin and live_end: the exit status. The server is this
 * process's child, so no test is forked. */
int live_run(Suite *s, struct live *server);

/* New name = new database. Returns when the server answers; aborts the test program if it does not. */
void live_start(struct live *l, const char *name, const char *cert);
/* The same with syncprov, accesslog and server ids as settings say (slapd.sh); without TLS. */
void live_start_feed(struct live *l, const char *name, const char *settings);
void live_again(struct live *l);      /* after live_kill: the same database and ports */
void live_kill(struct live *l);       /* -9, and waits for its end */
void live_end_gently(struct live *l); /* TERM, and waits for its end */
void live_stop(struct live *l);       /* SIGSTOP, and waits until it has stopped */
void live_cont(struct live *l);
void live_restore(struct live *l); /* whatever a test that failed has left */

const char *live_cert(const char *file); /* path of a certificate file */
const char *live_trust_dir(void);        /* a directory with nothing but ca.pem */
int live_free_port(void);                /* nobody listens there */

/* A directory handle as cn=gateway with small timeouts; what the caller set in o is kept. Fails the test if it cannot.
 */
struct dir *live_dir(struct dir_opts o, const char *uri);
struct dir *live_dir2(struct dir_opts o, const char *uri1, const char *uri2);
const struct secret *live_password(void);

/* Adds a plain user below ou=people. */
void live_user(struct dir *d, const char *uid);

/* Milliseconds since begun (clock_mono_ms). */
int64_t live_since(int64_t begun);

#endif
