/* SPDX-License-Identifier: Apache-2.0
 * What refresh, live stream and comparison share: handing observations on, reading entries anew, ending a transaction.
 */
#include "dirhinge/base/log.h"
#include "sync/sync_priv.h"

#define FETCH_IDS 100 /* in one search (dir_feed_fetch) */

#define CSN_ALARM_MS 60000

/* reliability.md F-28: order is by arrival, but operators want to know of a clock that runs ahead. */
static void
watch_clock(struct sync *s, const char *csn)
{
	if (!csn || dir_csn_us(csn) <= s->run.now_us + CSN_AHEAD_US || deadline_left(s->csn_alarm_at) > 0)
		return;
	s->csn_alarm_at = deadline_in(CSN_ALARM_MS);
	log_event(LOG_WARN_,
		  "a change carries a time far ahead of this machine's clock: look at the clocks of the directory",
		  LOG_S("csn", csn), LOG_END);
}

int
sync_take(struct sync *s, struct store_tx *tx, const struct observation *o, struct err *e)
{
	bool need_fetch = false;

	watch_clock(s, o->csn);
	if (sync_canary_seen(s, tx, o, e) < 0)
		return -1;
	if (sync_observe(&s->run, tx, o, &need_fetch, e) < 0)
		return err_cause(e, "take %s over", o->sync_id);
	if (!need_fetch || !o->op)
		return 0;
	/* The entry may be ahead of the operation: those that follow show no difference then. */
	struct observation as = {.coalesced = true, .initial = o->initial};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	const char *id = arena_strdup(a, o->sync_id);
	return sync_take_fetched(s, tx, &id, 1, &as, NULL, e);
}

struct fetched {
	struct fetched *next;
	const struct dir_entry *entry;
};

struct fetching {
	struct arena *a;
	struct fetched *first, **last;
};

static int
collect(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct fetching *f = ctx;
	struct fetched *one = ARENA_NEW(f->a, struct fetched);

	one->entry = en;
	*f->last = one;
	f->last = &one->next;
	return 0;
}

/* As the feed tells it: not every directory's version is a CSN. */
static const char *
csn_of(const struct sync *s, const struct dir_entry *en)
{
	return s->version_attr ? dir_entry_first(en, s->version_attr).p : NULL;
}

static const struct dir_entry *
with_id(const struct sync *s, const struct fetching *f, const char *id)
{
	for (const struct fetched *one = f->first; one; one = one->next)
		if (str_caseeq(dir_entry_first(one->entry, s->id_attr).p, id))
			return one->entry;
	return NULL;
}

static int
take_chunk(struct sync *s, struct store_tx *tx, const char *const *ids, size_t n, const struct observation *as,
	   int64_t *gone_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	struct fetching f = {.a = a};

	f.last = &f.first;
	if (dir_feed_fetch(s->feed, a, ids, n, deadline_in(SYNC_FETCH_MS), collect, &f, e) < 0)
		return err_cause(e, "read %zu entries again", n);
	for (size_t i = 0; i < n; i++) {
		const struct dir_entry *en = with_id(s, &f, ids[i]);
		struct observation o = *as;
		if (!en && !gone_r)
			continue; /* its deletion will be told */
		sync_next_arena(s);
		o.sync_id = ids[i];
		o.entry = en;
		o.csn = en ? csn_of(s, en) : NULL;
		o.actor_dn = en ? dir_entry_first(en, "modifiersName").p : NULL;
		if (sync_take(s, tx, &o, e) < 0)
			return -1;
		if (gone_r)
			*gone_r += !en;
	}
	return 0;
}

int
sync_take_fetched(struct sync *s, struct store_tx *tx, const char *const *ids, size_t n, const struct observation *as,
		  int64_t *gone_r, struct err *e)
{
	for (size_t i = 0; i < n; i += FETCH_IDS)
		if (take_chunk(s, tx, ids + i, n - i < FETCH_IDS ? n - i : FETCH_IDS, as, gone_r, e) < 0)
			return -1;
	return 0;
}

void
sync_note_cookie(struct sync *s, struct strv cookie)
{
	if (!cookie.p)
		return;
	buf_reset(&s->cookie);
	buf_addv(&s->cookie, cookie);
}

int
sync_seal(struct sync *s, struct store_tx *tx, const char *hold_because, struct err *e)
{
	if (sync_guard_check(s, tx, hold_because, e) < 0)
		return err_cause(e, "guard");
	if (sync_ids_keep(s->run.recheck, tx, e) < 0)
		return -1;
	/* Behind the events that led to it: it is never ahead of them (reliability.md 4.3). */
	return s->cookie.n == 0 ? 0 : store_tx_meta_put(tx, META_COOKIE, buf_view(&s->cookie), e);
}

static int64_t
count_events(struct sync *s, const int64_t before[EVENT_N_TYPES])
{
	int64_t all = 0;

	for (int i = 0; i < EVENT_N_TYPES; i++) {
		int64_t n = s->run.counted[i] - before[i];
		if (n > 0)
			metric_add(s->metrics.events, n, METRIC_VALUES(event_type_name((enum event_type)i)));
		all += n;
	}
	return all;
}

int
sync_commit(struct sync *s, int (*fn)(struct store_tx *tx, void *ctx, struct err *e), void *ctx, struct err *e)
{
	int64_t before[EVENT_N_TYPES];

	memcpy(before, s->run.counted, sizeof(before));
	if (store_write(s->opts.store, fn, ctx, e) < 0) {
		memcpy(s->run.counted, before, sizeof(before));
		sync_run_done(&s->run);
		return -1;
	}
	if (count_events(s, before) == 0)
		return 0;
	s->changed_since = true;
	mutex_lock(&s->lock);
	if (s->run.last_change_us > s->report.last_change_us)
		s->report.last_change_us = s->run.last_change_us;
	mutex_unlock(&s->lock);
	return 0;
}
