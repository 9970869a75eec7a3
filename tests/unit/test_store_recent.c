/* SPDX-License-Identifier: Apache-2.0
 * What is told from memory is what the disk says, whatever happened to the log; memory is bounded; who waits is woken
 * for what it waits for and for nothing else. */
#include <sqlite3.h>
#include <stdlib.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/thread.h"
#include "store/recent.h"
#include "store_case.h"
#include "unit.h"

/* --- memory and disk -----------------------------------------------------------------------------------------------
 */

static void
print(struct buf *out, int64_t seq, const char *const text[5], int64_t at, int removal, struct strv body)
{
	buf_printf(out, "%jd", (intmax_t)seq);
	for (int i = 0; i < 5; i++)
		buf_printf(out, "|%s", text[i] ? text[i] : "-");
	buf_printf(out, "|%jd|%d|%.*s\n", (intmax_t)at, removal, (int)body.n, body.p);
}

static int
on_event(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	const char *const text[5] = {ev->id, ev->type, ev->subject, ev->dn_key, ev->old_dn_key};

	print(ctx, ev->seq, text, ev->at_us, ev->removal, ev->body);
	return 0;
}

static sqlite3 *
look_at_disk(void)
{
	sqlite3 *h = NULL;

	ck_assert_int_eq(sqlite3_open_v2(store_case_path("dirhinge.db"), &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	return h;
}

static void
read_disk(sqlite3 *h, int64_t after, int64_t limit, struct buf *out)
{
	sqlite3_stmt *st = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(h,
					    "SELECT seq, id, type, subject, dn_key, old_dn_key, at_us, removal, body"
					    " FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
					    -1, &st, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_bind_int64(st, 1, after), SQLITE_OK);
	ck_assert_int_eq(sqlite3_bind_int64(st, 2, limit), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *text[5];
		for (int i = 0; i < 5; i++)
			text[i] = (const char *)sqlite3_column_text(st, i + 1);
		print(out, sqlite3_column_int64(st, 0), text, sqlite3_column_int64(st, 6), sqlite3_column_int(st, 7),
		      strv_n(sqlite3_column_blob(st, 8), (size_t)sqlite3_column_bytes(st, 8)));
	}
	ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
}

static uint64_t seed;

static int64_t
dice(int64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)(seed >> 33) % n;
}

static void
compare(sqlite3 *h, const char *what)
{
	struct store_range range;

	store_range(s, &range);
	for (int i = 0; i < 6; i++) {
		DH_CLEANUP(buf_done) struct buf told = BUF_INIT(64 << 20), there = BUF_INIT(64 << 20);
		int64_t back = dice(2) ? dice(8) : dice(range.head + 2), limit = 1 + dice(dice(4) ? 20 : 2000);
		int64_t after = range.head - back;
		after = after < 0 ? 0 : after;
		uint64_t mark = 0;
		ck_assert_int_eq(store_events(s, after, limit, on_event, &told, &e), 0);
		read_disk(h, after, limit, &there);
		ck_assert_msg(strv_eq(buf_view(&told), buf_view(&there)), "%s: after %jd of %jd, %jd:\n%s\ndisk:\n%s",
			      what, (intmax_t)after, (intmax_t)range.head, (intmax_t)limit, buf_str(&told),
			      buf_str(&there));
		buf_reset(&there);
		read_disk(h, after - 1, 1, &there);
		int rc = store_event_mark(s, after, &mark, &e);
		/* "seq|id|…" */
		DH_CLEANUP(arena_free) struct arena *scratch = arena_new(256);
		const char *line = buf_str(&there), *bar = strchr(line, '|');
		bool has = bar && strtoll(line, NULL, 10) == after;
		ck_assert_int_eq(rc, has);
		if (has)
			ck_assert_uint_eq(mark, store_mark(arena_strndup(scratch, bar + 1, strcspn(bar + 1, "|"))));
	}
}

struct deed {
	int64_t n;
	bool hold, fail;
};
static int64_t made;

static int
append_some(struct store_tx *tx, void *ctx, struct err *er)
{
	const struct deed *d = ctx;
	int64_t batch;

	for (int64_t i = 0; i < d->n; i++) {
		/* now and then one that is there already */
		int64_t number = dice(20) || made == 0 ? ++made : 1 + dice(made);
		struct store_event ev =
			store_case_event(number, arena_printf(a, "u%d", (int)dice(6)), d->hold ? dice(3) == 0 : false);
		if (store_tx_event(tx, &ev, er))
			return -1;
	}
	if (d->fail)
		return err_set(er, ERR_INTERNAL, "undone");
	return d->hold ? store_tx_hold_back(tx, "too many", 1, &batch, er) : 0;
}

static int
first_batch(void *ctx, const struct store_batch *b, struct err *er DH_UNUSED)
{
	*(int64_t *)ctx = b->id;
	return 1;
}

static const char *
decide_one(void)
{
	int64_t id = 0, n;
	struct store_decision d = {.release = dice(2), .who = "me", .why = "", .now_us = 1};

	ck_assert_int_eq(store_batches(s, first_batch, &id, &e), 0);
	if (id > 0)
		ck_assert_int_eq(store_batch_decide(s, id, &d, &n, &e), 0);
	return d.release ? "release" : "reject";
}

static const char *
do_something(int64_t *marked_us)
{
	struct deed d = {.n = 1 + dice(5)};
	int64_t dropped;

	switch (dice(40)) {
	case 0:
		d.n = 3000; /* no memory for that many at once */
		break;
	case 1:
		ck_assert_int_eq(store_maintain(s, *marked_us + RETENTION_MS * 1000, &dropped, &e), 0);
		return "retention";
	case 2:
		if (dice(4))
			return decide_one();
		ck_assert_int_eq(store_reset(s, &e), 0);
		return "reset";
	case 3:
		*marked_us = clock_wall_us();
		return "nothing";
	case 4:
	case 5:
	case 6:
		d.hold = true;
		break;
	case 7:
	case 8:
		d.fail = true;
		break;
	case 9:
		return decide_one();
	case 10:
		d.n = 200 + dice(400);
		break;
	default:
		break;
	}
	ck_assert_int_eq(store_write(s, append_some, &d, &e), d.fail ? -1 : 0);
	return d.fail ? "undo" : d.hold ? "hold" : "append";
}

START_TEST(memory_tells_what_the_disk_says)
{
	sqlite3 *h = look_at_disk();
	int64_t marked_us = clock_wall_us();
	struct store_stats st;

	seed = (uint64_t)_i * 7919 + 1;
	made = 0;
	for (int i = 0; i < 120; i++) {
		compare(h, do_something(&marked_us));
		if (i == 60) {
			sqlite3_close(h);
			store_case_reopen();
			h = look_at_disk();
		}
		store_get_stats(s, &st);
		ck_assert_int_le(st.recent, RECENT_EVENTS);
		ck_assert_int_le(st.recent_bytes, (int64_t)RECENT_BYTES);
	}
	sqlite3_close(h);
}
END_TEST

/* Only who is far behind asks the disk. */
START_TEST(the_newest_are_at_hand)
{
	struct store_stats st;
	int64_t dropped;

	store_case_append(1, 10, "u1", false);
	for (int64_t i = 11; i <= 400; i++) {
		store_case_append(i, 1, "u1", false);
		const char *want = arena_printf(a, "%jd %jd", (intmax_t)i - 1, (intmax_t)i);
		ck_assert_str_eq(store_case_numbers(i - 2, 10), want);
	}
	store_get_stats(s, &st);
	ck_assert_int_eq(st.disk_pages, 0);
	ck_assert_int_eq(st.recent, 400);
	store_case_reopen();
	ck_assert_str_eq(store_case_numbers(398, 10), "399 400");
	store_case_append(401, 1, "u1", false);
	ck_assert_str_eq(store_case_numbers(399, 10), "400 401");
	ck_assert_str_eq(store_case_numbers(400, 10), "401");
	store_get_stats(s, &st);
	ck_assert_int_eq(st.disk_pages, 2);
	/* what retention has dropped is not kept either */
	ck_assert_int_eq(store_maintain(s, clock_wall_us() + 2 * RETENTION_MS * 1000, &dropped, &e), 0);
	ck_assert_int_eq(dropped, 401);
	store_get_stats(s, &st);
	ck_assert_int_eq(st.recent, 0);
	ck_assert_int_eq(st.recent_bytes, 0);
}
END_TEST

static int
append_big(struct store_tx *tx, void *ctx, struct err *er)
{
	const int64_t *n = ctx;
	struct store_event ev = store_case_event(*n, "u1", false);
	char *text = arena_alloc(a, 30001);

	memset(text, 'x', 30000);
	ev.body = strv_of(text);
	return store_tx_event(tx, &ev, er);
}

START_TEST(memory_is_bounded)
{
	struct store_stats st;

	for (int64_t i = 1; i <= 600; i++)
		ck_assert_int_eq(store_write(s, append_big, &i, &e), 0);
	store_get_stats(s, &st);
	ck_assert_int_gt(st.recent, 50);
	ck_assert_int_lt(st.recent, 600);
	ck_assert_int_le(st.recent_bytes, (int64_t)RECENT_BYTES);
	for (int64_t i = 601; i <= 601 + RECENT_LOTS; i++)
		store_case_append(i, 1, "u1", false);
	store_get_stats(s, &st);
	ck_assert_int_eq(st.recent, RECENT_LOTS);
	ck_assert_int_le(st.recent_bytes, (int64_t)RECENT_BYTES);
	ck_assert_int_eq(st.events, 601 + RECENT_LOTS);
}
END_TEST

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

static uint64_t
mark_of(int64_t seq)
{
	uint64_t mark = 0;

	ck_assert_int_eq(store_event_mark(s, seq, &mark, &e), 1);
	return mark;
}

START_TEST(the_place_moves_over_other_types)
{
	struct store_waiting w = {.topics = store_topic("dsync.user.deleted")};

	store_case_append(1, 3, "u1", false);
	ck_assert(!store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 3);
	ck_assert_uint_eq(w.mark, mark_of(3));
	store_case_append(4, 1, "u1", true);
	store_case_append(5, 1, "u1", false);
	ck_assert(store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 3);
	w.seq = 4;
	ck_assert(!store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 5);
	/* who must look at number 7 in any case has its place before it */
	w.stop = 7;
	store_case_append(6, 1, "u1", false);
	ck_assert(!store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 6);
	store_case_append(7, 1, "u1", false);
	ck_assert(store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 6);
	/* of what is on the disk only, nothing is known */
	store_case_reopen();
	w.stop = 0;
	ck_assert(store_wait(s, &w, deadline_in(0)));
	ck_assert_int_eq(w.seq, 6);
}
END_TEST

struct waiter {
	struct thread t;
	struct store_waiting w;
	bool news;
};

static void *
wait_long(void *arg)
{
	struct waiter *one = arg;

	one->news = store_wait(s, &one->w, deadline_in(100000));
	return NULL;
}

START_TEST(each_is_woken_for_its_own)
{
	struct waiter ws[8] = {0};
	struct store_stats st;

	for (size_t i = 0; i < ARRAY_SIZE(ws); i++) {
		ws[i].w.topics = store_topic(i % 2 ? "dsync.user.deleted" : "dsync.group.created");
		thread_start(&ws[i].t, "waiter", wait_long, &ws[i]);
	}
	for (int64_t i = 1; i <= 200; i++)
		store_case_append(i, 1, "u1", false);
	store_case_append(201, 1, "u1", true);
	for (size_t i = 1; i < ARRAY_SIZE(ws); i += 2) {
		thread_join(&ws[i].t);
		ck_assert(ws[i].news);
		/* begun before the last, it has passed by what was not for it */
		ck_assert(ws[i].w.seq == 200 || ws[i].w.seq == 0);
	}
	store_wake_all(s);
	for (size_t i = 0; i < ARRAY_SIZE(ws); i += 2) {
		thread_join(&ws[i].t);
		ck_assert(!ws[i].news);
	}
	store_get_stats(s, &st);
	ck_assert_int_eq(st.disk_pages, 0);
}
END_TEST

int
main(void)
{
	const TTest *const all[] = {the_newest_are_at_hand, memory_is_bounded, the_place_moves_over_other_types,
				    each_is_woken_for_its_own};
	Suite *suite = suite_create("store recent");
	TCase *t = unit_add_case(suite, "recent", store_case_setup, store_case_teardown, all, ARRAY_SIZE(all));

	tcase_add_loop_test(t, memory_tells_what_the_disk_says, 0, 4);
	return unit_run_suite(suite);
}
