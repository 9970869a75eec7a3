/* SPDX-License-Identifier: Apache-2.0
 * DirSync with a domain controller that does what Samba does not: answers in several parts, objects in several parts,
 * cookies refused in every way, controls that are missing or garbled. The server is a process of this test; what it
 * answers follows from the cookie that it is asked with. */
#include <arpa/inet.h>
#include <lber.h>
#include <ldap.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/dir/dir.h"
#include "dirhinge/dir/feed.h"
#include "scratch.h"
#include "unit.h"

#define DOMAIN  "DC=ad,DC=test"
#define BASE    "OU=In," DOMAIN
#define DIRSYNC "1.2.840.113556.1.4.841"
#define HOME    "11111111-1111-1111-1111-111111111111" /* of 16 bytes 0x11 */
#define MARK    "dirsync " HOME " 80000000 50\n"

enum fault {
	NONE,
	NO_RIGHT, /* 50 unless object security is asked for */
	NO_RIGHT_AT_ALL,
	REFUSES_12, /* a cookie, as Samba */
	REFUSES_2,
	REFUSES_53,
	REFUSES_ALL, /* every DirSync search */
	BUSY,        /* every DirSync search, with 51 */
	NO_CONTROL,  /* in the answer */
	GARBLED,     /* the control */
	HANGS_UP,    /* in the middle of the second answer */
	INVISIBLE,   /* the account may not read the users that DirSync tells of */
};

/* --- the server: a process for each connection --- */

struct server {
	enum fault fault;
	Sockbuf *sb;
	ber_int_t id;
};

static void
reply(struct server *s, BerElement *ber)
{
	if (ber_flush2(s->sb, ber, LBER_FLUSH_FREE_ALWAYS) != 0)
		_exit(0);
}

static void
done(struct server *s, ber_tag_t tag, int result)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	ber_printf(ber, "{it{ess}}", s->id, tag, result, "", "");
	reply(s, ber);
}

/* The end of a DirSync answer. */
static void
answered(struct server *s, bool more, const char *cookie)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER), *value = ber_alloc_t(LBER_USE_DER);
	struct berval bv;

	ber_printf(value, "{iis}", more, 0, cookie);
	must(ber_flatten2(value, &bv, 0) == 0);
	if (s->fault == GARBLED)
		bv.bv_len--;
	if (s->fault == NO_CONTROL)
		ber_printf(ber, "{it{ess}}", s->id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, "", "");
	else
		ber_printf(ber, "{it{ess}t{{sO}}}", s->id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, "", "",
			   LDAP_TAG_CONTROLS, DIRSYNC, &bv);
	ber_free(value, 1);
	reply(s, ber);
}

/* attrs: name, value, name, value, NULL; a NULL value: an attribute without values. */
static void
entry(struct server *s, const char *dn, char guid, const char *const *attrs)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	char bytes[16];
	struct berval id = {sizeof(bytes), bytes};

	memset(bytes, guid, sizeof(bytes));
	ber_printf(ber, "{it{s{", s->id, LDAP_RES_SEARCH_ENTRY, dn);
	if (guid)
		ber_printf(ber, "{s[O]}", "objectGUID", &id);
	for (; *attrs; attrs += 2) {
		if (attrs[1])
			ber_printf(ber, "{s[s]}", attrs[0], attrs[1]);
		else
			ber_printf(ber, "{s[]}", attrs[0]);
	}
	ber_printf(ber, "}}}");
	reply(s, ber);
}

#define ENTRY(s, dn, guid, ...) entry(s, dn, guid, (const char *const[]){__VA_ARGS__, NULL})

/* The objects as they are now: g is a group, the rest are users, y is outside, z is deleted. */
static void
object(struct server *s, char guid)
{
	static const char *const numbers[] = {"61", "60", "62", "63", "64", "65"};
	char dn[64];

	if (guid == 'z')
		return;
	snprintf(dn, sizeof(dn), "CN=%c,%s", guid, guid == 'y' ? "OU=Out," DOMAIN : BASE);
	ENTRY(s, dn, guid, "objectClass", guid == 'g' ? "group" : "user", "uSNChanged",
	      guid >= 'a' && guid <= 'f' ? numbers[guid - 'a'] : "70");
}

