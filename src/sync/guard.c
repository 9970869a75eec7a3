/* SPDX-License-Identifier: Apache-2.0
 * The brake (reliability.md 4.7): a transaction that takes too much away loses what it says about those subjects to a
 * batch that an operator decides about; everything else in it goes out. One removal among few is never delayed. */
#include <inttypes.h>

#include "dirhinge/base/log.h"
#include "sync/sync_priv.h"

#define TELL_AGAIN_MS 60000

int64_t
sync_guard_limit(const struct sync_guard_opts *g, int64_t known)
{
	int64_t share = known / 100 * g->max_percent + known % 100 * g->max_percent / 100;

	return share > g->max_removals ? share : g->max_removals;
}

static int
hold(struct sync *s, struct store_tx *tx, const char *reason, struct err *e)
{
	int64_t batch;

	if (store_tx_hold_back(tx, reason, s->run.now_us, &batch, e) < 0)
		return err_cause(e, "hold removals back");
	/* A storm comes in many transactions and is one piece of news. */
	if (batch == s->held_batch && deadline_left(s->held_told) > 0)
		return 0;
	s->held_batch = batch;
	s->held_told = deadline_in(TELL_AGAIN_MS);
	log_event(LOG_ERROR_, "removals are held until an operator decides", LOG_I("batch", batch),
		  LOG_S("reason", reason), LOG_S("remedy", "dirhinge guard show, then guard release or reject"),
		  LOG_END);
	return 0;
}

int
sync_guard_check(struct sync *s, struct store_tx *tx, const char *because, struct err *e)
{
	const struct sync_guard_opts *g = &s->opts.guard;
	int64_t here = store_tx_removals_here(tx), out;

	if (here == 0)
		return 0;
	if (store_tx_removals_since(tx, s->run.now_us - g->window_ms * 1000, &out, e) < 0)
		return err_cause(e, "count removals");
	if (because)
		return hold(s, tx, because, e);
	int64_t limit = sync_guard_limit(g, store_state_count(s->opts.store, STORE_USER) +
						    store_state_count(s->opts.store, STORE_GROUP));
	if (here + out > limit)
		return hold(s, tx,
			    arena_printf(s->run.a,
					 "%" PRId64 " removals at once after %" PRId64 " within %" PRId64
					 " min; the limit is %" PRId64,
					 here, out, g->window_ms / 60000, limit),
			    e);
	mutex_lock(&s->lock);
	s->report.removals = here + out;
	mutex_unlock(&s->lock);
	return 0;
}
