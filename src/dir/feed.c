/* SPDX-License-Identifier: Apache-2.0
 * A change source as its user sees it: made, opened, asked for the next change, closed. */
#include "dirhinge/dir/feed.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dir/cleanup.h"
#include "dir/feed_ad.h"
#include "dir/feed_log.h"
#include "dir/feed_look.h"
#include "dir/result.h"
#include "dirhinge/dir/dn.h"

enum { CHECK_MS = 5000 };

#define FUTURE_US (INT64_C(3600) * 1000000)

/* --- making one --- */

static const char *const *
copy_list(struct arena *a, const char *const *list, const char *const *more, size_t *n_r)
{
	size_t n = 0, m = 0, kept = 0;

	while (list && list[n])
		n++;
	while (more && more[m])
		m++;

	const char **all = ARENA_ARRAY(a, n + m + 1, const char *);

	for (size_t i = 0; i < n + m; i++) {
		const char *s = i < n ? list[i] : more[i - n];
		bool twice = false;

		for (size_t k = 0; k < kept && !twice; k++)
			twice = str_caseeq(all[k], s);
		if (!twice)
			all[kept++] = arena_strdup(a, s);
	}
	*n_r = kept;
	return all;
}

/* The deepest DN that all bases are below or equal to; NULL if only the root is. */
static const char *
common_dn(struct arena *a, const char *const *bases)
{
	const char *dn = bases[0];

	while (dn && *dn) {
		bool all = true;

		for (size_t i = 0; bases[i] && all; i++)
			all = dir_dn_under(a, bases[i], dn, true);
		if (all)
			return dn;
		dn = dir_dn_parent(a, dn);
	}
	return NULL;
}

/* OpenLDAP can be asked for the bases only, although the search is above them. */
static const struct dir_filter *
below_bases(struct dir_feed *f, struct arena *a, const struct dir_filter *filter)
{
	const struct dir_filter **nodes = ARENA_ARRAY(a, f->n_bases, const struct dir_filter *);

	for (size_t i = 0; i < f->n_bases; i++)
		nodes[i] = dir_f_ext(a, "entryDN", "dnSubtreeMatch", strv_of(f->bases[i]));
	return dir_f_and2(a, dir_f_or(a, nodes, f->n_bases), filter);
}

static int
make_filters(struct dir_feed *f, const struct dir_filter *filter, struct err *e)
{
	const struct dir_filter *any = filter ? filter : dir_f_true(f->a);
	bool narrow = f->n_bases > 1 && !f->opaque;
	char *text;

	if (dir_filter_text(f->a, any, &text, e))
		return -1;
	f->filter = text;
	if (dir_filter_text(f->a, narrow ? below_bases(f, f->a, any) : any, &text, e))
		return -1;
	f->common_filter = text;
	return 0;
}

static int
check_support(const struct dir_caps *caps, struct err *e)
{
	if (caps->sync || caps->flavour->polled)
		return 0;
	err_set(e, ERR_DIR_UNSUPPORTED, "this directory does not tell its changes");
	return err_cause(e, "RFC 4533 is not offered: on OpenLDAP load the module syncprov and add the overlay to the "
			    "database of users and groups; on 389 DS switch the Content Synchronization plugin on");
}

int
dir_feed_new(const struct dir_feed_opts *opts, struct dir_feed **f_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = NULL;
	const struct dir_caps *caps;
	struct dir_feed *f;
	size_t n;

	if (dir_caps(opts->dir, &caps, e) || check_support(caps, e))
		return -1;
	a = arena_new(4096);
	f = ARENA_NEW(a, struct dir_feed);
	*f = (struct dir_feed){.a = a, .d = opts->dir, .wake = -1, .history = opts->history};
	f->opaque_bytes = BUF_INIT(COOKIE_BYTES);
	f->opaque = caps->flavour != &dir_flavour_openldap && !caps->flavour->polled;
	dir_feed_look_init(f, opts);

	/* 389 DS knows entries by another id here than everywhere else. */
	f->id_attr = f->opaque ? "nsUniqueId" : caps->flavour->id_attr;

	const char *const extra[] = {caps->flavour->id_attr, f->id_attr, caps->flavour->version_attr, "modifiersName",
				     NULL};

	f->attrs = copy_list(a, opts->attrs, extra, &n);
	f->moved = copy_list(a, f->attrs, (const char *const[]){caps->flavour->member_of, NULL}, &n);
	f->bases = copy_list(a, opts->bases, NULL, &f->n_bases);
	if (f->n_bases == 0 || f->n_bases > FEED_BASES)
		return err_set(e, ERR_CONFIG, "a feed needs from 1 to %d bases", FEED_BASES);
	dir_log_filter_init(&f->wanted, a, caps->schema, f->attrs);
	f->common = f->n_bases > 1 ? common_dn(a, f->bases) : NULL;
	if (make_filters(f, opts->filter, e))
		return -1;
	f->ad = caps->flavour->polled ? dir_feed_ad_new(f, a, opts->dirsync) : NULL;
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->wake < 0)
		return err_set(e, ERR_IO, "no eventfd: errno %d", errno);
	(void)TAKE(a);
	*f_r = f;
	return 0;
}

