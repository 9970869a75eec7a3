/* SPDX-License-Identifier: Apache-2.0
 * Private: the canaries and the sentinel. Thread rule: the feed's thread. */
#ifndef DIRHINGE_SRC_SYNC_CANARY_H
#define DIRHINGE_SRC_SYNC_CANARY_H

#include "sync/observe.h"

#define CANARY_NAME    "dirhinge-canary"
#define SYNC_BASES_MAX 2

struct sync;

struct canary {
	const char *base, *dn, *dn_key;
	char id[64]; /* sync id; "" = none is known */
	bool missing;
};

struct canaries {
	struct canary at[SYNC_BASES_MAX];
	size_t n;
	int64_t seen;            /* greatest sentinel that came through the feed; 0 = none yet */
	int64_t written_ms;      /* when the sentinel was written last (monotonic) */
	bool refused, unwritten; /* told already */
};

/* Those of the configured bases, from the store. */
int sync_canaries_load(struct sync *s, struct err *e) DH_MUST_USE;
/* Makes those that are not known, where it may; a known one is never made again. */
int sync_canaries_make(struct sync *s, struct err *e) DH_MUST_USE;
/* The canary with this DN, or NULL. */
struct canary *sync_canary_of(struct sync *s, const char *dn);
/* Looks at each observation for a canary or the sentinel. */
int sync_canary_seen(struct sync *s, struct store_tx *tx, const struct observation *o, struct err *e) DH_MUST_USE;

/* Reads the known ones by their ids, where the feed reads: 1 all are there, 0 *missing_r is not, -1 (ERR_NOT_FOUND: a
 * base is missing). */
int sync_canaries_read(struct sync *s, const char **missing_r, struct err *e) DH_MUST_USE;
/* Says what is wrong and what to do; always -1. */
int sync_canary_untrusted(struct sync *s, const char *missing, struct err *e);

/* 1: the directory holds an older sentinel than the feed has brought already: it was restored, which is reported. 0,
 * -1. */
int sync_sentinel_check(struct sync *s, struct err *e) DH_MUST_USE;
/* What cannot be written is told once in the log. */
void sync_sentinel_write(struct sync *s);

#endif
