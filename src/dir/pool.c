/* SPDX-License-Identifier: Apache-2.0
 * The pool: who may use which connection, who may make one, and when nobody should try.
 *
 * Connections are made by one thread at a time. So a restart of the directory or a wrong password never meets more than
 * one new connection at once, and the others learn from its result. A server that let an operation time out is not used
 * before a fresh connection to it has bound; while that one is tried and after it failed, callers are told at once. */
#include "dir/pool.h"

#include <poll.h>
#include <stdlib.h>

#include "dir/rootdse.h"

enum {
	OPEN_MAX_MS = 8000,     /* all URIs together */
	OPEN_ONE_MS = 3000,     /* one of several, or a server that hangs */
	OPEN_FAIR_MS = 1000,    /* a shorter attempt says more about the caller's deadline than about the server */
	SKIP_MS = 1000,         /* a URI that failed is left alone for this long, +/- 25 % */
	FOLLOW_MS = 300,        /* patience with somebody else's attempt while no server is known to work */
	REFUSED_MS = 30 * 1000, /* reliability.md F-68: refused binds must not lock the account */
};

deadline_t
dir_pool_deadline(const struct dir *d, deadline_t until)
{
	return deadline_min(until, deadline_in(d->timeout_ms));
}

/* xorshift64; only for spreading retries in time. */
static int64_t
jitter(struct dir *d, int64_t ms)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return ms * 3 / 4 + (int64_t)(d->random % (uint64_t)(ms / 2 + 1));
}

bool
dir_pool_backoff(struct dir *d, int n, deadline_t until)
{
	static const int64_t steps[] = {50, 150, 400};

	if ((size_t)n >= ARRAY_SIZE(steps))
		return false;
	mutex_lock(&d->m);
	int64_t ms = jitter(d, steps[n]);
	mutex_unlock(&d->m);
	if (deadline_left(until) <= ms)
		return false;
	poll(NULL, 0, (int)ms);
	return true;
}

static bool
uri_up(const struct dir *d, size_t i)
{
	return d->state[i].fails == 0;
}

static bool
any_up(const struct dir *d)
{
	for (size_t i = 0; i < d->n_uris; i++)
		if (uri_up(d, i))
			return true;
	return false;
}

static bool
may_try(const struct dir *d, size_t i)
{
	return uri_up(d, i) || deadline_left(d->state[i].retry_at) == 0;
}

static bool
may_open(const struct dir *d)
{
	if (d->opening || deadline_left(d->refused_until) > 0 || (d->n_unused == 0 && d->n_idle == 0))
		return false;
	for (size_t i = 0; i < d->n_uris; i++)
		if (may_try(d, i))
			return true;
	return false;
}

/* The newest idle connection to a server that works: the others grow old and are closed by the server's idle timeout.
 */
static struct conn *
take_idle(struct dir *d)
{
	for (size_t i = d->n_idle; i-- > 0;) {
		struct conn *c = d->idle[i];

		if (!uri_up(d, c->uri_index))
			continue;
		memmove(&d->idle[i], &d->idle[i + 1], (d->n_idle - i - 1) * sizeof(struct conn *));
		d->n_idle--;
		return c;
	}
	return NULL;
}

/* Closes without the lock; called and returns with it. */
static void
discard(struct dir *d, struct conn *c)
{
	mutex_unlock(&d->m);
	dir_conn_close(c);
	mutex_lock(&d->m);
	d->unused[d->n_unused++] = c;
}

static void
discard_idle_of(struct dir *d, size_t uri)
{
	for (size_t i = 0; i < d->n_idle;) {
		struct conn *c = d->idle[i];

		if (c->uri_index != uri) {
			i++;
			continue;
		}
		memmove(&d->idle[i], &d->idle[i + 1], (d->n_idle - i - 1) * sizeof(struct conn *));
		d->n_idle--;
		c->broken = true;
		discard(d, c);
		i = 0; /* the list may have changed meanwhile */
	}
}

/* A slot for a new connection; may_open() made sure that there is one. */
static struct conn *
take_slot(struct dir *d)
{
	while (d->n_unused == 0) {
		struct conn *oldest = d->idle[0];

		d->n_idle--;
		memmove(&d->idle[0], &d->idle[1], d->n_idle * sizeof(struct conn *));
		discard(d, oldest);
	}
	return d->unused[--d->n_unused];
}

/* --- waiting --- */

/* Queues the caller; called with the lock. */
static struct waiter *
enqueue(struct dir *d)
{
	struct waiter *w = d->spare;

	if (w) {
		d->spare = w->next;
	} else {
		w = ARENA_NEW(d->a, struct waiter);
		cond_init(&w->woken);
		w->older = d->newest;
		d->newest = w;
	}
	w->next = NULL;
	*d->end = w;
	d->end = &w->next;
	return w;
}

