/* SPDX-License-Identifier: Apache-2.0
 * GET /events/snapshot: the state that a new reader begins with. It is at least as new as the cursor that comes with
 * it, so the reader takes the snapshot first and reads /events from there: what it sees twice it sees in order. */
#include "dirhinge/base/codec.h"
#include "dirhinge/store/state.h"
#include "ep.h"
#include "events.h"
#include "http_priv.h"
#include "media.h"

#define PAGE_BYTES   (4u * 1024 * 1024)
#define PAGE_MAX     (64u * 1024 * 1024) /* a group comes with all its members */
#define HELD_RETRY_S 60
#define ID_MAX       128
#define MEMBERS_MAX  INT64_C(1000000)

/* Rows are taken down first: a read inside a read would hold two connections of the store. */
struct row {
	enum store_kind kind;
	const char *id;
	struct strv resource;
	const struct row *next;
};

struct snapshot {
	struct req *q;
	struct arena *a;      /* for all but the answer */
	struct events_read r; /* .at: the cursor of the whole snapshot */
	enum store_kind kind; /* 0 = both */
	const char *after;    /* id */
	const struct row *first, **end;
	int64_t n; /* rows */
	size_t bytes;
	const char *last; /* id of the last row */
	struct buf *out;
	bool first_member;
};

static void
free_buf(void *b)
{
	buf_done(b);
}

/* --- place: the cursor of the first page, what is listed, the last id --------------------------------------------- */

static const char kind_letters[] = {'A', 'U', 'G'};

static const char *
page_text(struct snapshot *s)
{
	struct arena *a = s->q->a;
	return arena_printf(a, "%s.%c%s", http_events_cursor(a, &s->r), kind_letters[s->kind],
			    base64url_encode(a, strv_of(s->last)));
}