static bool
has(struct berval bv, const char *text, size_t n)
{
	return bv.bv_len > 0 && memmem(bv.bv_val, bv.bv_len, text, n) != NULL;
}
#define HAS(bv, text) has(bv, text, sizeof(text) - 1)

/* What the cookie stands for. False: hang up. */
static bool
pass(struct server *s, struct berval control)
{
	if (HAS(control, "ck:0")) {
		/* In another order than they changed in. */
		ENTRY(s, "CN=g," BASE, 'g', "member;range=1-1", "CN=a," BASE);
		ENTRY(s, "CN=a," BASE, 'a', "title", "x");
		ENTRY(s, "CN=b," BASE, 'b', "title", NULL);
		answered(s, true, "ck:1");
	} else if (HAS(control, "ck:1")) {
		ENTRY(s, "CN=c," BASE, 'c', "objectClass", "user");
		if (s->fault == HANGS_UP)
			return false;
		ENTRY(s, "CN=z\\0ADEL:1,CN=Deleted Objects," DOMAIN, 'z', "isDeleted", "TRUE");
		ENTRY(s, "CN=y,OU=Out," DOMAIN, 'y', "name", "y");
		answered(s, true, "ck:2");
	} else if (HAS(control, "ck:2")) {
		/* One object in two parts. */
		ENTRY(s, "CN=g," BASE, 'g', "member;range=1-1", "CN=b," BASE);
		ENTRY(s, "CN=d," BASE, 'd', "isDeleted", NULL);
		ENTRY(s, "CN=g," BASE, 'g', "member;range=0-0", "CN=c," BASE);
		answered(s, false, "ck:3");
	} else if (HAS(control, "ck:3")) {
		ENTRY(s, "CN=e," BASE, 'e', "title", "x");
		answered(s, true, "ck:4");
	} else if (HAS(control, "ck:4")) {
		ENTRY(s, "CN=f," BASE, 'f', "title", "x");
		answered(s, false, "ck:5");
	} else {
		answered(s, false, "ck:5");
	}
	return true;
}

static bool
dirsync(struct server *s, struct berval op, struct berval control)
{
	static const struct {
		enum fault fault;
		bool cookie_only;
		int code;
	} refusals[] = {
		{NO_RIGHT_AT_ALL, false, LDAP_INSUFFICIENT_ACCESS},
		{REFUSES_12, true, LDAP_UNAVAILABLE_CRITICAL_EXTENSION},
		{REFUSES_2, true, LDAP_PROTOCOL_ERROR},
		{REFUSES_53, true, LDAP_UNWILLING_TO_PERFORM},
		{REFUSES_ALL, false, LDAP_UNWILLING_TO_PERFORM},
		{BUSY, false, LDAP_BUSY},
	};
	bool mark = HAS(op, "domainDNS");

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].fault == s->fault && (!refusals[i].cookie_only || HAS(control, "ck:old"))) {
			done(s, LDAP_RES_SEARCH_RESULT, refusals[i].code);
			return true;
		}
	if (s->fault == NO_RIGHT && !HAS(control, "\x02\x04\x80\0\0\x01")) {
		done(s, LDAP_RES_SEARCH_RESULT, LDAP_INSUFFICIENT_ACCESS);
		return true;
	}
	if (!mark)
		return pass(s, control);
	/* A first resume point takes two answers as well. */
	ENTRY(s, DOMAIN, 'D', "objectClass", "domainDNS");
	answered(s, !HAS(control, "ck:m"), HAS(control, "ck:m") ? "ck:2" : "ck:m");
	return true;
}

static void
facts(struct server *s)
{
	char usn[32];

	/* Always something new. */
	snprintf(usn, sizeof(usn), "%lld", (long long)clock_mono_ms() + 1000);
	ENTRY(s, "", 0, "supportedCapabilities", "1.2.840.113556.1.4.800", "supportedControl", DIRSYNC,
	      "subschemaSubentry", "CN=Aggregate", "defaultNamingContext", DOMAIN, "dsServiceName", "CN=Here",
	      "highestCommittedUSN", usn, "attributeTypes",
	      "( 2.5.4.31 NAME 'member' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )", "objectClasses",
	      "( 2.5.6.0 NAME 'top' ABSTRACT )");
}

