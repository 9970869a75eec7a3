/* SPDX-License-Identifier: Apache-2.0
 * Reading the whole result of a query for its ids: by the directory alone where it decides and order does not matter,
 * else by looking at each resource, on bounded numbers and in bounded memory. */
#include "dirhinge/base/codec.h"
#include "gw/query.h"

#define PAGE_SIZE  1000
#define BATCH      100
#define SORT_MAX   50000
#define SORT_BYTES (16U << 20)
/* Sorts that take more than this wait for nobody, but only a few may run at once. */
#define SORT_SMALL (256U << 10)

struct row {
	const char *key; /* NULL: no value */
	uint32_t n, seq;
	struct gw_item item;
};

struct scan {
	struct gw_query *q;
	struct gw_part *part;
	struct gw_window *w;
	size_t max; /* items in the window */
	struct gw_snap_build *build;
	int64_t examined;
	struct arena *scratch; /* of the current batch */
	const struct dir_entry **batch;
	size_t n_batch;
	bool needs_refs, needs_groups;
	bool sorting, large;
	struct arena *keys;
	struct row *rows;
	size_t n_rows, cap_rows;
};

struct dir_search
gw_part_search(const struct gw_part *part, size_t base, const struct dir_filter *f, const char *const *attrs)
{
	return (struct dir_search){
		.base = part->run.bases[base],
		.scope = DIR_SUB,
		.filter = f,
		.attrs = attrs,
		.page_size = part->run.m.caps->paged && !part->q.at_most_one ? PAGE_SIZE : 0,
	};
}

static void
take(struct scan *s, const struct gw_item *item)
{
	struct gw_window *w = s->w;
	if (w->total >= w->first && w->n < s->max)
		w->items[w->n++] = *item;
	if (s->build)
		(void)gw_snap_build_add(s->build, item);
	w->total++;
}

/* --- sorting ------------------------------------------------------------------------------------------------------ */

static int
too_many_to_sort(struct err *e)
{
	return err_set(e, ERR_TOO_MANY, "more resources match than can be sorted; add a filter or leave sortBy out");
}

static int
push(struct scan *s, const struct gw_item *item, struct strv key, struct err *e)
{
	if (s->n_rows == SORT_MAX || key.n > UINT32_MAX || arena_used(s->keys) > SORT_BYTES)
		return too_many_to_sort(e);
	if (!s->large && arena_used(s->keys) > SORT_SMALL) {
		s->large = gw_sort_enter(s->q->g);
		if (!s->large)
			return err_set(e, ERR_BUSY, "too many long lists are being sorted; try again");
	}
	if (s->n_rows == s->cap_rows) {
		size_t cap = s->cap_rows ? s->cap_rows * 2 : 64;
		struct row *rows = ARENA_ARRAY(s->keys, cap, struct row);
		if (s->n_rows > 0)
			memcpy(rows, s->rows, s->n_rows * sizeof(*rows));
		s->rows = rows;
		s->cap_rows = cap;
	}
	s->rows[s->n_rows] = (struct row){key.p, (uint32_t)key.n, (uint32_t)s->n_rows, *item};
	s->n_rows++;
	return 0;
}

static int
compare(bool descending, const void *x, const void *y)
{
	const struct scim_sort order = {.descending = descending};
	const struct row *a = x, *b = y;
	int rc = scim_sort_cmp(&order, strv_n(a->key, a->n), strv_n(b->key, b->n));
	return rc ? rc : (a->seq > b->seq) - (a->seq < b->seq); /* equal ones stay in the directory's order */
}

static int
ascending(const void *x, const void *y)
{
	return compare(false, x, y);
}

static int
descending(const void *x, const void *y)
{
	return compare(true, x, y);
}

static void
take_sorted(struct scan *s)
{
	if (s->n_rows > 0)
		qsort(s->rows, s->n_rows, sizeof(*s->rows), s->q->sort.descending ? descending : ascending);
	for (size_t i = 0; i < s->n_rows; i++)
		take(s, &s->rows[i].item);
}

/* --- the directory decides ------------------------------------------------------------------------------------------
 */

static int
item_of(const struct scan *s, const struct dir_entry *en, struct gw_item *item_r, struct err *e)
{
	const char *attr = s->part->run.m.caps->flavour->id_attr;
	*item_r = (struct gw_item){.type = (unsigned char)s->part->req.type};
	if (uuid_parse(dir_entry_first(en, attr), item_r->id, e) == 0)
		return 0;
	err_set(e, ERR_INTERNAL, NULL);
	return err_cause(e, "%s has no readable %s: check the access rules of the directory", en->dn, attr);
}

static int
on_id(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct scan *s = ctx;
	struct gw_item item;
	if (item_of(s, en, &item, e) < 0)
		return -1;
	take(s, &item);
	return 0;
}

