/* SPDX-License-Identifier: Apache-2.0
 * From ids to resources: searches for a few entryUUIDs at a time, whose cost does not depend on where in a result the
 * ids stand. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/base/thread.h"
#include "gw/query.h"

/* Measured on 100,000 users: the server tests each found entry against all items, so that 25 a search are twice as fast
 * as 100 (contrib/decisions/0009). */
#define BATCH     25
#define SLICES    4   /* threads for a page, and connections of the pool */
#define SLICE_MIN 100 /* a shorter one is not worth a thread */

struct entries {
	struct gw_part *part;
	struct strmap *by_id;
	struct gw_entries all;
	size_t cap;
};

static int
remember(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct entries *es = ctx;
	const char *id = map_id(&es->part->run.m, en);
	if (!id)
		return 0;
	if (es->all.n == es->cap)
		return err_set(e, ERR_CONFLICT, "the directory answered with two entries for one id");
	es->all.v[es->all.n] = en;
	strmap_put(es->by_id, strv_of(id), &es->all.v[es->all.n]);
	es->all.n++;
	return 0;
}

static int
keep_first(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct entries *es = ctx;
	if (es->all.n == es->cap)
		return 1;
	es->all.v[es->all.n++] = en;
	return 0;
}

const char *const *
gw_part_attrs(struct gw_part *part)
{
	return map_attrs(&part->run.m, part->run.map, part->run.project, part->q.exact ? NULL : part->filter);
}

int
gw_query_first(struct gw_query *q, size_t max, struct gw_entries *en_r, bool *more_r, struct err *e)
{
	struct gw_part *part = &q->parts[0];
	struct dir_search ds = gw_part_search(part, 0, part->q.filter, gw_part_attrs(part));
	struct entries es = {.part = part, .cap = max};
	bool more = false;
	es.all.v = ARENA_ARRAY(q->a, max + 1, const struct dir_entry *);
	if (ds.page_size > 0) {
		ds.page_size = (int)max;
		ds.more_r = &more;
	}
	if (part->q.at_most_one)
		ds.share = gw_share(&part->run);
	if (dir_search_run(part->run.m.dir, q->a, true, &ds, part->run.m.until, keep_first, &es, e) < 0)
		return -1;
	*en_r = es.all;
	*more_r = more;
	return 0;
}

static int
search_ids(struct entries *es, const struct dir_filter *const *items, size_t n, const char *const *attrs, struct err *e)
{
	struct gw_run *run = &es->part->run;
	struct arena *a = run->m.a;
	const struct dir_filter *f = dir_f_and2(a, dir_f_or(a, items, n), dir_f_tested(a, es->part->q.filter));
	for (size_t i = 0; i < run->n_bases; i++) {
		struct dir_search ds = gw_part_search(es->part, i, f, attrs);
		ds.page_size = 0;
		ds.at_most = (int)n;
		if (dir_search_run(run->m.dir, a, true, &ds, run->m.until, remember, es, e) < 0)
			return -1;
	}
	return 0;
}

/* The entries of one part. */
static int
read_entries(const struct gw_window *w, struct entries *es, struct err *e)
{
	struct arena *a = es->part->run.m.a;
	const char *attr = es->part->run.m.caps->flavour->id_attr, *const *attrs = gw_part_attrs(es->part);
	const struct dir_filter *items[BATCH];
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		char id[37];
		uuid_format(w->items[i].id, id);
		if (w->items[i].type == es->part->req.type && !strmap_get(es->by_id, strv_of(id)))
			items[n++] = dir_f_eq(a, attr, strv_of(arena_strdup(a, id)));
		if (n < BATCH)
			continue;
		if (search_ids(es, items, n, attrs, e) < 0)
			return -1;
		n = 0;
	}
	return n > 0 ? search_ids(es, items, n, attrs, e) : 0;
}

static bool
ref_to_groups(void *ctx, const struct scim_filter *f)
{
	bool *groups = ctx;
	*groups = *groups || (f->ref.attr && str_eq(f->ref.attr->name, "groups"));
	return !*groups;
}

/* Fills res at the places of this part's items. */
static int
decode(const struct gw_window *w, struct entries *es, struct scim_view **res, struct err *e)
{
	struct gw_part *part = es->part;
	struct gw_run *run = &part->run;
	struct map_refs *refs = map_refs_new(&run->m);
	bool groups = gw_wants(run, "groups");
	if (part->filter && !part->q.exact)
		scim_filter_visit(part->filter, ref_to_groups, &groups);
	groups = groups && part->req.type == GW_USERS;
	for (size_t i = 0; i < w->n; i++) {
		char id[37];
		uuid_format(w->items[i].id, id);
		const struct dir_entry **en =
			w->items[i].type == part->req.type ? strmap_get(es->by_id, strv_of(id)) : NULL;
		if (!en)
			continue;
		if (map_to_scim(&run->m, run->map, *en, refs, &res[i], e) < 0)
			return -1;
		if (groups)
			map_refs_want_groups(refs, res[i], *en);
	}
	return map_refs_resolve(&run->m, refs, e);
}

