/* SPDX-License-Identifier: Apache-2.0
 * Plain searches beside the feed, on the same server: lists for reconciliation, entries by sync id. */
#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/feed_priv.h"
#include "dir/filter_text.h"
#include "dir/ms.h"
#include "dir/result.h"

enum { FETCH_AT_ONCE = 100, LIST_STALL_MS = 15000 };

static int
query_ended(struct dir_feed *f, struct conn *c, const struct feed_query *q, LDAPMessage *msg, struct berval *page,
	    struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	DH_CLEANUP(str_free) char *text = NULL;
	DH_CLEANUP(str_free) char *matched = NULL;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(c->ld, msg, &code, &matched, &text, NULL, &controls, 0);
	const struct result r = {OP_SEARCH, q->base, rc ? rc : code, text, matched};
	LDAPControl *more = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	ber_memfree(page->bv_val);
	*page = (struct berval){0, NULL};
	if (r.rc == LDAP_SUCCESS && more &&
	    ldap_parse_pageresponse_control(c->ld, more, &estimate, page) != LDAP_SUCCESS) {
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "%s: the paged results control cannot be decoded", c->uri->text);
	}
	if (r.rc == LDAP_SUCCESS || (r.rc == LDAP_SIZELIMIT_EXCEEDED && q->size_limit > 0))
		return 0;
	dir_result_err(f->d->caps->flavour, &r, e);
	return err_cause(e, "%s", c->uri->text);
}

static int
hand_on(struct dir_feed *f, struct conn *c, LDAPMessage *msg, struct arena *a, deadline_t until, dir_entry_fn fn,
	void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *own = a ? NULL : arena_new(1024);
	const struct dir_flavour *fl = f->d->caps->flavour;
	struct dir_entry *en;

	if (dir_decode_open_entry(a ? a : own, fl, c->ld, msg, &en, e) ||
	    (fl->ranged && dir_range_complete(a ? a : own, c, fl, en, until, e)))
		return -1;
	return fn(ctx, en, e);
}

/* Where pages have a limit an answer without pages has the same one. */
static int
send_query(struct dir_feed *f, struct conn *c, const struct feed_query *q, struct berval *page, int *msgid_r,
	   struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	DH_CLEANUP(control_free) LDAPControl *paged = NULL;
	const struct dir_flavour *fl = f->d->caps->flavour;
	const char *const *attrs = dir_range_attrs(a, fl, q->attrs);
	LDAPControl *controls[2] = {NULL};
	int rc;

	if (fl->max_page > 0 && q->scope != LDAP_SCOPE_BASE && q->size_limit == 0) {
		if (ldap_create_page_control(c->ld, fl->max_page, page, 1, &paged) != LDAP_SUCCESS)
			return err_set(e, ERR_INTERNAL, "the paged results control cannot be made");
		controls[0] = paged;
	}
	rc = ldap_search_ext(c->ld, q->base, q->scope, q->filter, (char **)(uintptr_t)attrs, 0, controls, NULL, NULL,
			     q->size_limit, msgid_r);
	return rc == LDAP_SUCCESS ? 0 : err_failed(dir_conn_send_failed(c, rc, e));
}

/* 1 the caller has had enough, 0 all of the page, -1 failed. */
static int
query_page(struct dir_feed *f, struct conn *c, const struct feed_query *q, struct arena *a, deadline_t until,
	   struct berval *page, dir_entry_fn fn, void *ctx, struct err *e)
{
	int msgid, rc;

	if (send_query(f, c, q, page, &msgid, e))
		return -1;
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = NULL;
		deadline_t next = q->stall_ms > 0 ? deadline_min(until, deadline_in(q->stall_ms)) : until;

		if (dir_conn_wait(c, msgid, false, next, &msg, e))
			return -1;
		if (ldap_msgtype(msg) == LDAP_RES_SEARCH_RESULT)
			return query_ended(f, c, q, msg, page, e) ? -1 : 0;
		if (ldap_msgtype(msg) != LDAP_RES_SEARCH_ENTRY)
			continue;
		rc = hand_on(f, c, msg, a, until, fn, ctx, e);
		if (rc == 0)
			continue;
		ldap_abandon_ext(c->ld, msgid, NULL, NULL);
		return rc < 0 ? -1 : 1;
	}
}