/* Takes it out of the queue, if it is still there. */
static void
dequeue(struct dir *d, const struct waiter *w)
{
	for (struct waiter **at = &d->first; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			if (!*at)
				d->end = at;
			return;
		}
}

/* Waits to be given a connection or to be told that something changed; what was given, or NULL. */
static struct conn *
wait_turn(struct dir *d, deadline_t until)
{
	struct waiter *w = enqueue(d);
	struct conn *c;

	cond_wait_until(&w->woken, &d->m, until);
	dequeue(d, w);
	c = TAKE(w->given);
	w->next = d->spare;
	d->spare = w;
	return c;
}

static void
wake_all(struct dir *d)
{
	for (struct waiter *w = d->first; w; w = w->next)
		cond_signal(&w->woken);
}

static void
mark_down(struct dir *d, size_t uri)
{
	d->state[uri].fails++;
	d->state[uri].retry_at = deadline_in(jitter(d, SKIP_MS));
}

/* 1 connected and bound, 0 the account was refused, -1 failed. Without the lock. */
static int
establish(struct dir *d, struct conn *c, size_t uri, deadline_t until, struct err *e)
{
	const struct conn_login login = {d->bind_dn, d->password ? secret_view(d->password) : STRV("")};
	int rc;

	if (dir_conn_open(c, &d->conn, &d->uris[uri], until, e))
		return -1;
	c->uri_index = uri;
	rc = dir_conn_bind(c, &login, until, e);
	if (rc != 1) {
		c->broken = true;
		dir_conn_close(c);
	}
	return rc;
}

/* What the directory can do: asked by the first connection, while no other can be made. */
static int
learn(struct dir *d, struct conn *c, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = NULL;
	const struct dir_caps *caps;

	if (d->caps)
		return 0;
	a = arena_new(16384);
	if (dir_rootdse_load(a, c, d->wanted, until, &caps, e)) {
		c->broken = true;
		dir_conn_close(c);
		return -1;
	}
	mutex_lock(&d->m);
	d->caps_arena = TAKE(a);
	d->caps = caps;
	mutex_unlock(&d->m);
	return 0;
}

/* Where the time-out of the configuration is short, so are attempts: an attempt that had a good part of it counts. */
static int64_t
fair_ms(const struct dir *d)
{
	return d->timeout_ms / 4 < OPEN_FAIR_MS ? d->timeout_ms / 4 : OPEN_FAIR_MS;
}

/* One URI. Called and returns with the lock, works without it. */
static int
try_uri(struct dir *d, struct conn *c, size_t uri, deadline_t until, struct err *e)
{
	int64_t budget = deadline_left(until);
	int rc;

	d->stats.binds++;
	mutex_unlock(&d->m);
	rc = establish(d, c, uri, until, e);
	if (rc == 1 && learn(d, c, until, e))
		rc = -1;
	mutex_lock(&d->m);

	if (rc == 1) {
		d->state[uri] = (struct uri_state){0};
		d->current = uri;
		return 1;
	}
	d->stats.failures++;
	if (rc == 0) {
		d->refused_until = deadline_in(REFUSED_MS);
	} else if (budget >= fair_ms(d) || deadline_left(until) > 0) {
		mark_down(d, uri);
		discard_idle_of(d, uri);
	}
	return rc;
}

/* Tries the URIs in order from the one in use. Called and returns with the lock. */
static int
open_any(struct dir *d, deadline_t until, struct conn **c_r, struct err *e)
{
	deadline_t end = deadline_min(until, deadline_in(d->timeout_ms < OPEN_MAX_MS ? d->timeout_ms : OPEN_MAX_MS));
	struct conn *c;
	int rc = -1;

	d->opening = true;
	c = take_slot(d);
	for (size_t k = 0, first = d->current; k < d->n_uris && rc < 0; k++) {
		size_t uri = (first + k) % d->n_uris;
		int64_t share = deadline_left(end) / (int64_t)(d->n_uris - k);

		if (may_try(d, uri))
			rc = try_uri(d, c, uri, deadline_in(share < OPEN_ONE_MS ? share : OPEN_ONE_MS), e);
	}
	d->opening = false;
	wake_all(d);
	if (rc == 1) {
		*c_r = c;
		return 0;
	}
	d->unused[d->n_unused++] = c;
	if (e)
		d->last = *e;
	return -1;
}

/* Nobody is trying and nobody may: say why. */
static int
fail_fast(struct dir *d, struct err *e)
{
	int64_t refused = deadline_left(d->refused_until);

	d->stats.failures++;
	if (e == NULL)
		return -1;
	*e = d->last;
	if (e->code == ERR_OK)
		err_set(e, ERR_UNAVAILABLE, NULL);
	if (refused > 0)
		return err_cause(e, "not tried again for %lld s, so that the account is not locked",
				 (long long)(refused / 1000 + 1));
	return err_cause(e, "not tried again yet");
}

