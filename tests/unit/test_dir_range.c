/* SPDX-License-Identifier: Apache-2.0
 * Lists in pieces, from a domain controller that misbehaves in every way that loses members: a list that cannot be read
 * to its end is an error. The server is a process of this test; Samba gives long lists at once unless it is asked for
 * pieces, and never breaks off. */
#include <arpa/inet.h>
#include <lber.h>
#include <ldap.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/dir/dir.h"
#include "scratch.h"
#include "unit.h"

#define GROUP "CN=Big,DC=ad,DC=test"

enum fault {
	NONE,
	SMALL_STEP,   /* gives fewer values than were asked for */
	NO_PIECE,     /* the second piece is not there */
	EMPTY_PIECE,  /* it is there and holds nothing */
	SAME_PIECE,   /* it is the first one again */
	CHANGES_ONCE, /* the entry changes between the first pieces */
	CHANGES,      /* it never stops changing */
	REFUSED,      /* the second search is an error */
	GONE,         /* the second search finds no entry */
	HANGS_UP,     /* the connection breaks */
	STARTS_LATE,  /* the first answer begins with a later piece */
	NONSENSE,     /* the range cannot be read */
};

/* --- the server: one connection after another, one request after another --- */

struct server {
	enum fault fault;
	unsigned n; /* members */
	unsigned searches;
	Sockbuf *sb;
};

static void
reply(struct server *s, BerElement *ber)
{
	must(ber_flush2(s->sb, ber, LBER_FLUSH_FREE_ALWAYS) == 0);
}

static void
done(struct server *s, ber_int_t id, ber_tag_t tag, int result)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	ber_printf(ber, "{it{ess}}", id, tag, result, "", "");
	reply(s, ber);
}

/* attr: one attribute with n values, or NULL; version: NULL = none */
static void
entry(struct server *s, ber_int_t id, const char *dn, const char *attr, unsigned low, unsigned n, const char *version)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	char value[64];

	ber_printf(ber, "{it{s{", id, LDAP_RES_SEARCH_ENTRY, dn);
	if (attr) {
		ber_printf(ber, "{s[", attr);
		for (unsigned i = low; i < low + n; i++) {
			snprintf(value, sizeof value, "CN=m%u,DC=ad,DC=test", i);
			ber_printf(ber, "s", value);
		}
		ber_printf(ber, "]}");
	}
	if (version)
		ber_printf(ber, "{s[s]}", "uSNChanged", version);
	ber_printf(ber, "}}}");
	reply(s, ber);
}

static void
facts(struct server *s, ber_int_t id)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	/* rootDSE and subschema in one: each search takes what it wants */
	ber_printf(ber, "{it{s{{s[s]}{s[s]}{s[s]}{s[s]}}}}", id, LDAP_RES_SEARCH_ENTRY, "", "supportedCapabilities",
		   "1.2.840.113556.1.4.800", "subschemaSubentry", "CN=Aggregate", "attributeTypes",
		   "( 2.5.4.31 NAME 'member' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )", "objectClasses",
		   "( 2.5.6.0 NAME 'top' ABSTRACT )");
	reply(s, ber);
	done(s, id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS);
}

/* False: hang up. */
static bool
members(struct server *s, ber_int_t id, unsigned low, unsigned high)
{
	bool later = s->searches++ > 0;
	unsigned step = high - low + 1;
	char attr[64], version[16];

	if (later && s->fault == HANGS_UP)
		return false;
	if (later && (s->fault == REFUSED || s->fault == GONE)) {
		done(s, id, LDAP_RES_SEARCH_RESULT, s->fault == GONE ? LDAP_NO_SUCH_OBJECT : LDAP_OPERATIONS_ERROR);
		return true;
	}
	if (s->fault == SAME_PIECE)
		low = 0;
	if (s->fault == STARTS_LATE)
		low += 10;
	if (s->fault == SMALL_STEP)
		step = 400;
	snprintf(version, sizeof version, "%u",
		 s->fault == CHANGES || (s->fault == CHANGES_ONCE && s->searches < 3) ? s->searches : 7);

	unsigned n = low >= s->n ? 0 : s->n - low < step ? s->n - low : step;
	bool last = low + n >= s->n;

	if (last)
		snprintf(attr, sizeof attr, "member;range=%u-*", low);
	else
		snprintf(attr, sizeof attr, "member;range=%u-%u", low, low + n - 1);
	if (later && s->fault == EMPTY_PIECE) {
		snprintf(attr, sizeof attr, "member;range=%u-%u", low, low + 10);
		n = 0;
	}
	if (s->fault == NONSENSE)
		snprintf(attr, sizeof attr, "member;range=0-x");
	entry(s, id, GROUP, s->n == 0 || (later && s->fault == NO_PIECE) ? NULL : attr, low, n, version);
	done(s, id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS);
	return true;
}

static bool
search(struct server *s, ber_int_t id, BerElement *ber)
{
	struct berval base;
	ber_int_t scope, deref, size, time, types;
	char **attrs = NULL;
	unsigned low = 0, high = 0;
	bool ranged = false;

	must(ber_scanf(ber, "{meeiibx", &base, &scope, &deref, &size, &time, &types) != LBER_ERROR);
	must(ber_scanf(ber, "{v}", &attrs) != LBER_ERROR);
	for (size_t i = 0; attrs && attrs[i]; i++)
		ranged |= sscanf(attrs[i], "member;range=%u-%u", &low, &high) == 2;
	ber_memvfree((void **)attrs);
	if (ranged)
		return members(s, id, low, high);
	facts(s, id);
	return true;
}

