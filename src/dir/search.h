/* SPDX-License-Identifier: Apache-2.0
 * Private: one search under way, for those that run it to its end and those that leave it open between two pages.
 * Thread rule: confined. */
#ifndef DIRHINGE_SRC_DIR_SEARCH_H
#define DIRHINGE_SRC_DIR_SEARCH_H

#include "dir/pool.h"

enum again { AGAIN_NO, AGAIN_LOST, AGAIN_BUSY };

struct search {
	struct dir *d;
	struct arena *a;
	bool keep;
	const struct dir_search *s;
	deadline_t until;
	dir_entry_fn fn;
	void *ctx;

	char *filter;
	char *matched; /* NULL = all values */
	int page_size; /* 0 = no pages */
	size_t n;      /* entries handed on */
	bool stopped;  /* by the callback */
	bool failed;   /* by the callback: its error stands */
	enum again again;
};

/* The filters as text. */
int dir_search_prepare(struct search *r, struct err *e) DH_MUST_USE;
/* What only the connected directory tells: how it writes ids, how large a page can be. */
int dir_search_adapt(struct search *r, struct err *e) DH_MUST_USE;
/* The page after cookie, or the whole answer: 1 more pages (cookie filled anew), 0 complete or stopped, -1 failed. */
int dir_search_page(struct search *r, struct conn *c, struct berval *cookie, struct err *e) DH_MUST_USE;

#endif
