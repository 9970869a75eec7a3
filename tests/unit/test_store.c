/* SPDX-License-Identifier: Apache-2.0
 * The store: what is written can be read, in order, once, after a restart and not after an error. */
#include "dirhinge/store/store.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/file.h"
#include "dirhinge/base/thread.h"
#include "store_case.h"
#include "unit.h"

static struct store_range
range(void)
{
	struct store_range r;

	store_range(s, &r);
	return r;
}

/* --- events --------------------------------------------------------------------------------------------------------
 */

START_TEST(events_are_read_in_order)
{
	ck_assert_str_eq(store_case_numbers(0, 10), "");
	ck_assert_int_gt(range().oldest, range().head);
	store_case_append(1, 3, "u1", false);
	store_case_append(4, 2, "u2", false);
	ck_assert_str_eq(store_case_numbers(0, 10), "1 2 3 4 5");
	ck_assert_str_eq(store_case_numbers(2, 2), "3 4");
	ck_assert_str_eq(store_case_numbers(5, 10), "");
	ck_assert_str_eq(store_case_numbers(0, 0), "");
	ck_assert_int_eq(range().oldest, 1);
	ck_assert_int_eq(range().head, 5);
}
END_TEST

static int
check_fields(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	struct store_event want = store_case_event(7, "u1", false);

	ck_assert_int_eq(ev->seq, 1);
	ck_assert_str_eq(ev->id, want.id);
	ck_assert_str_eq(ev->type, want.type);
	ck_assert_str_eq(ev->subject, want.subject);
	ck_assert_str_eq(ev->dn_key, want.dn_key);
	ck_assert_str_eq(ev->old_dn_key, want.old_dn_key);
	ck_assert_int_eq(ev->at_us, want.at_us);
	ck_assert(!ev->removal && strv_eq(ev->body, want.body));
	++*(int *)ctx;
	return 1;
}

START_TEST(an_event_comes_back_as_it_was)
{
	int calls = 0;

	store_case_append(7, 2, "u1", false);
	ck_assert_int_eq(store_events(s, 0, 10, check_fields, &calls, &e), 0);
	ck_assert_int_eq(calls, 1); /* 1 stops */
}
END_TEST

START_TEST(an_id_is_taken_once)
{
	store_case_append(1, 3, "u1", false);
	store_case_append(2, 3, "u1", false);
	ck_assert_str_eq(store_case_numbers(0, 10), "1 2 3 4");
	store_case_reopen();
	store_case_append(1, 5, "u1", false);
	ck_assert_str_eq(store_case_numbers(0, 10), "1 2 3 4 5");
}
END_TEST

START_TEST(pages_of_any_size_are_whole)
{
	struct store_stats st;

	store_case_append(1, 1000, "u1", false);
	for (int64_t limit = 255; limit <= 258; limit++) {
		const char *text = store_case_numbers(100, limit);
		const char *last = strrchr(text, ' ');
		ck_assert_int_eq(strtoll(last, NULL, 10), 100 + limit);
		ck_assert_int_eq(strtoll(text, NULL, 10), 101);
	}
	store_get_stats(s, &st);
	ck_assert_int_eq(st.events, 1000);
}
END_TEST

START_TEST(marks)
{
	uint64_t mark = 0;

	store_case_append(1, 2, "u1", false);
	ck_assert_int_eq(store_event_mark(s, 2, &mark, &e), 1);
	ck_assert(mark == store_mark("evt_2") && mark != store_mark("evt_1"));
	ck_assert_int_eq(store_event_mark(s, 3, &mark, &e), 0);
}
END_TEST

/* --- transactions --------------------------------------------------------------------------------------------------
 */

static int
write_and_fail(struct store_tx *tx, void *ctx, struct err *er)
{
	struct store_event ev = store_case_event(9, "u9", true);
	struct store_state st = store_case_user("u9");

	ck_assert_int_eq(store_tx_event(tx, &ev, er), 0);
	ck_assert_int_eq(store_tx_state_put(tx, &st, er), 0);
	ck_assert_int_eq(store_tx_meta_put(tx, "cookie", STRV("nine"), er), 0);
	return *(bool *)ctx ? err_set(er, ERR_UNAVAILABLE, "on purpose") : 0;
}

START_TEST(all_or_nothing)
{
	bool fail = true;
	struct strv cookie;
	struct store_state st;

	ck_assert_int_eq(store_write(s, write_and_fail, &fail, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_str_eq(store_case_numbers(0, 10), "");
	ck_assert_int_eq(store_meta_get(s, a, "cookie", &cookie, &e), 0);
	ck_assert_int_eq(store_state_get(s, a, "sync-u9", &st, &e), 0);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 0);
	ck_assert_int_lt(range().head, range().oldest);
	fail = false;
	ck_assert_int_eq(store_write(s, write_and_fail, &fail, &e), 0);
	ck_assert_str_eq(store_case_numbers(0, 10), "9");
	ck_assert_int_eq(store_meta_get(s, a, "cookie", &cookie, &e), 1);
	ck_assert(strv_eq(cookie, STRV("nine")));
	ck_assert_int_eq(store_state_get(s, a, "sync-u9", &st, &e), 1);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 1);
}
END_TEST

static int
meta(struct store_tx *tx, void *ctx, struct err *er)
{
	struct strv value = {NULL, 0};

	ck_assert_int_eq(store_tx_meta_get(tx, a, "x", &value, er), 0);
	ck_assert_int_eq(store_tx_meta_put(tx, "x", strv_n("a\0b", 3), er), 0);
	ck_assert_int_eq(store_tx_meta_get(tx, a, "x", &value, er), 1);
	ck_assert(strv_eq(value, strv_n("a\0b", 3)));
	ck_assert_int_eq(store_tx_meta_put(tx, "x", STRV("c"), er), 0);
	ck_assert_int_eq(store_tx_meta_put(tx, "y", STRV("d"), er), 0);
	ck_assert_int_eq(store_tx_meta_put(tx, "y", STRV(""), er), 0);
	*(bool *)ctx = true;
	return 0;
}

