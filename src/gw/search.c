/* SPDX-License-Identifier: Apache-2.0
 * Queries (RFC 7644 3.4.2, RFC 9865): which page is asked for and where it comes from. The first page of a result that
 * is longer than a page leaves a snapshot of ids; later pages read a window of it, by index or by cursor. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/room.h"
#include "dirhinge/scim/message.h"
#include "gw/cursor.h"
#include "gw/query.h"

/* A search that stays open is worth it for pages of so many, with so many to come; it is opened by a page that begins
 * within the first ones, because what stands before is read in vain. */
#define STREAM_PAGE 100
#define STREAM_LEFT 1000
#define STREAM_SKIP 2000

struct page {
	const struct gw_list *l;
	size_t count, asked; /* items; the first that was asked for */
	uint64_t snapshot;   /* 0 = none */
	struct gw_window w;
	struct gw_entries have; /* of a fresh first page */
	struct strv *texts;     /* of the window's resources; p NULL: no longer one */
	size_t n;               /* those that are */
};

/* --- the query -----------------------------------------------------------------------------------------------------
 */

static void
make_key(struct gw_query *q, const struct gw_req *req)
{
	const size_t fixed = 2 * GW_TYPES + 2;
	size_t n = 0, all = fixed;
	for (size_t i = 0; i < q->n_parts; i++)
		all += q->parts[i].run.n_bases;
	struct strv *parts = ARENA_ARRAY(q->a, all, struct strv);
	for (size_t i = 0; i < q->n_parts; i++) {
		const struct gw_part *p = &q->parts[i];
		parts[n++] = strv_of(p->run.type->name);
		parts[n++] = strv_of(p->filter ? scim_filter_text(q->a, p->filter, false) : "");
		for (size_t k = 0; k < p->run.n_bases; k++) /* another fence after a reload is another query */
			parts[n++] = strv_of(p->run.bases[k]);
	}
	parts[n++] = strv_of(q->sorted ? scim_sort_path(&q->sort) : "");
	parts[n++] = strv_of(q->sorted && q->sort.descending ? "descending" : "");
	q->key.client = req->who->name;
	crypto_sha256_parts(parts, n, q->key.query);
}

static int
parse_part(struct gw_query *q, struct gw_part *part, const struct gw_list *l, const struct scim_type *also,
	   struct err *e)
{
	struct gw_run *run = &part->run;
	run->ctx.also = also;
	if (l->filter && scim_filter_parse(&run->ctx, strv_of(l->filter), &part->filter, e) < 0)
		return -1;
	if (map_query(&run->m, run->map, part->filter, &part->q, e) < 0)
		return -1;
	if (!l->sort_by || !*l->sort_by || part != &q->parts[0])
		return 0;
	int rc = scim_sort_parse(&run->ctx, l->sort_by, l->sort_order, &q->sort, e);
	q->sorted = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int
begin(struct gw_query *q, const struct gw_req *req, const struct gw_list *l, struct err *e)
{
	unsigned types = l->types ? l->types : 1U << req->type;
	for (unsigned t = GW_USERS; t < GW_TYPES; t++) {
		if (!(types & 1U << t))
			continue;
		struct gw_part *part = &q->parts[q->n_parts];
		part->req = *req;
		part->req.type = (enum gw_type)t;
		if (gw_begin(q->g, &part->req, &part->run, e) < 0)
			return -1;
		q->n_parts++;
	}
	for (size_t i = 0; i < q->n_parts; i++) {
		const struct scim_type *also = q->n_parts > 1 ? q->parts[1 - i].run.type : NULL;
		if (parse_part(q, &q->parts[i], l, also, e) < 0)
			return -1;
	}
	make_key(q, req);
	return 0;
}

/* --- pages ---------------------------------------------------------------------------------------------------------
 */

/* RFC 9865 2.1: count is within the limits and stays the same. */
static int
open_cursor(struct gw_query *q, struct page *p, struct err *e)
{
	struct gw_snaps *snaps = gw_snapshots(q->g);
	struct gw_cursor c;
	if (gw_cursor_open(q->a, gw_seal(q->g), &q->key, p->l->cursor, gw_snaps_now(snaps), &c, e) < 0)
		return -1;
	if (p->l->count >= 0 && (uint64_t)p->l->count != c.count)
		return err_set(e, ERR_COUNT, "count must stay what it was on the first page");
	p->count = (size_t)c.count;
	p->w.first = (size_t)c.first;
	p->snapshot = c.snapshot;
	return 0;
}

static void
window_init(struct gw_query *q, struct page *p)
{
	p->w.n = p->count;
	p->w.items = ARENA_ARRAY(q->a, p->count + 1, struct gw_item);
}

/* A result no longer than a page was read at once. */
static int
short_page(struct gw_query *q, struct page *p, struct err *e)
{
	const char *attr = q->parts[0].run.m.caps->flavour->id_attr;
	p->w.n = p->w.total = p->have.n;
	for (size_t i = 0; i < p->have.n; i++) {
		p->w.items[i].type = (unsigned char)q->parts[0].req.type;
		if (uuid_parse(dir_entry_first(p->have.v[i], attr), p->w.items[i].id, e) < 0)
			return err_set(e, ERR_INTERNAL, NULL);
	}
	return 0;
}

/* The result is read now. */
static int
fresh_page(struct gw_query *q, struct page *p, struct err *e)
{
	const struct gw_part *part = &q->parts[0];
	bool quick = q->n_parts == 1 && part->run.n_bases == 1 && part->q.exact && !q->sorted && p->w.first == 0 &&
		     p->count > 0 && (part->q.at_most_one || part->run.m.caps->paged);
	bool more = true;
	if (quick && gw_query_first(q, p->count, &p->have, &more, e) < 0)
		return -1;
	if (!more)
		return short_page(q, p, e);
	DH_CLEANUP(gw_snap_build_free) struct gw_snap_build *build = NULL;
	if (p->count > 0)
		build = gw_snap_build_new(q->a, gw_snapshots(q->g), &q->key);
	if (gw_query_scan(q, &p->w, build, e) < 0)
		return -1;
	if (build && p->w.total > p->w.n)
		p->snapshot = gw_snap_build_keep(build);
	if (p->l->cursor && p->w.first + p->w.n < p->w.total && p->count > 0 && p->snapshot == 0)
		return err_set(e, ERR_TOO_MANY, "the result is too long to be read by cursor; add a filter");
	return 0;
}

/* --- searches that stay open ---------------------------------------------------------------------------------------
 */

/* What stood before the page is read again, so that those who have gone since do not matter. */
static struct gw_stream *
open_stream(struct gw_query *q, const struct page *p, const struct gw_stream_use *use)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	const struct map_run *m = &q->parts[0].run.m;
	const struct dir_entry **v = ARENA_ARRAY(a, p->w.first, const struct dir_entry *);
	struct gw_window w = {.n = p->w.first, .items = ARENA_ARRAY(a, p->w.first, struct gw_item)};
	if (!gw_snap_read(gw_snapshots(q->g), p->snapshot, &q->key, &w) || w.n != p->w.first)
		return NULL;
	struct gw_stream *st = gw_stream_open(gw_streams_of(q->g), use);
	if (st)
		(void)gw_stream_fill(st, a, m->caps->flavour->id_attr, w.items, w.n, 0, m->until, v);
	return st;
}

