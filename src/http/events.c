/* SPDX-License-Identifier: Apache-2.0
 * Reading the change feed. The stored text of an event is what a reader gets: nothing is parsed here; event_select does
 * so only for a filter or a fence. */
#include "events.h"

#include "http_priv.h"
#include "request.h"

/* Numbers of events looked at for one page, however often it waited; a filter that matches next to nothing must not
 * make a request endless. Counted from the place and not a time: the same place gives the same page. */
#define EXAMINED_MAX 10000
#define ALL_TYPES    ((UINT32_C(1) << EVENT_N_TYPES) - 1)
/* How often a waiting reader looks whether its client is still there. */
#define LOOK_MS      1000

/* --- query ------------------------------------------------------------------------------------------------------ */

int
http_events_store(struct req *q, struct store **s_r, struct err *e)
{
	const struct http_opts *o = &q->h->opts;
	if (!o->store) {
		(void)err_set(e, ERR_NOT_IMPLEMENTED, "the change feed is off; the server's log says why");
		return err_cause(e, "%s", o->feed_off ? o->feed_off : "no store");
	}
	*s_r = o->store;
	return 0;
}

int
http_events_known(const struct req *q, const char *const *names, struct err *e)
{
	for (size_t i = 0; i < q->uri.n_params; i++) {
		const char *name = q->uri.params[i].name;
		size_t n = 0;
		while (names[n] && !str_caseeq(names[n], name))
			n++;
		if (names[n])
			continue;
		const char *near = str_nearest(name, names, n);
		return err_set(e, ERR_VALUE, "there is no query parameter \"%.64s\" here%s%s%s", name,
			       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	return 0;
}

static int
parse_count(const char *name, const char *text, int64_t *n_r, struct err *e)
{
	int64_t n = 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return err_set(e, ERR_VALUE, "%s is not a number", name);
		n = n > INT32_MAX ? n : n * 10 + (*p - '0');
	}
	if (!*text)
		return err_set(e, ERR_VALUE, "%s is empty", name);
	*n_r = n;
	return 0;
}

int
http_events_limit(const struct req *q, int64_t *limit_r, struct err *e)
{
	const char *text = http_uri_param(&q->uri, "limit");
	int64_t n = EVENTS_LIMIT;
	if (text && parse_count("limit", text, &n, e) < 0)
		return -1;
	if (n < 1 || n > EVENTS_LIMIT_MAX)
		return err_set(e, ERR_VALUE, "limit must be 1 to %d", EVENTS_LIMIT_MAX);
	*limit_r = n;
	return 0;
}

static bool
sees(const void *who, const char *dn_key)
{
	return policy_sees(who, dn_key);
}

/* Scopes on users or groups narrow events:read to these types; an operator sees all. */
void
http_events_rights(struct req *q, struct event_select *s)
{
	bool operators = q->route->flags & ROUTE_ADMIN;
	bool users = q->who->scopes & (POLICY_USERS_READ | POLICY_USERS_WRITE);
	bool groups = q->who->scopes & (POLICY_GROUPS_READ | POLICY_GROUPS_WRITE);
	bool all = operators || (!users && !groups);
	s->users = all || users;
	s->groups = all || groups;
	if (operators || !q->who->fences)
		return;
	s->sees = sees;
	s->who = q->who;
}

static int
fill_select(struct req *q, struct event_select *s, struct err *e)
{
	const char *types = http_uri_param(&q->uri, "types"), *filter = http_uri_param(&q->uri, "filter");
	const struct map_set *set = NULL;
	*s = (struct event_select){.types = ALL_TYPES};
	http_events_rights(q, s);
	if (types && event_select_types(s, strv_of(types), e) < 0)
		return -1;
	if (!filter)
		return 0;
	if (gw_ready(q->h->opts.gw, &set, e) < 0)
		return -1;
	s->user_type = map_type(set->users);
	s->group_type = map_type(set->groups);
	return event_select_filter(q->a, s, strv_of(filter), e);
}

/* --- place ------------------------------------------------------------------------------------------------------ */

static int
gone(struct err *e, const char *cause)
{
	(void)err_set(e, ERR_GONE, NULL);
	return err_cause(e, "%s", cause);
}

/* Events up to oldest - 1 are dropped. Of the one at oldest - 1 the mark cannot be compared any more, but nothing that
 * follows it is missing. */
int
http_events_check(const struct events_read *r, struct err *e)
{
	struct store_range range;
	uint64_t mark = 0;
	store_range(r->store, &range);
	if (!str_eq(r->log.generation, store_generation(r->store)))
		return gone(e, "the log was begun anew");
	if (r->at.seq < range.oldest - 1)
		return gone(e, "the cursor is beyond retention");
	if (r->at.seq < range.oldest)
		return 0;
	int rc = store_event_mark(r->store, r->at.seq, &mark, e);
	if (rc < 0)
		return -1;
	/* a reader sees an event as soon as it is committed, a moment before the store counts it: the row decides */
	if (rc == 0)
		return gone(e, r->at.seq > range.head ? "the cursor is beyond the newest event: the log was restored"
						      : "the cursor is beyond retention");
	return mark == r->at.mark ? 0 : gone(e, "another event has the cursor's number: the log was restored");
}

static int
begin_at(struct events_read *r, const char *after, struct err *e)
{
	struct store_range range;
	store_range(r->store, &range);
	if (!after || !*after) {
		r->at = (struct event_cursor){.seq = range.oldest - 1};
		return 0;
	}
	if (!str_eq(after, "now"))
		return event_cursor_parse(&r->log, strv_of(after), &r->at, e) < 0 ? -1 : http_events_check(r, e);
	r->at = (struct event_cursor){.seq = range.head};
	return store_event_mark(r->store, range.head, &r->at.mark, e) < 0 ? -1 : 0;
}

/* What is stored under any other type is nothing for the client: it need not be woken for it. */
static uint64_t
topics_of(const struct event_select *s)
{
	static const char *const moved[] = {EVENT_USER_MOVED, EVENT_GROUP_MOVED};
	uint64_t topics = 0;
	for (int t = 0; t < EVENT_N_TYPES; t++)
		if (event_select_may(s, event_type_name((enum event_type)t)))
			topics |= store_topic(event_type_name((enum event_type)t));
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++)
		if (event_select_may(s, moved[i]))
			topics |= store_topic(moved[i]);
	return topics;
}

