/* SPDX-License-Identifier: Apache-2.0
 * Private: one libldap handle: connect, TLS, bind, wait with a deadline. A handle belongs to one thread at a time and
 * has one operation outstanding. */
#ifndef DIRHINGE_SRC_DIR_CONN_H
#define DIRHINGE_SRC_DIR_CONN_H

#include <ldap.h>

#include "dir/io.h"
#include "dir/uri.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/secret.h"
#include "dirhinge/base/strv.h"

struct conn_opts {
	const char *ca_file; /* NULL = the system's */
	bool start_tls;
	bool allow_plaintext;
	int64_t timeout_ms;
};

struct conn {
	LDAP *ld;
	const struct uri *uri;
	size_t uri_index;      /* for the pool */
	bool broken;           /* must be closed: lost, timed out, or with answers still to come */
	bool timed_out;        /* broken because no answer came */
	bool check_peer;       /* plaintext is allowed only because the peer is this machine */
	const char *refused;   /* why we, and not libldap, gave the connection up */
	struct ldap_conncb cb; /* libldap keeps a pointer */
	struct io io;          /* so does liber */
};

/* LDAPNOINIT; before the first call of libldap. */
void dir_conn_setup(void);
/* True if TLS can be set up with these options; for configuration checks. */
int dir_conn_check_tls(const struct conn_opts *opts, struct err *e) DH_MUST_USE;

/* Until when reads and writes may block; dir_conn_open, dir_conn_bind and dir_conn_wait set it as well. */
static inline void
dir_conn_set_deadline(struct conn *c, deadline_t until)
{
	c->io.until = until;
}

/* Connects and secures; ERR_UNAVAILABLE with the reason in the cause, and nothing to close then. c stays where it is
 * while open: libldap points into it. */
int dir_conn_open(struct conn *c, const struct conn_opts *opts, const struct uri *uri, deadline_t until,
		  struct err *e) DH_MUST_USE;
void dir_conn_close(struct conn *c); /* nothing if not open */

struct conn_login {
	const char *dn; /* NULL = SASL EXTERNAL */
	struct strv password;
};
/* 1 bound, 0 refused (e->ldap_rc and e->cause say why), -1 not decided: the server did not answer or is busy. */
int dir_conn_bind(struct conn *c, const struct conn_login *login, deadline_t until, struct err *e) DH_MUST_USE;

/* False if the peer has closed the connection or sent something nobody asked for (notice of disconnection): one system
 * call or two, so it is done before every use. */
bool dir_conn_alive(const struct conn *c);

/* Waits for the next message (all = false) or the whole answer of msgid. The caller frees *res_r. On failure the
 * connection is broken. */
int dir_conn_wait(struct conn *c, int msgid, bool all, deadline_t until, LDAPMessage **res_r,
		  struct err *e) DH_MUST_USE;

/* After ldap_result() failed for another reason than time: fills *e, marks the connection; always -1. */
int dir_conn_lost(struct conn *c, struct err *e);

/* After ldap_xxx_ext() failed, so that nothing complete was sent: fills *e, marks the connection; always -1. */
int dir_conn_send_failed(struct conn *c, int rc, struct err *e);

void dir_conn_msg_free(LDAPMessage **msg); /* a cleanup function */

/* What libldap and TLS have to say about the last failure, for causes; in buf. */
const char *dir_conn_diagnosis(struct conn *c, int rc, char *buf, size_t size);

#endif
