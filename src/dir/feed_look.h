/* SPDX-License-Identifier: Apache-2.0
 * Private: looking every now and then (refreshOnly) where no search can be held open (refreshAndPersist), or where the
 * operator wants it so. Every look is a refresh from the last resume point. */
#ifndef DIRHINGE_SRC_DIR_FEED_LOOK_H
#define DIRHINGE_SRC_DIR_FEED_LOOK_H

#include <ldap.h>

#include "dirhinge/dir/feed.h"

struct feed_search;
struct sync_done;

struct feed_look {
	bool always;      /* frozen, as the two below */
	int64_t every_ms; /* between two looks */
	int64_t again_ms; /* until a search is held open again, at first */
	bool on;
	bool asking; /* a search to be held open was refused just now; is this one taken? */
	bool idle;   /* nothing is asked */
	bool next;   /* this is not the first look over this connection, or over one that stands in for it */
	deadline_t due, list_due;
	int64_t began;
	/* of holding one open */
	deadline_t persist_at; /* when that is tried again */
	int64_t pause_ms;
	bool trial;
	bool ended; /* by the server, with a result that tells nothing against looking */
	int cuts;
	int64_t live_at, heard_at; /* monotonic */
	char why[256];
};

void dir_feed_look_init(struct dir_feed *f, const struct dir_feed_opts *opts);
/* Hold a search open, or look? */
void dir_feed_look_choose(struct dir_feed *f);
/* A search that was to be held open was answered with code at once: true if looking may do. */
bool dir_feed_look_instead(struct dir_feed *f, int code);
/* Looking is refused as well. */
void dir_feed_look_give_up(struct dir_feed *f);
/* The first answer has come. */
void dir_feed_look_taken(struct dir_feed *f);
/* 1: the held message, now dropped, ended a search that had nothing to tell; behind the last one nothing is due. 0: it
 * has something to tell. */
int dir_feed_look_quiet(struct dir_feed *f, struct err *e) DH_MUST_USE;
/* Between two looks: 1 the next one has begun, 0 deadline or woken, -1 the source broke off. */
int dir_feed_look_wait(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* The result of a search that is not held open (RFC 4533 3.3.1). */
int dir_feed_look_done(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg,
		       struct sync_done *d_r, struct err *e) DH_MUST_USE;
/* A refresh is over. */
void dir_feed_look_over(struct dir_feed *f, struct dir_change *c);
/* For judging how long searches are held open. */
void dir_feed_look_heard(struct dir_feed *f, const struct dir_change *c);
void dir_feed_look_lost(struct dir_feed *f);

#endif