static void
serve_one(struct server *s, int fd)
{
	s->sb = ber_sockbuf_alloc();
	ber_sockbuf_add_io(s->sb, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, &fd);
	s->searches = 0;
	for (bool more = true; more;) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);
		ber_int_t id;
		ber_tag_t tag;
		ber_len_t len;

		more = ber_get_next(s->sb, &len, ber) == LBER_SEQUENCE && ber_scanf(ber, "it", &id, &tag) != LBER_ERROR;
		if (more && tag == LDAP_REQ_BIND)
			done(s, id, LDAP_RES_BIND, LDAP_SUCCESS);
		else if (more && tag == LDAP_REQ_SEARCH)
			more = search(s, id, ber);
		else
			more = false;
		ber_free(ber, 1);
	}
	ber_sockbuf_free(s->sb);
}

static pid_t child;
static char uri[64];

static void
start(enum fault fault, unsigned n)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&in, len) == 0 && listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	snprintf(uri, sizeof uri, "ldap://127.0.0.1:%d", ntohs(in.sin_port));
	child = fork();
	must(child >= 0);
	if (child == 0) {
		struct server s = {.fault = fault, .n = n};

		for (;;) {
			int one = accept(fd, NULL, NULL);

			if (one < 0)
				_exit(1);
			serve_one(&s, one);
		}
	}
	close(fd);
}

static void
stop(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* --- tests --- */

static struct secret *password;

static struct dir *
connect_to(void)
{
	static const char *uris[] = {uri};
	const struct dir_opts opts = {.uris = uris,
				      .n_uris = 1,
				      .bind_dn = "CN=x",
				      .password = password,
				      .flavour = "auto",
				      .pool_size = 1,
				      .timeout_ms = 10000};
	struct dir *d;

	ck_assert_msg(dir_new(&opts, &d, &e) == 0, "%s %s", e.detail, e.cause);
	return d;
}

/* Number of members read, -1 with e. Each is there once. */
static int
read_members(struct dir *d)
{
	static const char *const attrs[] = {"member", NULL};
	const struct dir_search s = {.base = GROUP, .scope = DIR_BASE, .attrs = attrs};
	const struct dir_entry *en;
	int rc = dir_search_one(d, a, &s, deadline_in(10000), &en, &e);

	if (rc <= 0)
		return rc;

	const struct dir_attr *at = dir_entry_attr(en, "member");

	for (size_t i = 0; at && i < at->n; i++)
		ck_assert_str_eq(at->values[i].p, arena_printf(a, "CN=m%zu,DC=ad,DC=test", i));
	for (size_t i = 0; i < en->n_attrs; i++)
		ck_assert_ptr_null(strchr(en->attrs[i].name, ';'));
	return at ? (int)at->n : 0;
}

static void
expect(enum fault fault, unsigned n, int members_read, enum err_code code)
{
	start(fault, n);

	struct dir *d = connect_to();
	int got = read_members(d);

	ck_assert_msg(got == members_read, "fault %d, %u members: %d (%s %s)", fault, n, got, e.detail, e.cause);
	if (got < 0)
		ck_assert_msg(e.code == code, "fault %d: %s", fault, err_name(e.code));
	dir_free(&d);
	stop();
	e = ERR_INIT;
}

START_TEST(complete_lists)
{
	static const unsigned sizes[] = {0, 1, 1499, 1500, 1501, 3000, 3001, 20000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		expect(NONE, sizes[i], (int)sizes[i], ERR_OK);
		expect(SMALL_STEP, sizes[i], (int)sizes[i], ERR_OK);
	}
	expect(CHANGES_ONCE, 4000, 4000, ERR_OK);
}
END_TEST

START_TEST(incomplete_lists_are_errors)
{
	expect(NO_PIECE, 4000, -1, ERR_UNAVAILABLE);
	expect(EMPTY_PIECE, 4000, -1, ERR_UNAVAILABLE);
	expect(SAME_PIECE, 4000, -1, ERR_UNAVAILABLE);
	expect(STARTS_LATE, 4000, -1, ERR_UNAVAILABLE);
	expect(NONSENSE, 4000, -1, ERR_UNAVAILABLE);
	expect(CHANGES, 4000, -1, ERR_BUSY);
	expect(REFUSED, 4000, -1, ERR_INTERNAL);
	expect(HANGS_UP, 4000, -1, ERR_UNAVAILABLE);
}
END_TEST

/* The group was deleted in between: that is an answer, and not half a list. */
START_TEST(deleted_in_between)
{
	start(GONE, 4000);

	struct dir *d = connect_to();

	ck_assert_int_le(read_members(d), 0);
	dir_free(&d);
	stop();
}
END_TEST

static void
setup(void)
{
	scratch_setup();
	password = secret_new(STRV("x"));
}

static void
teardown(void)
{
	secret_free(&password);
	scratch_teardown();
}

int
main(void)
{
	const TTest *const tests[] = {complete_lists, incomplete_lists_are_errors, deleted_in_between};
	Suite *s = suite_create("dir_range");

	unit_add_case(s, "pieces", setup, teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
