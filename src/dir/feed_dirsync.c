/* SPDX-License-Identifier: Apache-2.0
 * Changes of Active Directory by DirSync ([MS-ADTS] 3.1.1.3.4.1.3): asked with a cookie, a domain controller tells the
 * objects of the whole domain that changed since, deleted ones too, of each the attributes that changed, and of a list
 * of links the values that came or went: a group of any size costs what changed of it.
 *
 *   no cookie, or one of another database or refused:
 *       a cookie for now (AD_MARK), then everything is read page by page (feed_poll.c), then a pass: what moved
 *       while it was read has not been missed
 *   a pass (AD_PASS): answers to the last one; of each answer first what is gone, so that a name is free before
 *       somebody else has it, then who is there, then groups, in the order of their numbers
 *
 * What is told of an entry is only that it changed: its attributes are read from the entry itself, which may be newer
 * and is then told of once more. That an entry is gone is told by DirSync alone and never concluded from a read that
 * does not find it: the right to replicate shows more than the right to read. */
#include <inttypes.h>
#include <stdlib.h>

#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/dirsync.h"
#include "dir/feed_ad.h"
#include "dir/ms.h"
#include "dir/result.h"
#include "dirhinge/base/strmap.h"

enum {
	GATHER_MAX = 10000, /* objects at once; the rest of the answer waits on the connection */
	GATHER_BYTES = 32 << 20,
	READ_AT_ONCE = 100,
};

/* One object that changed. */
struct found {
	const char *id, *dn;
	bool gone;  /* deleted, or not below a base */
	bool fresh; /* new in the domain */
	bool whole; /* new, undeleted, or all of its links are told */
	bool named; /* its name or place changed */
	struct dir_mods links;
	const struct dir_entry *entry; /* read, without links; NULL: not there any more, or not for this account */
	int64_t usn;
	size_t place; /* in the answer */
};

struct feed_dirsync {
	const char *const *asked;    /* attributes whose changes are told */
	const char *const *unlinked; /* what is read of an entry: all but its links */
	const char *const *anywhere; /* the domain, NULL-terminated */
	const char *base[2];
	const char *filter;
	uint32_t flags;
	struct buf given;  /* the cookie of the engine */
	struct buf cookie; /* the domain controller's last one; empty = none */
	bool more;         /* the last answer was not the end */
	bool answered;     /* it is complete, and all but its resume point is told */

	struct arena *a; /* of what is gathered; NULL = nothing */
	struct strmap *ids;
	struct found **all;
	size_t n, cap, at;
	bool ready; /* read and in order, from .at on to be told */
};

/* --- life --- */

static const char *const *
attrs_without(struct arena *a, const char *const *attrs, const char *const *without, const char *const *more)
{
	size_t n = 0, m = 0, kept = 0;

	while (attrs[n])
		n++;
	while (more && more[m])
		m++;

	const char **list = ARENA_ARRAY(a, n + m + 1, const char *);

	for (size_t i = 0; i < n + m; i++) {
		const char *s = i < n ? attrs[i] : more[i - n];
		bool skip = false;

		for (size_t k = 0; without[k] && !skip; k++)
			skip = i < n && str_caseeq(without[k], s);
		if (!skip)
			list[kept++] = s;
	}
	return list;
}

struct feed_dirsync *
dir_feed_dirsync_new(struct arena *a, const struct dir_feed *f)
{
	const struct dir_flavour *fl = f->d->caps->flavour;
	struct feed_dirsync *s = ARENA_NEW(a, struct feed_dirsync);
	const char *const links[] = {fl->ranged, NULL};
	/* Not replicated, or made up by each domain controller. */
	const char *const local[] = {fl->version_attr, "whenChanged", "modifiersName", "name", "isDeleted", NULL};
	static const char *const told[] = {"name", "isDeleted", NULL};

	s->unlinked = attrs_without(a, f->moved, links, NULL);
	s->asked = attrs_without(a, f->attrs, local, told);
	s->anywhere = s->base;
	/* The text is made by dir_filter_text(). A tombstone may have lost what the filter looks at. */
	s->filter = arena_printf(a, "(|(isDeleted=TRUE)%s)", f->filter); /* paste: ok */
	s->given = BUF_INIT(2 * DIRSYNC_COOKIE_MAX);
	s->cookie = BUF_INIT(DIRSYNC_COOKIE_MAX);
	return s;
}

