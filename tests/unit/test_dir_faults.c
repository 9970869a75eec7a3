/* SPDX-License-Identifier: Apache-2.0
 * src/dir when the directory misbehaves: killed, stopped, busy, gone, refusing the password, showing a wrong
 * certificate. Every case asks two questions: how soon was the answer there, and was it true? */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirhinge/base/thread.h"
#include "dirhinge/dir/dn.h"
#include "live_two.h"

static int
read_code(struct dir *d, const char *name, deadline_t until)
{
	const struct dir_search s = {.base = arena_printf(a, "cn=%s,ou=codes," SUFFIX, name), .scope = DIR_BASE};
	const struct dir_entry *en;

	return dir_search_one(d, a, &s, until, &en, &e);
}

/* --- restart --- */

START_TEST(stale_connections_are_not_used)
{
	struct dir *d = live_dir((struct dir_opts){0}, one.ldap);
	struct dir *tls = live_dir((struct dir_opts){.ca_file = live_cert("ca.pem")}, one.ldaps);
	struct dir_stats s;

	for (int round = 0; round < 3; round++) {
		ok(live_touch(d, "before"));
		ok(live_touch(tls, "before"));
		live_kill(&one);
		live_again(&one);
		/* The first operation after it is a write: it must neither fail nor be in doubt. */
		ok(live_touch(d, "after"));
		ok(live_touch(tls, "after"));
	}
	dir_get_stats(d, &s);
	ck_assert_int_eq(s.binds, 4);
	ck_assert_int_eq(s.open, 1);
	dir_free(&d);
	dir_free(&tls);
}
END_TEST

START_TEST(down_is_told_at_once_and_recovers)
{
	struct dir *d = live_dir((struct dir_opts){0}, one.ldap);
	struct dir_stats before, after;
	int64_t begun;

	ok(dir_ping(d, &e));
	live_kill(&one);
	ck_assert_int_lt(live_timed_ping(d), 1000);
	dir_get_stats(d, &before);
	begun = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		fails(live_touch(d, "never sent"), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 500);
	dir_get_stats(d, &after);
	ck_assert_int_le(after.binds - before.binds, 1); /* nobody hammers a dead server */
	live_again(&one);
	live_ping_until_ok(d, 3000);
	ok(live_touch(d, "alive"));
	dir_free(&d);
}
END_TEST

enum { WRITERS = 4, PER_WRITER = 200 };

struct writer {
	struct thread t;
	struct dir *d;
	int id;
	atomic_int done;
	enum err_code result[PER_WRITER];
};

static void *
write_users(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < PER_WRITER; i++) {
		DH_CLEANUP(arena_free) struct arena *own = arena_new(4096);
		struct err err = ERR_INIT;
		struct dir_mods m;
		const char *uid = arena_printf(own, "w%d-%d", w->id, i);

		dir_mods_init(&m, own);
		dir_mods_value(&m, DIR_MOD_ADD, "objectClass", STRV("account"));
		dir_mods_value(&m, DIR_MOD_ADD, "uid", strv_of(uid));
		if (dir_add(w->d, own, arena_printf(own, "uid=%s," PEOPLE, uid), &m, NULL, deadline_in(5000), &err))
			w->result[i] = err.code;
		atomic_fetch_add(&w->done, 1);
		if (w->result[i] == ERR_UNAVAILABLE)
			poll(NULL, 0, 5);
	}
	return NULL;
}

static int
total_done(struct writer *w)
{
	int n = 0;

	for (int i = 0; i < WRITERS; i++)
		n += atomic_load(&w[i].done);
	return n;
}

static void
judge(struct dir *d, const struct writer *w, int counts[3])
{
	for (int i = 0; i < PER_WRITER; i++) {
		const struct dir_search s = {.base = arena_printf(a, "uid=w%d-%d," PEOPLE, w->id, i),
					     .scope = DIR_BASE};
		const struct dir_entry *en;
		int there = dir_search_one(d, a, &s, SOON, &en, &e);

		ck_assert_int_ge(there, 0);
		if (w->result[i] == ERR_OK)
			ck_assert_msg(there, "%s was confirmed and is not there", s.base);
		else if (w->result[i] == ERR_UNAVAILABLE)
			ck_assert_msg(!there, "%s was reported as not sent and is there", s.base);
		else
			ck_assert_int_eq(w->result[i], ERR_UNKNOWN_OUTCOME);
		counts[w->result[i] == ERR_OK ? 0 : w->result[i] == ERR_UNAVAILABLE ? 1 : 2]++;
	}
}

