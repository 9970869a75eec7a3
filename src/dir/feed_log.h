/* SPDX-License-Identifier: Apache-2.0
 * Private: the accesslog as a source. */
#ifndef DIRHINGE_SRC_DIR_FEED_LOG_H
#define DIRHINGE_SRC_DIR_FEED_LOG_H

#include "dir/feed_priv.h"

/* Looks for a log that may be believed: .log.usable. -1 only if the connection failed. */
int dir_feed_log_find(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* 1 if the server knows how far its log goes: else it would hold back what it does not know of. 0 not, -1 failed. */
int dir_feed_log_knows(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* True if the log holds everything after v, and knows it. */
bool dir_feed_log_reaches(const struct dir_feed *f, const struct sync_vector *v);
/* Is nothing missing in it? -1 also if something is; then it is not used again. */
int dir_feed_log_check(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;

/* Starts the search on the log: as a refresh from v on, or (after_data) behind the refresh of the data that ended with
 * v. */
int dir_feed_log_start(struct dir_feed *f, const struct sync_vector *v, bool after_data, struct err *e) DH_MUST_USE;
/* It holds more than the account may read at once (an LDAP result): for the operator. */
void dir_feed_log_note_limit(struct dir_feed *f, int code);
/* A message of it: 1 *c_r is filled, 0 nothing to tell, -1 the source broke off. */
int dir_feed_log_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r,
			 struct err *e) DH_MUST_USE;

#endif