static void
forget(struct feed_dirsync *s)
{
	arena_free(&s->a);
	s->all = NULL;
	s->n = s->cap = s->at = 0;
	s->ready = false;
}

void
dir_feed_dirsync_free(struct feed_dirsync **s)
{
	struct feed_dirsync *old = TAKE(*s);

	forget(old);
	buf_done(&old->given);
	buf_done(&old->cookie);
}

void
dir_feed_dirsync_close(struct dir_feed *f)
{
	forget(f->ad->sync);
	f->ad->sync->answered = f->ad->sync->more = false;
}

bool
dir_feed_dirsync_by_right(const struct dir_feed *f)
{
	return (f->ad->sync->flags & DIRSYNC_OBJECT_SECURITY) == 0;
}

struct strv
dir_feed_dirsync_given(const struct dir_feed *f)
{
	return buf_view(&f->ad->sync->given);
}

bool
dir_feed_dirsync_pending(const struct dir_feed *f)
{
	return f->ad->sync->ready || f->ad->sync->answered;
}

/* --- asking --- */

static int
ask(struct dir_feed *f, const char *filter, const char *const *attrs, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	DH_CLEANUP(control_free) LDAPControl *control = NULL;
	struct feed_ad *ad = f->ad;
	LDAPControl *controls[2] = {NULL};
	struct strv value;
	struct berval bv;
	int rc;

	if (dir_dirsync_request(a, ad->sync->flags, buf_view(&ad->sync->cookie), &value, e))
		return -1;
	bv = strv_bv(value);
	if (ldap_control_create(DIRSYNC_OID, 1, &bv, 1, &control) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the DirSync control cannot be made");
	controls[0] = control;
	f->s[0] = (struct feed_search){.base = ad->context, .msgid = -1};
	rc = ldap_search_ext(f->c.ld, ad->context, LDAP_SCOPE_SUBTREE, filter, (char **)(uintptr_t)attrs, 0, controls,
			     NULL, NULL, 0, &f->s[0].msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	f->n_searches = 1;
	return 0;
}

int
dir_feed_dirsync_pass(struct dir_feed *f, struct err *e)
{
	f->ad->phase = AD_PASS;
	return ask(f, f->ad->sync->filter, f->ad->sync->asked, e);
}

/* Nothing is wanted but a resume point: hardly any object fits, and its only attribute never changes. */
static int
ask_mark(struct dir_feed *f, struct err *e)
{
	const char *const id[] = {f->id_attr, NULL};

	f->ad->phase = AD_MARK;
	return ask(f, "(objectClass=domainDNS)", id, e);
}

/* From the engine's resume point, if it was made the same way. */
static int
begin(struct dir_feed *f, bool from_cookie, struct err *e)
{
	struct feed_ad *ad = f->ad;
	struct feed_dirsync *s = ad->sync;
	struct dirsync_mark m;

	f->full = f->force_full || !from_cookie || !dir_dirsync_mark_parse(buf_view(&s->given), &m) ||
		  !str_eq(m.invocation, ad->invocation) || m.flags != s->flags;
	buf_reset(&s->cookie);
	ad->usn = 0;
	if (f->full)
		return ask_mark(f, e);
	if (m.usn > ad->next)
		return dir_feed_ad_behind(f, ad->next, m.usn, e);
	ad->usn = m.usn;
	buf_addv(&s->cookie, m.cookie);
	return dir_feed_dirsync_pass(f, e);
}

int
dir_feed_dirsync_start(struct dir_feed *f, struct strv cookie, int64_t now, struct err *e)
{
	struct feed_dirsync *s = f->ad->sync;

	s->base[0] = f->ad->context;
	s->flags = DIRSYNC_INCREMENTAL;
	f->ad->next = now;
	buf_reset(&s->given);
	buf_addv(&s->given, cookie);
	return begin(f, true, e);
}

/* --- is it answered? --- */

static const char no_right[] = "the account may not replicate the domain (DS-Replication-Get-Changes)";

static int
refused(struct dir_feed *f, const char *why, struct err *e)
{
	f->ad->why = why;
	return err_set(e, ERR_DIR_UNSUPPORTED, "%s", why);
}

/* 1 asked in another way, -1 with the reason. */
static int
ask_again(struct dir_feed *f, LDAPMessage *res, struct err *e)
{
	struct feed_ad *ad = f->ad;
	struct feed_dirsync *s = ad->sync;

	switch (dir_feed_result_code(f, res)) {
	case LDAP_INSUFFICIENT_ACCESS:
		if (ad->wish != DIR_DIRSYNC_OBJECT_SECURITY)
			return refused(f, no_right, e);
		if (!ad->sees_deleted)
			return refused(f, "the account may neither replicate the domain nor read the deleted objects",
				       e);
		if (s->flags & DIRSYNC_OBJECT_SECURITY)
			return refused(f, "the domain controller refuses DirSync, with object security as well", e);
		s->flags |= DIRSYNC_OBJECT_SECURITY;
		ad->why = no_right;
		return begin(f, true, e) ? -1 : 1;
	case LDAP_TIMELIMIT_EXCEEDED:
	case LDAP_ADMINLIMIT_EXCEEDED:
	case LDAP_BUSY:
	case LDAP_UNAVAILABLE:
		return err_failed(dir_feed_ended(f, &f->s[0], res, e));
	default:
		break;
	}
	/* Samba says 12, Windows has several ways to say so. */
	if (!f->full)
		return begin(f, false, e) ? -1 : 1;
	(void)!dir_feed_ended(f, &f->s[0], res, e);
	return refused(f, "the domain controller does not answer DirSync", e);
}

int
dir_feed_dirsync_decide(struct dir_feed *f, deadline_t until, struct err *e)
{
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
		int rc = f->held ? 1 : dir_feed_wait(f, until, &f->held, e);

		if (rc <= 0)
			return rc;
		if (ldap_msgtype(f->held) != LDAP_RES_SEARCH_RESULT || dir_feed_result_code(f, f->held) == LDAP_SUCCESS)
			return 1;
		res = TAKE(f->held);
		if (ask_again(f, res, e) < 0)
			return -1;
	}
}

/* --- what an answer tells --- */

static struct found *
found_new(struct feed_dirsync *s, const char *id)
{
	struct found *o = ARENA_NEW(s->a, struct found);

	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct found **all = ARENA_ARRAY(s->a, cap, struct found *);

		if (s->n)
			memcpy(all, s->all, s->n * sizeof(*all)); /* NOLINT(bugprone-sizeof-expression) */
		s->all = all;
		s->cap = cap;
	}
	o->id = id;
	o->place = s->n;
	dir_mods_init(&o->links, s->a);
	s->all[s->n++] = o;
	strmap_put(s->ids, strv_of(id), o);
	return o;
}

