/* SPDX-License-Identifier: Apache-2.0
 * The change feed over HTTP, on a real store: pages, long polls, streams, snapshots, what operators ask. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dirhinge/base/log.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/crypto/hash.h"
#include "dirhinge/event/event.h"
#include "fake_gw.h"
#include "http/http_priv.h"
#include "http/server.h"
#include "http_client.h"
#include "unit.h"

static struct arena *a;
static struct err e;
static struct gw *gw;
static struct store *store;
static struct http *h;
static struct client c;
static char dir[64];
static struct principal clients[4];
static struct http_opts opts;
static int made;
static const char *const fence[] = {"ou=north,dc=x", NULL};

static void
setup_store(void)
{
	static const struct principal templates[4] = {
		{.name = "reader", .profile = "lenient", .scopes = POLICY_EVENTS_READ},
		{.name = "users", .profile = "lenient", .scopes = POLICY_EVENTS_READ | POLICY_USERS_READ},
		{.name = "north", .profile = "lenient", .scopes = POLICY_EVENTS_READ, .fences = fence},
		{.name = "scim", .profile = "lenient", .scopes = POLICY_USERS_WRITE | POLICY_ADMIN},
	};
	static const char *const tokens[] = {"reading", "users", "north", "scim"};
	log_setup(LOG_ERROR_, LOG_TEXT);
	a = arena_new(4096);
	e = ERR_INIT;
	made = 0;
	gw = fake_gw_new();
	memcpy(clients, templates, sizeof clients);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		crypto_sha256(strv_of(tokens[i]), clients[i].token_sha256);
	(void)snprintf(dir, sizeof dir, "/tmp/dirhinge-events-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	const struct store_opts so = {.dir = dir, .retention_ms = 3600000};
	ck_assert_msg(store_open(&so, &store, &e) == 0, "%s %s", e.detail, e.cause);
	opts = (struct http_opts){.listen = "127.0.0.1:0",
				  .base_path = "/scim/v2",
				  .max_in_flight = 1,
				  .max_connections = 64,
				  .max_body = 65536,
				  .clients = clients,
				  .n_clients = ARRAY_SIZE(clients),
				  .gw = gw,
				  .max_results = 100,
				  .store = store,
				  .max_streams = 3};
	c.fd = -1;
}

static void
start(const struct conn_limits *limits)
{
	ck_assert_msg(http_start_limits(&opts, limits, &h, &e) == 0, "%s", e.detail);
	client_connect(&c, http_address(h));
}

static void
setup(void)
{
	setup_store();
	start(&http_default_limits);
}

static int
remove_one(const char *path, const struct stat *st DH_UNUSED, int type DH_UNUSED, struct FTW *walk DH_UNUSED)
{
	return remove(path);
}

static void
teardown(void)
{
	if (c.fd >= 0)
		client_close(&c);
	http_stop(&h, 0);
	store_close(&store);
	fake_gw_free(&gw);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	arena_free(&a);
}

/* --- making events ---------------------------------------------------------------------------------------------- */

struct making {
	enum event_type type;
	const char *name, *dn_key;
	int first, n;
	size_t padding;
	bool hold;
};

static int
append_all(struct store_tx *tx, void *ctx, struct err *err)
{
	const struct making *m = ctx;
	for (int i = m->first; i < m->first + m->n; i++) {
		DH_CLEANUP(buf_done) struct buf body = BUF_INIT(1024 * 1024);
		char *title = arena_alloc(a, m->padding + 1);
		memset(title, 'x', m->padding);
		json_t *data = json_pack("{s:s, s:s}", "userName", m->name, "title", title);
		const struct event ev = {.type = m->type,
					 .source = "main",
					 .subject_id = arena_printf(a, "id-%s", m->name),
					 .incarnation = 1,
					 .csn = arena_printf(a, "%06d", i),
					 .at_us = 1000000,
					 .name = m->name,
					 .cause.kind = "external",
					 .data = data};
		const char *id = event_id(a, &ev);
		event_write(&body, &ev, id);
		json_decref(data);
		const struct store_event se = {.id = id,
					       .type = event_type_name(m->type),
					       .subject = ev.subject_id,
					       .dn_key = m->dn_key,
					       .old_dn_key = m->type == EVENT_USER_CREATED ? NULL : m->dn_key,
					       .at_us = ev.at_us,
					       .removal = event_type_removal(m->type),
					       .body = buf_view(&body)};
		if (store_tx_event(tx, &se, err) < 0)
			return -1;
	}
	int64_t batch;
	return m->hold ? store_tx_hold_back(tx, "too many", 1000000, &batch, err) : 0;
}

static void
make(const struct making *m)
{
	struct making all = *m;
	all.first = made;
	made += m->n;
	ck_assert_msg(store_write(store, append_all, &all, &e) == 0, "%s %s", e.detail, e.cause);
}

static void
make_users(int n)
{
	for (int i = 0; i < n; i++)
		make(&(struct making){.type = EVENT_USER_CREATED,
				      .name = arena_printf(a, "u%d", made),
				      .dn_key = "uid=u,ou=north,dc=x",
				      .n = 1});
}

