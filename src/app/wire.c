/* SPDX-License-Identifier: Apache-2.0
 * Puts the modules together: configuration, directory, gateway, HTTP. */
#include <config.h>

#include "app/wire_feed.h"
#include "app/wire_http.h"
#include "dirhinge/base/log.h"

/* Limits that no operator had a reason to change yet. */
#define REQUEST_MAX_MS 20000
#define MAX_EXAMINED   200000

static int
build(struct app *app, struct err *e)
{
	if (config_load(app->a, app->file, &app->cfg, e) < 0)
		return -1;
	app->metrics = metrics_new();
	process_metrics_setup(&app->process, app->metrics);
	struct dir_opts dir_opts = config_dir_opts(app->cfg);
	/* What is left is for the answer: it has to be with the client within the configured time. */
	dir_opts.timeout_ms -= dir_opts.timeout_ms / 10;
	dir_opts.metrics = app->metrics;
	if (dir_new(&dir_opts, &app->dir, e) < 0 || app_feed_open(app, e) < 0)
		return -1;
	app->gw = gw_new(&(struct gw_opts){
		.dir = app->dir,
		.map = &app->cfg->map,
		.user_delete = app->cfg->user_delete,
		.leavers_base = app->cfg->leavers_base,
		/* directory.timeout is for one operation; a request of many (a group of 100,000) may take longer, but
		 * the client has its answer within 25 s (DESIGN.md 4). */
		.timeout_ms = app->cfg->timeout_ms * 2 < REQUEST_MAX_MS ? app->cfg->timeout_ms * 2 : REQUEST_MAX_MS,
		.max_results = APP_MAX_RESULTS,
		.max_examined = MAX_EXAMINED,
		.causes = app->causes,
	});
	return app_feed_start(app, e) < 0 ? -1 : app_listen(app, e);
}

static void
log_warnings(const struct config *c)
{
	for (const char *const *w = c->warnings; *w; w++)
		log_event(LOG_WARN_, "configuration", LOG_S("warning", *w), LOG_END);
}

int
app_start(const char *file, struct app *app, struct err *e)
{
	*app = (struct app){.file = file, .a = arena_new(16384)};
	if (build(app, e) < 0) {
		app_stop(app);
		return -1;
	}
	log_event(LOG_INFO_, "listening", LOG_S("address", http_address(app->http)),
		  LOG_S("admin", app->admin ? http_address(app->admin) : "none"),
		  LOG_S("base_path", app->cfg->base_path), LOG_S("tls", app->cfg->tls_cert_file ? "yes" : "no"),
		  LOG_S("version", PACKAGE_VERSION), LOG_I("clients", app->cfg->clients.n), LOG_END);
	log_warnings(app->cfg);
	return 0;
}

void
app_stop(struct app *app)
{
	sync_quit(app->sync); /* a listener waits for whoever waits for the feed */
	app_unlisten(app);
	app_feed_stop(app);
	gw_free(&app->gw);
	app_feed_close(app);
	dir_free(&app->dir);
	metrics_free(&app->metrics);
	arena_free(&app->a);
}

static void
log_ready(struct app *app, const struct map_set *set)
{
	DH_CLEANUP(buf_done) struct buf lost = BUF_INIT(4096);
	const struct map_strategy *active = map_active(set->users);
	struct dir_stats stats;

	dir_get_stats(app->dir, &stats);
	for (size_t i = 0; set->lost[i]; i++)
		buf_printf(&lost, "%s%s", i ? " " : "", set->lost[i]);
	log_event(LOG_INFO_, "directory ready", LOG_S("uri", stats.uri),
		  LOG_S("active", active ? map_strategy_name(active) : "none: active:false is refused"),
		  LOG_S("dirhinge_schema", set->extended ? "loaded" : "not loaded"),
		  LOG_S("no_home", set->lost[0] ? buf_str(&lost) : "none"), LOG_END);
}

void
app_connect(struct app *app)
{
	const struct map_set *set;
	struct err e = ERR_INIT;

	if (app->ready)
		return;
	if (gw_ready(app->gw, &set, &e) == 0) {
		app->ready = true;
		log_ready(app, set);
	} else if (e.code != app->trouble) {
		app->trouble = e.code;
		log_err(LOG_WARN_, "the directory is not ready; requests are answered with 503 until it is", &e);
	}
}

/* True if reading this section again would not change a running gateway. */
static bool
same_section(const json_t *a, const json_t *b, const char *name)
{
	const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
	return x == y || (x && y && json_equal(x, y));
}

static bool
same_secret(const struct secret *a, const struct secret *b)
{
	return a && b ? strv_eq(secret_view(a), secret_view(b)) : a == b;
}

static void
log_restart_needed(const struct config *was, const struct config *is)
{
	static const char *const sections[] = {"server", "admin",  "state_dir", "directory",
					       "users",  "groups", "events"};
	json_t *a = config_json(was), *b = config_json(is);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!same_section(a, b, sections[i]))
			log_event(LOG_WARN_, "this change takes effect at the next restart",
				  LOG_S("section", sections[i]), LOG_END);
	json_decref(a);
	json_decref(b);
	if (!same_secret(was->bind_password, is->bind_password))
		log_event(LOG_WARN_, "this change takes effect at the next restart",
			  LOG_S("file", is->bind_password_file), LOG_END);
	if (!str_eq(was->map.users.override_text, is->map.users.override_text))
		log_event(LOG_WARN_, "this change takes effect at the next restart", LOG_S("file", is->user_map_file),
			  LOG_END);
	if (!str_eq(was->map.groups.override_text, is->map.groups.override_text))
		log_event(LOG_WARN_, "this change takes effect at the next restart", LOG_S("file", is->group_map_file),
			  LOG_END);
}

int
app_reload(struct app *app, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg;

	if (config_load(a, app->file, &cfg, e) < 0)
		return -1;
	http_set_clients(app->http, cfg->principals, cfg->clients.n);
	if (app->admin)
		http_set_clients(app->admin, cfg->principals, cfg->clients.n);
	log_event(LOG_INFO_, "configuration read again", LOG_I("clients", cfg->clients.n), LOG_END);
	log_warnings(cfg);
	if (cfg->feed_wanted && !app->store)
		log_event(LOG_WARN_, "the change feed begins at the next restart", LOG_END);
	log_restart_needed(app->cfg, cfg);
	return 0;
}