void
dir_feed_free(struct dir_feed **f)
{
	struct dir_feed *old = TAKE(*f);
	struct arena *a;

	if (old == NULL)
		return;
	dir_feed_close(old);
	if (old->ad)
		dir_feed_ad_free(old);
	buf_done(&old->opaque_bytes);
	arena_free(&old->log.a);
	close(old->wake);
	a = old->a;
	arena_free(&a);
}

/* --- the connection --- */

static void
drop_held(struct dir_feed *f)
{
	dir_conn_msg_free(&f->held);
	f->held = NULL;
}

void
dir_feed_close(struct dir_feed *f)
{
	drop_held(f);
	/* Whatever else comes on it, nobody waits for it. */
	f->c.broken = true;
	dir_conn_close(&f->c);
	dir_conn_close(&f->side);
	if (f->ad)
		dir_feed_ad_close(f);
	f->open = f->begin_due = f->refreshing = f->look.idle = false;
	f->n_searches = 0;
}

int
dir_feed_result_code(struct dir_feed *f, LDAPMessage *msg)
{
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, NULL, NULL, NULL, 0);

	return rc == LDAP_SUCCESS ? code : rc;
}

/* The remedies of the usual reasons. */
static const struct {
	int rc;
	enum err_code code;
	const char *text;
} endings[] = {
	{LDAP_SUCCESS, ERR_UNAVAILABLE, "the server ended the search"},
	{LDAP_UNWILLING_TO_PERFORM, ERR_PRECONDITION,
	 "this server is behind what was seen before: it lags, or was restored from a backup"},
	{LDAP_SYNC_REFRESH_REQUIRED, ERR_UNAVAILABLE, "the server wants the refresh to begin anew"},
	{LDAP_SIZELIMIT_EXCEEDED, ERR_TOO_MANY,
	 "give the account no size limit (olcLimits: dn.exact=\"ACCOUNT\" size=unlimited time=unlimited)"},
	{LDAP_TIMELIMIT_EXCEEDED, ERR_TOO_MANY,
	 "give the account no time limit (olcLimits: dn.exact=\"ACCOUNT\" size=unlimited time=unlimited)"},
	{LDAP_ADMINLIMIT_EXCEEDED, ERR_TOO_MANY, "give the account higher limits, or index what the filter names"},
	{LDAP_NO_SUCH_OBJECT, ERR_NOT_FOUND, "the base is missing, or the account may not see it"},
	{LDAP_INSUFFICIENT_ACCESS, ERR_FORBIDDEN, "let the account read the base and the entries below it"},
	{LDAP_UNAVAILABLE_CRITICAL_EXTENSION, ERR_DIR_UNSUPPORTED,
	 "add the overlay syncprov to the database that holds the base"},
};

bool
dir_feed_limited(int code)
{
	return code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_TIMELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED;
}

int
dir_feed_ended(struct dir_feed *f, const struct feed_search *s, LDAPMessage *msg, struct err *e)
{
	DH_CLEANUP(str_free) char *text = NULL;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, &text, NULL, NULL, 0);
	const struct result r = {.op = OP_SEARCH, .target = s->base, .rc = rc ? rc : code, .text = text};

	if (code == LDAP_SYNC_REFRESH_REQUIRED && f->refreshing)
		f->force_full = true;
	f->look.ended = code == LDAP_SUCCESS || code == LDAP_UNWILLING_TO_PERFORM ||
			(!f->refreshing && (code == LDAP_TIMELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED));
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		if (endings[i].rc != r.rc)
			continue;
		err_set(e, endings[i].code, NULL);
		if (e)
			e->ldap_rc = r.rc;
		return err_cause(e, "%s: sync search \"%s\": %s (%d)%s%s: %s", f->c.uri->text, s->base,
				 ldap_err2string(r.rc), r.rc, text && *text ? ": " : "", text ? text : "",
				 endings[i].text);
	}
	dir_result_err(f->d->caps->flavour, &r, e);
	return err_cause(e, "%s", f->c.uri->text);
}

