/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the change feed do with their servers: one feed, a writer beside it, and changes that must come. */
#ifndef DIRHINGE_TESTS_FEED_LIVE_H
#define DIRHINGE_TESTS_FEED_LIVE_H

#include "dirhinge/dir/feed.h"
#include "live.h"
#include "scratch.h"
#include "unit.h"

#define SOON           deadline_in(10000)
#define ok(rc)         ck_assert_msg((rc) == 0, "%s | %s", e.detail, e.cause)
#define fails(rc, why) fl_check_fails((rc), (why), __LINE__)

void fl_check_fails(int rc, enum err_code why, int line);

/* What a refresh told. */
struct fl_seen {
	bool full, deletes_told;
	size_t n_entries, n_present, n_deletes, n_ops;
	struct strv cookie; /* in a */
	const char *dns;    /* of the entries, sorted by arrival, one a line; in a */
	const char *gone;   /* ids deleted */
};

/* A feed on both bases (or what fl_opts says) of the server, and a writer. Not open yet. */
void fl_begin(const struct live *l);
void fl_begin_tls(const struct live *l);                    /* over ldaps:// */
void fl_begin2(const struct live *l, const struct live *m); /* with a second URI */
void fl_end(void);
/* To be set before fl_begin; set back by fl_end. */
extern struct dir_feed_opts fl_opts;
struct dir_feed *fl_feed(void);
struct dir *fl_writer(void);

void fl_open(const char *cookie);
/* From BEGIN to END; the cookie is kept for fl_cookie(). */
void fl_refresh(struct fl_seen *seen_r);
/* fl_open and fl_refresh from the last cookie. */
void fl_again(struct fl_seen *seen_r);
/* The last resume point that a change carried; "" if none. */
const char *fl_cookie(void);
/* The next change; must be of this kind. DIR_COOKIE is passed over unless asked for. */
const struct dir_change *fl_next(enum dir_change_kind kind);
void fl_quiet(void); /* nothing more comes for a moment */

/* Changes, gathered until n entries, deletes or operations have come. */
void fl_gather(size_t n, struct fl_seen *seen_r);
/* n new users PREFIX0, PREFIX1 … */
void fl_users(const char *prefix, size_t n);
void fl_group(const char *cn, const char *member);
void fl_ou(const char *ou, const char *parent);
void fl_modify(const char *dn, const char *attr, const char *value);
void fl_rename(const char *dn, const char *rdn, const char *parent);
void fl_delete(const char *dn);
const char *fl_id(const char *dn); /* its entryUUID; in a */

int fl_run(const char *name, const TTest *const *tests, size_t n, SFun setup, SFun teardown);

#endif