static void
note_attr(struct found *o, const struct dir_attr *at, const char *ranged)
{
	enum dirsync_links links = dir_dirsync_links(at->name, ranged);

	/* A new object is told with its class, one that was undeleted with the mark that it has no more. */
	o->fresh |= str_caseeq(at->name, "objectClass");
	o->whole |= o->fresh || str_caseeq(at->name, "isDeleted") || links == DIRSYNC_ALL;
	o->named |= str_caseeq(at->name, "name");
	if (links != DIRSYNC_CAME && links != DIRSYNC_WENT)
		return;
	for (size_t i = 0; i < at->n; i++)
		dir_mods_value(&o->links, links == DIRSYNC_CAME ? DIR_MOD_ADD : DIR_MOD_DELETE, ranged, at->values[i]);
}

static int
gather(struct dir_feed *f, LDAPMessage *msg, struct err *e)
{
	const struct dir_flavour *fl = f->d->caps->flavour;
	struct feed_dirsync *s = f->ad->sync;
	struct dir_entry *en;
	struct found *o;

	if (s->a == NULL) {
		s->a = arena_new(65536);
		s->ids = strmap_new(s->a, true);
	}
	if (dir_decode_open_entry(s->a, fl, f->c.ld, msg, &en, e))
		return -1;

	struct strv id = dir_entry_first(en, fl->id_attr);

	if (id.n == 0)
		return dir_feed_ad_no_id(f, en, e);
	/* An object may come in several parts. */
	o = strmap_get(s->ids, id);
	if (o == NULL)
		o = found_new(s, id.p);
	o->dn = en->dn;
	o->gone = strv_caseeq(dir_entry_first(en, "isDeleted"), STRV("TRUE")) || !dir_feed_in_bases(f, en->dn);
	for (size_t i = 0; i < en->n_attrs; i++)
		note_attr(o, &en->attrs[i], fl->ranged);
	return 0;
}

