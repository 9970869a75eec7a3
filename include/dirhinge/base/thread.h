/* SPDX-License-Identifier: Apache-2.0
 * The only user of <pthread.h>. A failing primitive is a programming error and aborts. */
#ifndef DIRHINGE_BASE_THREAD_H
#define DIRHINGE_BASE_THREAD_H

#include <pthread.h>

#include "dirhinge/base/clock.h"
#include "dirhinge/base/defs.h"

struct mutex {
	pthread_mutex_t m;
};
struct cond {
	pthread_cond_t c; /* on the monotonic clock */
};
struct thread {
	pthread_t t;
	bool started;
};

void mutex_init(struct mutex *m);
void mutex_done(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

void cond_init(struct cond *c);
void cond_done(struct cond *c);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
/* False when the deadline passed. */
bool cond_wait_until(struct cond *c, struct mutex *m, deadline_t until);

/* Signals stay with the thread that called (main): all but faults are blocked in the new one.
 * name: at most 15 bytes, shown by ps and gdb; stack 1 MiB or more (jansson's recursion). */
void thread_start(struct thread *t, const char *name, void *(*fn)(void *), void *arg);
/* For help that can be done without: false if the system has no thread to give. */
bool thread_try(struct thread *t, const char *name, void *(*fn)(void *), void *arg) DH_MUST_USE;
void thread_join(struct thread *t); /* nothing if not started */

#endif
