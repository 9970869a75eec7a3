/* SPDX-License-Identifier: Apache-2.0
 * Searches: entries handed on as they come, pages fetched on one connection, repeated once if a connection was stale.
 */
#include "dir/search.h"

#include <sys/time.h>

#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/filter_text.h"
#include "dir/ms.h"
#include "dir/result.h"

/* RFC 3876 2 */
static LDAPControl *
matched_control(const char *text)
{
	DH_CLEANUP(ber_done) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	LDAPControl *control = NULL;
	struct berval value = {0, NULL};

	if (ber && ldap_put_vrFilter(ber, text) != -1 && ber_flatten2(ber, &value, 0) != -1)
		ldap_control_create(LDAP_CONTROL_VALUESRETURNFILTER, 1, &value, 1, &control);
	return control;
}

/* Gives an entry to the caller: 0 go on, 1 stop, -1 failed. */
static int
hand_on(struct search *r, struct conn *c, LDAPMessage *msg, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *own = r->keep ? NULL : arena_new(4096);
	struct arena *a = r->keep ? r->a : own;
	const struct dir_flavour *fl = r->d->caps->flavour;
	struct dir_entry *en;
	int rc;

	if (dir_decode_open_entry(a, fl, c->ld, msg, &en, e) ||
	    (fl->ranged && dir_range_complete(a, c, fl, en, r->until, e)))
		return -1;
	if (r->s->size_limit > 0 && r->n == (size_t)r->s->size_limit) {
		r->failed = true;
		err_set(e, ERR_TOO_MANY, NULL);
		return err_cause(e, "search \"%s\" %s: more than %d entries", r->s->base, r->filter, r->s->size_limit);
	}
	r->n++;
	rc = r->fn(r->ctx, en, e);
	r->stopped |= rc > 0;
	r->failed |= rc < 0;
	return rc;
}

/* The end of a page: 1 more to come (cookie filled), 0 complete, -1 failed. */
static int
page_end(struct search *r, struct conn *c, LDAPMessage *msg, struct berval *cookie, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	DH_CLEANUP(str_free) char *text = NULL;
	DH_CLEANUP(str_free) char *matched = NULL;
	LDAPControl *page;
	ber_int_t estimate;
	int result = LDAP_OTHER;
	int rc = ldap_parse_result(c->ld, msg, &result, &matched, &text, NULL, &controls, 0);

	if (rc != LDAP_SUCCESS)
		result = rc;
	if (result != LDAP_SUCCESS) {
		const struct result res = {OP_SEARCH, r->s->base, result, text, matched};

		if (result == LDAP_BUSY || result == LDAP_UNAVAILABLE)
			r->again = AGAIN_BUSY;
		return dir_result_err(r->d->caps->flavour, &res, e);
	}
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){0, NULL};
	page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (page == NULL)
		return 0;
	if (ldap_parse_pageresponse_control(c->ld, page, &estimate, cookie) != LDAP_SUCCESS) {
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "the directory's paged results control cannot be decoded");
	}
	return cookie->bv_len > 0;
}