static void
here(struct server *s)
{
	ENTRY(s, "CN=Here", 0, "invocationId", "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11");
}

static bool
search(struct server *s, struct berval op, struct berval control)
{
	BerElement *ber = ber_init(&op);
	struct berval base;
	ber_int_t scope;
	char id[16];

	must(ber_scanf(ber, "me", &base, &scope) != LBER_ERROR);
	if (HAS(control, DIRSYNC)) {
		ber_free(ber, 1);
		return dirsync(s, op, control);
	}
	if (base.bv_len == 0 || HAS(base, "Aggregate")) {
		facts(s);
	} else if (HAS(base, "CN=Here")) {
		here(s);
	} else if (scope == LDAP_SCOPE_BASE) {
		ENTRY(s, BASE, 'B', "objectClass", "organizationalUnit");
	} else {
		bool some = HAS(op, "objectGUID\x04\x10");

		/* Each by its id, or, when everything is read, those that are there. */
		for (char c = 'a'; c <= 'z'; c++) {
			memset(id, c, sizeof(id));
			if (some ? has(op, id, sizeof(id)) && (s->fault != INVISIBLE || c == 'g')
				 : strchr("abg", c) != 0)
				object(s, c);
		}
	}
	ber_free(ber, 1);
	done(s, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS);
	return true;
}

static void
serve(struct server *s, int fd)
{
	s->sb = ber_sockbuf_alloc();
	ber_sockbuf_add_io(s->sb, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, &fd);
	for (bool more = true; more;) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);
		struct berval op, control = {0, NULL};
		ber_tag_t tag = LBER_DEFAULT;
		ber_len_t len;

		more = ber_get_next(s->sb, &len, ber) == LBER_SEQUENCE && ber_scanf(ber, "i", &s->id) != LBER_ERROR;
		if (more)
			tag = ber_skip_element(ber, &op);
		if (more && ber_peek_tag(ber, &len) == LDAP_TAG_CONTROLS)
			ber_skip_element(ber, &control);
		if (tag == LDAP_REQ_BIND)
			done(s, LDAP_RES_BIND, LDAP_SUCCESS);
		else
			more = tag == LDAP_REQ_SEARCH && search(s, op, control);
		ber_free(ber, 1);
	}
	ber_sockbuf_free(s->sb);
}

static pid_t child;
static char uri[64];

static void
accept_all(int fd, enum fault fault)
{
	struct server s = {.fault = fault};

	/* A test that fails ends without stop(). */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one < 0)
			_exit(1);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(&s, one);
			_exit(0);
		}
		close(one);
	}
}

static void
start(enum fault fault)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&in, len) == 0 && listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	snprintf(uri, sizeof uri, "ldap://127.0.0.1:%d", ntohs(in.sin_port));
	child = fork();
	must(child >= 0);
	if (child == 0)
		accept_all(fd, fault);
	close(fd);
}

