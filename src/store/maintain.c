/* SPDX-License-Identifier: Apache-2.0
 * What is done now and then: old events out, the WAL copied back, numbers for operators. */
#include <sys/stat.h>

#include "store/fill.h"

struct chunk {
	int64_t before_us; /* events stored before this are too old */
	int64_t dropped;
};

/* The last seq of the leading rows that are too old; what was stored earlier stands in front. */
static int
last_old(struct store_tx *tx, struct chunk *c, int64_t *last_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	int rc;

	if (store_q_begin(&q, tx->d, SQL_EVENT_AGES, e))
		return -1;
	store_q_int(&q, STORE_DROP_CHUNK);
	while ((rc = store_q_step(&q, e)) == 1 && store_q_col_int(&q, 1) < c->before_us) {
		*last_r = store_q_col_int(&q, 0);
		c->dropped++;
	}
	return rc < 0 ? -1 : 0;
}

static int
run_with(struct store_tx *tx, enum store_sql id, int64_t n, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, tx->d, id, e))
		return -1;
	store_q_int(&q, n);
	return store_q_run(&q, e);
}

static int
drop_chunk(struct store_tx *tx, void *ctx, struct err *e)
{
	struct chunk *c = ctx;
	int64_t last = 0;

	c->dropped = 0;
	if (last_old(tx, c, &last, e))
		return -1;
	if (c->dropped == 0)
		return 0;
	if (run_with(tx, SQL_EVENT_DROP, last, e))
		return -1;
	tx->tally.events -= c->dropped;
	return store_tx_recount_range(tx, e);
}

/* What a gone entry was is about a person as well: it goes with the events. The row stays. */
static int
forget_gone(struct store_tx *tx, void *ctx, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	struct chunk *c = ctx;

	if (store_q_begin(&q, tx->d, SQL_STATE_FORGET, e))
		return -1;
	store_q_int(&q, (int64_t)STORE_SUM_INIT);
	store_q_int(&q, c->before_us);
	store_q_int(&q, STORE_DROP_CHUNK);
	if (store_q_run(&q, e))
		return -1;
	c->dropped = sqlite3_changes64(tx->d->h);
	return 0;
}

static int
forget_first(struct store_tx *tx, void *ctx, struct err *e)
{
	struct chunk *c = ctx;

	return store_first_forget(tx, &c->dropped, e);
}

static int
drop_removals(struct store_tx *tx, void *ctx, struct err *e)
{
	return run_with(tx, SQL_REMOVALS_DROP, *(const int64_t *)ctx / US_PER_S, e);
}

int64_t
store_file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

int
store_maintain(struct store *s, int64_t now_us, int64_t *dropped_r, struct err *e)
{
	struct chunk c = {.before_us = now_us - s->retention_us};
	int64_t day_ago = now_us - US_PER_DAY, dropped = 0;

	for (int i = 0; i < STORE_DROP_CHUNKS && (i == 0 || c.dropped > 0); i++) {
		if (store_transact(s, drop_chunk, &c, e))
			return -1;
		dropped += c.dropped;
	}
	c.dropped = 0;
	for (int i = 0; i < STORE_DROP_CHUNKS && (i == 0 || c.dropped > 0); i++)
		if (store_transact(s, forget_gone, &c, e))
			return -1;
	c.dropped = 0;
	for (int i = 0; i < STORE_DROP_CHUNKS && (i == 0 || c.dropped > 0); i++)
		if (store_transact(s, forget_first, &c, e))
			return -1;
	if (store_transact(s, drop_removals, &day_ago, e))
		return -1;
	store_gate_enter(&s->gate);
	store_checkpoint(s, store_file_size(s->wal_path) > STORE_TRUNCATE_WAL);
	store_gate_leave(&s->gate);
	*dropped_r = dropped;
	return 0;
}

void
store_get_stats(struct store *s, struct store_stats *st_r)
{
	mutex_lock(&s->lock);
	struct store_tally t = s->tally;
	int64_t recent = (int64_t)s->recent.events, recent_bytes = (int64_t)s->recent.bytes, disk = s->disk_pages;
	mutex_unlock(&s->lock);
	*st_r = (struct store_stats){.events = t.events,
				     .bytes = store_file_size(s->path),
				     .wal_bytes = store_file_size(s->wal_path),
				     .users = t.users,
				     .groups = t.groups,
				     .held = t.held,
				     .recent = recent,
				     .recent_bytes = recent_bytes,
				     .disk_pages = disk};
}

/* --- counting ------------------------------------------------------------------------------------------------------
 */

static const int64_t commit_bounds[] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2500000, 0};
static const struct metric_def commits_def = {
	.name = "dirhinge_store_commits_total",
	.help = "Transactions that are on the disk.",
};
static const struct metric_def commit_time_def = {
	.name = "dirhinge_store_commit_duration_seconds",
	.help = "Time of a commit with its fsync.",
	.kind = METRIC_HISTOGRAM,
	.unit = METRIC_MICROSECONDS,
	.bounds = commit_bounds,
};
static const struct metric_def events_def = {
	.name = "dirhinge_store_events",
	.help = "Events that can be read.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def bytes_def = {
	.name = "dirhinge_store_bytes",
	.help = "Size of the database.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def wal_def = {
	.name = "dirhinge_store_wal_bytes",
	.help = "Size of the write-ahead log.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def held_def = {
	.name = "dirhinge_store_held_events",
	.help = "Events that wait for an operator's decision.",
	.kind = METRIC_GAUGE,
};

static void
on_print(void *ctx)
{
	struct store *s = ctx;
	struct store_stats st;

	store_get_stats(s, &st);
	metric_set(s->counters.events, st.events, NULL);
	metric_set(s->counters.bytes, st.bytes, NULL);
	metric_set(s->counters.wal, st.wal_bytes, NULL);
	metric_set(s->counters.held, st.held, NULL);
}

void
store_count_setup(struct store *s, struct metrics *m)
{
	if (!m)
		return;
	s->counters = (struct store_counters){
		.commits = metrics_register(m, &commits_def),
		.commit_time = metrics_register(m, &commit_time_def),
		.events = metrics_register(m, &events_def),
		.bytes = metrics_register(m, &bytes_def),
		.wal = metrics_register(m, &wal_def),
		.held = metrics_register(m, &held_def),
	};
	metrics_on_print(m, on_print, s);
}
