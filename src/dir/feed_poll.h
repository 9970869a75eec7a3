/* SPDX-License-Identifier: Apache-2.0
 * Private: a feed for Active Directory, by the numbers that a domain controller gives to its changes. Thread rule: as
 * struct dir_feed. */
#ifndef DIRHINGE_SRC_DIR_FEED_POLL_H
#define DIRHINGE_SRC_DIR_FEED_POLL_H

#include "dir/feed_priv.h"

struct feed_poll;

struct feed_poll *dir_feed_poll_new(struct arena *a);
/* Gives back what belongs to a connection. */
void dir_feed_poll_close(struct dir_feed *f);
/* On a fresh connection: which domain controller is it, and from where on. */
int dir_feed_poll_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e) DH_MUST_USE;
/* 1 *c_r is filled, 0 deadline or woken, -1 the source broke off. */
int dir_feed_poll_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r,
		       struct err *e) DH_MUST_USE;
/* True if an answer is on its way. */
bool dir_feed_poll_busy(const struct dir_feed *f);

#endif