static int
on_read(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct dir_feed *f = ctx;
	struct found *o = strmap_get(f->ad->sync->ids, dir_entry_first(en, f->id_attr));

	if (o == NULL)
		return 0;
	/* Whatever groups it is in already will be told of, as they have changed later. */
	o->entry = o->fresh ? dir_feed_ad_without(f->ad->sync->a, en, f->d->caps->flavour->member_of) : en;
	/* It may have gone on since the answer. */
	o->gone = !dir_feed_in_bases(f, en->dn);
	if (!dir_usn_parse(dir_entry_first(en, f->d->caps->flavour->version_attr), &o->usn))
		o->usn = 0;
	return 0;
}

static bool
is_group(const struct found *o)
{
	return o->entry && dir_entry_is_a(o->entry, "group");
}

static int
rank(const struct found *o)
{
	return o->gone ? 0 : !is_group(o) ? 1 : 2;
}

static int
by_order(const void *a, const void *b)
{
	const struct found *x = *(const struct found *const *)a, *y = *(const struct found *const *)b;

	if (rank(x) != rank(y))
		return rank(x) < rank(y) ? -1 : 1;
	if (x->usn != y->usn)
		return x->usn < y->usn ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Reads what was gathered and puts it in order. */
static int
resolve(struct dir_feed *f, struct err *e)
{
	struct feed_dirsync *s = f->ad->sync;
	const char **ids;
	size_t n = 0;

	if (s->n == 0)
		return 0;
	ids = ARENA_ARRAY(s->a, s->n, const char *);
	for (size_t i = 0; i < s->n; i++)
		if (!s->all[i]->gone)
			ids[n++] = s->all[i]->id;
	/* A time limit for each: it takes what it takes, as long as the domain controller goes on answering. */
	for (size_t at = 0; at < n; at += READ_AT_ONCE)
		if (dir_feed_fetch_below(f, s->a, s->anywhere, s->unlinked, ids + at,
					 n - at < READ_AT_ONCE ? n - at : READ_AT_ONCE, deadline_in(f->d->timeout_ms),
					 on_read, f, e))
			return -1;
	qsort(s->all, s->n, sizeof(*s->all), by_order); /* NOLINT(bugprone-sizeof-expression) */
	s->ready = true;
	return 0;
}

/* The answer is complete. */
static int
on_result(struct dir_feed *f, LDAPMessage *msg, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct feed_dirsync *s = f->ad->sync;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, NULL, NULL, &controls, 0);
	LDAPControl *control = ldap_control_find(DIRSYNC_OID, controls, NULL);
	struct dirsync_done done;

	if (rc == LDAP_SUCCESS && code == LDAP_INSUFFICIENT_ACCESS) {
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "%s: the right to replicate the domain was taken away", f->c.uri->text);
	}
	if (rc != LDAP_SUCCESS || code != LDAP_SUCCESS)
		return err_failed(dir_feed_ended(f, &f->s[0], msg, e));
	if (control == NULL ||
	    dir_dirsync_done(a, strv_n(control->ldctl_value.bv_val, control->ldctl_value.bv_len), &done, e)) {
		struct err why = e && control ? *e : (struct err)ERR_INIT;

		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "%s: the answer to DirSync has no resume point %s", f->c.uri->text, why.detail);
	}
	buf_reset(&s->cookie);
	buf_addv(&s->cookie, done.cookie);
	s->more = done.more;
	f->n_searches = 0;
	if (f->ad->phase == AD_MARK && done.more)
		return ask_mark(f, e);
	if (f->ad->phase == AD_MARK) {
		f->ad->phase = AD_LIVE;
		return dir_feed_poll_scan(f, e);
	}
	s->answered = true;
	return resolve(f, e);
}

int
dir_feed_dirsync_message(struct dir_feed *f, LDAPMessage *msg, struct err *e)
{
	struct feed_dirsync *s = f->ad->sync;

	if (ldap_msgtype(msg) == LDAP_RES_SEARCH_RESULT)
		return on_result(f, msg, e);
	if (ldap_msgtype(msg) != LDAP_RES_SEARCH_ENTRY || f->ad->phase == AD_MARK)
		return 0;
	if (gather(f, msg, e))
		return -1;
	return s->n >= GATHER_MAX || arena_used(s->a) >= GATHER_BYTES ? resolve(f, e) : 0;
}

/* --- telling --- */

static int
keep_whole(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 0;
}

