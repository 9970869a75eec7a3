/* SPDX-License-Identifier: Apache-2.0
 * Whoever leaves lets in those who wait longest, as far as there is room; a newcomer never passes them, or one who
 * needs much would wait for ever. */
#include "dirhinge/base/room.h"

#include "dirhinge/base/thread.h"

struct ticket { /* on the stack of who waits */
	struct ticket *next;
	size_t need;
	bool in;
};

struct room {
	struct mutex lock;
	struct cond moved;
	size_t size, taken;
	struct ticket *first, **end;
};

struct room *
room_new(struct arena *a, size_t size)
{
	struct room *r = ARENA_NEW(a, struct room);

	r->size = size;
	r->end = &r->first;
	mutex_init(&r->lock);
	cond_init(&r->moved);
	return r;
}

void
room_done(struct room *r)
{
	must(r->taken == 0 && !r->first);
	cond_done(&r->moved);
	mutex_done(&r->lock);
}

static size_t
need_of(const struct room *r, size_t need)
{
	return need < r->size ? need : r->size;
}

/* Lets in who fits. */
static void
admit(struct room *r)
{
	bool some = false;

	for (struct ticket *t; (t = r->first) && r->taken + t->need <= r->size; some = true) {
		r->taken += t->need;
		t->in = true;
		r->first = t->next;
		if (!r->first)
			r->end = &r->first;
	}
	if (some)
		cond_broadcast(&r->moved);
}

static void
give_up(struct room *r, const struct ticket *t)
{
	struct ticket **at = &r->first;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (!t->next)
		r->end = at;
	/* it may have kept smaller ones waiting */
	admit(r);
}

bool
room_enter(struct room *r, size_t need, deadline_t until)
{
	struct ticket t = {.need = need_of(r, need)};

	if (need == 0)
		return true;
	mutex_lock(&r->lock);
	*r->end = &t;
	r->end = &t.next;
	admit(r);
	while (!t.in && cond_wait_until(&r->moved, &r->lock, until))
		;
	if (!t.in)
		give_up(r, &t);
	mutex_unlock(&r->lock);
	return t.in;
}

void
room_leave(struct room *r, size_t need)
{
	if (need == 0)
		return;
	mutex_lock(&r->lock);
	r->taken -= need_of(r, need);
	admit(r);
	mutex_unlock(&r->lock);
}
