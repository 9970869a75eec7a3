/* SPDX-License-Identifier: Apache-2.0
 * refreshOnly (RFC 4533 3.3) in place of refreshAndPersist. A server or a proxy may refuse to hold a search open, and a
 * load balancer or firewall may cut whatever says nothing for a while, which costs a refresh and a comparison each
 * time. Then the directory is looked at every few seconds over the same resume points. Whether a search can be held
 * open again is tried from time to time, with longer and longer pauses. */
#include "dir/feed_look.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "dir/cleanup.h"
#include "dir/feed_log.h"
#include "dir/syncmsg.h"

enum {
	EVERY_MS = 5000,
	AGAIN_MS = 30 * 1000,
	AGAIN_MAX_MS = 60 * 60 * 1000,
	SHORT_MS = 90 * 1000, /* a search held open for no longer than this has not been worth its refresh */
	SILENT_MS = 1000, /* a server that stops or dies is rarely silent before; an idle limit always finds silence */
	CUTS = 5,         /* such searches in a row, the server being there again at once each time */
	LOAD = 10,        /* times as long as a look took nothing is asked */
	LIST_MS = 60 * 1000, /* where deletions are not told reliably */
};

void
dir_feed_look_init(struct dir_feed *f, const struct dir_feed_opts *opts)
{
	f->look = (struct feed_look){
		.always = opts->poll,
		.every_ms = opts->poll_ms > 0 ? opts->poll_ms : EVERY_MS,
		.again_ms = opts->persist_again_ms > 0 ? opts->persist_again_ms : AGAIN_MS,
	};
	f->look.pause_ms = f->look.again_ms;
}

/* --- to hold open or not --- */

void
dir_feed_look_choose(struct dir_feed *f)
{
	struct feed_look *l = &f->look;
	bool before = l->on;

	l->on = l->always || deadline_left(l->persist_at) > 0;
	l->trial = before && !l->on;
	l->idle = l->asking = l->ended = false;
}

/* From now on, until it is tried again. */
static void
stay(struct feed_look *l)
{
	l->on = true;
	l->asking = l->trial = false;
	l->cuts = 0;
	l->persist_at = deadline_in(l->pause_ms);
	l->pause_ms = l->pause_ms * 2 < AGAIN_MAX_MS ? l->pause_ms * 2 : AGAIN_MAX_MS;
}

static const int refusals[] = {
	LDAP_PROTOCOL_ERROR,      LDAP_TIMELIMIT_EXCEEDED,
	LDAP_ADMINLIMIT_EXCEEDED, LDAP_UNAVAILABLE_CRITICAL_EXTENSION,
	LDAP_INSUFFICIENT_ACCESS, LDAP_UNWILLING_TO_PERFORM,
};

bool
dir_feed_look_instead(struct dir_feed *f, int code)
{
	struct feed_look *l = &f->look;

	for (size_t i = 0; !l->on && i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i] != code)
			continue;
		snprintf(l->why, sizeof(l->why),
			 "%s refuses to hold a search open (refreshAndPersist): %s (%d); let the account do so, on the "
			 "server and whatever stands before it",
			 f->c.uri->text, ldap_err2string(code), code);
		l->on = l->asking = true;
		return true;
	}
	return false;
}

void
dir_feed_look_give_up(struct dir_feed *f)
{
	if (f->look.asking)
		f->look.on = f->look.asking = false;
}

void
dir_feed_look_taken(struct dir_feed *f)
{
	if (f->look.asking)
		stay(&f->look);
}

void
dir_feed_look_heard(struct dir_feed *f, const struct dir_change *c)
{
	struct feed_look *l = &f->look;

	l->heard_at = clock_mono_ms();
	if (c->kind == DIR_END)
		l->live_at = l->heard_at;
	if (!f->refreshing && l->heard_at - l->live_at >= SHORT_MS && !l->on) {
		l->cuts = 0;
		l->pause_ms = l->again_ms;
		l->trial = false;
	}
}

void
dir_feed_look_lost(struct dir_feed *f)
{
	struct feed_look *l = &f->look;
	int64_t now = clock_mono_ms(), lived = now - l->live_at, silent = now - l->heard_at;

	if (f->ad || l->on || (!f->c.broken && !l->ended))
		return;
	if (f->refreshing) {
		/* A server that knows no persist phase ends with the refresh. */
		if (l->ended) {
			snprintf(l->why, sizeof(l->why), "%s ends the search with its refresh", f->c.uri->text);
			stay(l);
		}
		return;
	}
	if (lived >= SHORT_MS)
		l->pause_ms = l->again_ms;
	if (lived >= SHORT_MS || (lived >= SILENT_MS && silent < SILENT_MS)) {
		l->cuts = 0;
		return;
	}
	if (++l->cuts < CUTS && !l->trial)
		return;
	snprintf(
		l->why, sizeof(l->why),
		"%s: searches held open are cut within %d s of their refresh, again and again; raise the idle limit of "
		"the server and of every load balancer and firewall before it",
		f->c.uri->text, SHORT_MS / 1000);
	stay(l);
}