static int
parse_page(struct snapshot *s, const char *text, struct err *e)
{
	struct strv t = strv_of(text), id;
	size_t dot = strv_chr(t, '.');
	if (t.n - dot < 3 || t.p[dot + 1] != kind_letters[s->kind] ||
	    base64url_decode(s->q->a, strv_n(t.p + dot + 2, t.n - dot - 2), &id, NULL) < 0 || id.n > ID_MAX ||
	    !utf8_valid(id, NULL))
		return err_set(e, ERR_CURSOR, "page is not the next_page of a snapshot of this type");
	s->after = arena_strndup(s->q->a, id.p, id.n);
	return event_cursor_parse(&s->r.log, strv_n(t.p, dot), &s->r.at, e) < 0 ? -1 : http_events_check(&s->r, e);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static bool
is_visible(const struct snapshot *s, const struct store_state *st)
{
	const struct event_select *sel = &s->r.select;
	bool typed = st->kind == STORE_USER ? sel->users : st->kind == STORE_GROUP && sel->groups;
	return typed && (!sel->sees || sel->sees(sel->who, st->dn_key));
}

/* Counts what it passes by as well: a page behind a fence may be short, the next one goes on. */
static int
take_row(void *ctx, const struct store_state *st, struct err *e)
{
	struct snapshot *s = ctx;
	struct arena *a = s->a;
	s->last = arena_strdup(a, st->id);
	s->n++;
	if (!is_visible(s, st))
		return 0;
	struct row *row = ARENA_NEW(a, struct row);
	row->kind = st->kind;
	row->id = s->last;
	struct strv text = strv_n(arena_strndup(a, st->resource.p, st->resource.n), st->resource.n);
	if (event_select_resource(a, &s->r.select, st->kind == STORE_USER, text, &row->resource, e) < 0)
		return -1;
	*s->end = row;
	s->end = &row->next;
	s->bytes += row->resource.n;
	return s->bytes >= PAGE_BYTES;
}

static int
write_member(void *ctx, const struct store_member *m, struct err *e)
{
	struct snapshot *s = ctx;
	const struct event_select *sel = &s->r.select;
	(void)e;
	if (!m->member_id || (sel->sees && !sel->sees(sel->who, m->dn_key)))
		return 0;
	buf_adds(s->out, s->first_member ? ",\"members\":[{\"value\":\"" : "},{\"value\":\"");
	buf_adds(s->out, m->member_id);
	buf_addc(s->out, '"');
	s->first_member = false;
	return 0;
}

/* The stored text is an object without members; they go in before its last brace. */
static int
write_row(struct snapshot *s, const struct row *row, struct err *e)
{
	must(row->resource.n >= 2 && row->resource.p[row->resource.n - 1] == '}');
	buf_addv(s->out, strv_n(row->resource.p, row->resource.n - 1));
	s->first_member = true;
	if (row->kind == STORE_GROUP && store_members(s->r.store, row->id, MEMBERS_MAX, write_member, s, e) < 0)
		return -1;
	buf_adds(s->out, s->first_member ? "}" : "}]}");
	return 0;
}

static int
note_batch(void *ctx, const struct store_batch *b DH_UNUSED, struct err *e DH_UNUSED)
{
	*(bool *)ctx = true;
	return 1;
}

/* The state already is without what the guard holds back: a reader that began with it would carry out what nobody has
 * approved. Looked at before and after the state was read. */
static int
check_held(struct snapshot *s, struct err *e)
{
	bool held = false;
	if (store_batches(s->r.store, note_batch, &held, e) < 0)
		return -1;
	if (!held)
		return 0;
	(void)err_set(e, ERR_UNAVAILABLE,
		      "removals are held until an operator has decided, and a snapshot would show them as done");
	e->retry_after = HELD_RETRY_S;
	return err_cause(e, "dirhinge guard list");
}

/* A reader takes what is not in a snapshot for gone: half a state would be a mass delete. */
static int
check_whole(struct snapshot *s, struct err *e)
{
	struct strv text;
	int rc = store_meta_get(s->r.store, s->q->a, STORE_META_WHOLE, &text, e);
	if (rc < 0)
		return -1;
	return rc ? 0 : err_set(e, ERR_UNAVAILABLE, "the directory has not been read to its end yet");
}

/* The rows were read by chunks: if the state was begun anew meanwhile, those behind are missing. */
static int
check_same(struct snapshot *s, struct err *e)
{
	return http_events_check(&s->r, e) < 0 || check_whole(s, e) < 0 ? -1 : 0;
}

static int
reply(struct snapshot *s, struct err *e)
{
	struct req *q = s->q;
	if (check_whole(s, e) < 0 || check_held(s, e) < 0 ||
	    store_state_list(s->r.store, s->kind, s->after, s->r.limit, take_row, s, e) < 0)
		return -1;
	s->out = ARENA_NEW(q->a, struct buf);
	*s->out = BUF_INIT(PAGE_MAX);
	arena_defer(q->a, free_buf, s->out);
	buf_reserve(s->out, s->bytes + 1024);
	buf_adds(s->out, "{\"data\":[");
	for (const struct row *row = s->first; row; row = row->next) {
		if (row != s->first)
			buf_addc(s->out, ',');
		if (write_row(s, row, e) < 0)
			return -1;
	}
	if (check_held(s, e) < 0 || check_same(s, e) < 0)
		return -1;
	bool more = s->n == s->r.limit || s->bytes >= PAGE_BYTES;
	buf_adds(s->out, "],\"next_page\":");
	if (more)
		buf_printf(s->out, "\"%s\"", page_text(s));
	else
		buf_adds(s->out, "null");
	buf_printf(s->out, ",\"cursor\":\"%s\"}", http_events_cursor(q->a, &s->r));
	if (s->out->full)
		return err_set(e, ERR_TOO_LARGE, "the page is longer than %u bytes; ask with a smaller limit",
			       PAGE_MAX);
	http_reply_text(q, 200, MEDIA_JSON, buf_view(s->out));
	return 0;
}

/* --- end point -------------------------------------------------------------------------------------------------- */

static int
choose_kind(struct snapshot *s, struct err *e)
{
	const struct event_select *sel = &s->r.select;
	const char *type = http_uri_param(&s->q->uri, "type");
	if (!type) {
		s->kind = sel->users && sel->groups ? 0 : sel->users ? STORE_USER : STORE_GROUP;
		return 0;
	}
	if (!str_eq(type, "User") && !str_eq(type, "Group"))
		return err_set(e, ERR_VALUE, "type must be User or Group");
	s->kind = str_eq(type, "User") ? STORE_USER : STORE_GROUP;
	if (!(s->kind == STORE_USER ? sel->users : sel->groups))
		return err_set(e, ERR_FORBIDDEN, "the client's scopes do not let it see resources of type %s", type);
	return 0;
}

int
http_ep_events_snapshot(struct req *q, struct err *e)
{
	static const char *const params[] = {"type", "limit", "page", NULL};
	struct snapshot s = {.q = q, .after = ""};
	const char *page = http_uri_param(&q->uri, "page");
	s.end = &s.first;
	if (http_events_known(q, params, e) < 0 || http_events_limit(q, &s.r.limit, e) < 0 ||
	    http_events_begin(q, "now", &s.r, e) < 0 || choose_kind(&s, e) < 0 ||
	    (page && parse_page(&s, page, e) < 0) || http_reader_enter(q->h, READER_PAGE, e) < 0)
		return -1;
	int rc = http_page_enter(q->h, s.r.limit, e);
	if (rc == 0) {
		s.a = arena_new(65536);
		rc = reply(&s, e);
		arena_free(&s.a);
		http_page_leave(q->h, s.r.limit);
	}
	http_reader_leave(q->h, READER_PAGE);
	return rc;
}
