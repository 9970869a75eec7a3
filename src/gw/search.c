/* SPDX-License-Identifier: Apache-2.0
 * Queries (RFC 7644 3.4.2): the directory decides what it can; what it cannot is decided here on bounded numbers.
 * The order is the directory's own, which is stable while nothing is added or deleted. */
#include "dirhinge/base/strmap.h"
#include "dirhinge/scim/message.h"
#include "gw/gw_priv.h"

#define PAGE_SIZE    500
#define FETCH_BATCH  100
#define RESIDUAL_SET 100

struct window {
	struct gw_run *run;
	int64_t skip, count; /* resources before the window, resources in it */
	int64_t total;
	bool more; /* stopped early: total is not known yet */
	bool stop_when_full;
	const struct dir_entry **entries;
	const char **ids;
	size_t n;
};

static void
window_init(struct window *w, struct gw_run *run, const struct gw_list *l)
{
	*w = (struct window){.run = run, .skip = l->start_index - 1, .count = l->count};
	w->entries = ARENA_ARRAY(run->m.a, (size_t)w->count + 1, const struct dir_entry *);
	w->ids = ARENA_ARRAY(run->m.a, (size_t)w->count + 1, const char *);
}

static struct dir_search
search_of(struct gw_run *run, const struct map_query *q, const char *const *attrs)
{
	return (struct dir_search){
		.base = run->base,
		.scope = DIR_SUB,
		.filter = q->filter,
		.attrs = attrs,
		.page_size = run->m.caps->paged && !q->at_most_one ? PAGE_SIZE : 0,
	};
}

static int
take_entry(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct window *w = ctx;
	(void)e;
	if (w->total - w->skip >= w->count && w->stop_when_full) {
		w->more = true;
		return 1;
	}
	if (w->total >= w->skip && w->total - w->skip < w->count)
		w->entries[w->n++] = en;
	w->total++;
	return 0;
}

/* Only ids are kept, so that a window far into a large result does not hold what comes before it. */
static int
take_id(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct window *w = ctx;
	(void)e;
	if (w->total >= w->skip && w->total - w->skip < w->count) {
		const char *id = map_id(&w->run->m, en);
		w->ids[w->n++] = id ? arena_strdup(w->run->m.a, id) : "";
	}
	w->total++;
	return 0;
}

struct by_id {
	struct gw_run *run;
	struct strmap *found; /* id -> index into entries, from 1 */
	const struct dir_entry **entries;
	size_t n, cap;
};

static int
collect_by_id(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct by_id *b = ctx;
	const char *id = map_id(&b->run->m, en);
	if (!id)
		return 0;
	if (b->n == b->cap)
		return err_set(e, ERR_CONFLICT, "the directory answered with two entries for one id");
	b->entries[b->n] = en;
	strmap_put(b->found, strv_of(id), &b->entries[b->n]);
	b->n++;
	return 0;
}

/* The entries behind w->ids, in their order; one that vanished meanwhile is left out. */
static int
fetch_ids(struct window *w, const char *const *attrs, struct err *e)
{
	struct gw_run *run = w->run;
	struct arena *a = run->m.a;
	struct by_id by = {
		.run = run,
		.found = strmap_new(a, true),
		.entries = ARENA_ARRAY(a, w->n + 1, const struct dir_entry *),
		.cap = w->n,
	};
	for (size_t i = 0; i < w->n; i += FETCH_BATCH) {
		size_t n = w->n - i < FETCH_BATCH ? w->n - i : FETCH_BATCH;
		const struct dir_filter **items = ARENA_ARRAY(a, n, const struct dir_filter *);
		for (size_t k = 0; k < n; k++)
			items[k] = map_id_filter(&run->m, run->map, w->ids[i + k]);
		struct map_query q = {.filter = dir_f_or(a, items, n), .at_most_one = true};
		struct dir_search s = search_of(run, &q, attrs);
		if (dir_search_run(run->m.dir, a, true, &s, run->m.until, collect_by_id, &by, e) < 0)
			return -1;
	}
	size_t kept = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct dir_entry **en = strmap_get(by.found, strv_of(w->ids[i]));
		if (en)
			w->entries[kept++] = *en;
	}
	w->n = kept;
	return 0;
}