/* Only what the directory could not decide is looked at as a tree. */
static bool
is_wanted(const struct gw_part *part, const struct scim_view *res)
{
	if (part->q.exact)
		return true;
	json_auto_t *tree = scim_view_tree(res);
	return scim_filter_match(part->run.type, part->filter, tree);
}

static int
fetch_part(struct gw_part *part, const struct gw_window *w, const struct gw_entries *have, struct strv *texts,
	   struct err *e)
{
	struct arena *a = part->run.m.a;
	struct entries es = {.part = part, .by_id = strmap_new(a, true), .cap = w->n + have->n};
	es.all.v = ARENA_ARRAY(a, es.cap + 1, const struct dir_entry *);
	for (size_t i = 0; i < have->n; i++)
		if (remember(&es, have->v[i], e) < 0)
			return -1;
	struct scim_view **res = ARENA_ARRAY(a, w->n + 1, struct scim_view *);
	if (read_entries(w, &es, e) < 0 || decode(w, &es, res, e) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		if (res[i] && is_wanted(part, res[i]))
			texts[i] = scim_view_text(a, res[i], part->run.project);
	return 0;
}

/* --- long pages ------------------------------------------------------------------------------------------------------
 * Reading and showing a thousand entries is work for more than one core, and the directory has several threads too: a
 * page is fetched in slices, each by a thread with a connection and memory of its own. */

struct slice {
	struct gw_part part; /* of its own arena */
	struct gw_window w;
	struct gw_entries have;
	struct strv *texts;
	struct thread thread;
	struct err e;
	int rc;
};

static void *
fetch_slice(void *arg)
{
	struct slice *s = arg;
	s->rc = fetch_part(&s->part, &s->w, &s->have, s->texts, &s->e);
	return NULL;
}

static void
drop_arena(void *a)
{
	struct arena *own = a;
	arena_free(&own);
}

/* alone: no other thread uses the request's arena. */
static void
slice_init(struct slice *s, struct gw_query *q, const struct gw_part *part, const struct gw_window *w, size_t from,
	   size_t n, bool alone)
{
	struct arena *own = alone ? q->a : arena_new(65536);
	if (!alone)
		arena_defer(q->a, drop_arena, own); /* what is shown lives as long as the request */
	*s = (struct slice){.part = *part, .w = {.items = w->items + from, .n = n}, .e = ERR_INIT};
	s->part.run.m.a = own;
}

/* Entries that were read already stand where their items stand, as far as they go. */
static void
slice_have(struct slice *s, const struct gw_entries *have, size_t from)
{
	size_t left = have && have->n > from ? have->n - from : 0;
	if (left > 0)
		s->have = (struct gw_entries){have->v + from, left < s->w.n ? left : s->w.n};
}

/* A crawl's open search brings the entries one slice after the other, while the slices before are looked at. */
static void
slice_stream(struct slice *s, struct gw_query *q, const struct gw_window *w)
{
	struct arena *a = s->part.run.m.a;
	const char *attr = s->part.run.m.caps->flavour->id_attr;
	const struct dir_entry **v = ARENA_ARRAY(a, s->w.n + 1, const struct dir_entry *);
	size_t first = w->first + (size_t)(s->w.items - w->items);
	s->have.n = gw_stream_fill(q->stream, a, attr, s->w.items, s->w.n, first, s->part.run.m.until, v);
	s->have.v = v;
}

static int
fetch_slices(struct gw_query *q, const struct gw_part *part, const struct gw_window *w, const struct gw_entries *have,
	     struct strv *texts, struct err *e)
{
	struct slice slices[SLICES];
	struct mutex lone;
	size_t n = w->n / SLICE_MIN, rc = 0, from = 0;
	n = n < 1 ? 1 : n > SLICES ? SLICES : n;
	mutex_init(&lone);
	for (size_t i = 0; i < n; i++) {
		size_t next = w->n * (i + 1) / n;
		slice_init(&slices[i], q, part, w, from, next - from, n == 1);
		slice_have(&slices[i], have, from);
		slices[i].texts = texts + from;
		slices[i].part.run.m.lone = &lone;
		from = next;
	}
	/* The caller's thread takes the last one, and those for which there is no thread. */
	for (size_t i = 0; i < n; i++) {
		if (q->stream)
			slice_stream(&slices[i], q, w);
		if (i + 1 == n || !thread_try(&slices[i].thread, "list-slice", fetch_slice, &slices[i]))
			fetch_slice(&slices[i]);
	}
	for (size_t i = 0; i < n; i++) {
		thread_join(&slices[i].thread);
		if (slices[i].rc < 0 && rc++ == 0 && e)
			*e = slices[i].e;
	}
	mutex_done(&lone);
	return rc > 0 ? -1 : 0;
}

int
gw_query_fetch(struct gw_query *q, const struct gw_window *w, const struct gw_entries *have, struct strv *texts,
	       struct err *e)
{
	for (size_t i = 0; i < q->n_parts; i++)
		if (fetch_slices(q, &q->parts[i], w, i == 0 ? have : NULL, texts, e) < 0)
			return -1;
	return 0;
}