static void
ask(const char *target, const char *token, struct answer *r)
{
	client_request(&c, "GET", target, token, "", NULL);
	client_answer(&c, a, false, r);
}

static const char *
name_at(const struct answer *r, size_t i)
{
	const json_t *ev = json_array_get(json_object_get(r->json, "data"), i);
	const char *s = json_string_value(json_object_get(json_object_get(ev, "subject"), "userName"));
	return s ? s : "";
}

static size_t
count(const struct answer *r)
{
	ck_assert_msg(r->status == 200, "%s%.*s", r->head, (int)r->body.n, r->body.p);
	return json_array_size(json_object_get(r->json, "data"));
}

static const char *
after(const struct answer *r)
{
	return arena_printf(a, "/events?after=%s", answer_text(r, "next_cursor"));
}

/* --- pages ------------------------------------------------------------------------------------------------------ */

START_TEST(pages)
{
	struct answer r, again;
	make_users(5);
	ask("/events?limit=2", "reading", &r);
	ck_assert_uint_eq(count(&r), 2);
	ck_assert_str_eq(name_at(&r, 0), "u0");
	ck_assert(json_is_true(json_object_get(r.json, "has_more")));
	ck_assert_pstr_eq(answer_field(&r, "Content-Type"), "application/json");
	/* the cursor of an event is the place behind it */
	const json_t *second = json_array_get(json_object_get(r.json, "data"), 1);
	ck_assert_pstr_eq(json_string_value(json_object_get(second, "cursor")), answer_text(&r, "next_cursor"));
	const char *target = arena_printf(a, "%s&limit=2", after(&r));
	ask(target, "reading", &r);
	ck_assert_str_eq(name_at(&r, 1), "u3");
	const struct strv bytes = r.body;
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_str_eq(name_at(&r, 0), "u4");
	ck_assert(json_is_false(json_object_get(r.json, "has_more")));
	/* the end can be polled, and shows what comes later */
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	make_users(1);
	ask(target, "reading", &again);
	ck_assert_msg(strv_eq(again.body, bytes), "%.*s\n%.*s", (int)bytes.n, bytes.p, (int)again.body.n, again.body.p);
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_str_eq(name_at(&r, 0), "u5");
}
END_TEST

