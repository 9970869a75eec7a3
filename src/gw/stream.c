/* SPDX-License-Identifier: Apache-2.0
 * Which crawl has a search open, and what it brings. Positions are places in the snapshot: an entry that comes before
 * its turn, because others before it have gone, is remembered by its id as passed and then read by it. */
#include "gw/stream.h"

#include "dirhinge/base/codec.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/base/thread.h"

/* Ids passed and not wanted yet. More are there only if the directory's order is not the snapshot's. */
#define PASSED_MAX 4096

struct id {
	unsigned char v[16];
};

struct gw_stream {
	struct gw_stream *next;
	struct arena *a; /* holds the struct itself */
	struct dir_stream *st;
	uint64_t snapshot;
	const char *client, *shape;
	size_t at; /* item of the snapshot that comes next */
	struct id *passed;
	size_t n_passed;
	bool lost;
	deadline_t until; /* while idle */
};

struct gw_streams {
	struct arena *a;
	struct gw_streams_opts o;
	struct mutex lock; /* all below */
	struct gw_stream *idle, *taken;
	struct thread sweeper; /* from the first stream on */
	struct cond wake;
	bool ending;
};

struct gw_streams *
gw_streams_new(const struct gw_streams_opts *opts)
{
	struct arena *a = arena_new(512);
	struct gw_streams *s = ARENA_NEW(a, struct gw_streams);
	s->a = a;
	s->o = *opts;
	mutex_init(&s->lock);
	cond_init(&s->wake);
	return s;
}

static void
end(struct gw_stream *st)
{
	struct arena *a = st->a;
	dir_stream_close(&st->st);
	arena_free(&a);
}

static void
take_out(struct gw_stream **list, const struct gw_stream *st)
{
	while (*list != st)
		list = &(*list)->next;
	*list = st->next;
}

void
gw_streams_free(struct gw_streams **s)
{
	struct gw_streams *old = TAKE(*s);
	if (!old)
		return;
	mutex_lock(&old->lock);
	old->ending = true;
	cond_signal(&old->wake);
	mutex_unlock(&old->lock);
	thread_join(&old->sweeper);
	must(!old->taken);
	while (old->idle) {
		struct gw_stream *st = old->idle;
		old->idle = st->next;
		end(st);
	}
	cond_done(&old->wake);
	mutex_done(&old->lock);
	struct arena *a = old->a;
	arena_free(&a);
}

/* --- ending those that nobody uses ---------------------------------------------------------------------------------
 */

static struct gw_stream *
oldest(const struct gw_streams *s)
{
	struct gw_stream *first = s->idle;
	for (struct gw_stream *st = s->idle; st; st = st->next)
		if (st->until < first->until)
			first = st;
	return first;
}

/* A connection that idles belongs back to the pool, whether or not anybody asks for anything. */
static void *
sweep(void *arg)
{
	struct gw_streams *s = arg;
	mutex_lock(&s->lock);
	while (!s->ending) {
		struct gw_stream *st = oldest(s);
		if (!st) {
			cond_wait(&s->wake, &s->lock);
		} else if (deadline_left(st->until) > 0) {
			(void)cond_wait_until(&s->wake, &s->lock, st->until);
		} else {
			take_out(&s->idle, st);
			mutex_unlock(&s->lock);
			end(st);
			mutex_lock(&s->lock);
		}
	}
	mutex_unlock(&s->lock);
	return NULL;
}

/* --- which stream ---------------------------------------------------------------------------------------------------
 */

/* Everything about a search but the page: another filter, other attributes are another stream. */
static char *
shape_of(struct arena *a, const struct dir_search *s)
{
	char *filter;
	if (dir_filter_text(a, s->filter, &filter, NULL) < 0)
		return NULL;
	char *text = arena_printf(a, "%s %d %s", s->base, (int)s->scope, filter);
	for (size_t i = 0; s->attrs && s->attrs[i]; i++)
		text = arena_printf(a, "%s %s", text, s->attrs[i]);
	return text;
}

static bool
fits(const struct gw_stream *st, const struct gw_stream_use *use)
{
	return st->snapshot == use->snapshot && str_eq(st->client, use->client) && st->at >= use->first;
}

struct gw_stream *
gw_stream_take(struct gw_streams *s, const struct gw_stream_use *use)
{
	mutex_lock(&s->lock);
	struct gw_stream *st = s->idle;
	while (st && !fits(st, use))
		st = st->next;
	if (st) {
		take_out(&s->idle, st);
		st->next = s->taken;
		s->taken = st;
	}
	mutex_unlock(&s->lock);
	if (!st)
		return NULL;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const char *shape = shape_of(a, &use->s);
	st->lost = st->lost || !shape || !str_eq(shape, st->shape);
	if (st->lost)
		gw_stream_give(s, &st, false);
	return st;
}