static int
send_page(struct search *r, struct conn *c, struct berval *cookie, int *msgid_r, struct err *e)
{
	static const int scopes[] = {
		[DIR_BASE] = LDAP_SCOPE_BASE, [DIR_ONE] = LDAP_SCOPE_ONELEVEL, [DIR_SUB] = LDAP_SCOPE_SUBTREE};
	DH_CLEANUP(control_free) LDAPControl *page = NULL;
	DH_CLEANUP(control_free) LDAPControl *values = NULL;
	const struct dir_search *s = r->s;
	/* The server need not work on it for longer than anybody waits. */
	struct timeval limit = {.tv_sec = (time_t)(deadline_left(r->until) / 1000 + 1)};
	const char *const *attrs = dir_range_attrs(r->a, r->d->caps->flavour, s->attrs);
	LDAPControl *controls[3] = {NULL};
	size_t n = 0;
	int rc;

	if (r->page_size > 0) {
		if (ldap_create_page_control(c->ld, r->page_size, cookie, 1, &page) != LDAP_SUCCESS)
			return err_set(e, ERR_INTERNAL, "the paged results control cannot be made");
		controls[n++] = page;
	}
	if (r->matched) {
		values = matched_control(r->matched);
		if (values == NULL)
			return err_set(e, ERR_INTERNAL, "the matched values control cannot be made");
		controls[n++] = values;
	}
	rc = ldap_search_ext(c->ld, s->base, scopes[s->scope], r->filter, (char **)(uintptr_t)attrs, 0, controls, NULL,
			     &limit, r->page_size > 0 ? 0 : s->size_limit, msgid_r);
	if (rc == LDAP_FILTER_ERROR || rc == LDAP_PARAM_ERROR || rc == LDAP_ENCODING_ERROR) {
		err_set(e, ERR_FILTER, NULL);
		return err_cause(e, "libldap does not accept the filter %s", r->filter);
	}
	return rc == LDAP_SUCCESS ? 0 : dir_conn_send_failed(c, rc, e);
}

/* What is left of a page that the caller wants no more of is read and dropped, of an unlimited answer abandoned: either
 * way the connection stays good for the next operation. */
int
dir_search_page(struct search *r, struct conn *c, struct berval *cookie, struct err *e)
{
	int msgid, stop = 0;

	if (send_page(r, c, cookie, &msgid, e)) {
		r->again = c->broken ? AGAIN_LOST : AGAIN_NO;
		return -1;
	}
	for (;;) {
		DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = NULL;

		if (dir_conn_wait(c, msgid, false, r->until, &msg, e)) {
			r->again = c->timed_out ? AGAIN_NO : AGAIN_LOST;
			return -1;
		}
		switch (ldap_msgtype(msg)) {
		case LDAP_RES_SEARCH_ENTRY:
			if (stop == 0)
				stop = hand_on(r, c, msg, e);
			if (stop == 0 || r->page_size > 0)
				break;
			if (ldap_abandon_ext(c->ld, msgid, NULL, NULL) != LDAP_SUCCESS)
				c->broken = true;
			return stop < 0 ? -1 : 0;
		case LDAP_RES_SEARCH_RESULT:
			if (stop != 0)
				return stop < 0 ? -1 : 0;
			return page_end(r, c, msg, cookie, e);
		default: /* continuation references are never followed */
			break;
		}
	}
}

static int
run_pages(struct search *r, struct conn *c, struct err *e)
{
	struct berval cookie = {0, NULL};
	int rc;

	do
		rc = dir_search_page(r, c, &cookie, e);
	while (rc == 1 && !r->stopped && !r->s->more_r);
	if (rc >= 0 && r->s->more_r)
		*r->s->more_r = rc == 1;
	ber_memfree(cookie.bv_val);
	return rc < 0 ? -1 : 0;
}

int
dir_search_prepare(struct search *r, struct err *e)
{
	const struct dir_search *s = r->s;

	if (s->filter == NULL)
		r->filter = arena_strdup(r->a, "(objectClass=*)");
	else if (dir_filter_text(r->a, s->filter, &r->filter, e))
		return -1;
	return s->matched ? dir_filter_values_text(r->a, s->matched, &r->matched, e) : 0;
}

/* Where pages have a limit, an answer without pages has the same one, silently or not. */
static bool
must_page(const struct dir_search *s, const struct dir_flavour *fl)
{
	return fl->max_page > 0 && s->scope != DIR_BASE && s->size_limit == 0 &&
	       (s->at_most == 0 || s->at_most > fl->max_page);
}

int
dir_search_adapt(struct search *r, struct err *e)
{
	const struct dir_search *s = r->s;
	const struct dir_flavour *fl = r->d->caps->flavour;

	r->page_size = s->page_size;
	if (must_page(s, fl) && (r->page_size == 0 || r->page_size > fl->max_page))
		r->page_size = fl->max_page;
	if (s->matched && !r->d->caps->matched_values)
		return err_set(e, ERR_DIR_UNSUPPORTED, NULL);
	return s->filter && fl->guid_id ? dir_filter_wire_text(r->a, fl, s->filter, &r->filter, e) : 0;
}