static int
count_all(struct window *w, const struct map_query *q, struct err *e)
{
	struct window all = {.run = w->run};
	struct dir_search s = search_of(w->run, q, (const char *const[]){"1.1", NULL});
	if (dir_search_run(w->run->m.dir, w->run->m.a, false, &s, w->run->m.until, take_entry, &all, e) < 0)
		return -1;
	w->total = all.total;
	return 0;
}

/* The directory decides exactly: the first page is read at once, a later one by its ids. */
static int
search_exact(struct window *w, const struct map_query *q, const char *const *attrs, struct err *e)
{
	struct gw_run *run = w->run;
	const char *id_only[] = {run->m.caps->flavour->id_attr, NULL};
	if (w->count == 0)
		return count_all(w, q, e);
	if (w->skip > 0) {
		struct dir_search s = search_of(run, q, id_only);
		if (dir_search_run(run->m.dir, run->m.a, false, &s, run->m.until, take_id, w, e) < 0)
			return -1;
		return fetch_ids(w, attrs, e);
	}
	struct dir_search s = search_of(run, q, attrs);
	if (s.page_size > 0 && w->count < s.page_size)
		s.page_size = (int)w->count + 1;
	w->stop_when_full = true;
	if (dir_search_run(run->m.dir, run->m.a, true, &s, run->m.until, take_entry, w, e) < 0)
		return -1;
	return w->more ? count_all(w, q, e) : 0;
}

/* --- filters that the directory cannot decide ----------------------------------------------------------------------
 */

struct residual {
	struct window *w;
	const struct scim_filter *filter;
	bool needs_refs;
	int64_t examined;
	struct arena *scratch; /* of the current batch */
	const struct dir_entry **batch;
	size_t n_batch;
	json_t *kept; /* array of resources in the window */
	const char **dns;
};

static bool
ref_node(void *ctx, const struct scim_filter *f)
{
	const char *name = f->ref.attr ? f->ref.attr->name : "";
	bool *needs = ctx;
	*needs = *needs || str_eq(name, "manager") || str_eq(name, "members") || str_eq(name, "groups");
	return !*needs;
}

static int
residual_flush(struct residual *rs, struct err *e)
{
	struct window *w = rs->w;
	struct map_run m = w->run->m;
	m.a = rs->scratch;
	struct map_refs *refs = map_refs_new(&m);
	json_t **res = ARENA_ARRAY(rs->scratch, rs->n_batch + 1, json_t *);
	for (size_t i = 0; i < rs->n_batch; i++)
		if (map_to_scim(&m, w->run->map, rs->batch[i], refs, &res[i], e) < 0)
			return -1;
	if (rs->needs_refs && map_refs_resolve(&m, refs, e) < 0)
		return -1;
	for (size_t i = 0; i < rs->n_batch; i++) {
		if (!scim_filter_match(w->run->type, rs->filter, res[i]))
			continue;
		if (w->total >= w->skip && w->total - w->skip < w->count)
			w->ids[w->n++] = arena_strdup(w->run->m.a, map_id(&m, rs->batch[i]));
		w->total++;
	}
	rs->n_batch = 0;
	return 0;
}

static const struct dir_entry *
entry_copy(struct arena *a, const struct dir_entry *en)
{
	struct dir_entry *c = ARENA_NEW(a, struct dir_entry);
	*c = (struct dir_entry){.dn = arena_strdup(a, en->dn), .n_attrs = en->n_attrs};
	c->attrs = ARENA_ARRAY(a, en->n_attrs + 1, struct dir_attr);
	for (size_t i = 0; i < en->n_attrs; i++) {
		const struct dir_attr *from = &en->attrs[i];
		struct dir_attr *to = &c->attrs[i];
		*to = (struct dir_attr){.name = arena_strdup(a, from->name), .n = from->n};
		to->values = ARENA_ARRAY(a, from->n + 1, struct strv);
		for (size_t v = 0; v < from->n; v++)
			to->values[v] =
				strv_n(arena_strndup(a, from->values[v].p, from->values[v].n), from->values[v].n);
	}
	return c;
}

