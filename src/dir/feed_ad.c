/* SPDX-License-Identifier: Apache-2.0
 * What the two sources for Active Directory share. Numbers of changes (uSNChanged, [MS-ADTS] 3.1.1.1.9) and resume
 * points mean nothing at another domain controller, or at this one after it was restored: invocationId tells, and
 * everything is read again. */
#include "dir/feed_ad.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "dir/cleanup.h"
#include "dir/dirsync.h"
#include "dir/ms.h"
#include "dirhinge/dir/dn.h"

/* Asked even if the number has not moved: a change may become visible behind one with a higher number. */
enum { EXTRA_MS = 30 * 1000 };

struct feed_ad *
dir_feed_ad_new(struct dir_feed *f, struct arena *a, enum dir_dirsync wish)
{
	struct feed_ad *ad = ARENA_NEW(a, struct feed_ad);

	ad->wish = wish;
	ad->why = wish == DIR_DIRSYNC_OFF ? "events.dirsync is off" : "the domain controller does not offer DirSync";
	ad->sync = dir_feed_dirsync_new(a, f);
	return ad;
}

void
dir_feed_ad_free(struct dir_feed *f)
{
	dir_feed_dirsync_free(&f->ad->sync);
}

void
dir_feed_ad_close(struct dir_feed *f)
{
	struct feed_ad *ad = f->ad;

	ber_memfree(ad->page.bv_val);
	ad->page = (struct berval){0, NULL};
	ad->phase = AD_IDLE;
	dir_feed_dirsync_close(f);
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
not_readable(struct dir_feed *f, const char *attr, struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, "the domain controller does not say what a change feed needs");
	return err_cause(e, "%s: no readable %s", f->c.uri->text, attr);
}

int
dir_feed_ad_highest(struct dir_feed *f, deadline_t until, int64_t *usn_r, struct err *e)
{
	static const char attr[] = "highestCommittedUSN";
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct dir_entry *dse;

	if (read_one(f, a, "", attr, until, &dse, e))
		return -1;
	return dir_usn_parse(dir_entry_first(dse, attr), usn_r) ? 0 : not_readable(f, attr, e);
}

static int
who_is_it(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct feed_ad *ad = f->ad;
	const struct dir_entry *dse, *service;

	if (read_one(f, a, "", "highestCommittedUSN", until, &dse, e))
		return -1;

	struct strv domain = dir_entry_first(dse, "defaultNamingContext"), name = dir_entry_first(dse, "dsServiceName");

	if (domain.n == 0 || domain.n >= sizeof(ad->context_text) || name.n == 0)
		return not_readable(f, "dsServiceName", e);
	memcpy(ad->context_text, domain.p, domain.n + 1);
	ad->context = ad->context_text;
	if (read_one(f, a, name.p, "invocationId", until, &service, e))
		return -1;

	struct strv id = dir_guid_text(a, dir_entry_first(service, "invocationId"));

	if (id.p == NULL)
		return not_readable(f, "invocationId", e);
	memcpy(ad->invocation, id.p, id.n);
	return 0;
}

/* True if this account can see what was deleted. */
static int
look_for_deleted(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(control_free) LDAPControl *deleted = NULL;
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(512);
	LDAPControl *controls[2] = {NULL};
	char none[] = "1.1", *attrs[] = {none, NULL};
	char *dn;
	int msgid, rc;

	if (dir_dn_child(a, "CN", STRV("Deleted Objects"), f->ad->context, &dn, e))
		return -1;
	if (ldap_control_create(AD_SHOW_DELETED, 1, NULL, 0, &deleted) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "a control of the feed cannot be made");
	controls[0] = deleted;
	rc = ldap_search_ext(f->c.ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, controls, NULL, NULL, 0,
			     &msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	if (dir_conn_wait(&f->c, msgid, true, until, &res, e))
		return -1;
	f->ad->sees_deleted = ldap_first_entry(f->c.ld, res) != NULL;
	return 0;
}

int
dir_feed_ad_behind(struct dir_feed *f, int64_t now, int64_t seen, struct err *e)
{
	err_set(e, ERR_PRECONDITION, NULL);
	return err_cause(e, "%s: highestCommittedUSN is %" PRId64 ", and %" PRId64 " was seen before", f->c.uri->text,
			 now, seen);
}

int
dir_feed_ad_no_id(const struct dir_feed *f, const struct dir_entry *en, struct err *e)
{
	err_set(e, ERR_FORBIDDEN, NULL);
	return err_cause(e, "\"%s\": let the account read %s", en->dn, f->id_attr);
}

const struct dir_entry *
dir_feed_ad_without(struct arena *a, const struct dir_entry *en, const char *attr)
{
	struct dir_entry *copy = ARENA_NEW(a, struct dir_entry);

	*copy = (struct dir_entry){.dn = en->dn, .attrs = ARENA_ARRAY(a, en->n_attrs + 1, struct dir_attr)};
	for (size_t i = 0; i < en->n_attrs; i++)
		if (!str_caseeq(en->attrs[i].name, attr))
			copy->attrs[copy->n_attrs++] = en->attrs[i];
	return copy;
}

/* --- which source --- */

static bool
offers_dirsync(const struct dir_feed *f)
{
	return dir_entry_has(f->d->caps->root_dse, "supportedControl", STRV(DIRSYNC_OID));
}

/* 1 settled, 0 deadline or woken, -1 failed. */
static int
settle(struct dir_feed *f, deadline_t until, struct err *e)
{
	struct feed_ad *ad = f->ad;
	struct err why = ERR_INIT;
	int rc = ad->undecided ? dir_feed_dirsync_decide(f, until, &why) : 1;

	if (rc == 0)
		return 0;
	ad->undecided = false;
	if (rc > 0)
		return 1;
	if (why.code != ERR_DIR_UNSUPPORTED) {
		if (e)
			*e = why;
		return -1;
	}
	ad->by_dirsync = false;
	return dir_feed_poll_start(f, dir_feed_dirsync_given(f), ad->next, e) ? -1 : 1;
}

int
dir_feed_ad_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e)
{
	struct feed_ad *ad = f->ad;
	int64_t now;

	if (dir_feed_check_bases(f, until, e) || who_is_it(f, until, e) || look_for_deleted(f, until, e) ||
	    dir_feed_ad_highest(f, until, &now, e))
		return -1;
	f->n_searches = 0;
	f->c.io.nowait = true;
	f->refreshing = f->begin_due = true;
	ad->by_dirsync = ad->undecided = ad->wish != DIR_DIRSYNC_OFF && offers_dirsync(f);
	if (ad->by_dirsync ? dir_feed_dirsync_start(f, cookie, now, e) : dir_feed_poll_start(f, cookie, now, e))
		return -1;
	return settle(f, until, e) < 0 ? -1 : 0;
}