/* --- looking --- */

static struct feed_search *
search_of(struct dir_feed *f, LDAPMessage *msg)
{
	for (size_t i = 0; i < f->n_searches; i++)
		if (f->s[i].msgid == ldap_msgid(msg))
			return &f->s[i];
	return NULL;
}

int
dir_feed_look_done(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct sync_done *d_r,
		   struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	LDAPControl *done;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, NULL, NULL, &controls, 0);

	if (rc != LDAP_SUCCESS || code != LDAP_SUCCESS)
		return err_failed(dir_feed_ended(f, s, msg, e));
	done = ldap_control_find(LDAP_CONTROL_SYNC_DONE, controls, NULL);
	if (done == NULL || dir_sync_done(a, strv_n(done->ldctl_value.bv_val, done->ldctl_value.bv_len), d_r, e)) {
		f->c.broken = true;
		err_set(e, ERR_UNAVAILABLE, "the directory's sync messages cannot be understood");
		return err_cause(e, "%s: a search that ends without its sync done control", f->c.uri->text);
	}
	return 0;
}

static void
rest(struct dir_feed *f)
{
	struct feed_look *l = &f->look;
	int64_t took = l->next ? clock_mono_ms() - l->began : 0;

	l->idle = true;
	l->due = deadline_in(took * LOAD > l->every_ms ? took * LOAD : l->every_ms);
}

int
dir_feed_look_quiet(struct dir_feed *f, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct feed_search *s = search_of(f, f->held);
	struct sync_done d = {0};

	if (!f->look.next || s == NULL || ldap_msgtype(f->held) != LDAP_RES_SEARCH_RESULT)
		return 0;
	if (dir_feed_look_done(f, a, s, f->held, &d, e))
		return -1;
	/* With another resume point something was there, be it that everything is hidden from the account by now. */
	if (d.cookie.n && (!f->opaque || !strv_eq(d.cookie, buf_view(&f->opaque_bytes))))
		return 0;
	if (f->opaque && deadline_left(f->look.list_due) == 0)
		return 0;
	dir_conn_msg_free(&f->held);
	f->held = NULL;
	s->done = true;
	s->msgid = -1;
	for (size_t i = 0; i < f->n_searches; i++)
		if (!f->s[i].done)
			return 1;
	f->begin_due = f->refreshing = false;
	rest(f);
	return 1;
}

void
dir_feed_look_over(struct dir_feed *f, struct dir_change *c)
{
	if (!f->look.on)
		return;
	rest(f);
	if (f->opaque) {
		/* 389 DS says in every answer that what was not sent is gone (directories.md 5): nothing is concluded
		 * from that, and the lists are compared. */
		c->compare = true;
		f->look.list_due = deadline_in(LIST_MS);
	}
}

/* The next look: over the connection if it is still there. Somebody who cuts connections that are silent is no reason
 * to begin anew. */
static int
look(struct dir_feed *f, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	deadline_t until = deadline_in(f->d->timeout_ms);
	struct strv cookie = dir_feed_resume_point(f, a);
	int64_t began = clock_mono_ms();

	if (!dir_conn_alive(&f->c)) {
		int rc = dir_feed_open(f, cookie, until, e);

		f->look.next = true;
		f->look.began = began;
		return rc;
	}
	if (dir_feed_check_bases(f, until, e))
		return -1;
	if (f->on_log && deadline_left(f->check_at) == 0) {
		f->check_at = deadline_in(CHECK_EVERY_MS);
		if (dir_feed_log_check(f, until, e))
			return -1;
	}
	dir_feed_look_choose(f);
	f->look.next = true;
	f->look.began = began;
	cookie = dir_feed_askable(f, cookie);
	if (f->on_log && cookie.p)
		return dir_feed_log_start(f, &f->s[0].seen, false, e);
	return dir_feed_data_start(f, cookie, until, e);
}

int
dir_feed_look_wait(struct dir_feed *f, deadline_t until, struct err *e)
{
	struct pollfd pfd = {.fd = f->wake, .events = POLLIN};
	uint64_t n;

	while (deadline_left(f->look.due) > 0) {
		int64_t ms = deadline_left(deadline_min(until, f->look.due));

		if (ms == 0)
			break;
		if (poll(&pfd, 1, ms > EVERY_MS ? EVERY_MS : (int)ms) > 0 &&
		    read(f->wake, &n, sizeof(n)) == (ssize_t)sizeof(n))
			return 0;
	}
	if (deadline_left(f->look.due) > 0)
		return 0;
	return look(f, e) ? -1 : 1;
}