void
http_events_batch(struct events_read *r)
{
	r->stop = r->at.seq + EXAMINED_MAX;
}

int
http_events_begin(struct req *q, const char *after, struct events_read *r, struct err *e)
{
	if (http_events_store(q, &r->store, e) < 0)
		return -1;
	r->log = (struct event_log){store_key(r->store), arena_strdup(q->a, store_generation(r->store))};
	if (fill_select(q, &r->select, e) < 0 || begin_at(r, after, e) < 0)
		return -1;
	r->topics = topics_of(&r->select);
	http_events_batch(r);
	return 0;
}

const char *
http_events_cursor(struct arena *a, const struct events_read *r)
{
	return event_cursor_text(a, &r->log, &r->at);
}

/* --- batches ---------------------------------------------------------------------------------------------------- */

struct taking {
	struct events_read *r;
	struct arena *a;
	enum events_form form;
	struct buf *out;
	int64_t n, rows;
	bool full;
};

/* A turned event (select.h) has another type than the stored one; both texts begin alike (event_write). */
static struct strv
type_of(const struct store_event *ev, struct strv body)
{
	static const struct strv key = {"\"type\":\"", 8};
	if (body.p == ev->body.p)
		return strv_of(ev->type);
	for (size_t i = 0; i + key.n < body.n; i++)
		if (memcmp(body.p + i, key.p, key.n) == 0) {
			struct strv rest = strv_n(body.p + i + key.n, body.n - i - key.n);
			return strv_n(rest.p, strv_chr(rest, '"'));
		}
	return strv_of(ev->type);
}

static void
write_event(struct taking *t, const struct store_event *ev, struct strv body)
{
	const char *cursor = http_events_cursor(t->a, t->r);
	if (t->form == EVENTS_SSE) {
		struct strv type = type_of(ev, body);
		buf_printf(t->out, "id: %s\nevent: %.*s\ndata: ", cursor, (int)type.n, type.p);
		event_write_cursor(t->out, body, cursor);
		buf_adds(t->out, "\n\n");
		return;
	}
	if (t->n > 0)
		buf_addc(t->out, ',');
	event_write_cursor(t->out, body, cursor);
}

static int
take_event(void *ctx, const struct store_event *ev, struct err *e)
{
	struct taking *t = ctx;
	const struct event_seen seen = {
		.body = ev->body, .type = ev->type, .dn_key = ev->dn_key, .old_dn_key = ev->old_dn_key};
	struct strv body = {NULL, 0};
	int rc = event_select_match(t->a, &t->r->select, &seen, &body, e);
	if (rc < 0)
		return err_cause(e, "event %s", ev->id);
	t->r->at = (struct event_cursor){ev->seq, store_mark(ev->id)};
	t->rows++;
	if (rc > 0) {
		write_event(t, ev, body);
		t->n++;
	}
	t->full = t->n == t->r->limit || t->out->n >= t->r->bytes || ev->seq >= t->r->stop;
	return t->full;
}

int
http_events_take(struct events_read *r, enum events_form form, struct buf *out, struct events_batch *b_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	struct taking t = {.r = r, .a = a, .form = form, .out = out, .rows = 1};
	int64_t behind = r->at.seq;
	const struct event_select *s = &r->select;
	bool all = !s->filtered && !s->sees && s->users && s->groups && s->types == ALL_TYPES;
	struct store_range range;
	for (int64_t asked = 1; !t.full && t.rows == asked;) {
		/* who gets everything needs no more rows than the page has places, but for changes of the DN alone */
		asked = all ? r->limit - t.n : EXAMINED_MAX;
		t.rows = 0;
		if (store_events(r->store, r->at.seq, asked, take_event, &t, e) < 0)
			return -1;
	}
	/* retention may have passed by since the place was checked: a gap must not look like none */
	store_range(r->store, &range);
	if (behind < range.oldest - 1 || !str_eq(r->log.generation, store_generation(r->store)))
		return gone(e, "the log was shortened while it was read");
	if (out->full)
		return err_set(e, ERR_INTERNAL, "the events are longer than %zu bytes", out->limit);
	*b_r = (struct events_batch){t.n, t.full};
	return 0;
}

bool
http_events_wait(struct req *q, struct events_read *r, deadline_t until, bool *ended_r)
{
	*ended_r = false;
	while (deadline_left(until) > 0) {
		deadline_t look = deadline_min(until, deadline_in(LOOK_MS));
		struct store_waiting w = {.topics = r->topics, .stop = r->stop, .seq = r->at.seq, .mark = r->at.mark};
		bool news = store_wait(r->store, &w, look);
		r->at = (struct event_cursor){w.seq, w.mark};
		if (news)
			return true;
		*ended_r = deadline_left(look) > 0 || http_draining(q->h) || http_conn_gone(q->conn) ||
			   !http_clients_current(q->h, q->clients);
		if (*ended_r)
			return false;
	}
	return false;
}
