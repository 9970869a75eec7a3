/* SPDX-License-Identifier: Apache-2.0
 * Paged searches that stay open. The server keeps their place by connection: anything else that pages on it would end
 * them, so that it leaves the pool for as long. */
#include "dirhinge/dir/stream.h"

#include "dir/result.h"
#include "dir/search.h"

struct dir_stream {
	struct dir *d;
	struct arena *a; /* holds the struct itself */
	struct conn *c;
	struct dir_search s;
	char *filter;
	int max_page; /* 0 = no limit */
	struct berval cookie;
	bool over;
};

static const char *const *
copy_attrs(struct arena *a, const char *const *attrs)
{
	size_t n = 0;

	while (attrs && attrs[n])
		n++;
	if (attrs == NULL)
		return NULL;

	const char **copy = ARENA_ARRAY(a, n + 1, const char *);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, attrs[i]);
	copy[n] = NULL;
	return copy;
}

struct dir_stream *
dir_stream_open(struct dir *d, const struct dir_search *s)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct dir_stream *st = ARENA_NEW(a, struct dir_stream);
	struct search r = {.d = d, .a = a, .s = s};

	st->c = dir_pool_lend(d);
	if (st->c == NULL)
		return NULL;
	if (dir_search_prepare(&r, NULL) || dir_search_adapt(&r, NULL)) {
		dir_pool_return(d, st->c);
		return NULL;
	}
	st->d = d;
	st->a = a;
	st->filter = r.filter;
	st->max_page = d->caps->flavour->max_page;
	st->s = (struct dir_search){
		.base = arena_strdup(a, s->base), .scope = s->scope, .attrs = copy_attrs(a, s->attrs)};
	(void)TAKE(a);
	return st;
}

static int
next_page(struct dir_stream *st, struct search *r, struct err *e)
{
	/* The pool may have turned to another server meanwhile, which need not hold the same yet. */
	if (!dir_pool_same(st->d, st->c) || !dir_conn_alive(st->c)) {
		st->c->broken = true;
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "%s: the connection of an open search was lost", st->c->uri->text);
	}
	dir_conn_set_deadline(st->c, r->until);
	return dir_search_page(r, st->c, &st->cookie, e);
}

int
dir_stream_page(struct dir_stream *st, struct arena *a, size_t n, deadline_t until, dir_entry_fn fn, void *ctx,
		struct err *e)
{
	struct search r = {
		.d = st->d,
		.a = a,
		.keep = true,
		.s = &st->s,
		.until = dir_pool_deadline(st->d, until),
		.fn = fn,
		.ctx = ctx,
		.filter = st->filter,
		.page_size = st->max_page > 0 && n > (size_t)st->max_page ? st->max_page : (int)n,
	};
	struct err why = ERR_INIT;
	int64_t started = clock_mono_us();
	int rc;

	if (st->over || n == 0)
		return st->over ? 0 : 1;
	rc = next_page(st, &r, &why);
	dir_count_op(st->d, OP_SEARCH, started, rc < 0 ? -1 : 0, &why);
	st->over = rc != 1 || r.stopped;
	if (rc < 0 && e)
		*e = why;
	return rc < 0 ? -1 : !st->over;
}

void
dir_stream_close(struct dir_stream **st)
{
	struct dir_stream *old = TAKE(*st);
	struct arena *a;

	if (old == NULL)
		return;
	ber_memfree(old->cookie.bv_val);
	dir_pool_return(old->d, old->c);
	a = old->a;
	arena_free(&a);
}