/* The search was refused with its first message: begin anew on the data if that can help. 1 begun, 0 it cannot. */
static int
begin_anew(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = NULL;
	int code = dir_feed_result_code(f, f->held);
	bool look = dir_feed_look_instead(f, code), on_log = f->on_log;
	struct strv cookie = {NULL, 0};

	if (!look)
		dir_feed_look_give_up(f);
	if (look) {
		a = arena_new(1024);
		cookie = f->full ? cookie : dir_feed_resume_point(f, a);
	} else if (on_log) {
		/* It is shorter than the gap, or not what it seemed. */
		a = arena_new(1024);
		cookie = dir_cookie_text(a, &f->s[0].seen);
		if (dir_feed_limited(code))
			dir_feed_log_note_limit(f, code);
		else if (code != LDAP_SYNC_REFRESH_REQUIRED)
			f->log.usable = false;
	} else if (f->full || code != LDAP_SYNC_REFRESH_REQUIRED) {
		return 0;
	}
	drop_held(f);
	if (look && on_log)
		return dir_feed_log_start(f, &f->s[0].seen, false, e) ? -1 : 1;
	for (size_t i = 0; i < f->n_searches; i++)
		if (f->s[i].msgid >= 0)
			ldap_abandon_ext(f->c.ld, f->s[i].msgid, NULL, NULL);
	return dir_feed_data_start(f, cookie, until, e) ? -1 : 1;
}

/* Sees to it that the first message is here. 1 here, 0 deadline, -1 failed. */
static int
first_message(struct dir_feed *f, deadline_t until, struct err *e)
{
	for (;;) {
		int rc = f->held ? 1 : dir_feed_wait(f, until, &f->held, e);

		if (rc <= 0)
			return rc;
		if (ldap_msgtype(f->held) != LDAP_RES_SEARCH_RESULT ||
		    (f->look.on && dir_feed_result_code(f, f->held) == LDAP_SUCCESS)) {
			dir_feed_look_taken(f);
			return 1;
		}
		rc = begin_anew(f, until, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return err_failed(dir_feed_ended(f, &f->s[0], f->held, e));
	}
}

/* A clock of the directory ran ahead: with such a resume point slapd leaves out what came after the clock was set
 * right, and slapd 2.5 with a session log in the accesslog dies of it (an assertion in syncprov_play_accesslog). */
static bool
of_the_future(struct strv cookie)
{
	struct sync_vector v;

	if (!dir_cookie_parse(cookie, &v))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.marks[i].csn.us > clock_wall_us() + FUTURE_US)
			return true;
	return false;
}

struct strv
dir_feed_askable(const struct dir_feed *f, struct strv cookie)
{
	return f->force_full || (!f->opaque && of_the_future(cookie)) ? strv_n(NULL, 0) : cookie;
}

static int
begin(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e)
{
	struct sync_vector v;
	int rc;

	if (f->ad)
		return dir_feed_ad_start(f, cookie, until, e);
	cookie = dir_feed_askable(f, cookie);
	buf_reset(&f->opaque_bytes);
	if (f->opaque && cookie.n)
		buf_addv(&f->opaque_bytes, cookie);
	if (!f->opaque && dir_cookie_parse(cookie, &v) && dir_feed_check_behind(f, &v, until, e))
		return -1;
	/* Before the data is read: what is in the log from now on is all that the data does not show yet. */
	if (dir_feed_check_bases(f, until, e) || dir_feed_log_find(f, until, e))
		return -1;
	dir_feed_look_choose(f);
	f->look.next = false;
	if (f->log.usable && !f->gap_by_data && dir_cookie_parse(cookie, &v) && dir_feed_log_reaches(f, &v))
		rc = dir_feed_log_start(f, &v, false, e);
	else
		rc = dir_feed_data_start(f, cookie, until, e);
	if (rc)
		return -1;
	f->c.io.nowait = true;
	/* A result that refuses the search is better told here than by the first dir_feed_next. */
	return first_message(f, until, e) < 0 ? -1 : 0;
}

int
dir_feed_open(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e)
{
	dir_feed_close(f);
	if (dir_feed_connect(f, until, e)) {
		f->look.cuts = 0;
		return err_cause(e, "feed");
	}
	f->open = true;
	f->check_at = deadline_in(CHECK_EVERY_MS);
	if (begin(f, cookie, until, e) == 0)
		return 0;
	/* Another provider may be better off. */
	f->uri = (f->uri + 1) % f->d->n_uris;
	dir_feed_close(f);
	return err_cause(e, "feed");
}

/* --- changes --- */

int
dir_feed_not_open(struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e, "the change feed is not connected");
}

/* A server that hangs keeps its connections, and an access rule that changed is told by nothing but silence. */
static int
still_good(struct dir_feed *f, struct err *e)
{
	deadline_t until = deadline_in(CHECK_MS);

	f->check_at = deadline_in(CHECK_EVERY_MS);
	if (dir_feed_check_bases(f, until, e))
		return -1;
	return f->on_log ? dir_feed_log_check(f, until, e) : 0;
}