START_TEST(named_values)
{
	bool ran = false;
	struct strv value;

	ck_assert_int_eq(store_write(s, meta, &ran, &e), 0);
	ck_assert(ran);
	store_case_reopen();
	ck_assert_int_eq(store_meta_get(s, a, "x", &value, &e), 1);
	ck_assert(strv_eq(value, STRV("c")));
	ck_assert_int_eq(store_meta_get(s, a, "y", &value, &e), 0);
}
END_TEST

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

START_TEST(waiting_ends_by_itself)
{
	ck_assert(!store_case_wait(0, deadline_in(1)));
	store_case_append(1, 1, "u1", false);
	ck_assert(store_case_wait(0, deadline_in(0)));
	ck_assert(!store_case_wait(1, deadline_in(1)));
	store_wake_all(s);
	ck_assert(!store_case_wait(1, deadline_in(60000)));
}
END_TEST

static void *
wait_for_one(void *arg)
{
	*(bool *)arg = store_case_wait(0, deadline_in(50000));
	return NULL;
}

START_TEST(a_commit_wakes_who_waits)
{
	bool woken[8] = {false};
	struct thread t[8] = {{0}};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		thread_start(&t[i], "waiter", wait_for_one, &woken[i]);
	store_case_append(1, 1, "u1", false);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		thread_join(&t[i]);
		ck_assert(woken[i]);
	}
}
END_TEST

/* --- life ----------------------------------------------------------------------------------------------------------
 */

START_TEST(a_restart_changes_nothing)
{
	const char *generation = arena_strdup(a, store_generation(s));
	struct strv key = strv_n(arena_memdup(a, store_key(s).p, store_key(s).n), store_key(s).n);

	ck_assert_uint_eq(strlen(generation), 16);
	ck_assert_uint_eq(key.n, 32);
	store_case_append(1, 3, "u1", false);
	store_case_reopen();
	ck_assert_str_eq(store_generation(s), generation);
	ck_assert(strv_eq(store_key(s), key));
	ck_assert_str_eq(store_case_numbers(0, 10), "1 2 3");
	ck_assert_int_eq(range().head, 3);
	store_case_append(4, 1, "u1", false);
	ck_assert_int_eq(range().head, 4);
}
END_TEST

START_TEST(a_reset_forgets_and_goes_on)
{
	const char *generation = arena_strdup(a, store_generation(s));
	struct strv cookie;
	bool fail = false;

	ck_assert_int_eq(store_write(s, write_and_fail, &fail, &e), 0);
	ck_assert_int_eq(store_reset(s, &e), 0);
	ck_assert_str_ne(store_generation(s), generation);
	ck_assert_str_eq(store_case_numbers(0, 10), "");
	ck_assert_int_eq(store_meta_get(s, a, "cookie", &cookie, &e), 0);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 0);
	ck_assert_int_eq(store_write(s, write_and_fail, &fail, &e), 0); /* the same id is new again */
	ck_assert_int_eq(range().oldest, 2);                            /* numbers are never used twice */
	generation = arena_strdup(a, store_generation(s));
	store_case_reopen();
	ck_assert_str_eq(store_generation(s), generation);
}
END_TEST

START_TEST(files_are_private)
{
	static const char *const names[] = {"dirhinge.db", "dirhinge.db-wal", "dirhinge.db-shm", "dirhinge.lock",
					    "cursor.key"};
	struct stat st;

	store_case_append(1, 1, "u1", false);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_msg(stat(store_case_path(names[i]), &st) == 0, "%s", names[i]);
		ck_assert_msg((st.st_mode & 0777) == 0600, "%s: %o", names[i], st.st_mode & 0777u);
	}
}
END_TEST

START_TEST(numbers_for_operators)
{
	struct metrics *m = metrics_new();
	DH_CLEANUP(buf_done) struct buf page = BUF_INIT(1 << 16);
	static const char *const lines[] = {"\ndirhinge_store_commits_total 2\n", "\ndirhinge_store_events 3\n",
					    "\ndirhinge_store_held_events 0\n",
					    "\ndirhinge_store_commit_duration_seconds_count 2\n"};

	store_close(&s);
	ck_assert_int_eq(
		store_open(&(struct store_opts){.dir = dir, .retention_ms = RETENTION_MS, .metrics = m}, &s, &e), 0);
	store_case_append(1, 1, "u1", false);
	store_case_append(2, 2, "u1", false);
	metrics_print(m, &page);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(strstr(buf_str(&page), lines[i]), "%s in %s", lines[i], buf_str(&page));
	ck_assert_ptr_null(strstr(buf_str(&page), "\ndirhinge_store_bytes 0\n"));
	store_close(&s);
	metrics_free(&m);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		events_are_read_in_order,
		an_event_comes_back_as_it_was,
		an_id_is_taken_once,
		pages_of_any_size_are_whole,
		marks,
		all_or_nothing,
		named_values,
		waiting_ends_by_itself,
		a_commit_wakes_who_waits,
		a_restart_changes_nothing,
		a_reset_forgets_and_goes_on,
		files_are_private,
		numbers_for_operators,
	};
	Suite *suite = suite_create("store");

	unit_add_case(suite, "store", store_case_setup, store_case_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(suite);
}