const char *
dir_feed_ad_source(const struct dir_feed *f)
{
	if (!f->ad->by_dirsync)
		return "uSNChanged";
	return dir_feed_dirsync_by_right(f) ? "DirSync" : "DirSync (object security)";
}

const char *
dir_feed_ad_why(const struct dir_feed *f)
{
	return f->ad->by_dirsync && dir_feed_dirsync_by_right(f) ? "" : f->ad->why;
}

/* --- between two passes --- */

void
dir_feed_ad_rest(struct dir_feed *f)
{
	struct feed_ad *ad = f->ad;

	ad->usn = ad->next;
	ad->phase = AD_IDLE;
	ad->due = deadline_in(AD_POLL_MS);
	ad->extra_at = deadline_in(EXTRA_MS);
	f->n_searches = 0;
}

/* 1 it is time, 0 deadline or woken, -1 the connection is lost. */
static int
idle(struct dir_feed *f, deadline_t until, struct err *e)
{
	struct feed_ad *ad = f->ad;
	deadline_t end = deadline_min(until, ad->due);
	struct pollfd pfd[] = {{.fd = f->c.io.fd, .events = POLLIN}, {.fd = f->wake, .events = POLLIN}};
	uint64_t n;

	for (;;) {
		int64_t ms = deadline_left(end);

		if (ms == 0)
			return deadline_left(ad->due) == 0;
		if (poll(pfd, ARRAY_SIZE(pfd), ms > AD_POLL_MS ? AD_POLL_MS : (int)ms) < 0 && errno != EINTR)
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
	struct feed_ad *ad = f->ad;
	int64_t now;

	if (dir_feed_ad_highest(f, deadline_in(f->d->timeout_ms), &now, e))
		return -1;
	ad->due = deadline_in(AD_POLL_MS);
	if (now <= ad->usn && (!ad->by_dirsync || deadline_left(ad->extra_at) > 0))
		return 0;
	ad->next = now;
	ad->phase = ad->by_dirsync ? AD_PASS : AD_GONE;
	return ad->by_dirsync ? dir_feed_dirsync_pass(f, e) : dir_feed_poll_scan(f, e);
}

int
dir_feed_ad_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r, struct err *e)
{
	struct feed_ad *ad = f->ad;

	if (f->begin_due) {
		int rc = settle(f, until, e);

		if (rc <= 0)
			return rc;
		f->begin_due = false;
		*c_r = (struct dir_change){.kind = DIR_BEGIN, .full = f->full};
		return 1;
	}
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = NULL;
		int rc = ad->by_dirsync ? dir_feed_dirsync_tell(f, a, c_r, e) : 0;

		if (rc != 0)
			return rc;
		if (ad->phase == AD_IDLE) {
			rc = idle(f, until, e);
			if (rc <= 0)
				return rc;
			if (look(f, e))
				return -1;
			continue;
		}
		msg = TAKE(f->held);
		rc = msg ? 1 : dir_feed_wait(f, until, &msg, e);
		if (rc <= 0)
			return rc;
		if (ad->phase == AD_MARK || ad->phase == AD_PASS)
			rc = dir_feed_dirsync_message(f, msg, e);
		else
			rc = dir_feed_poll_message(f, a, msg, c_r, e);
		if (rc != 0)
			return rc;
	}
}

bool
dir_feed_ad_ready(const struct dir_feed *f)
{
	return f->ad->by_dirsync && dir_feed_dirsync_pending(f);
}

bool
dir_feed_ad_busy(const struct dir_feed *f)
{
	return f->begin_due || f->ad->phase != AD_IDLE;
}
