/* SPDX-License-Identifier: Apache-2.0
 * Changes of Active Directory by polling uSNChanged ([MS-ADTS] 3.1.1.1.9): every object carries the number of its last
 * change at this domain controller, and the rootDSE the highest one given. Each poll reads what lies above the number
 * told last: first what is no resource (any more), deleted or of another class, so that a name is free before somebody
 * else has it; then what are resources, as they are now. Numbers mean nothing at another domain controller, or at this
 * one after it was restored: invocationId tells, and everything is read again.
 *
 * Deletions are seen as tombstones, which an account may only see if it was given the right to. Without it a deletion
 * shows when everything is read again, so that is what every new connection does then. */
#include "dir/feed_poll.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/ms.h"
#include "dir/result.h"
#include "dirhinge/dir/dn.h"

#define SHOW_DELETED "1.2.840.113556.1.4.417"
#define COOKIE       "usn"

enum { POLL_MS = 1000, PAGE = 500 };

enum phase { IDLE, LIVE, GONE };

struct feed_poll {
	enum phase phase;
	const char *context; /* the domain */
	char invocation[37]; /* of this domain controller's database */
	int64_t usn;         /* told up to here */
	int64_t next;        /* the scan that runs tells up to there */
	bool sees_deleted;
	bool told;          /* something since the last resume point */
	struct berval page; /* of the scan; bv_len 0 = its first page */
	deadline_t due;
	char context_text[256];
};

struct feed_poll *
dir_feed_poll_new(struct arena *a)
{
	return ARENA_NEW(a, struct feed_poll);
}

void
dir_feed_poll_close(struct dir_feed *f)
{
	struct feed_poll *p = f->poll;

	ber_memfree(p->page.bv_val);
	*p = (struct feed_poll){.phase = IDLE};
}

/* --- numbers and resume points --- */

static bool
number(struct strv s, int64_t *n_r)
{
	int64_t n = 0;

	if (s.n == 0 || s.n > 18)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (s.p[i] - '0');
	}
	*n_r = n;
	return true;
}

/* "usn INVOCATION NUMBER"; false if it is of another database, or none. */
static bool
resume(const struct feed_poll *p, struct strv cookie, int64_t *usn_r)
{
	const size_t head = sizeof(COOKIE) + 36 + 1;
	char want[sizeof(COOKIE) + 38];

	snprintf(want, sizeof(want), COOKIE " %s ", p->invocation);
	return cookie.n > head && strv_starts(cookie, strv_n(want, head)) &&
	       number(strv_n(cookie.p + head, cookie.n - head), usn_r);
}

static struct strv
resume_point(const struct feed_poll *p, struct arena *a)
{
	return strv_of(arena_printf(a, COOKIE " %s %" PRId64, p->invocation, p->usn));
}

/* --- small reads --- */

static int
keep(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 0;
}

static int
read_one(struct dir_feed *f, struct arena *a, const char *dn, const char *attr, deadline_t until,
	 const struct dir_entry **en_r, struct err *e)
{
	const struct feed_query q = {
		.base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){attr, "defaultNamingContext", "dsServiceName", NULL}};
	const struct dir_entry *en = NULL;

	if (dir_feed_query(f, &f->c, &q, a, until, keep, &en, e))
		return -1;
	if (en == NULL) {
		err_set(e, ERR_UNAVAILABLE, "the domain controller does not say what a change feed needs");
		return err_cause(e, "%s: \"%s\" has no %s", f->c.uri->text, dn, attr);
	}
	*en_r = en;
	return 0;
}

static int
no_number(struct dir_feed *f, const char *attr, struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, "the domain controller does not say what a change feed needs");
	return err_cause(e, "%s: no readable %s", f->c.uri->text, attr);
}

static int
highest(struct dir_feed *f, deadline_t until, int64_t *usn_r, struct err *e)
{
	static const char attr[] = "highestCommittedUSN";
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct dir_entry *dse;

	if (read_one(f, a, "", attr, until, &dse, e))
		return -1;
	return number(dir_entry_first(dse, attr), usn_r) ? 0 : no_number(f, attr, e);
}