/* Only lists of everybody: for a filter the directory may look at a hundred entries to find one, again for each page,
 * while ids lead to it at once. */
static struct gw_stream *
find_stream(struct gw_query *q, const struct page *p)
{
	struct gw_part *part = &q->parts[0];
	const struct dir_caps *caps = part->run.m.caps;
	if (q->n_parts > 1 || part->run.n_bases > 1 || part->filter || q->sorted || !caps->paged ||
	    !caps->flavour->pages_anew || p->w.first == 0 || p->w.n == 0 || p->count < STREAM_PAGE)
		return NULL;
	const struct gw_stream_use use = {
		.snapshot = p->snapshot,
		.client = q->key.client,
		.first = p->w.first,
		.s = gw_part_search(part, 0, part->q.filter, gw_part_attrs(part)),
	};
	struct gw_stream *st = gw_stream_take(gw_streams_of(q->g), &use);
	if (!st && p->w.first <= STREAM_SKIP && p->w.total - p->w.first >= STREAM_LEFT)
		st = open_stream(q, p, &use);
	return st;
}

static int
find_page(struct gw_query *q, struct page *p, struct err *e)
{
	struct gw_snaps *snaps = gw_snapshots(q->g);
	bool later = p->l->cursor && *p->l->cursor;
	if (later && open_cursor(q, p, e) < 0)
		return -1;
	window_init(q, p);
	p->asked = p->w.first;
	if (!p->l->cursor && p->w.first > 0 && p->count > 0)
		p->snapshot = gw_snap_find(snaps, &q->key, p->w.first);
	if (p->snapshot && gw_snap_read(snaps, p->snapshot, &q->key, &p->w)) {
		q->stream = find_stream(q, p);
		return 0;
	}
	if (later)
		return err_set(e, ERR_CURSOR_EXPIRED, NULL);
	p->snapshot = 0;
	return fresh_page(q, p, e);
}

/* Places in a snapshot stay: a page is shorter by what was deleted meanwhile. Only an empty page would look like the
 * end, so that it is passed over. */
static int
fill_page(struct gw_query *q, struct page *p, struct err *e)
{
	for (;;) {
		p->texts = ARENA_ARRAY(q->a, p->w.n + 1, struct strv);
		if (gw_query_fetch(q, &p->w, &p->have, p->texts, e) < 0)
			return -1;
		for (size_t i = 0; i < p->w.n; i++)
			p->n += p->texts[i].p != NULL;
		size_t next = p->w.first + p->w.n;
		if (p->n > 0 || p->w.n == 0 || next >= p->w.total || p->snapshot == 0)
			return 0;
		p->w.first = next;
		p->w.n = p->count;
		if (!gw_snap_read(gw_snapshots(q->g), p->snapshot, &q->key, &p->w))
			return err_set(e, p->l->cursor ? ERR_CURSOR_EXPIRED : ERR_BUSY, NULL);
	}
}

