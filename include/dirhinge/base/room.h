/* SPDX-License-Identifier: Apache-2.0
 * A budget that requests share: who needs much memory waits for those who have it, in the order of arrival. Thread
 * rule: locked, any thread. */
#ifndef DIRHINGE_BASE_ROOM_H
#define DIRHINGE_BASE_ROOM_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/clock.h"

struct room;

/* size: in whatever unit its users count. The struct lives in a; room_done before a goes, with nobody in it. */
struct room *room_new(struct arena *a, size_t size);
void room_done(struct room *r);

/* Takes need, or all of it if need is more; waits while it is taken, behind those who came before. 0 never waits.
 * False: until has passed and nothing was taken. Nobody enters twice at a time. */
bool room_enter(struct room *r, size_t need, deadline_t until) DH_MUST_USE;
/* The same need as with room_enter. */
void room_leave(struct room *r, size_t need);

#endif