/* The next message and what it tells: 1 a change, 0 deadline, woken or time for a check, -1 the source broke off. */
static int
next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r, struct err *e)
{
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = TAKE(f->held);
		bool live = !f->refreshing && (!f->on_log || f->s[0].done);
		int rc = 1;

		if (live && !f->look.on && deadline_left(f->check_at) == 0 && still_good(f, e))
			return -1;
		if (msg == NULL)
			rc = dir_feed_wait(f, live ? deadline_min(until, f->check_at) : until, &msg, e);
		if (rc <= 0)
			return rc;
		rc = f->on_log ? dir_feed_log_message(f, a, msg, c_r, e) : dir_feed_data_message(f, a, msg, c_r, e);
		if (rc != 0)
			return rc;
	}
}

/* The data has told everything up to a resume point: from there on the history, if there is one. */
static void
go_on_with_log(struct dir_feed *f, const struct dir_change *c)
{
	struct err lost = ERR_INIT;
	struct sync_vector v;

	if (f->on_log || f->refreshing || !f->log.usable || !dir_cookie_parse(c->cookie, &v) || v.n == 0)
		return;
	/* After a crash slapd has forgotten how far its log goes, and knows it again with the next change. */
	if (dir_feed_log_knows(f, deadline_in(CHECK_MS), &lost) != 1)
		return;
	/* If it cannot be sent the connection is gone, as the next call will find. */
	if (dir_feed_log_start(f, &v, true, &lost))
		f->c.broken = true;
}

/* What is told next, with BEGIN before a refresh; a look that finds nothing is passed over. */
static int
tell(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r, struct err *e)
{
	for (;;) {
		int rc = f->look.idle ? dir_feed_look_wait(f, until, e) : 1;

		if (rc <= 0)
			return rc;
		if (!f->begin_due)
			return next(f, a, until, c_r, e);
		rc = first_message(f, until, e);
		if (rc <= 0)
			return rc;
		rc = f->look.on ? dir_feed_look_quiet(f, e) : 0;
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	f->begin_due = false;
	*c_r = (struct dir_change){.kind = DIR_BEGIN, .full = f->full, .look = f->look.on && f->look.next};
	return 1;
}

/* What the feed itself has to remember of a change. */
static void
note(struct dir_feed *f, const struct dir_change *c)
{
	if (c->kind == DIR_END) {
		if (f->on_log)
			f->gap_note[0] = '\0';
		f->force_full = f->gap_by_data = false;
	}
	dir_feed_look_heard(f, c);
	go_on_with_log(f, c);
}

int
dir_feed_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r, struct err *e)
{
	int rc;

	if (!f->open)
		return dir_feed_not_open(e);
	rc = f->ad ? dir_feed_ad_next(f, a, until, c_r, e) : tell(f, a, until, c_r, e);
	if (rc < 0) {
		dir_feed_look_lost(f);
		dir_feed_close(f);
		return err_cause(e, "feed");
	}
	if (rc == 0)
		*c_r = (struct dir_change){.kind = DIR_STALLED};
	else
		note(f, c_r);
	return 0;
}

bool
dir_feed_ready(struct dir_feed *f)
{
	struct err lost = ERR_INIT;

	if (!f->open)
		return false;
	if (f->ad && dir_feed_ad_ready(f))
		return true;
	if (f->look.idle || (f->ad && !dir_feed_ad_busy(f)))
		return false;
	/* A failure comes up again in dir_feed_next. */
	return f->held || dir_feed_wait(f, deadline_in(0), &f->held, &lost) != 0;
}

enum dir_guarantee
dir_feed_guarantee(const struct dir_feed *f)
{
	if (f->ad)
		return DIR_NET_CHANGE;
	return f->on_log ? DIR_EVERY_CHANGE : DIR_EVERY_CONNECTED;
}

const char *
dir_feed_source(const struct dir_feed *f)
{
	if (f->ad)
		return dir_feed_ad_source(f);
	if (f->look.on)
		return f->on_log ? "accesslog, polled" : "syncrepl, polled";
	return f->on_log ? "accesslog" : "syncrepl";
}

int64_t
dir_feed_poll_ms(const struct dir_feed *f)
{
	return f->look.on ? f->look.every_ms : 0;
}

const char *
dir_feed_note(const struct dir_feed *f)
{
	if (f->ad)
		return f->open ? dir_feed_ad_why(f) : "";
	return f->look.on && !f->look.always ? f->look.why : f->gap_note;
}

bool
dir_feed_sees_deleted(const struct dir_feed *f)
{
	return f->ad && f->open && f->ad->sees_deleted;
}

const char *
dir_feed_id_attr(const struct dir_feed *f)
{
	return f->id_attr;
}

const char *
dir_feed_uri(const struct dir_feed *f)
{
	return f->open ? f->c.uri->text : "";
}