/* --- answer ---------------------------------------------------------------------------------------------------------
 */

/* RFC 9865 2: in every page but the last one; count 0 asks for no page. */
static const char *
next_cursor(struct gw_query *q, const struct page *p)
{
	size_t next = p->w.first + p->w.n;
	if (p->count == 0 || next >= p->w.total)
		return NULL;
	const struct gw_cursor c = {
		.snapshot = p->snapshot,
		.first = next,
		.count = p->count,
		.expires = (uint64_t)(gw_snaps_now(gw_snapshots(q->g)) + GW_CURSOR_TIMEOUT * 1000),
	};
	return gw_cursor_seal(q->a, gw_seal(q->g), &q->key, &c);
}

static struct strv
respond(struct gw_query *q, const struct page *p, struct arena *a)
{
	struct scim_list list = {.resources = p->texts, .n = p->w.n, .total = (int64_t)p->w.total};
	if (p->l->cursor) {
		list.next_cursor = next_cursor(q, p);
		return scim_list_text(a, &list);
	}
	list.start_index = (int64_t)p->w.first + 1;
	if (p->snapshot)
		gw_snap_served(gw_snapshots(q->g), p->snapshot, p->asked, p->w.first + p->n, p->w.first + p->w.n);
	return scim_list_text(a, &list);
}

/* RFC 7644 3.4.2.4: a start below 1 is 1, the provider may return fewer. RFC 9865 2.1 is stricter. */
static int
count_of(const struct gw *g, const struct gw_list *l, size_t *count_r, struct err *e)
{
	int64_t max = gw_options(g)->max_results, count = l->count < 0 ? GW_DEFAULT_COUNT : l->count;
	if (count > max && l->cursor && l->count >= 0)
		return err_set(e, ERR_COUNT, "count must not be larger than %lld here", (long long)max);
	if (l->cursor && l->start_index > 1)
		return err_set(e, ERR_VALUE, "startIndex and cursor exclude each other");
	*count_r = (size_t)(count > max ? max : count);
	return 0;
}

/* a: of the answer. */
static int
search(struct gw_query *q, struct gw_req *req, const struct gw_list *l, size_t count, struct arena *a,
       struct strv *response_r, struct err *e)
{
	struct page p = {.l = l, .count = count, .w.first = l->start_index < 1 ? 0 : (size_t)l->start_index - 1};
	if (begin(q, req, l, e) < 0)
		return -1;
	int rc = find_page(q, &p, e) < 0 || fill_page(q, &p, e) < 0 ? -1 : 0;
	gw_stream_give(gw_streams_of(q->g), &q->stream, rc == 0 && p.w.first + p.w.n < p.w.total);
	if (rc < 0)
		return err_cause(e, "search %s", q->n_parts > 1 ? "/" : q->parts[0].run.type->endpoint);
	*response_r = respond(q, &p, a);
	return 0;
}

static const struct scim_note *
notes_copy(struct arena *a, const struct scim_note *notes)
{
	const struct scim_note *copy = NULL, **end = &copy;
	for (; notes; notes = notes->next) {
		struct scim_note *n = ARENA_NEW(a, struct scim_note);
		*n = (struct scim_note){notes->kind, arena_strdup(a, notes->what), NULL};
		*end = n;
		end = &n->next;
	}
	return copy;
}

/* work: for all but the answer. */
static int
search_in(struct arena *work, struct gw *g, struct gw_req *q, const struct gw_list *l, size_t count,
	  struct strv *response_r, struct err *e)
{
	struct gw_query *query = ARENA_NEW(work, struct gw_query);
	struct gw_req req = *q;
	const struct scim_note *notes = NULL;
	req.a = work;
	*query = (struct gw_query){.g = g, .a = work};
	int rc = search(query, &req, l, count, q->a, response_r, e);
	for (size_t i = 0; i < query->n_parts; i++) {
		rc = gw_end(&query->parts[i].run, rc, e);
		if (!notes)
			notes = query->parts[i].req.notes;
	}
	if (!q->notes)
		q->notes = work == q->a ? notes : notes_copy(q->a, notes);
	return rc;
}

/* What a large page is made from is several times its text, and is given back before the client takes that. */
static int
search_large(struct gw *g, struct gw_req *q, const struct gw_list *l, size_t count, struct strv *response_r,
	     struct err *e)
{
	if (!room_enter(gw_room_of(g), count, gw_deadline(g, q)))
		return err_set(e, ERR_BUSY, "too many large pages are asked for; try again, or ask for smaller ones");
	struct arena *work = arena_new(65536);
	int rc = search_in(work, g, q, l, count, response_r, e);
	arena_free(&work);
	room_leave(gw_room_of(g), count);
	return rc;
}

int
gw_search(struct gw *g, struct gw_req *q, const struct gw_list *l, struct strv *response_r, struct err *e)
{
	size_t count;
	if (count_of(g, l, &count, e) < 0)
		return -1;
	return count > GW_DEFAULT_COUNT ? search_large(g, q, l, count, response_r, e)
					: search_in(q->a, g, q, l, count, response_r, e);
}
