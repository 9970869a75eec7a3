/* SPDX-License-Identifier: Apache-2.0
 * Connections of a feed: one for the sync search, which waits for as long as nothing happens and can be woken, and one
 * beside it for plain searches on the same server. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dir/feed_priv.h"

enum {
	CONNECT_ONE_MS = 5000,
	REFUSED_MS = 30 * 1000, /* reliability.md F-68 */
	STUCK_MS = 60 * 1000,   /* a request that the server does not read */
};

static int
bind_one(struct dir_feed *f, struct conn *c, size_t uri, deadline_t until, struct err *e)
{
	struct dir *d = f->d;
	const struct conn_login login = {d->bind_dn, d->password ? secret_view(d->password) : STRV("")};
	int rc;

	if (dir_conn_open(c, &d->conn, &d->uris[uri], until, e))
		return -1;
	rc = dir_conn_bind(c, &login, until, e);
	if (rc == 1)
		return 0;
	if (rc == 0)
		f->refused_until = deadline_in(REFUSED_MS);
	c->broken = true;
	dir_conn_close(c);
	return -1;
}

static int
refused_before(const struct dir_feed *f, struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, "the directory does not accept the gateway's account");
	return err_cause(e, "not tried again for %lld s, so that the account is not locked",
			 (long long)(deadline_left(f->refused_until) / 1000 + 1));
}

int
dir_feed_connect(struct dir_feed *f, deadline_t until, struct err *e)
{
	size_t n = f->d->n_uris;

	if (deadline_left(f->refused_until) > 0)
		return refused_before(f, e);
	for (size_t k = 0, first = f->uri; k < n; k++) {
		int64_t share = deadline_left(until) / (int64_t)(n - k);

		f->uri = (first + k) % n;
		if (bind_one(f, &f->c, f->uri, deadline_in(share < CONNECT_ONE_MS ? share : CONNECT_ONE_MS), e) == 0) {
			f->c.io.nowait = true;
			return 0;
		}
		if (deadline_left(f->refused_until) > 0)
			return -1;
	}
	f->uri = (f->uri + 1) % n;
	return -1;
}

int
dir_feed_side(struct dir_feed *f, deadline_t until, struct err *e)
{
	if (!f->open)
		return err_failed(dir_feed_not_open(e));
	if (f->side.ld && dir_conn_alive(&f->side))
		return 0;
	f->side.broken = true;
	dir_conn_close(&f->side);
	if (deadline_left(f->refused_until) > 0)
		return refused_before(f, e);
	return bind_one(f, &f->side, f->uri, until, e);
}

/* libldap looks at the socket only: what a layer above it has already read must be asked for. */
static bool
buffered(struct conn *c)
{
	Sockbuf *sb = NULL;

	return ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb &&
	       ber_sockbuf_ctrl(sb, LBER_SB_OPT_DATA_READY, NULL) > 0;
}

/* False when woken; the wake-up is used up then. */
static bool
sleep_on(struct dir_feed *f, deadline_t until)
{
	struct pollfd pfd[] = {{.fd = f->c.io.fd, .events = POLLIN}, {.fd = f->wake, .events = POLLIN}};
	int64_t ms = deadline_left(until);
	uint64_t n;

	if (poll(pfd, ARRAY_SIZE(pfd), ms > STUCK_MS ? STUCK_MS : (int)ms) < 0)
		return true;
	if ((pfd[1].revents & POLLIN) == 0)
		return true;
	return read(f->wake, &n, sizeof(n)) != (ssize_t)sizeof(n);
}

/* A message of a search that is here already: 1 taken, 0 none, -1 the connection is lost. Asked for one by one, because
 * the connection may have other answers on it. */
static int
received(struct dir_feed *f, LDAPMessage **msg_r, struct err *e)
{
	for (size_t i = 0; i < f->n_searches; i++) {
		struct timeval now = {0};
		LDAPMessage *msg = NULL;

		if (f->s[i].msgid < 0)
			continue;

		int type = f->c.broken ? -1 : ldap_result(f->c.ld, f->s[i].msgid, LDAP_MSG_ONE, &now, &msg);

		if (type > 0) {
			*msg_r = msg;
			return 1;
		}
		dir_conn_msg_free(&msg);
		if (type < 0)
			return dir_conn_lost(&f->c, e);
	}
	return 0;
}

int
dir_feed_wait(struct dir_feed *f, deadline_t until, LDAPMessage **msg_r, struct err *e)
{
	for (;;) {
		int rc;

		dir_conn_set_deadline(&f->c, deadline_in(STUCK_MS));
		rc = received(f, msg_r, e);
		if (rc != 0)
			return rc;
		if (buffered(&f->c))
			continue;
		if (deadline_left(until) == 0 || !sleep_on(f, until))
			return 0;
	}
}

void
dir_feed_wake(struct dir_feed *f)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(f->wake, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}