static size_t
count(const struct gw_stream *list, const char *client)
{
	size_t n = 0;
	for (; list; list = list->next)
		n += !client || str_eq(list->client, client);
	return n;
}

size_t
gw_streams_open(struct gw_streams *s)
{
	mutex_lock(&s->lock);
	size_t n = count(s->idle, NULL) + count(s->taken, NULL);
	mutex_unlock(&s->lock);
	return n;
}

/* Takes the place of a stream that is being opened; false: none free. */
static bool
enter(struct gw_streams *s, struct gw_stream *st)
{
	mutex_lock(&s->lock);
	size_t all = count(s->idle, NULL) + count(s->taken, NULL);
	size_t own = count(s->idle, st->client) + count(s->taken, st->client);
	bool room = all < s->o.max && own < s->o.max_per_client &&
		    (s->sweeper.started || thread_try(&s->sweeper, "list-streams", sweep, s));
	if (room) {
		st->next = s->taken;
		s->taken = st;
	}
	mutex_unlock(&s->lock);
	return room;
}

struct gw_stream *
gw_stream_open(struct gw_streams *s, const struct gw_stream_use *use)
{
	struct arena *a = arena_new(4096);
	struct gw_stream *st = ARENA_NEW(a, struct gw_stream);
	*st = (struct gw_stream){.a = a, .snapshot = use->snapshot, .client = arena_strdup(a, use->client)};
	st->shape = shape_of(a, &use->s);
	if (!st->shape || !enter(s, st)) {
		arena_free(&a);
		return NULL;
	}
	st->st = dir_stream_open(s->o.dir, &use->s);
	st->passed = ARENA_ARRAY(a, PASSED_MAX, struct id);
	st->lost = !st->st;
	if (st->lost)
		gw_stream_give(s, &st, false);
	return st;
}

void
gw_stream_give(struct gw_streams *s, struct gw_stream **st, bool keep)
{
	struct gw_stream *back = TAKE(*st);
	if (!back)
		return;
	keep = keep && !back->lost;
	mutex_lock(&s->lock);
	take_out(&s->taken, back);
	if (keep) {
		back->until = deadline_in(s->o.idle_ms);
		back->next = s->idle;
		s->idle = back;
		cond_signal(&s->wake);
	}
	mutex_unlock(&s->lock);
	if (!keep)
		end(back);
}

/* --- what it brings -------------------------------------------------------------------------------------------------
 */

struct filling {
	struct gw_stream *st;
	const char *id_attr;
	struct strmap *wanted; /* the 16 bytes of an id -> true */
	const struct dir_entry **v;
	size_t n, max;
};

static struct strv
key(const unsigned char id[16])
{
	return strv_n((const char *)id, 16);
}

static int
on_entry(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct filling *f = ctx;
	struct gw_stream *st = f->st;
	struct id id;
	if (uuid_parse(dir_entry_first(en, f->id_attr), id.v, e) < 0)
		return -1;
	if (strmap_get(f->wanted, key(id.v)) && f->n < f->max) {
		f->v[f->n++] = en;
		return 0;
	}
	if (st->n_passed == PASSED_MAX)
		return err_set(e, ERR_CONFLICT, "the directory's order is not the snapshot's");
	st->passed[st->n_passed++] = id;
	return 0;
}

/* How many of the wanted were passed; they are not waited for any more. */
static size_t
drop_passed(struct gw_stream *st, const struct strmap *wanted)
{
	size_t kept = 0, n = st->n_passed;
	for (size_t i = 0; i < n; i++)
		if (!strmap_get(wanted, key(st->passed[i].v)))
			st->passed[kept++] = st->passed[i];
	st->n_passed = kept;
	return n - kept;
}

size_t
gw_stream_fill(struct gw_stream *st, struct arena *a, const char *id_attr, const struct gw_item *items, size_t n,
	       size_t first, deadline_t until, const struct dir_entry **v)
{
	size_t again = st->at > first ? st->at - first : 0; /* items that an earlier page had */
	if (st->lost || again >= n)
		return 0;
	struct filling f = {.st = st, .id_attr = id_attr, .wanted = strmap_new(a, false), .v = v, .max = n};
	for (size_t i = again; i < n; i++)
		strmap_put(f.wanted, key(items[i].id), st);
	size_t ask = n - again - drop_passed(st, f.wanted);
	/* An error says no more than that the rest is to be read by ids: there it comes up again if it concerns us. */
	if (st->at < first || dir_stream_page(st->st, a, ask, until, on_entry, &f, NULL) != 1)
		st->lost = true;
	st->at = first + n;
	return f.n;
}
