/* SPDX-License-Identifier: Apache-2.0
 * Which requests may still write a DN that they have looked up. Whoever deletes or renames an entry waits for those
 * that began before, then looks for references once more: after that nobody can bring the old DN back. */
#include "dirhinge/base/thread.h"
#include "gw/gw_priv.h"

struct gw_writers {
	struct mutex m;
	struct cond left; /* a writer has ended */
	uint64_t next;
	struct gw_writer *oldest, *newest; /* in the order of their beginning */
};

struct gw_writers *
gw_writers_new(struct arena *a)
{
	struct gw_writers *w = ARENA_NEW(a, struct gw_writers);
	mutex_init(&w->m);
	cond_init(&w->left);
	w->next = 1;
	return w;
}

void
gw_writers_done(struct gw_writers *w)
{
	must(!w->oldest);
	cond_done(&w->left);
	mutex_done(&w->m);
}

void
gw_writer_begin(struct gw_run *run)
{
	struct gw_writers *w = gw_writers_of(run->g);
	struct gw_writer *me = &run->writer;
	mutex_lock(&w->m);
	*me = (struct gw_writer){.seq = w->next++, .before = w->newest};
	if (w->newest)
		w->newest->after = me;
	else
		w->oldest = me;
	w->newest = me;
	mutex_unlock(&w->m);
}

void
gw_writer_end(struct gw_run *run)
{
	struct gw_writers *w = gw_writers_of(run->g);
	struct gw_writer *me = &run->writer;
	mutex_lock(&w->m);
	if (me->seq != 0) {
		*(me->before ? &me->before->after : &w->oldest) = me->after;
		*(me->after ? &me->after->before : &w->newest) = me->before;
		*me = (struct gw_writer){0};
		cond_broadcast(&w->left);
	}
	mutex_unlock(&w->m);
}

bool
gw_writers_wait(struct gw_run *run)
{
	struct gw_writers *w = gw_writers_of(run->g);
	bool in_time = true;
	mutex_lock(&w->m);
	uint64_t now = w->next;
	while (in_time && w->oldest && w->oldest->seq < now)
		in_time = cond_wait_until(&w->left, &w->m, run->m.until);
	mutex_unlock(&w->m);
	return in_time;
}
