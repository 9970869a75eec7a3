/* SPDX-License-Identifier: Apache-2.0
 * One libldap handle. Every wait has a deadline: libldap's own network timeout covers the connect only. */
#include "dir/conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "dir/tls.h"
#include "dirhinge/base/arena.h"

enum {
	KEEPALIVE_IDLE_S = 30,
	KEEPALIVE_PROBES = 3,
	KEEPALIVE_INTERVAL_S = 5,
	GOODBYE_MS = 200, /* for the unbind request and the end of TLS */
};

void
dir_conn_setup(void)
{
	/* reliability.md T-30: with it libldap reads no ldap.conf, no ldaprc in the home or current directory and no
	 * LDAPTLS_… variables, any of which could turn verification off. */
	setenv("LDAPNOINIT", "1", 1);
}

static struct timeval
ms_tv(int64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

void
dir_conn_msg_free(LDAPMessage **msg)
{
	if (*msg)
		ldap_msgfree(*msg);
}

const char *
dir_conn_diagnosis(struct conn *c, int rc, char *buf, size_t size)
{
	char *text = NULL;

	ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	/* With GnuTLS libldap 2.5 often knows no more than "(unknown error code)". */
	snprintf(buf, size, "%s (%d)%s%s", ldap_err2string(rc), rc, text && *text ? ": " : "", text ? text : "");
	ldap_memfree(text);
	return buf;
}

static int
unreachable(struct conn *c, const char *step, int rc, struct err *e)
{
	char buf[256];

	err_set(e, ERR_UNAVAILABLE, NULL);
	if (e)
		e->ldap_rc = rc;
	if (c->refused)
		return err_cause(e, "%s: %s: %s", c->uri->text, step, c->refused);
	return err_cause(e, "%s: %s: %s", c->uri->text, step, dir_conn_diagnosis(c, rc, buf, sizeof(buf)));
}

/* --- connect --- */

static bool
peer_is_local(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);

	return getpeername(fd, (struct sockaddr *)&sa, &n) == 0 && dir_uri_local_peer((struct sockaddr *)&sa);
}

/* Called by libldap when the socket is connected and nothing has been written to it. */
static int
on_connect(LDAP *ld DH_UNUSED, Sockbuf *sb, LDAPURLDesc *srv DH_UNUSED, struct sockaddr *addr DH_UNUSED,
	   struct ldap_conncb *cb)
{
	struct conn *c = cb->lc_arg;

	if (dir_io_install(&c->io, sb)) {
		c->refused = "no socket";
		return -1;
	}
	/* "localhost" is a name: what counts is where it led. */
	if (c->check_peer && !peer_is_local(c->io.fd)) {
		c->refused = "the address is not this machine's loopback, and the connection would not be encrypted";
		return -1;
	}
	return 0;
}

static void
on_disconnect(LDAP *ld DH_UNUSED, Sockbuf *sb DH_UNUSED, struct ldap_conncb *cb DH_UNUSED)
{
}