static int
residual_entry(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct residual *rs = ctx;
	int64_t limit = gw_options(rs->w->run->g)->max_examined;
	if (++rs->examined > limit)
		return err_set(e, ERR_TOO_MANY,
			       "the directory cannot decide this filter and more than %lld resources would have to be "
			       "read; add a condition on an indexed attribute",
			       (long long)limit);
	rs->batch[rs->n_batch++] = entry_copy(rs->scratch, en);
	if (rs->n_batch < RESIDUAL_SET)
		return 0;
	int rc = residual_flush(rs, e);
	arena_free(&rs->scratch);
	rs->scratch = arena_new(65536);
	return rc;
}

/* The entries' DNs pass one connection while references are looked up on another, so batches are copied out. */
static int
search_residual(struct window *w, const struct map_query *q, const struct scim_filter *f, const char *const *attrs,
		struct err *e)
{
	struct gw_run *run = w->run;
	struct residual rs = {
		.w = w,
		.filter = f,
		.scratch = arena_new(65536),
		.batch = ARENA_ARRAY(run->m.a, RESIDUAL_SET + 1, const struct dir_entry *),
	};
	scim_filter_visit(f, ref_node, &rs.needs_refs);
	struct dir_search s = search_of(run, q, map_attrs(&run->m, run->map, run->project, f));
	int rc = dir_search_run(run->m.dir, run->m.a, false, &s, run->m.until, residual_entry, &rs, e);
	if (rc == 0)
		rc = residual_flush(&rs, e);
	arena_free(&rs.scratch);
	return rc < 0 ? -1 : fetch_ids(w, attrs, e);
}

/* --- answer --------------------------------------------------------------------------------------------------------
 */

static int
resources_of(struct window *w, json_t **array_r, struct err *e)
{
	struct gw_run *run = w->run;
	bool groups = run->q->type == GW_USERS && gw_wants(run, "groups");
	struct map_refs *refs = map_refs_new(&run->m);
	json_t **res = ARENA_ARRAY(run->m.a, w->n + 1, json_t *);
	for (size_t i = 0; i < w->n; i++) {
		if (map_to_scim(&run->m, run->map, w->entries[i], refs, &res[i], e) < 0)
			return -1;
		if (groups)
			map_refs_want_groups(refs, res[i], w->entries[i]->dn);
	}
	if (map_refs_resolve(&run->m, refs, e) < 0)
		return -1;
	json_t *array = json_array();
	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(array, scim_project_apply(run->project, run->type, res[i]));
	*array_r = array;
	return 0;
}

static int
search(struct gw_run *run, const struct gw_list *l, json_t **response_r, struct err *e)
{
	const struct scim_filter *f = NULL;
	struct map_query q;
	struct window w;
	json_t *array;
	if (l->filter && scim_filter_parse(&run->ctx, strv_of(l->filter), &f, e) < 0)
		return -1;
	if (map_query(&run->m, run->map, f, &q, e) < 0)
		return -1;
	window_init(&w, run, l);
	const char *const *attrs = map_attrs(&run->m, run->map, run->project, NULL);
	if ((q.exact ? search_exact(&w, &q, attrs, e) : search_residual(&w, &q, f, attrs, e)) < 0)
		return err_cause(e, "search %s", run->type->endpoint);
	if (resources_of(&w, &array, e) < 0)
		return err_cause(e, "search %s", run->type->endpoint);
	*response_r = json_keep(run->m.a, scim_list_response(array, w.total, l->start_index));
	return 0;
}

int
gw_search(struct gw *g, struct gw_req *q, const struct gw_list *l, json_t **response_r, struct err *e)
{
	struct gw_run run;
	struct gw_list list = *l;
	int64_t max = gw_options(g)->max_results;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	/* RFC 7644 3.4.2.4: a start below 1 is 1, a negative count is 0, the provider may return fewer. */
	list.start_index = l->start_index < 1 ? 1 : l->start_index;
	list.count = l->count < 0 ? (max < GW_DEFAULT_COUNT ? max : GW_DEFAULT_COUNT) : l->count;
	list.count = list.count > max ? max : list.count;
	return gw_end(&run, search(&run, &list, response_r, e), e);
}