/* reliability.md F-08: under load, killed in the middle. What was confirmed is there, what was "not sent" is not. */
START_TEST(killed_under_load)
{
	struct dir *d = live_dir((struct dir_opts){.pool_size = 3}, one.ldap);
	static struct writer w[WRITERS];
	int counts[3] = {0};
	struct dir_stats s;

	memset(w, 0, sizeof(w));
	for (int i = 0; i < WRITERS; i++) {
		w[i].d = d;
		w[i].id = i;
		thread_start(&w[i].t, "writer", write_users, &w[i]);
	}
	for (int kills = 1; kills <= 3; kills++) {
		deadline_t until = deadline_in(20000);

		while (total_done(w) < kills * WRITERS * PER_WRITER / 6 && deadline_left(until) > 0)
			poll(NULL, 0, 2);
		live_kill(&one);
		live_again(&one);
	}
	for (int i = 0; i < WRITERS; i++)
		thread_join(&w[i].t);
	live_ping_until_ok(d, 3000);
	for (int i = 0; i < WRITERS; i++)
		judge(d, &w[i], counts);
	dir_get_stats(d, &s);
	ck_assert_int_le(s.open, 3);
	ck_assert_int_gt(counts[0], 0);
	ck_assert_int_gt(counts[1] + counts[2], 0); /* else nothing was killed in the middle */
	dir_free(&d);
}
END_TEST

/* --- hanging --- */

START_TEST(stopped_server)
{
	struct dir *d = live_dir((struct dir_opts){.timeout_ms = 1000}, one.ldap);
	int64_t begun, t;

	ok(dir_ping(d, &e));
	live_stop(&one);
	begun = clock_mono_ms();
	fails(live_touch(d, "stopped"), ERR_UNKNOWN_OUTCOME); /* the server may do it when it wakes up */
	t = live_since(begun);
	ck_assert_int_ge(t, 900);
	ck_assert_int_lt(t, 1600);
	ck_assert_int_lt(live_timed_ping(d), 1600); /* the probe: connects (the kernel does), binds, hears nothing */
	begun = clock_mono_ms();
	for (int i = 0; i < 20; i++)
		fails(dir_ping(d, &e), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 400); /* followers wait for nothing */
	live_cont(&one);
	live_ping_until_ok(d, 4000);
	ok(live_touch(d, "awake"));
	dir_free(&d);
}
END_TEST

struct caller {
	struct thread t;
	struct dir *d;
	int64_t ms;
	int rc;
};

static void *
ping_once(void *arg)
{
	struct caller *c = arg;
	struct err err = ERR_INIT;
	int64_t begun = clock_mono_ms();

	c->rc = dir_ping(c->d, &err);
	c->ms = live_since(begun);
	return NULL;
}

START_TEST(followers_of_a_probe_do_not_wait_for_it)
{
	struct dir *d = live_dir((struct dir_opts){.timeout_ms = 2000}, one.ldap);
	struct caller c[8] = {0};
	int slow = 0;

	ok(dir_ping(d, &e));
	live_stop(&one);
	ck_assert_int_eq(read_code(d, "slow", deadline_in(300)), -1); /* makes it suspect */
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].d = d;
		thread_start(&c[i].t, "caller", ping_once, &c[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		thread_join(&c[i].t);
		ck_assert_int_eq(c[i].rc, -1);
		ck_assert_int_lt(c[i].ms, 2600);
		slow += c[i].ms > 1000;
	}
	ck_assert_int_eq(slow, 1);
	live_cont(&one);
	dir_free(&d);
}
END_TEST

/* A slow answer is not a sick server: the next caller gets through at once. */
START_TEST(slow_answers)
{
	struct dir *d = live_dir((struct dir_opts){0}, one.ldap);
	int64_t begun = clock_mono_ms();

	fails(read_code(d, "slow", deadline_in(400)), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 900);
	begun = clock_mono_ms();
	ok(dir_ping(d, &e));
	ok(live_touch(d, "quick"));
	ck_assert_int_lt(live_since(begun), 500);
	dir_free(&d);
}
END_TEST

START_TEST(pool_is_bounded)
{
	struct dir *d = live_dir((struct dir_opts){.pool_size = 1, .timeout_ms = 6000}, one.ldap);
	struct caller c = {.d = d};
	struct dir_stats s;
	int64_t begun;

	ok(dir_ping(d, &e));
	live_stop(&one);
	thread_start(&c.t, "caller", ping_once, &c); /* holds the only connection */
	do
		dir_get_stats(d, &s);
	while (s.idle);
	begun = clock_mono_ms();
	fails(read_code(d, "slow", deadline_in(200)), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 3000); /* by its own deadline, not when the holder gives up */
	ck_assert(strstr(e.cause, "pool_size 1"));
	live_cont(&one);
	thread_join(&c.t);
	dir_get_stats(d, &s);
	ck_assert_int_ge(s.waits, 1);
	dir_free(&d);
}
END_TEST

/* --- busy, disconnected --- */