/* The change of a group that is known: from whatever it was to what it is now, and of its links what came and went. */
static const struct dir_op *
group_op(struct dir_feed *f, struct arena *a, const struct found *o, const struct dir_entry *en)
{
	struct dir_op *op = ARENA_NEW(a, struct dir_op);
	struct dir_mods *mods = ARENA_NEW(a, struct dir_mods);

	dir_mods_init(mods, a);
	for (const char *const *attr = f->ad->sync->unlinked; *attr; attr++) {
		if (str_caseeq(*attr, f->d->caps->flavour->member_of))
			continue;

		const struct dir_attr *at = dir_entry_attr(en, *attr);

		dir_mods_replace(mods, *attr, at ? at->values : NULL, at ? at->n : 0);
	}
	for (size_t i = 0; i < o->links.n; i++)
		for (size_t k = 0; k < o->links.mods[i].n; k++)
			dir_mods_value(mods, o->links.mods[i].op, o->links.mods[i].attr, o->links.mods[i].values[k]);
	*op = (struct dir_op){.kind = DIR_OP_RENAME, .dn = en->dn, .new_dn = en->dn, .mods = mods};
	return op;
}

/* 1 *c_r is filled, 0 nothing to tell of it, -1 failed. What was gathered may be gone before what is told of it. */
static int
tell(struct dir_feed *f, struct arena *a, struct found *o, struct dir_change *c_r, struct err *e)
{
	const char **id = ARENA_ARRAY(a, 1, const char *);
	struct dir_change c = {.kind = DIR_DELETE, .ids = id, .n_ids = 1};
	const struct dir_entry *en;

	id[0] = arena_strdup(a, o->id);
	if (o->gone) {
		*c_r = c;
		return 1;
	}
	if (o->entry == NULL)
		return 0;
	en = dir_entry_copy(a, o->entry);
	c.kind = DIR_ENTRY;
	c.entry = en;
	/* In a refresh a name may still be somebody else's, which only whole entries can wait for. */
	if (is_group(o) && (o->whole || f->full || (f->refreshing && o->named))) {
		const struct dir_entry *whole = NULL;

		if (dir_feed_fetch(f, a, &o->id, 1, deadline_in(f->d->timeout_ms), keep_whole, &whole, e))
			return -1;
		/* Moved or deleted meanwhile, as will be told. */
		if (whole == NULL)
			return 0;
		c.entry = whole;
	} else if (is_group(o)) {
		c.kind = DIR_OP;
		c.entry = NULL;
		c.op = group_op(f, a, o, en);
	}
	c.dn = arena_strdup(a, o->dn);
	c.csn = dir_entry_first(c.entry ? c.entry : en, f->d->caps->flavour->version_attr).p;
	*c_r = c;
	return 1;
}

/* All of an answer is told: from here on if the connection is lost, or the answer that follows. 1, 0 or -1. */
static int
answer_done(struct dir_feed *f, struct arena *a, struct dir_change *c_r, struct err *e)
{
	struct feed_ad *ad = f->ad;
	struct feed_dirsync *s = ad->sync;
	/* Until the last answer only the number of before is certain. */
	struct dirsync_mark m = {
		.flags = s->flags, .usn = s->more ? ad->usn : ad->next, .cookie = buf_view(&s->cookie)};
	bool end = f->refreshing && !s->more, full = f->full;

	s->answered = false;
	memcpy(m.invocation, ad->invocation, sizeof(m.invocation));
	if (s->more && dir_feed_dirsync_pass(f, e))
		return -1;
	if (!s->more)
		dir_feed_ad_rest(f);
	/* In a refresh only its end is a place to go on from. */
	if (f->refreshing && s->more)
		return 0;
	if (end)
		f->refreshing = f->full = false;
	*c_r = (struct dir_change){.kind = end ? DIR_END : DIR_COOKIE,
				   .full = end && full,
				   .deletes_told = end && !full,
				   .cookie = dir_dirsync_mark_text(a, &m)};
	return 1;
}

int
dir_feed_dirsync_tell(struct dir_feed *f, struct arena *a, struct dir_change *c_r, struct err *e)
{
	struct feed_dirsync *s = f->ad->sync;

	while (s->ready && s->at < s->n) {
		int rc = tell(f, a, s->all[s->at++], c_r, e);

		if (rc != 0)
			return rc;
	}
	if (s->ready)
		forget(s);
	return s->answered ? answer_done(f, a, c_r, e) : 0;
}