int
dir_feed_query(struct dir_feed *f, struct conn *c, const struct feed_query *q, struct arena *a, deadline_t until,
	       dir_entry_fn fn, void *ctx, struct err *e)
{
	struct berval page = {0, NULL};
	int rc;

	do
		rc = query_page(f, c, q, a, until, &page, fn, ctx, e);
	while (rc == 0 && page.bv_len > 0);
	ber_memfree(page.bv_val);
	return rc < 0 ? -1 : 0;
}

struct listing {
	struct dir_feed *f;
	dir_listed_fn fn;
	void *ctx;
};

static const char *
text_of(const struct dir_entry *en, const char *attr)
{
	struct strv v = dir_entry_first(en, attr);

	return v.n ? v.p : NULL;
}

static int
list_one(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct listing *l = ctx;
	const char *id = text_of(en, l->f->id_attr);

	if (id == NULL) {
		err_set(e, ERR_FORBIDDEN, NULL);
		return err_cause(e, "\"%s\": let the account read %s", en->dn, l->f->id_attr);
	}
	return l->fn(l->ctx, id, text_of(en, l->f->d->caps->flavour->version_attr), en->dn, e);
}

int
dir_feed_list(struct dir_feed *f, deadline_t until, dir_listed_fn fn, void *ctx, struct err *e)
{
	const char *attrs[] = {NULL, NULL, NULL};

	/* A long list is no reason to wait long for a server that says nothing. */
	if (dir_feed_side(f, deadline_min(until, deadline_in(LIST_STALL_MS)), e))
		return err_cause(e, "feed: list");
	attrs[0] = f->id_attr;
	attrs[1] = f->d->caps->flavour->version_attr;
	for (size_t i = 0; i < f->n_bases; i++) {
		struct listing l = {.f = f, .fn = fn, .ctx = ctx};
		const struct feed_query q = {
			.base = f->bases[i],
			.scope = LDAP_SCOPE_SUBTREE,
			.filter = f->filter,
			.attrs = attrs,
			.stall_ms = LIST_STALL_MS,
		};

		if (dir_feed_query(f, &f->side, &q, NULL, until, list_one, &l, e))
			return err_cause(e, "feed: list");
	}
	return 0;
}

static int
fetch_some(struct dir_feed *f, struct arena *a, const char *const *bases, const char *const *attrs,
	   const char *const *ids, size_t n, deadline_t until, dir_entry_fn fn, void *ctx, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(8192);
	const struct dir_filter **nodes = ARENA_ARRAY(tmp, n, const struct dir_filter *);
	char *wanted;

	for (size_t i = 0; i < n; i++)
		nodes[i] = dir_f_eq(tmp, f->id_attr, strv_of(ids[i]));
	if (dir_filter_wire_text(tmp, f->d->caps->flavour, dir_f_or(tmp, nodes, n), &wanted, e))
		return -1;
	for (; *bases; bases++) {
		const struct feed_query q = {.base = *bases,
					     .scope = LDAP_SCOPE_SUBTREE,
					     .filter = arena_printf(tmp, "(&%s%s)", wanted, f->filter),
					     .attrs = attrs};

		if (dir_feed_query(f, &f->side, &q, a, until, fn, ctx, e))
			return -1;
	}
	return 0;
}

int
dir_feed_fetch_below(struct dir_feed *f, struct arena *a, const char *const *bases, const char *const *attrs,
		     const char *const *ids, size_t n, deadline_t until, dir_entry_fn fn, void *ctx, struct err *e)
{
	if (n > 0 && dir_feed_side(f, until, e))
		return err_cause(e, "feed: fetch");
	for (size_t at = 0; at < n; at += FETCH_AT_ONCE) {
		size_t some = n - at < FETCH_AT_ONCE ? n - at : FETCH_AT_ONCE;

		if (fetch_some(f, a, bases, attrs, ids + at, some, until, fn, ctx, e))
			return err_cause(e, "feed: fetch");
	}
	return 0;
}

int
dir_feed_fetch(struct dir_feed *f, struct arena *a, const char *const *ids, size_t n, deadline_t until, dir_entry_fn fn,
	       void *ctx, struct err *e)
{
	return dir_feed_fetch_below(f, a, f->bases, f->moved, ids, n, until, fn, ctx, e);
}
