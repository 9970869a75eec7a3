/* SPDX-License-Identifier: Apache-2.0
 * Mutexes, conditions on the monotonic clock, named threads that leave signals to main. */
#include "dirhinge/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/mem.h"

#define STACK_SIZE (2U * 1024 * 1024)
#define NAME_SIZE  16

void
mutex_init(struct mutex *m)
{
	must(pthread_mutex_init(&m->m, NULL) == 0);
}

void
mutex_done(struct mutex *m)
{
	must(pthread_mutex_destroy(&m->m) == 0);
}

void
mutex_lock(struct mutex *m)
{
	must(pthread_mutex_lock(&m->m) == 0);
}

void
mutex_unlock(struct mutex *m)
{
	must(pthread_mutex_unlock(&m->m) == 0);
}

void
cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->c, &attr) == 0);
	must(pthread_condattr_destroy(&attr) == 0);
}

void
cond_done(struct cond *c)
{
	must(pthread_cond_destroy(&c->c) == 0);
}

void
cond_signal(struct cond *c)
{
	must(pthread_cond_signal(&c->c) == 0);
}

void
cond_broadcast(struct cond *c)
{
	must(pthread_cond_broadcast(&c->c) == 0);
}

void
cond_wait(struct cond *c, struct mutex *m)
{
	must(pthread_cond_wait(&c->c, &m->m) == 0);
}

bool
cond_wait_until(struct cond *c, struct mutex *m, deadline_t until)
{
	/* deadline_t counts CLOCK_MONOTONIC, and so does the condition */
	struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
	int rc = until <= 0 ? ETIMEDOUT : pthread_cond_timedwait(&c->c, &m->m, &ts);

	must(rc == 0 || rc == ETIMEDOUT);
	return rc == 0;
}

struct start {
	void *(*fn)(void *);
	void *arg;
	char name[NAME_SIZE];
};

static void *
run(void *p)
{
	struct start s = *(struct start *)p;

	free(p);
	must(pthread_setname_np(pthread_self(), s.name) == 0);
	return s.fn(s.arg);
}

bool
thread_try(struct thread *t, const char *name, void *(*fn)(void *), void *arg)
{
	struct start *s = mem_new(sizeof(*s));
	pthread_attr_t attr;
	sigset_t all, before;

	must(strlen(name) < NAME_SIZE);
	s->fn = fn;
	s->arg = arg;
	memcpy(s->name, name, strlen(name) + 1);
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK_SIZE) == 0);
	/* Signals are for main, which waits for them; faults (SIGSEGV…) are delivered all the same. */
	must(sigfillset(&all) == 0);
	must(sigdelset(&all, SIGSEGV) == 0 && sigdelset(&all, SIGBUS) == 0 && sigdelset(&all, SIGABRT) == 0 &&
	     sigdelset(&all, SIGFPE) == 0 && sigdelset(&all, SIGILL) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int rc = pthread_create(&t->t, &attr, run, s);

	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	must(pthread_attr_destroy(&attr) == 0);
	t->started = rc == 0;
	if (rc != 0)
		free(s);
	return rc == 0;
}

void
thread_start(struct thread *t, const char *name, void *(*fn)(void *), void *arg)
{
	must(thread_try(t, name, fn, arg));
}

void
thread_join(struct thread *t)
{
	if (!t->started)
		return;
	must(pthread_join(t->t, NULL) == 0);
	t->started = false;
}
