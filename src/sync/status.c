/* SPDX-License-Identifier: Apache-2.0
 * The state of the feed in words: status for operators, metrics, one log line for each turn of events. */
#include <inttypes.h>

#include "dirhinge/base/codec.h"
#include "dirhinge/base/log.h"
#include "sync/sync_priv.h"

static const char *const state_names[SYNC_N_STATES] = {
	[SYNC_STATE_CONNECTING] = "connecting",
	[SYNC_STATE_REFRESH] = "refresh",
	[SYNC_STATE_LIVE] = "live",
	[SYNC_STATE_BEHIND] = "behind",
	[SYNC_STATE_UNTRUSTED] = "untrusted",
	[SYNC_STATE_UNSUPPORTED] = "unsupported",
	[SYNC_STATE_STOPPED] = "stopped",
};

static const struct {
	const char *name, *text;
} guarantees[] = {
	[DIR_EVERY_CHANGE] = {"A", "every change, over gaps too"},
	[DIR_EVERY_CONNECTED] = {"B", "every change while connected, the net change over a gap"},
	[DIR_NET_CHANGE] = {"C", "the net change between two questions"},
};

static const struct metric_def events_def = {
	.name = "dirhinge_feed_events_total",
	.help = "Events made from changes of the directory, held ones included.",
	.labels = {"type"},
	.max_series = EVENT_N_TYPES + 1,
};
static const struct metric_def state_def = {
	.name = "dirhinge_feed_state",
	.help = "1 for the state that the change feed is in.",
	.kind = METRIC_GAUGE,
	.labels = {"state"},
	.max_series = SYNC_N_STATES + 1,
};
static const struct metric_def reconnects_def = {
	.name = "dirhinge_feed_reconnects_total",
	.help = "How often the change feed was opened.",
};
static const struct metric_def change_def = {
	.name = "dirhinge_feed_last_change_timestamp_seconds",
	.help = "Time of the newest change that became an event.",
	.kind = METRIC_GAUGE,
	.unit = METRIC_MICROSECONDS,
};

static void
on_print(void *ctx)
{
	struct sync *s = ctx;

	mutex_lock(&s->lock);
	enum sync_state state = s->report.state;
	int64_t last = s->report.last_change_us, reconnects = s->report.reconnects;
	mutex_unlock(&s->lock);
	for (int i = 0; i < SYNC_N_STATES; i++)
		metric_set(s->metrics.state, i == (int)state, METRIC_VALUES(state_names[i]));
	metric_set(s->metrics.last_change, last, NULL);
	metric_set(s->metrics.reconnects, reconnects, NULL);
}

void
sync_report_setup(struct sync *s)
{
	struct metrics *m = s->opts.metrics;

	s->metrics = (struct sync_metrics){
		.events = metrics_register(m, &events_def),
		.state = metrics_register(m, &state_def),
		.reconnects = metrics_register(m, &reconnects_def),
		.last_change = metrics_register(m, &change_def),
	};
	metrics_on_print(m, on_print, s);
}

void
sync_report_done(struct sync *s)
{
	json_decref(s->report.found);
	json_decref(s->report.canaries);
}

static enum log_level
level_of(enum sync_state state)
{
	static const enum log_level levels[SYNC_N_STATES] = {
		[SYNC_STATE_CONNECTING] = LOG_WARN_, [SYNC_STATE_REFRESH] = LOG_INFO_,
		[SYNC_STATE_LIVE] = LOG_INFO_,       [SYNC_STATE_BEHIND] = LOG_WARN_,
		[SYNC_STATE_UNTRUSTED] = LOG_ERROR_, [SYNC_STATE_UNSUPPORTED] = LOG_ERROR_,
		[SYNC_STATE_STOPPED] = LOG_INFO_,
	};
	return levels[state];
}

/* An attempt in progress does not end a trouble: only following again does. */
static bool
hides_trouble(const struct sync_report *r, enum sync_state state)
{
	bool trouble =
		r->state == SYNC_STATE_BEHIND || r->state == SYNC_STATE_UNTRUSTED || r->state == SYNC_STATE_UNSUPPORTED;
	return trouble && state == SYNC_STATE_REFRESH;
}

/* lock held */
static void
note_source(struct sync *s)
{
	struct sync_report *r = &s->report;

	snprintf(r->source, sizeof(r->source), "%s", dir_feed_source(s->feed));
	snprintf(r->uri, sizeof(r->uri), "%s", dir_feed_uri(s->feed));
	snprintf(r->note, sizeof(r->note), "%s", dir_feed_note(s->feed));
	r->guarantee = dir_feed_guarantee(s->feed);
	r->poll_ms = dir_feed_poll_ms(s->feed);
}

static bool
source_moved(const struct sync *s)
{
	const struct sync_report *r = &s->report;

	/* As far as it fits here. */
	return !str_eq(r->source, dir_feed_source(s->feed)) ||
	       strncmp(r->note, dir_feed_note(s->feed), sizeof(r->note) - 1) != 0;
}

static void
log_source(struct sync *s)
{
	const char *note = dir_feed_note(s->feed);

	log_event(*note ? LOG_WARN_ : level_of(SYNC_STATE_LIVE), "change feed",
		  LOG_S("state", state_names[SYNC_STATE_LIVE]), LOG_S("source", dir_feed_source(s->feed)),
		  LOG_S("note", *note ? note : NULL), LOG_S("uri", dir_feed_uri(s->feed)), LOG_END);
}