START_TEST(an_empty_log)
{
	struct answer r;
	ask("/events", "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	ask("/events?after=", "reading", &r);
	const char *begin = after(&r);
	ask("/events?after=now", "reading", &r);
	const char *now = after(&r);
	make_users(2);
	ask(begin, "reading", &r);
	ck_assert_uint_eq(count(&r), 2);
	ask(now, "reading", &r);
	ck_assert_uint_eq(count(&r), 2);
	ask("/events?after=now", "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
}
END_TEST

static const struct {
	const char *target, *token;
	int status;
	const char *text;
} refusals[] = {
	{"/events", NULL, 401, "bearer"},
	{"/events", "scim", 403, "events:read"},
	{"/events/stream", "scim", 403, "events:read"},
	{"/events/snapshot", "scim", 403, "events:read"},
	{"/scim/v2/events", "reading", 404, ""},
	{"/events/", "reading", 404, ""},
	{"/events/other", "reading", 404, ""},
	{"/events?limit=0", "reading", 400, "limit must be 1 to 1000"},
	{"/events?limit=1001", "reading", 400, "limit must be 1 to 1000"},
	{"/events?limit=99999999999999999999999", "reading", 400, "limit must be 1 to 1000"},
	{"/events?limit=ten", "reading", 400, "limit is not a number"},
	{"/events?limit=", "reading", 400, "limit is empty"},
	{"/events?limit=-1", "reading", 400, "limit is not a number"},
	{"/events?wait=x", "reading", 400, "wait is not a number of seconds"},
	{"/events?wait=1&wait=1", "reading", 400, "more than once"},
	{"/events?waitt=1", "reading", 400, "did you mean wait?"},
	{"/events?last=1", "reading", 400, "\"last\""},
	{"/events?after=x&xyzzy", "reading", 400, "\"xyzzy\""},
	{"/events?after=garbage", "reading", 400, ""},
	{"/events?after=%F0%9F%98%80", "reading", 400, ""},
	{"/events?types=dsync.user.renamed", "reading", 400, "dsync.user.renamed"},
	{"/events?filter=userName%20eq", "reading", 400, ""},
	{"/events/stream?limit=1", "reading", 400, "\"limit\""},
	{"/events/stream?after=garbage", "reading", 400, ""},
	{"/events/snapshot?type=Device", "reading", 400, "User or Group"},
	{"/events/snapshot?type=Group", "users", 403, "Group"},
	{"/events/snapshot?page=x", "reading", 400, "page"},
	{"/events/snapshot?after=x", "reading", 400, "\"after\""},
	{"/admin/v1/events", "scim", 404, ""}, /* not on this listener */
};

START_TEST(refusal)
{
	struct answer r;
	ask(refusals[_i].target, refusals[_i].token, &r);
	const char *detail = answer_error(&r, refusals[_i].status);
	ck_assert_msg(strstr(detail, refusals[_i].text), "%s: %s", refusals[_i].target, detail);
	ask("/livez", NULL, &r);
	ck_assert_int_eq(r.status, 200);
}
END_TEST

START_TEST(methods)
{
	struct answer r;
	client_request(&c, "POST", "/events", "reading", "", "{}");
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 405);
	ck_assert_pstr_eq(answer_field(&r, "Allow"), "GET, HEAD, OPTIONS");
	client_request(&c, "HEAD", "/events", "reading", "", NULL);
	client_answer(&c, a, true, &r);
	ck_assert_int_eq(r.status, 200);
	client_request(&c, "HEAD", "/events/stream", "reading", "", NULL);
	client_answer(&c, a, true, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_pstr_eq(answer_field(&r, "Content-Type"), "text/event-stream");
	/* What a HEAD sent of a body would be read as the beginning of this answer. */
	ask("/events?limit=1", "reading", &r);
	ck_assert_int_eq(r.status, 200);
}
END_TEST

/* Every changed digit of a cursor is noticed. */
START_TEST(forged_cursors)
{
	struct answer r;
	make_users(2);
	ask("/events?limit=1", "reading", &r);
	const char *good = answer_text(&r, "next_cursor");
	for (size_t i = 0; good[i]; i++) {
		char *bad = arena_strdup(a, good);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		ask(arena_printf(a, "/events?after=%s", bad), "reading", &r);
		(void)answer_error(&r, 400);
		ck_assert_str_eq(answer_text(&r, "scimType"), "invalidCursor");
	}
	ask(arena_printf(a, "/events?after=%s", good), "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
}
END_TEST

START_TEST(gone_with_the_log)
{
	struct answer r;
	make_users(2);
	ask("/events", "reading", &r);
	const char *target = after(&r), *id = answer_text(&r, "next_cursor");
	ask("/events/snapshot", "reading", &r);
	ck_assert_int_eq(store_reset(store, &e), 0);
	ask(target, "reading", &r);
	(void)answer_error(&r, 410);
	ck_assert_str_eq(answer_text(&r, "resync"), "/events/snapshot");
	client_request(&c, "GET", "/events/stream", "reading", arena_printf(a, "Last-Event-ID: %s\r\n", id), NULL);
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 410);
	ask("/events", "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	make_users(1);
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
}
END_TEST

/* F-60: what retention has dropped is never skipped in silence. */
START_TEST(gone_with_retention)
{
	struct answer r;
	int64_t dropped = 0;
	ask("/events", "reading", &r);
	const char *first = after(&r);
	make_users(3);
	ask("/events?limit=3", "reading", &r);
	const char *last = after(&r);
	ck_assert_int_eq(store_maintain(store, clock_wall_us() + INT64_C(7200) * 1000000, &dropped, &e), 0);
	ck_assert_int_eq(dropped, 3);
	ask(first, "reading", &r);
	(void)answer_error(&r, 410);
	/* nothing that follows this one is missing */
	ask(last, "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	make_users(1);
	ask(last, "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	ask("/events", "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
}
END_TEST

START_TEST(scopes_and_fences)
{
	struct answer r;
	make(&(struct making){EVENT_USER_CREATED, "anna", "uid=anna,ou=north,dc=x", 0, 1, 0, false});
	make(&(struct making){EVENT_GROUP_CREATED, "team", "cn=team,ou=south,dc=x", 0, 1, 0, false});
	make(&(struct making){EVENT_USER_CREATED, "ben", "uid=ben,ou=south,dc=x", 0, 1, 0, false});
	ask("/events", "reading", &r);
	ck_assert_uint_eq(count(&r), 3);
	ask("/events", "users", &r);
	ck_assert_uint_eq(count(&r), 2);
	ck_assert_str_eq(name_at(&r, 1), "ben");
	ask("/events", "north", &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_str_eq(name_at(&r, 0), "anna");
	ck_assert_ptr_null(strstr(r.body.p, "south"));
	/* its place is behind what it does not see */
	ask(after(&r), "north", &r);
	ck_assert_uint_eq(count(&r), 0);
	ask("/events?types=dsync.group.created", "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	ask("/events?filter=userName%20eq%20%22ben%22", "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_str_eq(name_at(&r, 0), "ben");
}
END_TEST

/* --- memory and disk -------------------------------------------------------------------------------------------- */

/* A reader is woken by the store's bits for types: two types on one bit would only cost, but there are few. */
START_TEST(each_type_has_its_bit)
{
	uint64_t seen = store_topic(EVENT_USER_MOVED) | store_topic(EVENT_GROUP_MOVED);
	ck_assert(store_topic(EVENT_USER_MOVED) != store_topic(EVENT_GROUP_MOVED));
	for (int t = 0; t < EVENT_N_TYPES; t++) {
		uint64_t topic = store_topic(event_type_name((enum event_type)t));
		ck_assert_msg(!(seen & topic), "%s", event_type_name((enum event_type)t));
		seen |= topic;
	}
}
END_TEST

static unsigned rolled;

static int
dice(int n)
{
	rolled = rolled * 1664525u + 1013904223u;
	return (int)((rolled >> 8) % (unsigned)n);
}

static void
make_anything(void)
{
	static const char *const names[] = {"anna", "ben", "carl", "dora"};
	static const char *const dns[] = {"uid=x,ou=north,dc=x", "uid=x,ou=south,dc=x", "cn=x,ou=north,dc=x"};
	make(&(struct making){.type = (enum event_type)dice(EVENT_N_TYPES),
			      .name = names[dice(4)],
			      .dn_key = dns[dice(3)],
			      .n = 1 + dice(4),
			      .padding = (size_t)dice(300)});
}

static const char *
any_query(void)
{
	static const char *const types[] = {
		"dsync.user.deleted",
		"dsync.user.created,dsync.user.updated",
		"dsync.group.user_added,dsync.group.user_removed,dsync.group.deleted",
	};
	static const char *const filters[] = {"userName%20eq%20%22anna%22", "userName%20gt%20%22b%22",
					      "displayName%20pr"};
	DH_CLEANUP(buf_done) struct buf q = BUF_INIT(1024);
	buf_printf(&q, "&limit=%d", 1 + dice(dice(2) ? 8 : 300));
	if (dice(2))
		buf_printf(&q, "&types=%s", types[dice(3)]);
	if (dice(3) == 0)
		buf_printf(&q, "&filter=%s", filters[dice(3)]);
	return arena_strdup(a, buf_str(&q));
}

static void
restart(void)
{
	client_close(&c);
	http_stop(&h, 0);
	store_close(&store);
	const struct store_opts so = {.dir = dir, .retention_ms = 3600000};
	ck_assert_int_eq(store_open(&so, &store, &e), 0);
	opts.store = store;
	start(&http_default_limits);
}

/* The same place and query give the same bytes whether they come from memory or, after a restart, from the disk. */
START_TEST(memory_and_disk_tell_the_same)
{
	static const char *const tokens[] = {"reading", "users", "north"};
	enum { N = 300 };
	const char *targets[N], *token[N];
	struct strv bodies[N];
	struct answer r;
	struct store_stats st;
	int64_t told = 0;
	rolled = (unsigned)_i;
	while (made < 400)
		make_anything();
	ask("/events?limit=1000", "reading", &r);
	const json_t *all = json_object_get(r.json, "data");
	ck_assert_uint_ge(json_array_size(all), 400);
	for (int i = 0; i < N; i++) {
		const json_t *ev = json_array_get(all, (size_t)dice((int)json_array_size(all)));
		const char *cursor = json_string_value(json_object_get(ev, "cursor"));
		targets[i] = arena_printf(a, "/events?after=%s%s", cursor, any_query());
		token[i] = tokens[dice(3)];
		ask(targets[i], token[i], &r);
		told += (int64_t)count(&r);
		bodies[i] = strv_n(arena_strndup(a, r.body.p, r.body.n), r.body.n);
	}
	ck_assert_int_gt(told, N);
	store_get_stats(store, &st);
	ck_assert_int_eq(st.disk_pages, 0);
	restart();
	for (int i = 0; i < N; i++) {
		ask(targets[i], token[i], &r);
		ck_assert_msg(strv_eq(r.body, bodies[i]), "%s %s:\n%.*s\n%.*s", token[i], targets[i], (int)bodies[i].n,
			      bodies[i].p, (int)r.body.n, r.body.p);
	}
	store_get_stats(store, &st);
	ck_assert_int_ge(st.disk_pages, N);
}
END_TEST

/* --- long polls ------------------------------------------------------------------------------------------------- */

static void
await_readers(int64_t waiters, int64_t streams)
{
	deadline_t until = deadline_in(CLIENT_WAIT_MS);
	for (;;) {
		mutex_lock(&h->lock);
		bool there = h->waiters == waiters && h->streams == streams;
		mutex_unlock(&h->lock);
		if (there)
			return;
		ck_assert_msg(deadline_left(until) > 0, "not %d waiters and %d streams", (int)waiters, (int)streams);
		clock_pause(1, until);
	}
}

START_TEST(a_poll_waits)
{
	struct answer r;
	client_request(&c, "GET", "/events?wait=20", "reading", "", NULL);
	await_readers(1, 0);
	int64_t began = clock_mono_ms();
	make_users(1);
	client_answer(&c, a, false, &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	/* with something there it does not wait, with nothing to the end of its time */
	ask("/events?wait=20", "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
	began = clock_mono_ms();
	ask(arena_printf(a, "%s&wait=1", after(&r)), "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
	ck_assert_int_ge(clock_mono_ms() - began, 1000);
	await_readers(0, 0);
}
END_TEST

/* What the filter passes by does not end the wait, and the place moves on. */
START_TEST(a_poll_with_a_filter)
{
	struct answer r;
	client_request(&c, "GET", "/events?wait=20&types=dsync.user.deleted", "reading", "", NULL);
	await_readers(1, 0);
	make_users(3);
	make(&(struct making){EVENT_USER_DELETED, "u1", "uid=u1,dc=x", 0, 1, 0, false});
	client_answer(&c, a, false, &r);
	ck_assert_uint_eq(count(&r), 1);
	ask(after(&r), "reading", &r);
	ck_assert_uint_eq(count(&r), 0);
}
END_TEST

/* A page is the same for the same place, also if the reader has waited in between for what it did not want. */
START_TEST(a_poll_passes_so_many_at_most)
{
	struct answer r, again;
	const char *begin = "/events?wait=20&types=dsync.user.deleted";
	client_request(&c, "GET", begin, "reading", "", NULL);
	await_readers(1, 0);
	for (int i = 0; i < 12; i++)
		make(&(struct making){.type = EVENT_USER_UPDATED, .name = "u", .dn_key = "uid=u,dc=x", .n = 1000});
	client_answer(&c, a, false, &r);
	ck_assert_uint_eq(count(&r), 0);
	ck_assert(json_is_true(json_object_get(r.json, "has_more")));
	ask(begin, "reading", &again);
	ck_assert(strv_eq(again.body, r.body));
	make(&(struct making){.type = EVENT_USER_DELETED, .name = "u", .dn_key = "uid=u,dc=x", .n = 1});
	ask(arena_printf(a, "%s&types=dsync.user.deleted", after(&r)), "reading", &r);
	ck_assert_uint_eq(count(&r), 1);
}
END_TEST

START_TEST(readers_are_capped)
{
	struct client waiting[3];
	struct answer r;
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		client_connect(&waiting[i], http_address(h));
		client_request(&waiting[i], "GET", i ? "/events?wait=20" : "/events/stream", "reading", "", NULL);
	}
	await_readers(2, 1);
	ask("/events?wait=20", "reading", &r);
	(void)answer_error(&r, 503);
	ck_assert_pstr_eq(answer_field(&r, "Retry-After"), "1");
	/* requests have their own places */
	ask("/scim/v2/Users/known", "scim", &r);
	ck_assert_int_eq(r.status, 200);
	/* a client that leaves gives its place back, without any event */
	client_close(&waiting[1]);
	await_readers(1, 1);
	client_close(&waiting[0]);
	await_readers(1, 0);
	client_close(&waiting[2]);
	await_readers(0, 0);
}
END_TEST

START_TEST(the_end_is_at_once)
{
	struct client poll, stream;
	struct answer r;
	client_connect(&poll, http_address(h));
	client_connect(&stream, http_address(h));
	client_request(&poll, "GET", "/events?wait=20", "reading", "", NULL);
	client_request(&stream, "GET", "/events/stream", "reading", "", NULL);
	client_await(&stream, a, "retry: ");
	await_readers(1, 1);
	int64_t began = clock_mono_ms();
	http_stop(&h, 15000);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	client_answer(&poll, a, false, &r);
	ck_assert_uint_eq(count(&r), 0);
	client_await(&stream, a, "\r\n0\r\n\r\n"); /* ended, not cut */
	ck_assert(client_at_end(&stream));
	client_close(&poll);
	client_close(&stream);
}
END_TEST

/* --- streams ---------------------------------------------------------------------------------------------------- */

START_TEST(a_stream)
{
	struct client s;
	client_connect(&s, http_address(h));
	make_users(1);
	client_request(&s, "GET", "/events/stream", "reading", "", NULL);
	const char *head = client_await(&s, a, "\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(head, "200 OK"));
	ck_assert_ptr_nonnull(strstr(head, "Content-Type: text/event-stream\r\n"));
	ck_assert_ptr_nonnull(strstr(head, "Transfer-Encoding: chunked\r\n"));
	client_await(&s, a, "retry: 2000\nid: ");
	const char *first = client_await(&s, a, "}\n\n");
	ck_assert_ptr_nonnull(strstr(first, "\nevent: dsync.user.created\ndata: {\"id\":\"evt_"));
	ck_assert_ptr_nonnull(strstr(first, "\"userName\":\"u0\""));
	await_readers(0, 1);
	make_users(1);
	const char *second = client_await(&s, a, "}\n\n");
	ck_assert_ptr_nonnull(strstr(second, "\"userName\":\"u1\""));
	client_close(&s);
	await_readers(0, 0);

	/* comes again where it was: the field wins over the target */
	const char *id = strstr(first, "id: ") + 4;
	const char *line = arena_printf(a, "Last-Event-ID: %.*s\r\n", (int)strcspn(id, "\n"), id);
	client_connect(&s, http_address(h));
	client_request(&s, "GET", "/events/stream?after=now", "reading", line, NULL);
	const char *again = client_await(&s, a, "}\n\n");
	ck_assert_ptr_null(strstr(again, "\"userName\":\"u0\""));
	ck_assert_ptr_nonnull(strstr(again, strstr(second, "event: ")));
	client_close(&s);
}
END_TEST

START_TEST(many_events_in_one_stream)
{
	struct client s;
	client_connect(&s, http_address(h));
	client_request(&s, "GET", "/events/stream", "reading", "", NULL);
	for (int i = 0; i < 40; i++)
		make(&(struct making){EVENT_USER_UPDATED, arena_printf(a, "big%d.", i), "uid=x,dc=x", 0, 50, 2000,
				      false});
	for (int i = 0; i < 40; i++)
		for (int k = 0; k < 50; k++) {
			const char *got = client_await(&s, a, "\"}}\n\n");
			const char *want = arena_printf(a, "\"userName\":\"big%d.\"", i);
			ck_assert_msg(strstr(got, want), "%d %d: %s", i, k, got);
		}
	client_close(&s);
}
END_TEST

/* A token that was taken out of the configuration must not read on. */
START_TEST(a_stream_ends_with_its_token)
{
	struct client s;
	struct answer r;
	client_connect(&s, http_address(h));
	client_request(&s, "GET", "/events/stream", "reading", "", NULL);
	client_await(&s, a, "retry: ");
	http_set_clients(h, &clients[1], 1);
	client_await(&s, a, "\r\n0\r\n\r\n");
	client_close(&s);
	ask("/events", "reading", &r);
	(void)answer_error(&r, 401);
}
END_TEST

/* It does not read: the socket's buffers fill, and then its time runs. */
START_TEST(a_slow_reader_is_cut)
{
	struct conn_limits limits = http_default_limits;
	struct client s;
	int small = 4096;
	int64_t open = 0, cut = 0;
	limits.reply_ms = 300;
	start(&limits);
	client_close(&c); /* one that says nothing is cut as well, in time */
	c.fd = -1;
	client_connect(&s, http_address(h));
	ck_assert_int_eq(setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	client_request(&s, "GET", "/events/stream", "reading", "", NULL);
	await_readers(0, 1);
	for (int i = 0; i < 20; i++)
		make(&(struct making){EVENT_USER_UPDATED, "big", "uid=x,dc=x", 0, 50, 20000, false});
	await_readers(0, 0);
	http_conns_count(http_server_conns(h->server), &open, &cut);
	ck_assert_int_eq(cut, 1);
	client_close(&s);
}
END_TEST

/* One that does not read does not hold the end up either. */
START_TEST(the_end_with_a_slow_reader)
{
	struct client s;
	int small = 4096;
	start(&http_default_limits);
	client_connect(&s, http_address(h));
	ck_assert_int_eq(setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	client_request(&s, "GET", "/events/stream", "reading", "", NULL);
	await_readers(0, 1);
	for (int i = 0; i < 20; i++)
		make(&(struct making){EVENT_USER_UPDATED, "big", "uid=x,dc=x", 0, 50, 20000, false});
	int64_t began = clock_mono_ms();
	http_stop(&h, 20000);
	ck_assert_int_lt(clock_mono_ms() - began, 10000);
	client_close(&s);
}
END_TEST

/* --- snapshot --------------------------------------------------------------------------------------------------- */

static int
put_states(struct store_tx *tx, void *ctx, struct err *err)
{
	const int *n = ctx;
	if (store_tx_meta_put(tx, STORE_META_WHOLE, STRV("x"), err) < 0)
		return -1;
	for (int i = 0; i < *n; i++) {
		const char *id = arena_printf(a, "id-%03d", i);
		bool group = i % 5 == 4;
		const char *json = group ? arena_printf(a, "{\"id\":\"%s\",\"displayName\":\"g%d\"}", id, i)
					 : arena_printf(a, "{\"id\":\"%s\",\"userName\":\"u%d\"}", id, i);
		const char *dn = arena_printf(a, "uid=%d,ou=%s,dc=x", i, i % 2 ? "south" : "north");
		const struct store_state st = {.sync_id = id,
					       .id = id,
					       .kind = group ? STORE_GROUP : STORE_USER,
					       .incarnation = 1,
					       .dn = dn,
					       .dn_key = dn,
					       .csn = "",
					       .entry = STRV("x"),
					       .resource = strv_of(json)};
		if (store_tx_state_put(tx, &st, err) < 0)
			return -1;
	}
	for (int i = 0; *n && i < 3; i++) {
		const struct store_member m = {
			.group = "id-004",
			.dn_key = arena_printf(a, "uid=%d,ou=%s,dc=x", i, i % 2 ? "south" : "north"),
			.member_id = arena_printf(a, "id-%03d", i)};
		if (store_tx_member_put(tx, &m, err) < 0)
			return -1;
	}
	return 0;
}

START_TEST(a_snapshot)
{
	struct answer r;
	int n = 12;
	size_t seen = 0;
	make_users(1);
	/* before the first refresh has ended, what is missing is not gone */
	ask("/events/snapshot", "reading", &r);
	(void)answer_error(&r, 503);
	ck_assert_int_eq(store_write(store, put_states, &n, &e), 0);
	const char *target = "/events/snapshot?limit=5", *cursor = NULL, *page = "";
	while (page) {
		ask(target, "reading", &r);
		for (size_t i = 0; i < count(&r); i++, seen++) {
			const json_t *one = json_array_get(json_object_get(r.json, "data"), i);
			const char *want = arena_printf(a, "id-%03zu", seen);
			ck_assert_pstr_eq(json_string_value(json_object_get(one, "id")), want);
			if (seen == 4)
				ck_assert_uint_eq(json_array_size(json_object_get(one, "members")), 3);
		}
		if (cursor)
			ck_assert_str_eq(answer_text(&r, "cursor"), cursor); /* of the first page */
		cursor = answer_text(&r, "cursor");
		page = json_string_value(json_object_get(r.json, "next_page"));
		target = arena_printf(a, "/events/snapshot?limit=5&page=%s", page ? page : "");
		make_users(1);
	}
	ck_assert_uint_eq(seen, 12);
	/* what happened since the first page follows from there */
	ask(arena_printf(a, "/events?after=%s", cursor), "reading", &r);
	ck_assert_uint_eq(count(&r), 3);
	ask("/events/snapshot?type=Group", "reading", &r);
	ck_assert_uint_eq(count(&r), 2);
	ask("/events/snapshot", "users", &r);
	ck_assert_uint_eq(count(&r), 10);
	/* fenced: neither entries nor members from outside */
	ask("/events/snapshot", "north", &r);
	ck_assert_uint_eq(count(&r), 6);
	const json_t *group = json_array_get(json_object_get(r.json, "data"), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(group, "members")), 2);
	ck_assert_ptr_null(strstr(r.body.p, "id-001"));
	/* a page of one list is no page of another */
	ask("/events/snapshot?limit=5", "reading", &r);
	target = arena_printf(a, "/events/snapshot?type=User&page=%s", answer_text(&r, "next_page"));
	ask(target, "reading", &r);
	(void)answer_error(&r, 400);
	ck_assert_int_eq(store_reset(store, &e), 0);
	target = arena_printf(a, "/events/snapshot?page=%s", strstr(target, "&page=") + 6);
	ask(target, "reading", &r);
	(void)answer_error(&r, 410);
}
END_TEST

/* --- operators -------------------------------------------------------------------------------------------------- */

struct feed {
	int reconciled, reset;
};

static json_t *
fake_status(void *ctx)
{
	const struct feed *f = ctx;
	return json_pack("{s:s, s:i}", "state", "live", "reconciled", f->reconciled);
}

static int
fake_reconcile(void *ctx, deadline_t until, json_t **found_r, struct err *err)
{
	struct feed *f = ctx;
	(void)until;
	if (f->reconciled)
		return err_set(err, ERR_UNAVAILABLE, "the feed is not connected");
	f->reconciled++;
	*found_r = json_pack("{s:i}", "missing", 2);
	return 0;
}

static int
fake_reset(void *ctx, deadline_t until, struct err *err)
{
	struct feed *f = ctx;
	(void)until;
	f->reset++;
	return store_reset(store, err);
}

static struct feed feed;
static const struct http_feed_ops ops = {fake_status, fake_reconcile, fake_reset};

static void
setup_local(void)
{
	setup_store();
	feed = (struct feed){0};
	opts.face = HTTP_LOCAL;
	opts.listen = arena_printf(a, "unix:%s/admin.sock", dir);
	opts.feed = &ops;
	opts.feed_ctx = &feed;
	start(&http_default_limits);
}

static void
post(const char *target, const char *body, struct answer *r)
{
	client_request(&c, "POST", target, NULL, "Content-Type: application/json\r\n", body);
	client_answer(&c, a, false, r);
}

START_TEST(operators_need_no_token_on_the_socket)
{
	struct answer r;
	make_users(3);
	ask("/admin/v1/events?last=2", NULL, &r);
	ck_assert_uint_eq(count(&r), 2);
	ck_assert_str_eq(name_at(&r, 0), "u1");
	ask("/admin/v1/events?last=0", NULL, &r);
	ck_assert_uint_eq(count(&r), 0);
	ask("/admin/v1/sync", NULL, &r);
	ck_assert_str_eq(answer_text(&r, "state"), "live");
	const json_t *log = json_object_get(r.json, "log");
	ck_assert_int_eq(json_integer_value(json_object_get(log, "events")), 3);
	post("/admin/v1/sync/reconcile", NULL, &r);
	ck_assert_int_eq(json_integer_value(json_object_get(r.json, "missing")), 2);
	post("/admin/v1/sync/reconcile", NULL, &r);
	(void)answer_error(&r, 503);
	post("/admin/v1/sync/reset", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(feed.reset, 1);
	ask("/admin/v1/sync/reset", NULL, &r);
	(void)answer_error(&r, 405);
	ask("/scim/v2/Users/known", NULL, &r);
	(void)answer_error(&r, 404);
}
END_TEST

START_TEST(the_guard)
{
	struct answer r;
	int none = 0;
	ck_assert_int_eq(store_write(store, put_states, &none, &e), 0);
	ask("/admin/v1/guard", NULL, &r);
	ck_assert_uint_eq(count(&r), 0);
	make(&(struct making){EVENT_USER_DELETED, "anna", "uid=anna,dc=x", 0, 1, 0, true});
	ask("/admin/v1/guard", NULL, &r);
	ck_assert_uint_eq(count(&r), 1);
	const json_t *batch = json_array_get(json_object_get(r.json, "data"), 0);
	ck_assert_pstr_eq(json_string_value(json_object_get(batch, "reason")), "too many");
	const char *one =
		arena_printf(a, "/admin/v1/guard/%lld", (long long)json_integer_value(json_object_get(batch, "id")));
	ask(one, NULL, &r);
	ck_assert_uint_eq(count(&r), 1);
	ck_assert_str_eq(name_at(&r, 0), "anna");
	ask("/admin/v1/guard/77", NULL, &r);
	(void)answer_error(&r, 404);
	ask("/admin/v1/guard/x", NULL, &r);
	(void)answer_error(&r, 404);
	post("/admin/v1/guard/77/release", "{}", &r);
	(void)answer_error(&r, 404);
	post(arena_printf(a, "%s/release", one), "{\"why\":7}", &r);
	(void)answer_error(&r, 400);
	ask("/admin/v1/events", NULL, &r);
	ck_assert_uint_eq(count(&r), 0);
	/* nor does a snapshot tell of it */
	ask("/admin/v1/events/snapshot", NULL, &r);
	(void)answer_error(&r, 503);
	ck_assert_pstr_eq(answer_field(&r, "Retry-After"), "60");
	post(arena_printf(a, "%s/release", one), "{\"expect\":0}", &r);
	(void)answer_error(&r, 400);
	post(arena_printf(a, "%s/reject", one), "{\"expect\":2}", &r);
	ck_assert_ptr_nonnull(strstr(answer_error(&r, 409), "look at it again"));
	post(arena_printf(a, "%s/release", one), "{\"why\":\"a leaver\",\"who\":\"olga\",\"expect\":1}", &r);
	ck_assert_str_eq(answer_text(&r, "decision"), "released");
	ask("/admin/v1/events/snapshot", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	post(arena_printf(a, "%s/reject", one), NULL, &r);
	(void)answer_error(&r, 409);
	ask("/admin/v1/events", NULL, &r);
	ck_assert_uint_eq(count(&r), 1);
}
END_TEST

/* The operators' listener wants a token with scope admin, and shows everything to it. */
START_TEST(operators_with_a_token)
{
	struct answer r;
	make_users(1);
	opts.face = HTTP_ADMIN;
	start(&http_default_limits);
	ask("/admin/v1/events", "reading", &r);
	(void)answer_error(&r, 403);
	ask("/admin/v1/events", NULL, &r);
	(void)answer_error(&r, 401);
	ask("/admin/v1/events", "scim", &r);
	ck_assert_uint_eq(count(&r), 1);
	ask("/admin/v1/sync", "scim", &r);
	ck_assert_str_eq(answer_text(&r, "state"), "off");
	client_request(&c, "POST", "/admin/v1/sync/reconcile", "scim", "", NULL);
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 501);
}
END_TEST

START_TEST(without_a_feed)
{
	struct answer r;
	opts.store = NULL;
	opts.feed_off = "no client reads events";
	start(&http_default_limits);
	ask("/events", "reading", &r);
	(void)answer_error(&r, 501);
	ask("/events/stream", "reading", &r);
	(void)answer_error(&r, 501);
	ask("/events/snapshot", "reading", &r);
	(void)answer_error(&r, 501);
}
END_TEST

int
main(void)
{
	const TTest *const started[] = {
		pages,
		an_empty_log,
		methods,
		forged_cursors,
		gone_with_the_log,
		gone_with_retention,
		scopes_and_fences,
		a_poll_waits,
		a_poll_with_a_filter,
		a_poll_passes_so_many_at_most,
		each_type_has_its_bit,
		readers_are_capped,
		the_end_is_at_once,
		a_stream,
		many_events_in_one_stream,
		a_stream_ends_with_its_token,
		a_snapshot,
	};
	const TTest *const stopped[] = {a_slow_reader_is_cut, the_end_with_a_slow_reader, operators_with_a_token,
					without_a_feed};
	const TTest *const local[] = {operators_need_no_token_on_the_socket, the_guard};
	Suite *s = suite_create("http events");
	TCase *t = unit_add_case(s, "events", setup, teardown, started, ARRAY_SIZE(started));
	tcase_add_loop_test(t, memory_and_disk_tell_the_same, 0, 4);
	tcase_add_loop_test(t, refusal, 0, (int)ARRAY_SIZE(refusals));
	unit_add_case(s, "stopped", setup_store, teardown, stopped, ARRAY_SIZE(stopped));
	unit_add_case(s, "local", setup_local, teardown, local, ARRAY_SIZE(local));
	return unit_run_suite(s);
}
