/* SPDX-License-Identifier: Apache-2.0
 * Private: a feed for Active Directory. Which domain controller it is and which source serves (feed_ad.c): DirSync
 * (feed_dirsync.c), or polling by the numbers that a domain controller gives to its changes (feed_poll.c). Both are
 * asked whenever the domain controller's highest number has moved. Thread rule: as struct dir_feed. */
#ifndef DIRHINGE_SRC_DIR_FEED_AD_H
#define DIRHINGE_SRC_DIR_FEED_AD_H

#include "dir/feed_priv.h"

#define AD_SHOW_DELETED "1.2.840.113556.1.4.417"

enum { AD_POLL_MS = 1000, AD_PAGE = 500 };

enum ad_phase {
	AD_IDLE,
	AD_GONE, /* polling: what is no resource any more */
	AD_LIVE, /* what is there, page by page: polling, or everything */
	AD_MARK, /* DirSync: a first resume point, before everything is read */
	AD_PASS, /* DirSync: what came after the resume point */
};

struct feed_dirsync;

struct feed_ad {
	struct feed_dirsync *sync;
	enum dir_dirsync wish;
	const char *why; /* polling, and not DirSync */

	/* of the connection */
	bool by_dirsync;
	bool undecided; /* it has been asked for and may still be refused */
	enum ad_phase phase;
	const char *context; /* the domain */
	char context_text[256];
	char invocation[37]; /* of this domain controller's database */
	bool sees_deleted;
	int64_t usn;        /* told up to here */
	int64_t next;       /* what runs tells up to there */
	struct berval page; /* of the scan; bv_len 0 = its first page */
	deadline_t due, extra_at;
};

/* f->attrs must be set. */
struct feed_ad *dir_feed_ad_new(struct dir_feed *f, struct arena *a, enum dir_dirsync wish);
void dir_feed_ad_free(struct dir_feed *f);
/* Gives back what belongs to a connection. */
void dir_feed_ad_close(struct dir_feed *f);
/* On a fresh connection: which domain controller is it, which source, and from where on. */
int dir_feed_ad_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e) DH_MUST_USE;
/* 1 *c_r is filled, 0 deadline or woken, -1 the source broke off. */
int dir_feed_ad_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r,
		     struct err *e) DH_MUST_USE;
/* True if an answer is on its way. */
bool dir_feed_ad_busy(const struct dir_feed *f);
bool dir_feed_ad_ready(const struct dir_feed *f); /* it is here */
const char *dir_feed_ad_source(const struct dir_feed *f);
const char *dir_feed_ad_why(const struct dir_feed *f); /* not DirSync with the right to replicate; or "" */

/* Everything up to .next is told. */
void dir_feed_ad_rest(struct dir_feed *f);
/* The domain controller's highest number. */
int dir_feed_ad_highest(struct dir_feed *f, deadline_t until, int64_t *usn_r, struct err *e) DH_MUST_USE;
/* ERR_PRECONDITION: the same database with a smaller number than was seen: a copy from before. */
int dir_feed_ad_behind(struct dir_feed *f, int64_t now, int64_t seen, struct err *e);
/* A copy without that attribute. */
const struct dir_entry *dir_feed_ad_without(struct arena *a, const struct dir_entry *en, const char *attr);
/* An entry that came on the first connection without an id: the account may not read it. -1 */
int dir_feed_ad_no_id(const struct dir_feed *f, const struct dir_entry *en, struct err *e);

/* --- feed_poll.c --- */
/* cookie: of a former connection. .usn and .next are set by it. */
int dir_feed_poll_start(struct dir_feed *f, struct strv cookie, int64_t now, struct err *e) DH_MUST_USE;
/* The first page of .phase. */
int dir_feed_poll_scan(struct dir_feed *f, struct err *e) DH_MUST_USE;
/* A message of the scan: 1 *c_r is filled, 0 nothing to tell, -1 failed. */
int dir_feed_poll_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r,
			  struct err *e) DH_MUST_USE;

/* --- feed_dirsync.c --- */
struct feed_dirsync *dir_feed_dirsync_new(struct arena *a, const struct dir_feed *f);
void dir_feed_dirsync_free(struct feed_dirsync **s);
void dir_feed_dirsync_close(struct dir_feed *f);
/* Asks; cookie: of a former connection. .usn and .next are set by it. */
int dir_feed_dirsync_start(struct dir_feed *f, struct strv cookie, int64_t now, struct err *e) DH_MUST_USE;
/* Does the domain controller answer it? 1 yes, 0 deadline or woken, -1 failed; ERR_DIR_UNSUPPORTED: no, and .why. */
int dir_feed_dirsync_decide(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
bool dir_feed_dirsync_pending(const struct dir_feed *f);      /* something is gathered */
bool dir_feed_dirsync_by_right(const struct dir_feed *f);     /* to replicate; else with the account's own view */
struct strv dir_feed_dirsync_given(const struct dir_feed *f); /* the cookie it was started with */
/* Asks for what came after the resume point. */
int dir_feed_dirsync_pass(struct dir_feed *f, struct err *e) DH_MUST_USE;
/* A message of a pass or of the search for a first resume point; what it tells is gathered. */
int dir_feed_dirsync_message(struct dir_feed *f, LDAPMessage *msg, struct err *e) DH_MUST_USE;
/* The next of what was gathered, then the resume point behind it: 1 *c_r is filled, 0 nothing more for now, -1 failed.
 */
int dir_feed_dirsync_tell(struct dir_feed *f, struct arena *a, struct dir_change *c_r, struct err *e) DH_MUST_USE;

#endif
