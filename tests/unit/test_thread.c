/* SPDX-License-Identifier: Apache-2.0
 * Threads, conditions, deadlines and clocks. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "dirhinge/base/thread.h"
#include "unit.h"

#define ROUNDS 1000

struct table {
	struct mutex m;
	struct cond changed;
	int full;
	int sum;
};

static void *
produce(void *arg)
{
	struct table *t = arg;

	for (int i = 1; i <= ROUNDS; i++) {
		mutex_lock(&t->m);
		while (t->full != 0)
			cond_wait(&t->changed, &t->m);
		t->full = i;
		cond_broadcast(&t->changed);
		mutex_unlock(&t->m);
	}
	return NULL;
}

START_TEST(hand_over)
{
	struct table t = {.full = 0};
	struct thread producer = {.started = false};

	mutex_init(&t.m);
	cond_init(&t.changed);
	thread_start(&producer, "producer", produce, &t);
	for (int i = 1; i <= ROUNDS; i++) {
		deadline_t until = deadline_in(30000);

		mutex_lock(&t.m);
		while (t.full == 0)
			ck_assert(cond_wait_until(&t.changed, &t.m, until));
		ck_assert_int_eq(t.full, i);
		t.sum += t.full;
		t.full = 0;
		cond_signal(&t.changed);
		mutex_unlock(&t.m);
	}
	thread_join(&producer);
	ck_assert(!producer.started);
	thread_join(&producer);
	ck_assert_int_eq(t.sum, ROUNDS * (ROUNDS + 1) / 2);
	cond_done(&t.changed);
	mutex_done(&t.m);
}
END_TEST

START_TEST(deadline_passes)
{
	struct table t = {.full = 0};
	int64_t before = clock_mono_ms();
	deadline_t until = deadline_in(20);

	mutex_init(&t.m);
	cond_init(&t.changed);
	mutex_lock(&t.m);
	while (cond_wait_until(&t.changed, &t.m, until)) /* a spurious wake-up is allowed */
		;
	ck_assert_int_ge(clock_mono_ms() - before, 20);
	ck_assert_int_eq(deadline_left(until), 0);
	/* long gone */
	ck_assert(!cond_wait_until(&t.changed, &t.m, 1));
	ck_assert(!cond_wait_until(&t.changed, &t.m, -5));
	mutex_unlock(&t.m);
	cond_done(&t.changed);
	mutex_done(&t.m);
}
END_TEST

struct seen {
	char name[16];
	bool term_blocked, segv_blocked;
	size_t stack;
};

static void *
look(void *arg)
{
	struct seen *s = arg;
	pthread_attr_t attr;
	sigset_t set;

	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	s->term_blocked = sigismember(&set, SIGTERM) == 1;
	s->segv_blocked = sigismember(&set, SIGSEGV) == 1;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &s->stack);
	pthread_attr_destroy(&attr);
	return NULL;
}

START_TEST(surroundings)
{
	struct seen s = {.stack = 0};
	struct thread t = {.started = false};
	sigset_t mine;

	thread_start(&t, "fifteen-letters", look, &s);
	thread_join(&t);
	ck_assert_str_eq(s.name, "fifteen-letters");
	ck_assert(s.term_blocked);
	ck_assert(!s.segv_blocked);
	ck_assert_uint_ge(s.stack, 1024 * 1024);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	ck_assert_int_eq(sigismember(&mine, SIGTERM), 0);
}
END_TEST

START_TEST(name_too_long)
{
	struct thread t = {.started = false};

	thread_start(&t, "sixteen-letters-", look, NULL);
}
END_TEST

START_TEST(clocks)
{
	int64_t mono = clock_mono_us(), wall = clock_wall_us();
	time_t now = time(NULL);

	ck_assert_int_ge(wall / 1000000, now - 1);
	ck_assert_int_le(wall / 1000000, now + 1); /* time() may lag by a tick */
	ck_assert_int_ge(clock_mono_us(), mono);
	ck_assert_int_ge(clock_mono_ms(), mono / 1000);

	ck_assert_int_gt(deadline_left(deadline_in(60000)), 30000);
	ck_assert_int_le(deadline_left(deadline_in(60000)), 60000);
	ck_assert_int_eq(deadline_left(deadline_in(-1)), 0);
	ck_assert_int_eq(deadline_in(INT64_MAX), INT64_MAX);
	ck_assert_int_eq(deadline_min(3, 5), 3);
	ck_assert_int_eq(deadline_min(5, 3), 3);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"wait", hand_over, 0},     {"wait", deadline_passes, 0},
		{"start", surroundings, 0}, {"start", name_too_long, SIGABRT},
		{"clock", clocks, 0},
	};

	return unit_run("thread", tests, ARRAY_SIZE(tests));
}
