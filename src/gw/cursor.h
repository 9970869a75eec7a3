/* SPDX-License-Identifier: Apache-2.0
 * Private: RFC 9865 cursors: a place in a snapshot, sealed for one client and one query. Thread rule: no state. */
#ifndef DIRHINGE_SRC_GW_CURSOR_H
#define DIRHINGE_SRC_GW_CURSOR_H

#include "dirhinge/base/err.h"
#include "gw/snapshot.h"

#define GW_SEAL_SIZE 32

struct gw_cursor {
	uint64_t snapshot;
	uint64_t first;   /* item the page begins with, from 0 */
	uint64_t count;   /* page size of the crawl */
	uint64_t expires; /* on the store's clock */
};

/* Only characters of base64url. */
char *gw_cursor_seal(struct arena *a, const unsigned char seal[GW_SEAL_SIZE], const struct gw_snap_key *key,
		     const struct gw_cursor *c);
/* ERR_CURSOR for everything that was not sealed for this client and query, ERR_CURSOR_EXPIRED past its time. */
int gw_cursor_open(struct arena *a, const unsigned char seal[GW_SEAL_SIZE], const struct gw_snap_key *key,
		   const char *text, int64_t now, struct gw_cursor *c_r, struct err *e) DH_MUST_USE;

#endif
