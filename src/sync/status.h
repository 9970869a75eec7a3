/* SPDX-License-Identifier: Apache-2.0
 * Private: what operators are told about the feed. Thread rule: guarded by sync.lock; sync_report_* take it. */
#ifndef DIRHINGE_SRC_SYNC_STATUS_H
#define DIRHINGE_SRC_SYNC_STATUS_H

#include <jansson.h>

#include "dirhinge/base/err.h"
#include "dirhinge/base/metrics.h"
#include "dirhinge/dir/feed.h"

enum sync_state {
	SYNC_STATE_CONNECTING,
	SYNC_STATE_REFRESH,
	SYNC_STATE_LIVE,
	SYNC_STATE_BEHIND,
	SYNC_STATE_UNTRUSTED,
	SYNC_STATE_UNSUPPORTED,
	SYNC_STATE_STOPPED,
	SYNC_N_STATES
};

struct sync_report {
	enum sync_state state;
	char reason[sizeof(((struct err *)0)->detail)], remedy[sizeof(((struct err *)0)->cause)]; /* "" = none */
	char source[32], uri[256], note[512];
	enum dir_guarantee guarantee;
	int64_t poll_ms;
	int64_t last_change_us, last_refresh_us, last_reconcile_us, restored_us; /* 0 = never */
	int64_t reconnects, removals;
	json_t *found;    /* by the last reconciliation, or NULL */
	json_t *canaries; /* array */
};

struct sync_metrics {
	struct metric *events, *state, *reconnects, *last_change;
};

struct sync;

void sync_report_state(struct sync *s, enum sync_state state, const struct err *why);
/* The source may become a better one while it is followed. */
void sync_report_source(struct sync *s);
void sync_report_canaries(struct sync *s);
void sync_report_compared(struct sync *s, json_t *found); /* takes the reference */
void sync_report_setup(struct sync *s);
void sync_report_done(struct sync *s);

#endif
