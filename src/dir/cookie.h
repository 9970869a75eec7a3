/* SPDX-License-Identifier: Apache-2.0
 * Private: OpenLDAP's sync cookies as what they mean, one CSN a server. They are never echoed (directories.md 2.4): the
 * "sid=" in them is the provider's, but read back it suppresses the changes of that server; and a live message tells
 * one CSN only, which would replace the others. */
#ifndef DIRHINGE_SRC_DIR_COOKIE_H
#define DIRHINGE_SRC_DIR_COOKIE_H

#include "dir/csn.h"
#include "dirhinge/base/arena.h"

enum { COOKIE_SIDS = 64, COOKIE_BYTES = 4096 };

struct sync_mark {
	struct csn csn;
	char text[DIR_CSN_MAX];
};

/* The highest CSN of each server whose changes have all been delivered. */
struct sync_vector {
	size_t n;
	struct sync_mark marks[COOKIE_SIDS];
};

/* "rid=000,sid=001,csn=A;B,delcsn=C" in any order, rid, sid and delcsn dropped. False if it is anything else, or has
 * more than COOKIE_SIDS servers; v_r is untouched then. No csn at all: true and n 0. */
bool dir_cookie_parse(struct strv text, struct sync_vector *v_r);
/* "rid=000,csn=A;B" in arena; p NULL for an empty vector. */
struct strv dir_cookie_text(struct arena *a, const struct sync_vector *v);

/* Each server's later CSN of both. False if there is no room for another server. */
bool dir_cookie_merge(struct sync_vector *v, const struct sync_vector *more);
/* What both have: the earlier CSN of the servers that both know. */
void dir_cookie_meet(struct sync_vector *v, const struct sync_vector *other);
const struct sync_mark *dir_cookie_find(const struct sync_vector *v, unsigned sid); /* NULL if unknown */
/* True if the change with this CSN is in v. */
bool dir_cookie_covers(const struct sync_vector *v, const struct csn *csn);

#endif