/* True if this is new. */
static bool
set_state(struct sync *s, enum sync_state state, const struct err *why)
{
	struct sync_report *r = &s->report;
	char reason[sizeof(r->reason)] = "";

	if (why)
		err_render(why, reason, sizeof(reason));
	if (s->feed)
		note_source(s);
	r->reconnects += state == SYNC_STATE_REFRESH;
	if (hides_trouble(r, state) || (r->state == state && str_eq(r->reason, reason)))
		return false;
	r->state = state;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	snprintf(r->remedy, sizeof(r->remedy), "%s", why ? why->cause : "");
	return true;
}

void
sync_report_state(struct sync *s, enum sync_state state, const struct err *why)
{
	char reason[sizeof(s->report.reason)] = "";

	mutex_lock(&s->lock);
	bool news = set_state(s, state, why);
	mutex_unlock(&s->lock);
	if (!news)
		return;
	if (state == SYNC_STATE_LIVE) {
		log_source(s);
		return;
	}
	if (why)
		err_render(why, reason, sizeof(reason));
	log_event(level_of(state), "change feed", LOG_S("state", state_names[state]),
		  LOG_S("reason", why ? reason : NULL), LOG_S("remedy", why && why->cause[0] ? why->cause : NULL),
		  LOG_S("source", s->feed ? dir_feed_source(s->feed) : NULL),
		  LOG_S("uri", s->feed ? dir_feed_uri(s->feed) : NULL), LOG_END);
}

void
sync_report_source(struct sync *s)
{
	mutex_lock(&s->lock);
	bool news = source_moved(s);
	if (news)
		note_source(s);
	mutex_unlock(&s->lock);
	if (news)
		log_source(s);
}

void
sync_report_canaries(struct sync *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->canaries.n; i++) {
		const struct canary *c = &s->canaries.at[i];
		const char *state = c->missing ? "missing" : c->id[0] ? "there" : "could not be made";
		json_array_append_new(all, json_pack("{s:s, s:s}", "dn", c->dn, "state", state));
	}
	mutex_lock(&s->lock);
	json_decref(s->report.canaries);
	s->report.canaries = all;
	mutex_unlock(&s->lock);
}

void
sync_report_compared(struct sync *s, json_t *found)
{
	mutex_lock(&s->lock);
	json_decref(s->report.found);
	s->report.found = found;
	s->report.last_reconcile_us = clock_wall_us();
	mutex_unlock(&s->lock);
}

static void
put_time(json_t *o, const char *key, int64_t us)
{
	char text[32];

	if (us > 0)
		time_to_rfc3339(us, text);
	json_object_set_new(o, key, us > 0 ? json_string(text) : json_null());
}

static void
put_text(json_t *o, const char *key, const char *text)
{
	if (text[0])
		json_object_set_new(o, key, json_string(text));
}

static json_t *
guarantee_json(const struct sync_report *r)
{
	const char *name = guarantees[r->guarantee].name, *text = guarantees[r->guarantee].text;

	if (r->poll_ms == 0)
		return json_pack("{s:s, s:s}", "class", name, "means", text);
	return json_pack("{s:s, s:o, s:I}", "class", name, "means",
			 json_sprintf("%s every %" PRId64 " s",
				      r->guarantee == DIR_EVERY_CHANGE ? "every change, over gaps too, looked for"
								       : "the net change",
				      r->poll_ms / 1000),
			 "poll_seconds", (json_int_t)(r->poll_ms / 1000));
}

/* lock held */
static json_t *
report_json(const struct sync_report *r)
{
	json_t *o = json_pack("{s:s}", "state", state_names[r->state]);

	put_text(o, "reason", r->reason);
	put_text(o, "remedy", r->remedy);
	put_text(o, "source", r->source);
	put_text(o, "note", r->note);
	if (r->source[0])
		json_object_set_new(o, "guarantee", guarantee_json(r));
	put_text(o, "uri", r->uri);
	put_time(o, "last_change", r->last_change_us);
	put_time(o, "last_refresh", r->last_refresh_us);
	put_time(o, "last_reconcile", r->last_reconcile_us);
	if (r->found)
		json_object_set_new(o, "found", json_deep_copy(r->found));
	if (r->restored_us)
		put_time(o, "restored", r->restored_us);
	if (r->canaries)
		json_object_set_new(o, "canaries", json_deep_copy(r->canaries));
	json_object_set_new(o, "removals_in_window", json_integer(r->removals));
	json_object_set_new(o, "connects", json_integer(r->reconnects));
	return o;
}

static int
count_batch(void *ctx, const struct store_batch *b DH_UNUSED, struct err *e DH_UNUSED)
{
	++*(int64_t *)ctx;
	return 0;
}

json_t *
sync_status(struct sync *s)
{
	struct err e = ERR_INIT;
	struct store_stats stats;
	int64_t batches = 0;

	mutex_lock(&s->lock);
	json_t *o = report_json(&s->report);
	mutex_unlock(&s->lock);
	store_get_stats(s->opts.store, &stats);
	json_object_set_new(
		o, "entries",
		json_pack("{s:I, s:I}", "users", (json_int_t)stats.users, "groups", (json_int_t)stats.groups));
	json_object_set_new(o, "held_events", json_integer(stats.held));
	if (store_batches(s->opts.store, count_batch, &batches, &e) == 0)
		json_object_set_new(o, "held_batches", json_integer(batches));
	json_object_set_new(o, "generation", json_string(store_generation(s->opts.store)));
	return o;
}
