/* SPDX-License-Identifier: Apache-2.0
 * Budgets: never more than there is, in order of arrival, nothing lost by who gives up. */
#include "dirhinge/base/room.h"
#include "dirhinge/base/thread.h"
#include "unit.h"

#define THREADS 12
#define ROUNDS  400
#define SIZE    10

struct table {
	struct room *room;
	struct mutex lock;
	size_t taken, most, refused;
};

struct guest {
	struct table *t;
	size_t need;
	int64_t patience;
	struct thread thread;
};

static void *
come_and_go(void *arg)
{
	struct guest *g = arg;
	struct table *t = g->t;

	for (int i = 0; i < ROUNDS; i++) {
		if (!room_enter(t->room, g->need, deadline_in(g->patience))) {
			mutex_lock(&t->lock);
			t->refused++;
			mutex_unlock(&t->lock);
			continue;
		}
		size_t need = g->need < SIZE ? g->need : SIZE;
		mutex_lock(&t->lock);
		t->taken += need;
		if (t->taken > t->most)
			t->most = t->taken;
		mutex_unlock(&t->lock);
		mutex_lock(&t->lock);
		t->taken -= need;
		mutex_unlock(&t->lock);
		room_leave(t->room, g->need);
	}
	return NULL;
}

START_TEST(never_more_than_there_is)
{
	struct arena *a = arena_new(256);
	struct table t = {.room = room_new(a, SIZE)};
	struct guest guests[THREADS];

	mutex_init(&t.lock);
	for (size_t i = 0; i < THREADS; i++) {
		/* one needs nothing, one more than there is, some have no patience */
		guests[i] = (struct guest){&t, i, i % 3 ? 60000 : 0, {.started = false}};
		thread_start(&guests[i].thread, "guest", come_and_go, &guests[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		thread_join(&guests[i].thread);
	ck_assert_uint_eq(t.taken, 0);
	ck_assert_uint_gt(t.most, 0);
	ck_assert_uint_le(t.most, SIZE);
	ck_assert(room_enter(t.room, SIZE, deadline_in(0))); /* all of it is back */
	room_leave(t.room, SIZE);
	room_done(t.room);
	mutex_done(&t.lock);
	arena_free(&a);
}
END_TEST

struct visitor {
	struct room *room;
	size_t need;
	bool waits, in;
	struct mutex *lock;
	struct cond *moved;
	struct thread thread;
};

static void *
visit(void *arg)
{
	struct visitor *v = arg;
	bool in = room_enter(v->room, v->need, deadline_in(60000));

	mutex_lock(v->lock);
	v->in = in;
	cond_broadcast(v->moved);
	mutex_unlock(v->lock);
	return NULL;
}

/* A small one behind a large one that waits does not pass it; when the large one gives up it comes in at once. */
START_TEST(nobody_passes)
{
	struct arena *a = arena_new(256);
	struct room *room = room_new(a, SIZE);
	struct mutex lock;
	struct cond moved;
	struct visitor small = {.room = room, .need = 1, .lock = &lock, .moved = &moved};

	mutex_init(&lock);
	cond_init(&moved);
	ck_assert(room_enter(room, 8, deadline_in(0)));
	ck_assert(room_enter(room, 1, deadline_in(0)));
	ck_assert(!room_enter(room, 2, deadline_in(0)));
	ck_assert(!room_enter(room, SIZE + 5, deadline_in(20)));
	ck_assert(room_enter(room, 1, deadline_in(0))); /* who gave up is in nobody's way */
	room_leave(room, 1);
	thread_start(&small.thread, "small", visit, &small);
	mutex_lock(&lock);
	while (!small.in)
		ck_assert(cond_wait_until(&moved, &lock, deadline_in(60000)));
	mutex_unlock(&lock);
	thread_join(&small.thread);
	ck_assert(!room_enter(room, 1, deadline_in(0)));
	room_leave(room, 8);
	ck_assert(room_enter(room, 3, deadline_in(0)));
	room_leave(room, 3);
	room_leave(room, 1);
	room_leave(room, 1);
	ck_assert(room_enter(room, 100, deadline_in(0)));
	ck_assert(!room_enter(room, 1, deadline_in(0)));
	room_leave(room, 100);
	room_done(room);
	cond_done(&moved);
	mutex_done(&lock);
	arena_free(&a);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {{"room", never_more_than_there_is, 0}, {"room", nobody_passes, 0}};

	return unit_run("room", tests, ARRAY_SIZE(tests));
}