static int
run_uncounted(struct dir *d, struct arena *a, bool keep, const struct dir_search *s, deadline_t until, dir_entry_fn fn,
	      void *ctx, struct err *e)
{
	struct search r = {
		.d = d, .a = a, .keep = keep, .s = s, .until = dir_pool_deadline(d, until), .fn = fn, .ctx = ctx};
	int busy = 0, lost = 0;

	if (dir_search_prepare(&r, e))
		return -1;
	for (;;) {
		struct conn *c;
		int rc;

		r.again = AGAIN_NO;
		if (dir_pool_get(d, r.until, &c, e))
			return err_cause(e, "search \"%s\"", s->base);
		if (dir_search_adapt(&r, e)) {
			dir_pool_put(d, c);
			return -1;
		}
		rc = run_pages(&r, c, e);
		dir_pool_put(d, c);
		if (rc == 0)
			return 0;
		if (r.failed)
			return -1;
		/* Only while the caller has seen nothing: an entry must not come twice. */
		if (r.n == 0 && r.again == AGAIN_LOST && lost++ == 0)
			continue;
		if (r.n == 0 && r.again == AGAIN_BUSY && dir_pool_backoff(d, busy++, r.until))
			continue;
		return r.again == AGAIN_BUSY ? -1 : err_cause(e, "search \"%s\" %s", s->base, r.filter);
	}
}

static int
run_alone(struct dir *d, struct arena *a, bool keep, const struct dir_search *s, deadline_t until, dir_entry_fn fn,
	  void *ctx, struct err *e)
{
	struct err why = ERR_INIT;
	int64_t started = clock_mono_us();
	int rc = run_uncounted(d, a, keep, s, until, fn, ctx, &why);

	dir_count_op(d, OP_SEARCH, started, rc, &why);
	if (rc < 0 && e)
		*e = why;
	return rc;
}

static int
hand_on_found(const struct gathered *g, dir_entry_fn fn, void *ctx, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < g->n && rc == 0; i++)
		rc = fn(ctx, g->v[i], e);
	return rc < 0 ? -1 : 0;
}

int
dir_search_run(struct dir *d, struct arena *a, bool keep, const struct dir_search *s, deadline_t until, dir_entry_fn fn,
	       void *ctx, struct err *e)
{
	struct gathered g = {0};
	int rc = s->share == DIR_ALONE ? 0 : dir_gather(d, a, s, until, &g, e);

	if (rc < 0)
		return err_cause(e, "search \"%s\"", s->base);
	if (rc > 0)
		return hand_on_found(&g, fn, ctx, e);
	rc = run_alone(d, a, keep, s, until, fn, ctx, e);
	dir_gather_leave(d, &g);
	return rc;
}

struct one {
	const struct dir_entry *en;
	size_t n;
};

static int
take_one(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct one *one = ctx;

	one->en = en;
	one->n++;
	return 0;
}

int
dir_search_one(struct dir *d, struct arena *a, const struct dir_search *s, deadline_t until,
	       const struct dir_entry **en_r, struct err *e)
{
	struct dir_search two = *s;
	struct one one = {0};
	struct err why = ERR_INIT;
	int rc;

	two.page_size = 0;
	two.size_limit = 2;
	rc = dir_search_run(d, a, true, &two, until, take_one, &one, &why);
	if (one.n > 1) {
		err_set(e, ERR_CONFLICT, "more than one entry of the directory fits");
		return err_cause(e, "search \"%s\"", s->base);
	}
	/* A base object that is missing is the answer; a missing container says nothing about what was looked for in
	 * it. */
	if (rc < 0 && why.code == ERR_NOT_FOUND && s->scope == DIR_BASE)
		return 0;
	if (rc < 0) {
		if (e)
			*e = why;
		return -1;
	}
	if (one.n == 0)
		return 0;
	*en_r = one.en;
	return 1;
}