static int
set_options(struct conn *c, const struct conn_opts *opts, deadline_t until)
{
	const int version = LDAP_VERSION3;
	const int idle = KEEPALIVE_IDLE_S, probes = KEEPALIVE_PROBES, interval = KEEPALIVE_INTERVAL_S;
	int64_t left = deadline_left(until);
	struct timeval connect = ms_tv(left > 0 ? left : 1);
	const unsigned user_timeout = (unsigned)opts->timeout_ms;

	c->cb = (struct ldap_conncb){.lc_add = on_connect, .lc_del = on_disconnect, .lc_arg = c};
	const struct {
		int option;
		const void *value;
	} all[] = {
		{LDAP_OPT_PROTOCOL_VERSION, &version},
		{LDAP_OPT_REFERRALS,
		 LDAP_OPT_OFF}, /* reliability.md T-31: a referral would carry the credentials along */
		{LDAP_OPT_RESTART, LDAP_OPT_ON},
		{LDAP_OPT_NETWORK_TIMEOUT, &connect},
		{LDAP_OPT_X_KEEPALIVE_IDLE, &idle},
		{LDAP_OPT_X_KEEPALIVE_PROBES, &probes},
		{LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval},
		{LDAP_OPT_TCP_USER_TIMEOUT, &user_timeout},
		{LDAP_OPT_CONNECT_CB, &c->cb},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (ldap_set_option(c->ld, all[i].option, all[i].value) != LDAP_OPT_SUCCESS)
			return -1;
	return 0;
}

static int
start_tls(struct conn *c, deadline_t until, struct err *e)
{
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	int msgid, result = LDAP_OTHER;
	int rc = ldap_start_tls(c->ld, NULL, NULL, &msgid);

	if (rc != LDAP_SUCCESS)
		return unreachable(c, "StartTLS", rc, e);
	if (dir_conn_wait(c, msgid, true, until, &res, e))
		return err_cause(e, "%s: StartTLS", c->uri->text);
	rc = ldap_parse_result(c->ld, res, &result, NULL, NULL, NULL, NULL, 0);
	if (rc != LDAP_SUCCESS || result != LDAP_SUCCESS)
		return unreachable(c, "StartTLS was refused", rc ? rc : result, e);
	rc = ldap_install_tls(c->ld);
	if (rc != LDAP_SUCCESS)
		return unreachable(c, "TLS handshake (is the certificate of this host, valid and signed by ca_file?)",
				   rc, e);
	return 0;
}

int
dir_conn_check_tls(const struct conn_opts *opts, struct err *e)
{
	static const struct uri nowhere = {.scheme = URI_LDAPS, .text = "ldaps://localhost:636", .host = "localhost"};
	struct conn c = {.uri = &nowhere};
	int rc;

	if (ldap_initialize(&c.ld, nowhere.text) != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG, "libldap cannot be set up");
	rc = dir_tls_setup(c.ld, opts->ca_file, e);
	ldap_unbind_ext(c.ld, NULL, NULL);
	return rc;
}

static int
connect_and_secure(struct conn *c, const struct conn_opts *opts, deadline_t until, struct err *e)
{
	bool tls = c->uri->scheme == URI_LDAPS || (c->uri->scheme == URI_LDAP && opts->start_tls);
	int rc = ldap_initialize(&c->ld, c->uri->text);

	if (rc != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG, "libldap does not accept the URI %s", c->uri->text);
	c->check_peer = c->uri->scheme == URI_LDAP && !tls && !opts->allow_plaintext;
	if (set_options(c, opts, until))
		return err_set(e, ERR_INTERNAL, "libldap does not accept an option");
	if (tls && dir_tls_setup(c->ld, opts->ca_file, e))
		return -1;
	rc = ldap_connect(c->ld);
	if (rc != LDAP_SUCCESS)
		return unreachable(c, c->uri->scheme == URI_LDAPS ? "connect (TCP and TLS)" : "connect", rc, e);
	if (tls && c->uri->scheme == URI_LDAP && start_tls(c, until, e))
		return -1;
	/* reliability.md T-30: the password goes out only over what was asked for. */
	if (tls && dir_tls_check(c->ld, &c->refused))
		return unreachable(c, "TLS", LDAP_CONNECT_ERROR, e);
	return 0;
}

int
dir_conn_open(struct conn *c, const struct conn_opts *opts, const struct uri *uri, deadline_t until, struct err *e)
{
	*c = (struct conn){.uri = uri, .io.fd = -1, .io.until = until};
	if (connect_and_secure(c, opts, until, e) == 0)
		return 0;
	c->broken = true;
	dir_conn_close(c);
	return -1;
}

static int
conn_fd(const struct conn *c)
{
	ber_socket_t fd = -1;

	if (c->ld == NULL || ldap_get_option(c->ld, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS)
		return -1;
	return fd;
}

void
dir_conn_close(struct conn *c)
{
	int fd = conn_fd(c);

	if (c->ld == NULL)
		return;
	if (c->broken && fd >= 0)
		shutdown(fd, SHUT_RDWR);
	dir_conn_set_deadline(c, deadline_in(GOODBYE_MS));
	ldap_unbind_ext(c->ld, NULL, NULL);
	c->ld = NULL;
}

bool
dir_conn_alive(const struct conn *c)
{
	struct pollfd pfd = {.fd = conn_fd(c), .events = POLLIN};

	/* Nothing is outstanding on an idle connection, so anything to read is its end: EOF, a reset, a TLS alert or
	 * the notice of disconnection (RFC 4511 4.4.1). */
	return pfd.fd >= 0 && !c->broken && !dir_io_pending(&c->io) && poll(&pfd, 1, 0) == 0;
}

/* --- waiting --- */

int
dir_conn_send_failed(struct conn *c, int rc, struct err *e)
{
	char buf[256];

	c->broken = true;
	c->timed_out = c->io.expired;
	err_set(e, ERR_UNAVAILABLE, NULL);
	if (e)
		e->ldap_rc = rc;
	return err_cause(e, "%s: the request could not be sent: %s", c->uri->text,
			 dir_conn_diagnosis(c, rc, buf, sizeof(buf)));
}

static int
no_answer(struct conn *c, int msgid, int64_t waited, struct err *e)
{
	c->broken = true;
	c->timed_out = true;
	dir_conn_set_deadline(c, deadline_in(GOODBYE_MS));
	/* A write that has not begun yet need not happen any more. */
	ldap_abandon_ext(c->ld, msgid, NULL, NULL);
	err_set(e, ERR_UNAVAILABLE, "the directory did not answer in time");
	if (e)
		e->ldap_rc = LDAP_TIMEOUT;
	return err_cause(e, "%s: no answer within %lld ms", c->uri->text, (long long)waited);
}

int
dir_conn_lost(struct conn *c, struct err *e)
{
	char buf[256];
	int rc = LDAP_SERVER_DOWN;

	c->broken = true;
	ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &rc);
	err_set(e, ERR_UNAVAILABLE, NULL);
	if (e)
		e->ldap_rc = rc;
	return err_cause(e, "%s: the connection was lost: %s", c->uri->text,
			 dir_conn_diagnosis(c, rc, buf, sizeof(buf)));
}

int
dir_conn_wait(struct conn *c, int msgid, bool all, deadline_t until, LDAPMessage **res_r, struct err *e)
{
	int64_t begun = clock_mono_ms();
	int64_t left = deadline_left(until);
	struct timeval tv = ms_tv(left > 0 ? left : 1);
	LDAPMessage *res = NULL;
	int type;

	dir_conn_set_deadline(c, until);
	type = ldap_result(c->ld, msgid, all ? LDAP_MSG_ALL : LDAP_MSG_ONE, &tv, &res);
	if (type > 0) {
		*res_r = res;
		return 0;
	}
	dir_conn_msg_free(&res);
	if (type == 0 || c->io.expired)
		return no_answer(c, msgid, clock_mono_ms() - begun, e);
	return dir_conn_lost(c, e);
}

/* --- bind --- */

/* Results that say "not now" instead of "not you". */
static bool
is_transient(int rc)
{
	return rc == LDAP_BUSY || rc == LDAP_UNAVAILABLE || rc == LDAP_OTHER || rc == LDAP_OPERATIONS_ERROR || rc < 0;
}

static int
bind_result(struct conn *c, LDAPMessage *res, const char *who, struct err *e)
{
	int result = LDAP_OTHER;
	char *text = NULL;
	int rc = ldap_parse_result(c->ld, res, &result, NULL, &text, NULL, NULL, 0);

	if (rc != LDAP_SUCCESS)
		result = rc;
	if (result == LDAP_SUCCESS) {
		ldap_memfree(text);
		return 1;
	}
	err_set(e, ERR_UNAVAILABLE, "the directory does not accept the gateway's account");
	if (e)
		e->ldap_rc = result;
	err_cause(e, "%s: bind as \"%s\": %s (%d)%s%s", c->uri->text, who, ldap_err2string(result), result,
		  text && *text ? ": " : "", text ? text : "");
	ldap_memfree(text);
	return is_transient(result) ? -1 : 0;
}

int
dir_conn_bind(struct conn *c, const struct conn_login *login, deadline_t until, struct err *e)
{
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	const char *who = login->dn ? login->dn : "SASL EXTERNAL";
	/* RFC 4422 appendix A: an empty initial response means the identity of the connection itself. */
	struct berval cred = {login->dn ? login->password.n : 0,
			      (char *)(uintptr_t)(login->dn ? login->password.p : "")};
	int msgid;
	int rc;

	dir_conn_set_deadline(c, until);
	rc = ldap_sasl_bind(c->ld, login->dn ? login->dn : NULL, login->dn ? LDAP_SASL_SIMPLE : "EXTERNAL", &cred, NULL,
			    NULL, &msgid);

	if (rc != LDAP_SUCCESS)
		return dir_conn_send_failed(c, rc, e);
	if (dir_conn_wait(c, msgid, true, until, &res, e))
		return err_cause(e, "bind as \"%s\"", who);
	return bind_result(c, res, who, e);
}