static int
who_is_it(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct feed_poll *p = f->poll;
	const struct dir_entry *dse, *service;

	if (read_one(f, a, "", "highestCommittedUSN", until, &dse, e))
		return -1;

	struct strv domain = dir_entry_first(dse, "defaultNamingContext"), name = dir_entry_first(dse, "dsServiceName");

	if (domain.n == 0 || domain.n >= sizeof(p->context_text) || name.n == 0)
		return no_number(f, "dsServiceName", e);
	memcpy(p->context_text, domain.p, domain.n);
	p->context = p->context_text;
	if (read_one(f, a, name.p, "invocationId", until, &service, e))
		return -1;

	struct strv id = dir_guid_text(a, dir_entry_first(service, "invocationId"));

	if (id.p == NULL)
		return no_number(f, "invocationId", e);
	memcpy(p->invocation, id.p, id.n);
	return 0;
}

/* --- scans --- */

static LDAPControl *
show_deleted(void)
{
	LDAPControl *control = NULL;

	ldap_control_create(SHOW_DELETED, 1, NULL, 0, &control);
	return control;
}

/* Not critical: an order that the server does not give costs one more event, and nothing else. */
static LDAPControl *
by_number(struct dir_feed *f)
{
	char key[64];
	LDAPSortKey **keys = NULL;
	LDAPControl *control = NULL;

	snprintf(key, sizeof(key), "%s", f->d->caps->flavour->version_attr);
	if (ldap_create_sort_keylist(&keys, key) == LDAP_SUCCESS)
		ldap_create_sort_control(f->c.ld, keys, 0, &control);
	ldap_free_sort_keylist(keys);
	return control;
}

static const char *
scan_filter(struct dir_feed *f, struct arena *a)
{
	const struct feed_poll *p = f->poll;

	if (f->full)
		return f->filter;
	/* The texts are made by dir_filter_text(), the number is one. */
	if (p->phase == LIVE)
		return arena_printf(a, "(&(uSNChanged>=%" PRId64 ")%s)", p->usn + 1, f->filter); /* paste: ok */
	/* A tombstone keeps the class. */
	return arena_printf(a,
			    "(&(uSNChanged>=%" PRId64
			    ")(|(isDeleted=TRUE)(&(!%s)(!(objectClass=computer))" /* paste: ok */
			    "(|(objectClass=user)(objectClass=group)))))",
			    p->usn + 1, f->filter); /* paste: ok */
}

