/* SPDX-License-Identifier: Apache-2.0
 * Deadlines of connections: a list and one sleeping thread. shutdown() makes the connection's own thread see the end
 * and clean up; the descriptor is never closed from here. */
#include "conns.h"

#include <poll.h>
#include <sys/socket.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/log.h"
#include "dirhinge/base/thread.h"

struct conn {
	struct arena *a;
	struct conns *cs;
	struct conn *prev, *next;
	int fd;
	enum conn_phase phase;
	deadline_t until;
	bool cut;
};

struct conns {
	struct arena *a;
	struct conn_limits limits;
	struct mutex lock; /* all below, and all of struct conn */
	struct cond wake;
	struct thread sweeper;
	struct conn *first;
	deadline_t next_sweep;
	int64_t stream_ms;
	int64_t open, cut;
	bool stop;
};

static const char *const phase_names[] = {"header", "body", "work", "reply", "stream", "idle"};

static int64_t
phase_ms(const struct conns *cs, enum conn_phase phase)
{
	switch (phase) {
	case CONN_HEADER:
		return cs->limits.header_ms;
	case CONN_BODY:
		return cs->limits.body_ms;
	case CONN_REPLY:
		return cs->limits.reply_ms;
	case CONN_STREAM:
		return cs->stream_ms;
	case CONN_IDLE:
		return cs->limits.idle_ms;
	case CONN_WORK:
		break;
	}
	return -1;
}

static void
set_phase(struct conn *c, enum conn_phase phase)
{
	struct conns *cs = c->cs;
	int64_t ms = phase_ms(cs, phase);
	c->phase = phase;
	c->until = ms < 0 ? INT64_MAX : deadline_in(ms);
	if (c->until < cs->next_sweep)
		cond_signal(&cs->wake);
}

/* Cuts what is late; returns when the next one will be. */
static deadline_t
sweep(struct conns *cs)
{
	deadline_t next = INT64_MAX;
	for (struct conn *c = cs->first; c; c = c->next) {
		if (c->cut)
			continue;
		if (deadline_left(c->until) > 0) {
			next = deadline_min(next, c->until);
			continue;
		}
		c->cut = true;
		cs->cut++;
		(void)shutdown(c->fd, SHUT_RDWR);
		log_event(c->phase == CONN_IDLE ? LOG_DEBUG_ : LOG_INFO_, "connection cut: too slow",
			  LOG_S("phase", phase_names[c->phase]), LOG_END);
	}
	return next;
}

static void *
sweeper_main(void *arg)
{
	struct conns *cs = arg;
	mutex_lock(&cs->lock);
	while (!cs->stop) {
		cs->next_sweep = sweep(cs);
		if (cs->next_sweep == INT64_MAX)
			cond_wait(&cs->wake, &cs->lock);
		else
			(void)cond_wait_until(&cs->wake, &cs->lock, cs->next_sweep);
	}
	mutex_unlock(&cs->lock);
	return NULL;
}

struct conns *
http_conns_new(const struct conn_limits *limits)
{
	struct arena *a = arena_new(1024);
	struct conns *cs = ARENA_NEW(a, struct conns);
	cs->a = a;
	cs->limits = *limits;
	cs->stream_ms = limits->reply_ms;
	cs->next_sweep = INT64_MAX;
	mutex_init(&cs->lock);
	cond_init(&cs->wake);
	thread_start(&cs->sweeper, "http-deadlines", sweeper_main, cs);
	return cs;
}

void
http_conns_free(struct conns **csp)
{
	struct conns *cs = *csp;
	if (!cs)
		return;
	mutex_lock(&cs->lock);
	must(!cs->first);
	cs->stop = true;
	cond_signal(&cs->wake);
	mutex_unlock(&cs->lock);
	thread_join(&cs->sweeper);
	cond_done(&cs->wake);
	mutex_done(&cs->lock);
	struct arena *a = cs->a;
	*csp = NULL;
	arena_free(&a);
}

struct conn *
http_conn_open(struct conns *cs, int fd)
{
	struct arena *a = arena_new(sizeof(struct conn));
	struct conn *c = ARENA_NEW(a, struct conn);
	c->a = a;
	c->cs = cs;
	c->fd = fd;
	mutex_lock(&cs->lock);
	c->next = cs->first;
	if (c->next)
		c->next->prev = c;
	cs->first = c;
	cs->open++;
	set_phase(c, CONN_HEADER);
	mutex_unlock(&cs->lock);
	return c;
}

void
http_conn_close(struct conn **cp)
{
	struct conn *c = *cp;
	if (!c)
		return;
	struct conns *cs = c->cs;
	mutex_lock(&cs->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		cs->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	cs->open--;
	mutex_unlock(&cs->lock);
	struct arena *a = c->a;
	*cp = NULL;
	arena_free(&a);
}

void
http_conn_enter(struct conn *c, enum conn_phase phase)
{
	mutex_lock(&c->cs->lock);
	set_phase(c, phase);
	mutex_unlock(&c->cs->lock);
}

void
http_conns_hurry(struct conns *cs, int64_t ms)
{
	mutex_lock(&cs->lock);
	cs->stream_ms = ms;
	for (struct conn *c = cs->first; c; c = c->next)
		if (c->phase == CONN_STREAM)
			set_phase(c, CONN_STREAM);
	mutex_unlock(&cs->lock);
}

bool
http_conn_gone(const struct conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void
http_conns_count(struct conns *cs, int64_t *open_r, int64_t *cut_r)
{
	mutex_lock(&cs->lock);
	*open_r = cs->open;
	*cut_r = cs->cut;
	mutex_unlock(&cs->lock);
}
