/* SPDX-License-Identifier: Apache-2.0
 * Searches that stay open, against a real slapd: what their pages hold, what they take from the pool and give back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirhinge/dir/stream.h"
#include "live.h"

#define USERS 60

static struct live server;
static struct dir *d;
static struct arena *a;
static struct err e;

#define ok(rc) ck_assert_msg((rc) == 0, "%s | %s", e.detail, e.cause)
#define SOON   deadline_in(10000)

static const char *const uid_only[] = {"uid", NULL};

static void
setup(void)
{
	a = arena_new(65536);
	e = ERR_INIT;
	d = live_dir((struct dir_opts){.pool_size = 2}, server.ldapi);
	ok(dir_ping(d, &e));
}

static void
teardown(void)
{
	struct dir_stats s;

	live_restore(&server);
	dir_get_stats(d, &s);
	ck_assert_int_eq(s.open, s.idle);
	ck_assert_int_eq(s.apart, 0);
	dir_free(&d);
	arena_free(&a);
}

static struct dir_search
crowd(const char *initial)
{
	return (struct dir_search){
		.base = PEOPLE,
		.scope = DIR_SUB,
		.filter = dir_f_sub(a, "uid", strv_of(initial), (struct strv){0}, (struct strv){0}),
		.attrs = uid_only,
	};
}

struct names {
	const char *v[2 * USERS];
	size_t n, stop_at; /* 0 = never */
};

static int
collect(void *ctx, const struct dir_entry *en, struct err *why DH_UNUSED)
{
	struct names *names = ctx;

	ck_assert_uint_lt(names->n, ARRAY_SIZE(names->v));
	names->v[names->n++] = dir_entry_first(en, "uid").p;
	return names->n == names->stop_at;
}

static void
add_users(const char *prefix, int from, int n)
{
	for (int i = from; i < from + n; i++)
		live_user(d, arena_printf(a, "%s%03d", prefix, i));
}

static void
remove_user(const char *uid)
{
	ok(dir_delete(d, a, arena_printf(a, "uid=%s," PEOPLE, uid), NULL, SOON, &e));
}

START_TEST(every_entry_once_in_order)
{
	struct dir_search s = crowd("once");
	struct dir_stream *st;
	struct names names = {0};
	int rc = 1;

	add_users("once", 0, USERS);
	st = dir_stream_open(d, &s);
	ck_assert_ptr_nonnull(st);
	/* Pages of any size follow each other; one of none asks for nothing. */
	for (size_t n = 1; rc == 1; n += 3) {
		size_t before = names.n;

		ck_assert_int_eq(dir_stream_page(st, a, 0, SOON, collect, &names, &e), 1);
		rc = dir_stream_page(st, a, n, SOON, collect, &names, &e);
		ck_assert_int_ge(rc, 0);
		ck_assert(rc == 0 || names.n == before + n);
	}
	ck_assert_uint_eq(names.n, USERS);
	for (int i = 0; i < USERS; i++)
		ck_assert_str_eq(names.v[i], arena_printf(a, "once%03d", i));
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 0);
	ck_assert_uint_eq(names.n, USERS);
	dir_stream_close(&st);
	ck_assert_ptr_null(st);
}
END_TEST

START_TEST(a_page_is_of_now)
{
	struct dir_search s = crowd("now");
	struct dir_stream *st;
	struct names names = {0}, other = {0};

	add_users("now", 0, 20);
	st = dir_stream_open(d, &s);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 1);
	remove_user("now002"); /* behind it: the rest does not move */
	remove_user("now007");
	add_users("now", 20, 1);
	/* Others page as they like meanwhile. */
	s.page_size = 3;
	ok(dir_search_run(d, a, true, &s, SOON, collect, &other, &e));
	ck_assert_uint_eq(other.n, 19);
	ck_assert_int_eq(dir_stream_page(st, a, 100, SOON, collect, &names, &e), 0);
	ck_assert_uint_eq(names.n, 20);
	for (size_t i = 0, k = 0; i < names.n; i++, k++) {
		k += k == 7;
		ck_assert_str_eq(names.v[i], arena_printf(a, "now%03zu", k));
	}
	dir_stream_close(&st);
}
END_TEST

START_TEST(callback_ends_it)
{
	struct dir_search s = crowd("stop");
	struct dir_stream *st;
	struct names names = {.stop_at = 3};

	add_users("stop", 0, 10);
	st = dir_stream_open(d, &s);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 0);
	ck_assert_uint_eq(names.n, 3);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 0);
	ck_assert_uint_eq(names.n, 3);
	dir_stream_close(&st);
}
END_TEST

START_TEST(bounded_and_apart_from_the_pool)
{
	struct dir_search s = crowd("any");
	struct dir_stream *st[DIR_STREAMS + 1];
	struct dir_stats stats;

	s.filter = NULL;
	for (int i = 0; i < DIR_STREAMS; i++) {
		st[i] = dir_stream_open(d, &s);
		ck_assert_ptr_nonnull(st[i]);
		/* Its connection was the idle one: nobody waits for the next, and there is always room for it. */
		ck_assert_ptr_null(dir_stream_open(d, &s));
		ok(dir_ping(d, &e));
	}
	dir_get_stats(d, &stats);
	ck_assert_int_eq(stats.apart, DIR_STREAMS);
	ck_assert_int_eq(stats.open, 1);
	ck_assert_ptr_null(dir_stream_open(d, &s)); /* though a connection is idle */
	for (int i = 0; i < DIR_STREAMS; i++)
		dir_stream_close(&st[i]);
	dir_get_stats(d, &stats);
	ck_assert_int_eq(stats.apart, 0);
	ck_assert_int_eq(stats.open, 2); /* as many as the pool may have; the others were closed */
	ok(dir_ping(d, &e));
	dir_stream_close(&st[0]); /* nothing */
}
END_TEST

START_TEST(lost_with_its_connection)
{
	struct dir_search s = crowd("lost");
	struct dir_stream *st;
	struct names names = {0};

	add_users("lost", 0, 20);
	st = dir_stream_open(d, &s);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 1);
	live_kill(&server);
	live_again(&server);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_uint_eq(names.n, 5);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 0); /* never again */
	dir_stream_close(&st);
	ok(dir_ping(d, &e));
	st = dir_stream_open(d, &s);
	ck_assert_int_eq(dir_stream_page(st, a, 5, SOON, collect, &names, &e), 1);
	dir_stream_close(&st);
}
END_TEST

START_TEST(silent_server)
{
	struct dir_search s = crowd("silent");
	struct dir_stream *st;
	struct names names = {0};

	add_users("silent", 0, 10);
	st = dir_stream_open(d, &s);
	ck_assert_int_eq(dir_stream_page(st, a, 2, SOON, collect, &names, &e), 1);
	live_stop(&server);
	ck_assert_int_eq(dir_stream_page(st, a, 2, deadline_in(200), collect, &names, &e), -1);
	live_cont(&server);
	ck_assert_uint_eq(names.n, 2);
	dir_stream_close(&st);
	ok(dir_ping(d, &e));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("dir_stream");
	TCase *t = tcase_create("streams");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_entry_once_in_order);
	tcase_add_test(t, a_page_is_of_now);
	tcase_add_test(t, callback_ends_it);
	tcase_add_test(t, bounded_and_apart_from_the_pool);
	tcase_add_test(t, lost_with_its_connection);
	tcase_add_test(t, silent_server);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return live_run(suite(), &server);
}
