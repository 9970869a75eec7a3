/* SPDX-License-Identifier: Apache-2.0
 * Changes travel in lots, each with an arena of its own that the engine takes over: two threads that met at every entry
 * would do little else. */
#include "sync/reader.h"

#include "sync/ready.h"

#define LOT_CHANGES 64
#define LOT_BYTES   ((size_t)256 << 10) /* of one lot; a change is never divided */
#define LOTS        8
#define LOTS_BYTES  ((size_t)4 << 20) /* waiting; one lot at least, however large */

struct lot {
	struct lot *next;
	struct arena *a;
	struct dir_change v[LOT_CHANGES];
	const struct ready *ready[LOT_CHANGES];
	size_t n, bytes;
	bool pause; /* the next may be read only after this has been taken */
	bool last;
	bool failed; /* what comes behind v */
	struct err e;
};

struct reader {
	struct sync *s;
	struct arena *a; /* of this struct */
	const struct memory *memory;
	struct thread thread;
	/* the reading thread */
	struct map_run run;
	struct buf scratch;
	/* the engine: the lot that it is at, while it is not through */
	struct lot *now;
	size_t at;
	bool ended, failed;
	struct err e;

	struct mutex lock; /* what follows */
	struct cond moved;
	struct lot *first, **end;
	size_t n, bytes;
	bool wanted; /* all that was read has been taken */
	bool stop, done;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const struct ready *
prepare(struct reader *r, struct arena *a, const struct dir_change *c)
{
	struct ready *ready = c->kind == DIR_ENTRY ? ARENA_NEW(a, struct ready) : NULL;

	/* what cannot be made is refused in its turn */
	return ready && sync_ready_make(&r->run, r->memory, c->entry, &r->scratch, ready) ? ready : NULL;
}

/* What is there, without waiting for more. */
static struct lot *
read_lot(struct reader *r)
{
	struct arena *a = arena_new(64 * 1024);
	struct lot *l = ARENA_NEW(a, struct lot);
	struct dir_feed *feed = r->s->feed;

	l->a = a;
	r->run.a = a;
	r->run.now_us = clock_wall_us();
	do {
		struct dir_change *c = &l->v[l->n];
		deadline_t until = deadline_in(SYNC_STALL_MS);
		l->failed = dir_feed_next(feed, a, until, c, &l->e) < 0;
		if (l->failed)
			break;
		/* Somebody asks for something, which has to wait; but the engine may be asked to end. */
		if (c->kind == DIR_STALLED && deadline_left(until) > 0)
			*c = (struct dir_change){.kind = DIR_COOKIE};
		l->ready[l->n++] = prepare(r, a, c);
		l->last = c->kind == DIR_END || c->kind == DIR_STALLED;
		l->pause = c->kind == DIR_OP;
	} while (!l->last && !l->pause && l->n < LOT_CHANGES && arena_used(a) < LOT_BYTES && dir_feed_ready(feed));
	l->last |= l->failed;
	l->bytes = arena_used(a);
	return l;
}

static void
lot_free(struct lot **lp)
{
	struct arena *a = (*lp)->a;

	*lp = NULL;
	arena_free(&a); /* holds the lot itself */
}

/* Hands it over; false if no more is wanted. */
static bool
push(struct reader *r, struct lot *l)
{
	bool pause = l->pause, last = l->last;

	mutex_lock(&r->lock);
	while (!r->stop && r->n > 0 && (r->n >= LOTS || r->bytes + l->bytes > LOTS_BYTES))
		cond_wait(&r->moved, &r->lock);
	*r->end = l;
	r->end = &l->next;
	r->n++;
	r->bytes += l->bytes;
	r->wanted = false;
	r->done = last;
	cond_broadcast(&r->moved);
	/* An operation that does not fit has the engine read the entry through the feed. */
	while (!r->stop && pause && !r->wanted)
		cond_wait(&r->moved, &r->lock);
	bool more = !last && !r->stop;
	mutex_unlock(&r->lock);
	return more;
}

static void *
run(void *ctx)
{
	struct reader *r = ctx;

	while (push(r, read_lot(r)))
		;
	return NULL;
}

/* --- the engine --------------------------------------------------------------------------------------------------- */

int
sync_reader_start(struct sync *s, struct reader **r_r, struct err *e)
{
	if (sync_memory_ready(&s->run, e) < 0)
		return -1;
	struct arena *a = arena_new(1024);
	struct reader *r = ARENA_NEW(a, struct reader);
	r->s = s;
	r->a = a;
	r->memory = s->run.memory;
	r->run = s->run.map;
	r->scratch = BUF_INIT((size_t)16 << 20);
	r->end = &r->first;
	mutex_init(&r->lock);
	cond_init(&r->moved);
	thread_start(&r->thread, "feed-read", run, r);
	*r_r = r;
	return 0;
}

static struct lot *
pull(struct reader *r)
{
	mutex_lock(&r->lock);
	if (!r->first) {
		r->wanted = true;
		cond_broadcast(&r->moved);
	}
	while (!r->first)
		cond_wait(&r->moved, &r->lock);
	struct lot *l = r->first;
	r->first = l->next;
	if (!r->first)
		r->end = &r->first;
	r->n--;
	r->bytes -= l->bytes;
	cond_broadcast(&r->moved);
	mutex_unlock(&r->lock);
	return l;
}

int
sync_reader_next(struct reader *r, const struct dir_change **c_r, const struct ready **ready_r, struct err *e)
{
	struct sync_run *run = &r->s->run;

	while (!r->now && !r->ended) {
		struct lot *l = pull(r);
		r->ended = l->last;
		r->failed = l->failed;
		r->e = l->e;
		r->now = l->n > 0 ? l : NULL;
		r->at = 0;
		/* what is observed of them lives as long as they do */
		arena_free(&run->a);
		run->a = run->map.a = l->a;
		run->now_us = run->map.now_us = clock_wall_us();
	}
	if (!r->now) {
		if (!r->failed)
			return err_set(e, ERR_INTERNAL, "a refresh was read beyond its end");
		*e = r->e;
		return -1;
	}
	*c_r = &r->now->v[r->at];
	*ready_r = r->now->ready[r->at++];
	/* The last one may cost the lot its arena: reading entries anew needs one. */
	if (r->at == r->now->n)
		r->now = NULL;
	return 0;
}

void
sync_reader_stop(struct reader **rp)
{
	struct reader *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	mutex_lock(&r->lock);
	r->stop = true;
	bool done = r->done;
	cond_broadcast(&r->moved);
	mutex_unlock(&r->lock);
	if (!done)
		dir_feed_wake(r->s->feed);
	thread_join(&r->thread);
	while (r->first) {
		struct lot *l = r->first;
		r->first = l->next;
		lot_free(&l);
	}
	buf_done(&r->scratch);
	cond_done(&r->moved);
	mutex_done(&r->lock);
	struct arena *a = r->a;
	arena_free(&a); /* holds the struct itself */
}
