/* SPDX-License-Identifier: Apache-2.0
 * One change of an entry at a time. A directory with the assertion control decides itself which of two writes that read
 * the same version may win; without it the gateway keeps the time between its read and its write free of its own other
 * requests. What others do in that time is seen as far as the directory allows (contrib/decisions/0021). */
#include "gw/turns.h"
#include "dirhinge/base/thread.h"

/* Two entries may share a turn: they only wait for each other. */
#define TURNS 251

struct gw_turns {
	struct mutex m;
	struct cond left;
	bool taken[TURNS];
};

struct gw_turns *
gw_turns_new(struct arena *a)
{
	struct gw_turns *t = ARENA_NEW(a, struct gw_turns);
	mutex_init(&t->m);
	cond_init(&t->left);
	return t;
}

void
gw_turns_done(struct gw_turns *t)
{
	cond_done(&t->left);
	mutex_done(&t->m);
}

static unsigned
turn_of(const char *id)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (; *id; id++)
		h = (h ^ (unsigned char)(*id | 0x20)) * 16777619u;
	return h % TURNS;
}

int
gw_turn_take(struct gw_run *run, const char *id, struct err *e)
{
	struct gw_turns *t = gw_turns_of(run->g);
	unsigned turn = turn_of(id);
	bool in_time = true;
	if (run->m.caps->assertion || run->turn)
		return 0;
	mutex_lock(&t->m);
	while (in_time && t->taken[turn])
		in_time = cond_wait_until(&t->left, &t->m, run->m.until);
	if (in_time) {
		t->taken[turn] = true;
		run->turn = turn + 1;
	}
	mutex_unlock(&t->m);
	return in_time ? 0 : err_set(e, ERR_BUSY, "the %s is being changed by others; try again", run->type->name);
}

void
gw_turn_end(struct gw_run *run)
{
	struct gw_turns *t = gw_turns_of(run->g);
	if (!run->turn)
		return;
	mutex_lock(&t->m);
	t->taken[run->turn - 1] = false;
	run->turn = 0;
	cond_broadcast(&t->left);
	mutex_unlock(&t->m);
}