static void
stop(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* --- the feed --- */

static struct secret *password;
static struct dir *d;
static struct dir_feed *feed;

static void
make_feed(enum fault fault, enum dir_dirsync wish)
{
	static const char *uris[] = {uri};
	static const char *const attrs[] = {"objectClass", "title", "member", NULL};
	static const char *const bases[] = {BASE, NULL};

	start(fault);
	const struct dir_opts opts = {.uris = uris,
				      .n_uris = 1,
				      .bind_dn = "CN=x",
				      .password = password,
				      .flavour = "auto",
				      .pool_size = 1,
				      .timeout_ms = 10000};
	ck_assert_msg(dir_new(&opts, &d, &e) == 0, "%s %s", e.detail, e.cause);
	const struct dir_feed_opts fo = {.dir = d, .bases = bases, .attrs = attrs, .dirsync = wish};
	ck_assert_msg(dir_feed_new(&fo, &feed, &e) == 0, "%s %s", e.detail, e.cause);
}

static void
drop_feed(void)
{
	dir_feed_free(&feed);
	dir_free(&d);
	stop();
	e = ERR_INIT;
}

static int
open_feed(const char *cookie)
{
	return dir_feed_open(feed, cookie ? strv_of(cookie) : strv_n(NULL, 0), deadline_in(20000), &e);
}

static void
put_mods(struct buf *out, const struct dir_mods *mods)
{
	for (size_t i = 0; i < mods->n; i++)
		for (size_t k = 0; str_eq(mods->mods[i].attr, "member") && k < mods->mods[i].n; k++)
			buf_printf(out, " %c%c", mods->mods[i].op == DIR_MOD_ADD ? '+' : '-',
				   mods->mods[i].values[k].p[3]);
}

/* One letter stands for each object. */
static void
put_change(struct buf *out, const struct dir_change *c)
{
	static const char *const names[] = {
		[DIR_BEGIN] = "begin", [DIR_ENTRY] = "entry", [DIR_PRESENT] = "present", [DIR_DELETE] = "delete",
		[DIR_OP] = "op",       [DIR_END] = "end",     [DIR_COOKIE] = "cookie",   [DIR_STALLED] = "stalled"};

	buf_adds(out, names[c->kind]);
	for (size_t i = 0; i < c->n_ids; i++)
		buf_printf(out, " %c", (char)strtol((const char[]){c->ids[i][0], c->ids[i][1], 0}, NULL, 16));
	if (c->op)
		put_mods(out, c->op->mods);
	buf_printf(out, "%s%s", c->full ? " full" : "", c->deletes_told ? " told" : "");
	if (c->cookie.p)
		buf_printf(out, " %.*s", 4, c->cookie.p + strv_chr(c->cookie, '\n') + 1);
	buf_addc(out, '\n');
}

/* What the feed tells up to a change that looks like this. */
static const char *
told_until(const char *last)
{
	struct buf out = BUF_INIT(1 << 16);
	const char *text;

	for (;;) {
		struct dir_change c;
		size_t at = out.n;

		if (dir_feed_next(feed, a, deadline_in(20000), &c, &e) < 0) {
			buf_printf(&out, "broken\n");
			break;
		}
		put_change(&out, &c);
		if (c.kind == DIR_STALLED || strncmp(out.p + at, last, strlen(last)) == 0)
			break;
	}
	text = arena_strdup(a, buf_str(&out));
	buf_done(&out);
	return text;
}

/* --- tests --- */

START_TEST(answers_in_parts)
{
	make_feed(NONE, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(MARK "ck:0"), 0);
	ck_assert_str_eq(dir_feed_source(feed), "DirSync");
	ck_assert_str_eq(dir_feed_note(feed), "");
	/* Of each answer what is gone, users by their numbers, groups. */
	ck_assert_str_eq(told_until("end"), "begin\n"
					    "entry b\nentry a\nop g +a\n"
					    "delete z\ndelete y\nentry c\n"
					    "entry d\nop g -c +b\n"
					    "end told ck:3\n");
	/* Live each answer is a place to go on from. */
	ck_assert_str_eq(told_until("cookie ck:5"), "entry e\ncookie ck:4\nentry f\ncookie ck:5\n");
	drop_feed();
}
END_TEST

START_TEST(from_the_beginning)
{
	make_feed(NONE, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(NULL), 0);
	/* What came while everything was read is told behind it, groups whole. */
	ck_assert_str_eq(told_until("end"), "begin full\nentry a\nentry b\nentry g\nentry d\nentry g\nend full ck:3\n");
	drop_feed();
}
END_TEST

static const char all_read[] = "begin full\nentry a\nentry b\nentry g\nentry d\nentry g\nend full ck:3\n";

START_TEST(cookies_that_lead_nowhere)
{
	static const enum fault refusing[] = {REFUSES_12, REFUSES_2, REFUSES_53};
	static const char *const others[] = {
		"dirsync 22222222-2222-2222-2222-222222222222 80000000 50\nck:0", /* another database's */
		"dirsync " HOME " 80000001 50\nck:0",                             /* asked in another way */
		"usn " HOME " 50", "rid=000,csn=x", "dirsync " HOME " 80000000 50\n"};

	for (size_t i = 0; i < ARRAY_SIZE(refusing); i++) {
		make_feed(refusing[i], DIR_DIRSYNC_AUTO);
		ck_assert_msg(open_feed(MARK "ck:old") == 0, "%s %s", e.detail, e.cause);
		ck_assert_str_eq(told_until("end"), all_read);
		drop_feed();
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		make_feed(NONE, DIR_DIRSYNC_AUTO);
		ck_assert_int_eq(open_feed(others[i]), 0);
		ck_assert_str_eq(told_until("end"), all_read);
		drop_feed();
	}
}
END_TEST

START_TEST(a_database_that_went_back)
{
	make_feed(NONE, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed("dirsync " HOME " 80000000 999999999999999\nck:0"), -1);
	ck_assert_int_eq((int)e.code, ERR_PRECONDITION);
	drop_feed();
}
END_TEST

START_TEST(without_the_right)
{
	make_feed(NO_RIGHT, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(MARK "ck:0"), 0);
	ck_assert_str_eq(dir_feed_source(feed), "uSNChanged");
	ck_assert_ptr_nonnull(strstr(dir_feed_note(feed), "DS-Replication-Get-Changes"));
	drop_feed();
	make_feed(NO_RIGHT, DIR_DIRSYNC_OBJECT_SECURITY);
	ck_assert_int_eq(open_feed("dirsync " HOME " 80000001 50\nck:2"), 0);
	ck_assert_str_eq(dir_feed_source(feed), "DirSync (object security)");
	ck_assert_str_eq(told_until("end"), "begin\nentry d\nop g -c +b\nend told ck:3\n");
	drop_feed();
	make_feed(NO_RIGHT_AT_ALL, DIR_DIRSYNC_OBJECT_SECURITY);
	ck_assert_int_eq(open_feed(NULL), 0);
	ck_assert_str_eq(dir_feed_source(feed), "uSNChanged");
	drop_feed();
	make_feed(NONE, DIR_DIRSYNC_OFF);
	ck_assert_int_eq(open_feed(NULL), 0);
	ck_assert_str_eq(dir_feed_source(feed), "uSNChanged");
	drop_feed();
	make_feed(REFUSES_ALL, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(MARK "ck:0"), 0);
	ck_assert_str_eq(dir_feed_source(feed), "uSNChanged");
	drop_feed();
}
END_TEST

START_TEST(no_answer_is_no_end)
{
	static const enum fault faults[] = {NO_CONTROL, GARBLED, HANGS_UP};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		make_feed(faults[i], DIR_DIRSYNC_AUTO);
		ck_assert_int_eq(open_feed(MARK "ck:0"), 0);

		const char *told = told_until("end");

		ck_assert_msg(strstr(told, "end") == NULL && strstr(told, "broken\n") != NULL, "fault %d: %s",
			      faults[i], told);
		ck_assert_int_eq((int)e.code, ERR_UNAVAILABLE);
		drop_feed();
	}
	make_feed(BUSY, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(MARK "ck:0"), -1);
	ck_assert_int_eq((int)e.code, ERR_BUSY);
	drop_feed();
}
END_TEST

/* The right to replicate shows what the account may not read: that is nobody who went. */
START_TEST(what_cannot_be_read_is_not_gone)
{
	make_feed(INVISIBLE, DIR_DIRSYNC_AUTO);
	ck_assert_int_eq(open_feed(MARK "ck:0"), 0);
	ck_assert_str_eq(told_until("end"), "begin\nop g +a\ndelete z\ndelete y\nop g -c +b\nend told ck:3\n");
	drop_feed();
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
	const TTest *const tests[] = {
		answers_in_parts,  from_the_beginning,  cookies_that_lead_nowhere,      a_database_that_went_back,
		without_the_right, no_answer_is_no_end, what_cannot_be_read_is_not_gone};
	Suite *s = suite_create("dir_dirsync");

	unit_add_case(s, "dirsync", setup, teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
