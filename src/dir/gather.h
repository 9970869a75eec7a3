/* SPDX-License-Identifier: Apache-2.0
 * Private: searches for one value each that wait at the same time become one search (contrib/decisions/0023). Nobody
 * waits for company: who finds fewer than GATHER_FLIGHTS searches of his kind under way asks at once; who finds more
 * waits until one of them ends, and whoever waits by then is asked for together. So each search is sent after
 * everybody in it came. Thread rule: locked. */
#ifndef DIRHINGE_SRC_DIR_GATHER_H
#define DIRHINGE_SRC_DIR_GATHER_H

#include "dir/filter_text.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/dir/dir.h"

struct batch;

/* A search under way, or about to be; what it points to is its thread's. */
struct flight {
	struct flight *next;
	const struct dir_search *s;
	struct filter_key key;
	bool listed;
};

struct gather {
	struct mutex m;
	/* guarded by m */
	struct flight *flights;
	struct batch *boarding;  /* in the order of their coming */
	deadline_t apart_until;  /* nobody waits before: it did nobody good */
	int64_t shared, waiting; /* lookups that searches for several have answered; that wait for one */
};

void dir_gather_init(struct gather *g);
void dir_gather_done(struct gather *g);
void dir_gather_get_stats(struct gather *g, int64_t *shared_r, int64_t *waiting_r);

struct gathered {
	struct flight flight;             /* ours counts as under way until dir_gather_leave */
	const struct dir_entry *const *v; /* lasts as long as the arena of the lookup */
	size_t n;
};
/* 1: v is the answer. 0: ask alone, then leave. -1: the time went by while a search for several was under way. */
int dir_gather(struct dir *d, struct arena *a, const struct dir_search *s, deadline_t until, struct gathered *g_r,
	       struct err *e) DH_MUST_USE;
void dir_gather_leave(struct dir *d, struct gathered *g);

#endif