static int
fail_waiting(struct dir *d, struct err *e)
{
	d->stats.failures++;
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e, "no connection to the directory became free in time (pool_size %zu)", d->pool_size);
}

/* True if a connection in use, or the one being made, may become free for this caller. */
static bool
worth_waiting(const struct dir *d)
{
	return d->opening || (any_up(d) && d->n_unused < d->pool_size);
}

/* Bound and alive, or NULL after it was discarded. Called with the lock, returns without it only if it succeeded. */
static bool
usable(struct dir *d, struct conn *c, deadline_t until)
{
	mutex_unlock(&d->m);
	if (dir_conn_alive(c)) {
		dir_conn_set_deadline(c, until);
		return true;
	}
	mutex_lock(&d->m);
	discard(d, c);
	return false;
}

int
dir_pool_get(struct dir *d, deadline_t until, struct conn **c_r, struct err *e)
{
	deadline_t patience = deadline_in(FOLLOW_MS);
	struct conn *given = NULL;
	bool waited = false;
	int rc;

	mutex_lock(&d->m);
	for (;;) {
		struct conn *c = given ? TAKE(given) : take_idle(d);

		if (c) {
			if (!usable(d, c, until))
				continue;
			*c_r = c;
			return 0;
		}
		if (deadline_left(until) == 0) {
			rc = fail_waiting(d, e);
			break;
		}
		if (may_open(d)) {
			rc = open_any(d, until, c_r, e);
			break;
		}
		if (!worth_waiting(d) || (!any_up(d) && deadline_left(patience) == 0)) {
			rc = fail_fast(d, e);
			break;
		}
		d->stats.waits += !waited;
		waited = true;
		given = wait_turn(d, any_up(d) ? until : deadline_min(until, patience));
	}
	mutex_unlock(&d->m);
	return rc;
}

/* Closed by its user. A server that let an operation time out is not down yet, only suspect: the next caller makes a
 * fresh connection and finds out. */
static void
note_broken(struct dir *d, const struct conn *c)
{
	d->stats.failures++;
	if (c->timed_out && uri_up(d, c->uri_index))
		d->state[c->uri_index] = (struct uri_state){.fails = 1};
}

/* A good connection goes to who has waited longest, past those who ask only now: woken in vain he would have to queue
 * again. He is woken without the lock, or he would run into it at once. */
void
dir_pool_put(struct dir *d, struct conn *c)
{
	struct waiter *w;

	if (c->broken)
		dir_conn_close(c);
	mutex_lock(&d->m);
	d->stats.ops++;
	w = d->first;
	if (!c->broken && w && uri_up(d, c->uri_index)) {
		w->given = c;
		dequeue(d, w);
	} else if (!c->broken) {
		d->idle[d->n_idle++] = c;
	} else {
		note_broken(d, c);
		d->unused[d->n_unused++] = c;
	}
	mutex_unlock(&d->m);
	if (w)
		cond_signal(&w->woken);
}

/* --- connections set apart --- */

/* An idle connection that is alive, or NULL; called with the lock, returns without it. */
static struct conn *
take_alive(struct dir *d)
{
	while (d->n_spare_slots > 0 && d->first == NULL) {
		struct conn *c = take_idle(d);

		if (c == NULL)
			break;
		if (usable(d, c, deadline_in(d->timeout_ms)))
			return c;
	}
	mutex_unlock(&d->m);
	return NULL;
}

struct conn *
dir_pool_lend(struct dir *d)
{
	struct waiter *w;
	struct conn *c;
	bool room;

	mutex_lock(&d->m);
	c = take_alive(d);
	if (c == NULL)
		return NULL;
	mutex_lock(&d->m);
	room = d->n_spare_slots > 0; /* the lock was open while the connection was looked at */
	if (room)
		d->unused[d->n_unused++] = d->spare_slots[--d->n_spare_slots];
	w = room ? d->first : NULL;
	mutex_unlock(&d->m);
	if (w)
		cond_signal(&w->woken); /* there is room for a connection of his own */
	if (room)
		return c;
	dir_pool_put(d, c);
	return NULL;
}

void
dir_pool_return(struct dir *d, struct conn *c)
{
	bool back;

	mutex_lock(&d->m);
	back = !c->broken && d->n_unused > 0;
	if (back)
		d->spare_slots[d->n_spare_slots++] = d->unused[--d->n_unused];
	mutex_unlock(&d->m);
	if (back) {
		dir_pool_put(d, c);
		return;
	}
	dir_conn_close(c);
	mutex_lock(&d->m);
	if (c->broken)
		note_broken(d, c);
	d->spare_slots[d->n_spare_slots++] = c;
	mutex_unlock(&d->m);
}

bool
dir_pool_same(struct dir *d, const struct conn *c)
{
	bool same;

	mutex_lock(&d->m);
	same = c->uri_index == d->current && uri_up(d, c->uri_index);
	mutex_unlock(&d->m);
	return same;
}