START_TEST(busy_server)
{
	struct dir *d = live_dir((struct dir_opts){0}, one.ldap);
	struct dir_stats before, after;
	int64_t begun = clock_mono_ms();

	ok(dir_ping(d, &e));
	dir_get_stats(d, &before);
	fails(read_code(d, "busy", SOON), ERR_BUSY);
	ck_assert_int_eq(e.ldap_rc, 51);
	ck_assert_int_ge(live_since(begun), 400); /* backed off */
	dir_get_stats(d, &after);
	ck_assert_int_eq(after.ops - before.ops, 4); /* once and three times again */
	fails(dir_delete(d, a, "cn=unavailable,ou=codes," SUFFIX, NULL, SOON, &e), ERR_UNAVAILABLE);
	ck_assert_int_eq(e.ldap_rc, 52);
	/* no time left for a second try */
	begun = clock_mono_ms();
	fails(read_code(d, "busy", deadline_in(30)), ERR_BUSY);
	ck_assert_int_lt(live_since(begun), 200);
	dir_free(&d);
}
END_TEST

START_TEST(connection_lost_after_sending)
{
	struct dir *d = live_dir((struct dir_opts){0}, one.ldap);
	struct dir_stats before, after;

	ok(dir_ping(d, &e));
	dir_get_stats(d, &before);
	fails(read_code(d, "gone", SOON), ERR_UNAVAILABLE);
	dir_get_stats(d, &after);
	ck_assert_int_eq(after.ops - before.ops, 2); /* a read is repeated once */
	before = after;
	fails(dir_delete(d, a, "cn=gone,ou=codes," SUFFIX, NULL, SOON, &e), ERR_UNKNOWN_OUTCOME);
	dir_get_stats(d, &after);
	ck_assert_int_eq(after.ops - before.ops, 1); /* a write never */
	ok(dir_ping(d, &e));
	dir_free(&d);
}
END_TEST

/* --- fail-over --- */

START_TEST(failover)
{
	struct dir *d = live_dir2((struct dir_opts){0}, one.ldap, two.ldap);
	struct dir_stats s;
	char nowhere[64];

	ok(live_touch(d, "first"));
	dir_get_stats(d, &s);
	ck_assert_str_eq(s.uri, one.ldap);
	live_kill(&one);
	ok(live_touch(d, "second"));
	dir_get_stats(d, &s);
	ck_assert_str_eq(s.uri, two.ldap);
	live_again(&one);
	ok(live_touch(d, "still second")); /* no reason to change back */
	dir_get_stats(d, &s);
	ck_assert_str_eq(s.uri, two.ldap);
	live_kill(&two);
	live_ping_until_ok(d, 3000);
	dir_get_stats(d, &s);
	ck_assert_str_eq(s.uri, one.ldap);
	dir_free(&d);
	live_again(&two);

	/* the first does not even exist; the second hangs, then the third */
	snprintf(nowhere, sizeof(nowhere), "ldap://127.0.0.1:%d", live_free_port());
	d = live_dir2((struct dir_opts){0}, nowhere, two.ldap);
	ok(dir_ping(d, &e));
	dir_free(&d);
	live_stop(&one);
	d = live_dir2((struct dir_opts){0}, one.ldap, two.ldap);
	ok(live_touch(d, "around the stopped one"));
	dir_free(&d);
	live_cont(&one);
}
END_TEST

START_TEST(everything_down_is_bounded)
{
	struct dir *d = live_dir2((struct dir_opts){.timeout_ms = 10000}, one.ldap, two.ldap);

	live_stop(&one);
	live_stop(&two);
	ck_assert_int_lt(live_timed_ping(d), 6500); /* 3 s each at most, and less than the caller would wait */
	live_cont(&one);
	live_cont(&two);
	dir_free(&d);
}
END_TEST

/* --- credentials --- */

START_TEST(no_bind_storm)
{
	struct secret *pw = secret_new(STRV("wrong"));
	struct dir *d =
		live_dir((struct dir_opts){.bind_dn = "cn=gateway," SUFFIX, .password = pw, .pool_size = 8}, one.ldap);
	struct caller c[8] = {0};
	struct dir_stats s;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].d = d;
		thread_start(&c[i].t, "caller", ping_once, &c[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		thread_join(&c[i].t);
		ck_assert_int_eq(c[i].rc, -1);
	}
	for (int i = 0; i < 50; i++)
		fails(dir_ping(d, &e), ERR_UNAVAILABLE);
	ck_assert_int_eq(e.ldap_rc, 49);
	ck_assert(strstr(e.cause, "not tried again") && strstr(e.cause, "Invalid credentials"));
	dir_get_stats(d, &s);
	ck_assert_int_eq(s.binds, 1);
	dir_free(&d);
	secret_free(&pw);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		stale_connections_are_not_used,
		down_is_told_at_once_and_recovers,
		killed_under_load,
		stopped_server,
		followers_of_a_probe_do_not_wait_for_it,
		slow_answers,
		pool_is_bounded,
		busy_server,
		connection_lost_after_sending,
		failover,
		everything_down_is_bounded,
		no_bind_storm,
	};

	live_begin();
	return live_two_run("dir_faults", tests, ARRAY_SIZE(tests));
}