static int
send_page(struct dir_feed *f, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	DH_CLEANUP(control_free) LDAPControl *page = NULL;
	DH_CLEANUP(control_free) LDAPControl *extra = NULL;
	const struct dir_flavour *fl = f->d->caps->flavour;
	const char *const gone[] = {fl->id_attr, fl->version_attr, NULL};
	struct feed_poll *p = f->poll;
	const char *const *attrs = p->phase == LIVE ? dir_range_attrs(a, fl, f->attrs) : gone;
	LDAPControl *controls[3] = {NULL};
	int rc;

	if (ldap_create_page_control(f->c.ld, PAGE, &p->page, 1, &page) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the paged results control cannot be made");
	controls[0] = page;
	/* In the order of the changes, so that a user stands before the group that got a new member. */
	if (p->phase == GONE ? (extra = show_deleted()) == NULL : !f->full && (extra = by_number(f)) == NULL)
		return err_set(e, ERR_INTERNAL, "a control of the poll cannot be made");
	controls[1] = extra;
	f->s[0] = (struct feed_search){.base = p->context, .msgid = -1};
	rc = ldap_search_ext(f->c.ld, p->context, LDAP_SCOPE_SUBTREE, scan_filter(f, a), (char **)(uintptr_t)attrs, 0,
			     controls, NULL, NULL, 0, &f->s[0].msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	f->n_searches = 1;
	return 0;
}

/* True if this account can see what was deleted. */
static int
look_for_deleted(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(control_free) LDAPControl *deleted = show_deleted();
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(512);
	LDAPControl *controls[] = {deleted, NULL};
	char none[] = "1.1", *attrs[] = {none, NULL};
	char *dn;
	int msgid, rc;

	if (deleted == NULL || dir_dn_child(a, "CN", STRV("Deleted Objects"), f->poll->context, &dn, e))
		return -1;
	rc = ldap_search_ext(f->c.ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, controls, NULL, NULL, 0,
			     &msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	if (dir_conn_wait(&f->c, msgid, true, until, &res, e))
		return -1;
	f->poll->sees_deleted = ldap_first_entry(f->c.ld, res) != NULL;
	return 0;
}

int
dir_feed_poll_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e)
{
	struct feed_poll *p = f->poll;
	int64_t now, usn = 0;

	if (dir_feed_check_bases(f, until, e) || who_is_it(f, until, e) || look_for_deleted(f, until, e) ||
	    highest(f, until, &now, e))
		return -1;
	f->full = f->force_full || !p->sees_deleted || !resume(p, cookie, &usn);
	if (!f->full && usn > now) {
		/* The same database with smaller numbers: a copy from before. */
		err_set(e, ERR_PRECONDITION, NULL);
		return err_cause(e, "%s: highestCommittedUSN is %" PRId64 ", and %" PRId64 " was seen before",
				 f->c.uri->text, now, usn);
	}
	p->usn = usn;
	p->next = now;
	p->phase = f->full ? LIVE : GONE;
	f->refreshing = f->begin_due = true;
	f->n_searches = 0;
	f->c.io.nowait = true;
	return send_page(f, e);
}

/* --- entries --- */

static int
keep_whole(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 0;
}

static bool
in_pieces(const struct dir_entry *en)
{
	struct dir_range range;

	for (size_t i = 0; i < en->n_attrs; i++)
		if (dir_range_parse(en->attrs[i].name, &range) != 0 && !(range.last && range.low == 0))
			return true;
	return false;
}

/* Long lists are read beside this connection, which has other answers on it. 1 whole, 0 gone by now, -1 failed. */
static int
complete(struct dir_feed *f, struct arena *a, const char *id, struct dir_entry *en, const struct dir_entry **en_r,
	 struct err *e)
{
	deadline_t until = deadline_in(f->d->timeout_ms);

	*en_r = NULL;
	if (in_pieces(en)) {
		if (dir_feed_fetch(f, a, &id, 1, until, keep_whole, en_r, e))
			return -1;
		return *en_r != NULL;
	}
	if (dir_range_complete(a, &f->c, f->d->caps->flavour, en, until, e))
		return -1;
	*en_r = en;
	return 1;
}

static int
on_entry(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	const struct dir_flavour *fl = f->d->caps->flavour;
	struct dir_change c = {0};
	const char **ids = ARENA_ARRAY(a, 1, const char *);
	struct dir_entry *en;

	if (dir_decode_open_entry(a, fl, f->c.ld, msg, &en, e))
		return -1;
	ids[0] = dir_entry_first(en, fl->id_attr).p;
	if (ids[0] == NULL) {
		err_set(e, ERR_FORBIDDEN, NULL);
		return err_cause(e, "\"%s\": let the account read %s", en->dn, fl->id_attr);
	}
	c.ids = ids;
	c.n_ids = 1;
	c.csn = dir_entry_first(en, fl->version_attr).p;
	c.kind = f->poll->phase == LIVE && dir_feed_in_bases(f, en->dn) ? DIR_ENTRY : DIR_DELETE;
	/* Somebody else's, or moved away: nothing to tell of while everything is read. */
	if (c.kind == DIR_DELETE && f->full)
		return 0;
	if (c.kind == DIR_ENTRY) {
		int rc = complete(f, a, ids[0], en, &c.entry, e);

		if (rc <= 0)
			return rc;
		c.dn = c.entry->dn;
	}
	f->poll->told = true;
	*c_r = c;
	return 1;
}

/* The scan is complete. 1 *c_r says so, 0 nothing to tell. */
static int
scan_done(struct dir_feed *f, struct arena *a, struct dir_change *c_r)
{
	struct feed_poll *p = f->poll;
	bool moved = p->next > p->usn;

	p->usn = p->next;
	p->phase = IDLE;
	p->due = deadline_in(POLL_MS);
	f->n_searches = 0;
	if (f->refreshing) {
		*c_r = (struct dir_change){
			.kind = DIR_END, .full = f->full, .deletes_told = !f->full, .cookie = resume_point(p, a)};
		f->refreshing = f->full = false;
	} else if (moved) {
		*c_r = (struct dir_change){.kind = DIR_COOKIE, .cookie = resume_point(p, a)};
	} else {
		return 0;
	}
	p->told = false;
	return 1;
}

/* A page has ended: the next page, the next part of the scan, or its end. */
static int
on_result(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	struct feed_poll *p = f->poll;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, NULL, NULL, &controls, 0);
	LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	if (rc != LDAP_SUCCESS || code != LDAP_SUCCESS)
		return err_failed(dir_feed_ended(f, &f->s[0], msg, e));
	ber_memfree(p->page.bv_val);
	p->page = (struct berval){0, NULL};
	if (page && ldap_parse_pageresponse_control(f->c.ld, page, &estimate, &p->page) != LDAP_SUCCESS) {
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "the directory's paged results control cannot be decoded");
	}
	if (p->page.bv_len == 0 && p->phase == GONE)
		p->phase = LIVE;
	else if (p->page.bv_len == 0)
		return scan_done(f, a, c_r);
	return send_page(f, e) ? -1 : 0;
}