static int
scan_ids(struct scan *s, struct err *e)
{
	struct gw_run *run = &s->part->run;
	const char *attrs[] = {run->m.caps->flavour->id_attr, NULL};
	for (size_t i = 0; i < run->n_bases; i++) {
		struct dir_search ds = gw_part_search(s->part, i, s->part->q.filter, attrs);
		if (dir_search_run(run->m.dir, s->q->a, false, &ds, run->m.until, on_id, s, e) < 0)
			return -1;
	}
	return 0;
}

/* --- each resource is looked at --------------------------------------------------------------------------------------
 */

static void
need(struct scan *s, const struct scim_attr *attr)
{
	bool groups = str_eq(attr->name, "groups");
	s->needs_groups = s->needs_groups || groups;
	s->needs_refs = s->needs_refs || groups || str_eq(attr->name, "manager") || str_eq(attr->name, "members");
}

static bool
on_node(void *ctx, const struct scim_filter *f)
{
	if (f->ref.attr)
		need(ctx, f->ref.attr);
	return true;
}

static int
flush(struct scan *s, struct err *e)
{
	struct gw_part *part = s->part;
	struct map_run m = part->run.m;
	m.a = s->scratch;
	struct map_refs *refs = map_refs_new(&m);
	struct scim_view **res = ARENA_ARRAY(s->scratch, s->n_batch + 1, struct scim_view *);
	for (size_t i = 0; i < s->n_batch; i++) {
		if (map_to_scim(&m, part->run.map, s->batch[i], refs, &res[i], e) < 0)
			return -1;
		if (s->needs_groups && part->req.type == GW_USERS)
			map_refs_want_groups(refs, res[i], s->batch[i]);
	}
	if (s->needs_refs && map_refs_resolve(&m, refs, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_batch; i++) {
		struct gw_item item;
		json_auto_t *tree = scim_view_tree(res[i]);
		if (!part->q.exact && !scim_filter_match(part->run.type, part->filter, tree))
			continue;
		if (item_of(s, s->batch[i], &item, e) < 0)
			return -1;
		if (!s->sorting)
			take(s, &item);
		else if (push(s, &item, scim_sort_key(s->keys, part->run.type, &s->q->sort, tree), e) < 0)
			return -1;
	}
	s->n_batch = 0;
	return 0;
}

static int
on_entry(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct scan *s = ctx;
	int64_t limit = gw_options(s->q->g)->max_examined;
	if (++s->examined > limit)
		return err_set(e, ERR_TOO_MANY,
			       "the directory cannot decide this filter and more than %lld resources would have to be "
			       "read; add a condition on an indexed attribute",
			       (long long)limit);
	if (s->sorting && s->part->q.exact && s->examined > SORT_MAX)
		return too_many_to_sort(e); /* all of them match: no need to read the rest */
	s->batch[s->n_batch++] = dir_entry_copy(s->scratch, en);
	if (s->n_batch < BATCH)
		return 0;
	int rc = flush(s, e);
	arena_free(&s->scratch);
	s->scratch = arena_new(65536);
	return rc;
}

/* The entries' DNs pass one connection while references are looked up on another, so batches are copied out. */
static int
scan_resources(struct scan *s, struct err *e)
{
	struct gw_run *run = &s->part->run;
	struct scim_ctx names = run->ctx;
	const struct scim_project *only; /* nothing but what filter and order look at */
	if (scim_project_parse(&names, s->sorting ? scim_sort_path(&s->q->sort) : "id", NULL, &only, e) < 0)
		return -1;
	s->needs_refs = s->needs_groups = false;
	if (s->part->filter && !s->part->q.exact)
		scim_filter_visit(s->part->filter, on_node, s);
	if (s->sorting)
		need(s, s->q->sort.attr);
	const char *const *attrs = map_attrs(&run->m, run->map, only, s->part->q.exact ? NULL : s->part->filter);
	s->scratch = arena_new(65536);
	s->n_batch = 0;
	int rc = 0;
	for (size_t i = 0; i < run->n_bases && rc == 0; i++) {
		struct dir_search ds = gw_part_search(s->part, i, s->part->q.filter, attrs);
		rc = dir_search_run(run->m.dir, s->q->a, false, &ds, run->m.until, on_entry, s, e);
	}
	if (rc == 0)
		rc = flush(s, e);
	arena_free(&s->scratch);
	return rc;
}

int
gw_query_scan(struct gw_query *q, struct gw_window *w, struct gw_snap_build *build, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *keys = arena_new(4096);
	struct scan s = {
		.q = q,
		.w = w,
		.max = w->n,
		.build = build,
		.batch = ARENA_ARRAY(q->a, BATCH + 1, const struct dir_entry *),
		.sorting = q->sorted && w->n > 0,
		.keys = keys,
	};
	int rc = 0;
	w->n = w->total = 0;
	for (size_t i = 0; i < q->n_parts && rc == 0; i++) {
		s.part = &q->parts[i];
		rc = s.part->q.exact && !s.sorting ? scan_ids(&s, e) : scan_resources(&s, e);
	}
	if (rc == 0 && s.sorting)
		take_sorted(&s);
	if (s.large)
		gw_sort_leave(q->g);
	return rc;
}
