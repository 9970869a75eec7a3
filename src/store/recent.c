/* SPDX-License-Identifier: Apache-2.0
 * See recent.h. */
#include "store/recent.h"

#include "dirhinge/base/arena.h"

#define LOT_BLOCK ((size_t)2048)

struct store_lot {
	struct arena *a;        /* holds this struct and the texts */
	struct store_lot *next; /* in a list of what is to be freed */
	unsigned users;
	uint64_t topics;
	struct store_event *events; /* by number */
	size_t n, cap;
};

struct store_waiter {
	struct store_waiter *next;
	struct store_waiting *w;
	struct cond come;
	bool hit;
};

/* --- lots ----------------------------------------------------------------------------------------------------------
 */

struct store_lot *
store_lot_new(void)
{
	struct arena *a = arena_new(LOT_BLOCK);
	struct store_lot *lot = ARENA_NEW(a, struct store_lot);

	lot->a = a;
	return lot;
}

void
store_lot_free(struct store_lot **lot)
{
	if (!*lot)
		return;
	struct arena *a = (*lot)->a;
	*lot = NULL;
	arena_free(&a);
}

static const char *
copy_text(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

bool
store_lot_add(struct store_lot *lot, const struct store_event *ev, int64_t seq)
{
	if (lot->n == RECENT_EVENTS / 4 || arena_used(lot->a) + ev->body.n > RECENT_BYTES / 8)
		return false;
	if (lot->n == lot->cap) {
		size_t cap = lot->cap ? 2 * lot->cap : 1;
		struct store_event *more = ARENA_ARRAY(lot->a, cap, struct store_event);
		if (lot->n > 0)
			memcpy(more, lot->events, lot->n * sizeof(*more));
		lot->events = more;
		lot->cap = cap;
	}
	lot->events[lot->n++] = (struct store_event){
		.seq = seq,
		.id = arena_strdup(lot->a, ev->id),
		.type = arena_strdup(lot->a, ev->type),
		.subject = arena_strdup(lot->a, ev->subject),
		.dn_key = copy_text(lot->a, ev->dn_key),
		.old_dn_key = copy_text(lot->a, ev->old_dn_key),
		.at_us = ev->at_us,
		.removal = ev->removal,
		.body = strv_n(arena_strndup(lot->a, ev->body.n ? ev->body.p : "", ev->body.n), ev->body.n),
	};
	lot->topics |= store_topic(ev->type);
	return true;
}

void
store_lots_free(struct store_lot **old)
{
	while (*old) {
		struct store_lot *lot = *old;
		*old = lot->next;
		store_lot_free(&lot);
	}
}

static void
let_go(struct store_lot *lot, struct store_lot **old)
{
	if (--lot->users > 0)
		return;
	lot->next = *old;
	*old = lot;
}

/* What it takes at most: blocks of an arena double. */
static size_t
size_of(const struct store_lot *lot)
{
	size_t used = arena_used(lot->a);

	return used < LOT_BLOCK / 2 ? LOT_BLOCK : 2 * used;
}

static int64_t
last_seq(const struct store_lot *lot)
{
	return lot->events[lot->n - 1].seq;
}

static size_t
first_above(const struct store_lot *lot, int64_t after)
{
	size_t low = 0, high = lot->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (lot->events[mid].seq > after)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* --- the ring ------------------------------------------------------------------------------------------------------
 */

static struct store_lot *
lot_at(const struct store_recent *r, size_t i)
{
	return r->lots[(r->first + i) % RECENT_LOTS];
}

static void
drop_first(struct store_recent *r, struct store_lot **old)
{
	struct store_lot *lot = lot_at(r, 0);

	r->behind = last_seq(lot);
	r->events -= lot->n;
	r->bytes -= size_of(lot);
	r->first = (r->first + 1) % RECENT_LOTS;
	r->n--;
	let_go(lot, old);
}

/* True if the waiting reader has to look; otherwise its place is behind all there is. */
static bool
has_news(const struct store_recent *r, struct store_waiting *w)
{
	if (w->seq < r->behind)
		return true;
	if (r->n == 0)
		return false;
	const struct store_lot *newest = lot_at(r, r->n - 1);
	if (last_seq(newest) <= w->seq)
		return false;
	if (w->stop > 0 && last_seq(newest) >= w->stop)
		return true;
	for (size_t i = r->n; i-- > 0 && last_seq(lot_at(r, i)) > w->seq;)
		if (lot_at(r, i)->topics & w->topics)
			return true;
	w->seq = last_seq(newest);
	w->mark = store_mark(newest->events[newest->n - 1].id);
	return false;
}

void
store_recent_wake(struct store_recent *r)
{
	for (struct store_waiter *one = r->waiters; one; one = one->next)
		cond_signal(&one->come);
}

static void
tell_waiters(struct store_recent *r)
{
	for (struct store_waiter *one = r->waiters; one; one = one->next) {
		if (one->hit || !has_news(r, one->w))
			continue;
		one->hit = true;
		cond_signal(&one->come);
	}
}

void
store_recent_put(struct store_recent *r, struct store_lot **lot, struct store_lot **old)
{
	struct store_lot *one = *lot;

	*lot = NULL;
	if (!one)
		return;
	size_t bytes = size_of(one);
	while (r->n > 0 &&
	       (r->n == RECENT_LOTS || r->events + one->n > RECENT_EVENTS || r->bytes + bytes > RECENT_BYTES))
		drop_first(r, old);
	one->users = 1;
	r->lots[(r->first + r->n++) % RECENT_LOTS] = one;
	r->events += one->n;
	r->bytes += bytes;
	tell_waiters(r);
}

void
store_recent_clear(struct store_recent *r, int64_t head, struct store_lot **old)
{
	while (r->n > 0)
		drop_first(r, old);
	r->behind = head;
	tell_waiters(r);
}

void
store_recent_trim(struct store_recent *r, int64_t oldest, struct store_lot **old)
{
	while (r->n > 0 && last_seq(lot_at(r, 0)) < oldest)
		drop_first(r, old);
}

/* The first lot with an event above this number. */
static size_t
find_lot(const struct store_recent *r, int64_t after)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (last_seq(lot_at(r, mid)) > after)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool
store_recent_take(struct store_recent *r, int64_t after, struct store_recent_page *p)
{
	if (after < r->behind)
		return false;
	for (size_t i = find_lot(r, after); i < r->n && p->n < p->max; i++) {
		struct store_lot *lot = lot_at(r, i);
		lot->users++;
		p->lots[p->n_lots++] = lot;
		for (size_t k = first_above(lot, after); k < lot->n && p->n < p->max; k++)
			p->events[p->n++] = &lot->events[k];
	}
	return true;
}

void
store_recent_give(struct store_recent_page *p, struct store_lot **old)
{
	for (size_t i = 0; i < p->n_lots; i++)
		let_go(p->lots[i], old);
	p->n_lots = 0;
}

const struct store_event *
store_recent_at(const struct store_recent *r, int64_t seq)
{
	size_t i = find_lot(r, seq - 1);

	if (i == r->n)
		return NULL;
	const struct store_lot *lot = lot_at(r, i);
	size_t k = first_above(lot, seq - 1);
	return lot->events[k].seq == seq ? &lot->events[k] : NULL;
}

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

bool
store_recent_wait(struct store_recent *r, struct mutex *lock, const bool *woken, struct store_waiting *w,
		  deadline_t until)
{
	struct store_waiter me = {.next = r->waiters, .w = w, .hit = has_news(r, w)};

	if (me.hit || *woken)
		return me.hit;
	cond_init(&me.come);
	r->waiters = &me;
	while (!me.hit && !*woken && cond_wait_until(&me.come, lock, until))
		;
	struct store_waiter **at = &r->waiters;
	while (*at != &me)
		at = &(*at)->next;
	*at = me.next;
	cond_done(&me.come);
	return me.hit;
}
