/* SPDX-License-Identifier: Apache-2.0
 * Private: struct dir, and the checkout of connections. */
#ifndef DIRHINGE_SRC_DIR_POOL_H
#define DIRHINGE_SRC_DIR_POOL_H

#include "dir/conn.h"
#include "dir/count.h"
#include "dir/gather.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/dir/stream.h"

struct uri_state {
	unsigned fails;      /* 0 = in use; else nothing is sent there until a fresh connection has worked */
	deadline_t retry_at; /* with fails: when the next connection may be tried */
};

/* Somebody who waits for a connection. Lives in the arena of the dir and is used again, so that it may be woken without
 * the lock, when it may have got what it wanted already. */
struct waiter {
	struct cond woken;
	struct conn *given;  /* by the thread that gave it back */
	struct waiter *next; /* in the queue or among the spare ones */
	struct waiter *older;
};

struct dir {
	/* frozen */
	struct arena *a;
	struct conn_opts conn;
	const struct uri *uris;
	size_t n_uris;
	const char *bind_dn;              /* NULL = SASL EXTERNAL */
	const struct secret *password;    /* borrowed */
	const struct dir_flavour *wanted; /* NULL = by probe */
	size_t pool_size;
	int64_t timeout_ms;
	struct dir_counters counters;

	struct mutex m;
	/* guarded by m */
	struct waiter *first, **end; /* in the order of their coming */
	struct waiter *spare, *newest;
	struct conn *slots;        /* pool_size and DIR_STREAMS; libldap points into them */
	struct conn **idle;        /* newest last */
	struct conn **unused;      /* closed slots */
	struct conn **spare_slots; /* closed, and not the pool's: one for each stream there is room for */
	size_t n_idle, n_unused, n_spare_slots;
	bool opening;   /* one thread is making a connection; at most one at a time */
	size_t current; /* URI tried first */
	struct uri_state *state;
	deadline_t refused_until; /* no bind before this: the credentials were refused */
	struct err last;          /* why the last attempt to connect failed */
	uint64_t random;
	struct dir_stats stats;
	struct arena *caps_arena;
	struct gather gather;
	const struct dir_caps *_Atomic caps; /* set once, by the first connection; read without the lock */
};

/* The end of an operation that was asked to end by until. */
deadline_t dir_pool_deadline(const struct dir *d, deadline_t until);

/* A bound connection for this thread, checked to be alive, or ERR_UNAVAILABLE with nothing sent. After success d->caps
 * is set. */
int dir_pool_get(struct dir *d, deadline_t until, struct conn **c_r, struct err *e) DH_MUST_USE;
/* Gives it back; a broken one is closed, one that timed out makes its server suspect. */
void dir_pool_put(struct dir *d, struct conn *c);

/* An idle connection for longer than an operation, which leaves the pool and makes room for another in it; NULL if none
 * is idle or DIR_STREAMS are out. Back with dir_pool_return: into the pool if it has room and the connection is good.
 */
struct conn *dir_pool_lend(struct dir *d);
void dir_pool_return(struct dir *d, struct conn *c);
/* False if it leads to another server than the one that the pool uses, or to one that does not answer. */
bool dir_pool_same(struct dir *d, const struct conn *c);

/* Waits before try n (0, 1, 2) of an operation the server was too busy for; false if it is not worth it any more. */
bool dir_pool_backoff(struct dir *d, int n, deadline_t until);

#endif