/* --- between two polls --- */

/* 1 it is time, 0 deadline or woken, -1 the connection is lost. */
static int
idle(struct dir_feed *f, deadline_t until, struct err *e)
{
	struct feed_poll *p = f->poll;
	deadline_t end = deadline_min(until, p->due);
	struct pollfd pfd[] = {{.fd = f->c.io.fd, .events = POLLIN}, {.fd = f->wake, .events = POLLIN}};
	uint64_t n;

	for (;;) {
		int64_t ms = deadline_left(end);

		if (ms == 0)
			return deadline_left(p->due) == 0;
		if (poll(pfd, ARRAY_SIZE(pfd), ms > POLL_MS ? POLL_MS : (int)ms) < 0 && errno != EINTR)
			return err_set(e, ERR_IO, "poll: errno %d", errno);
		if (pfd[1].revents & POLLIN) {
			if (read(f->wake, &n, sizeof(n)) == (ssize_t)sizeof(n))
				return 0;
		}
		/* Nothing was asked: what comes is the end of the connection. */
		if (pfd[0].revents) {
			f->c.broken = true;
			err_set(e, ERR_UNAVAILABLE, NULL);
			return err_cause(e, "%s: the connection was closed", f->c.uri->text);
		}
	}
}

static int
look(struct dir_feed *f, struct err *e)
{
	struct feed_poll *p = f->poll;
	int64_t now;

	if (highest(f, deadline_in(f->d->timeout_ms), &now, e))
		return -1;
	p->due = deadline_in(POLL_MS);
	if (now <= p->usn)
		return 0;
	p->next = now;
	p->phase = GONE;
	return send_page(f, e) ? -1 : 0;
}

int
dir_feed_poll_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r, struct err *e)
{
	if (f->begin_due) {
		f->begin_due = false;
		*c_r = (struct dir_change){.kind = DIR_BEGIN, .full = f->full};
		return 1;
	}
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = TAKE(f->held);
		int rc;

		if (f->poll->phase == IDLE) {
			rc = idle(f, until, e);
			if (rc <= 0)
				return rc;
			if (look(f, e))
				return -1;
			continue;
		}
		rc = msg ? 1 : dir_feed_wait(f, until, &msg, e);
		if (rc <= 0)
			return rc;
		if (ldap_msgtype(msg) == LDAP_RES_SEARCH_ENTRY)
			rc = on_entry(f, a, msg, c_r, e);
		else
			rc = ldap_msgtype(msg) == LDAP_RES_SEARCH_RESULT ? on_result(f, a, msg, c_r, e) : 0;
		if (rc != 0)
			return rc;
	}
}

bool
dir_feed_poll_busy(const struct dir_feed *f)
{
	return f->begin_due || f->poll->phase != IDLE;
}
