/* SPDX-License-Identifier: Apache-2.0
 * Store and change feed: in service if a client may read events or the file says something about them. */
#include "app/wire_feed.h"

#include "dirhinge/base/log.h"
#include "dirhinge/sync/sync.h"

int
app_feed_open(struct app *app, struct err *e)
{
	const struct config *c = app->cfg;

	if (!c->feed_wanted) {
		app->feed_off = "no client has the scope events:read, and the configuration has no section events";
		return 0;
	}
	const struct store_opts opts = {
		.dir = c->state_dir,
		.retention_ms = c->retention_ms,
		.compose = sync_compose,
		.metrics = app->metrics,
	};
	if (store_open(&opts, &app->store, e) == 0) {
		app->causes = causes_new();
		return 0;
	}
	if (e->code == ERR_CONFIG || e->code == ERR_CONFLICT)
		return err_cause(e, "state_dir");
	/* A leaver must get out of the directory whatever became of the store: the feed makes up for it later. */
	app->feed_off = arena_printf(app->a, "%s (%s)", e->detail, e->cause);
	log_err(LOG_ERROR_,
		"SCIM is served without the change feed, until the store is mended and the daemon restarted", e);
	err_clear(e);
	return 0;
}

/* An event is the same for all readers, so its locations cannot follow the Host of a request. */
static const char *
location_url(struct app *app)
{
	const struct config *c = app->cfg;

	return arena_printf(app->a, "%s%s", c->external_url ? c->external_url : "", c->base_path);
}

int
app_feed_start(struct app *app, struct err *e)
{
	const struct config *c = app->cfg;

	if (!app->store) {
		log_event(LOG_INFO_, "change feed", LOG_S("state", "off"), LOG_S("reason", app->feed_off), LOG_END);
		return 0;
	}
	const struct sync_opts opts = {
		.dir = app->dir,
		.map = &c->map,
		.store = app->store,
		.causes = app->causes,
		.base_url = location_url(app),
		.guard = {.max_removals = c->guard_max_removals,
			  .max_percent = c->guard_max_percent,
			  .window_ms = c->guard_window_ms},
		.history = c->feed_history,
		.poll = c->feed_poll,
		.poll_ms = c->poll_ms,
		.dirsync = config_dirsync(c),
		.reconcile_ms = c->reconcile_ms,
		.metrics = app->metrics,
	};
	return sync_start(&opts, &app->sync, e);
}

void
app_feed_stop(struct app *app)
{
	sync_stop(&app->sync);
}

void
app_feed_close(struct app *app)
{
	store_close(&app->store);
	causes_free(&app->causes);
}
