/* SPDX-License-Identifier: Apache-2.0
 * The listeners: SCIM and events for clients, metrics and the admin API for operators, the socket of the command line.
 */
#include "app/wire_http.h"

#include <sys/stat.h>

#include "dirhinge/base/log.h"

/* Limits that no operator had a reason to change yet. */
#define MAX_BODY            (1024 * 1024)
#define MIN_CONNECTIONS     256
#define CONNECTIONS_PER_REQ 4
#define MAX_STREAMS         256
#define ADMIN_IN_FLIGHT     8
#define ADMIN_CONNECTIONS   64
#define ADMIN_STREAMS       16
#define ADMIN_GRACE_MS      1000

static json_t *
feed_status(void *ctx)
{
	struct app *app = ctx;
	return sync_status(app->sync);
}

static int
feed_reconcile(void *ctx, deadline_t until, json_t **found_r, struct err *e)
{
	struct app *app = ctx;
	return sync_reconcile(app->sync, until, found_r, e);
}

static int
feed_reset(void *ctx, deadline_t until, struct err *e)
{
	struct app *app = ctx;
	return sync_reset(app->sync, until, e);
}

static const struct http_feed_ops feed_ops = {feed_status, feed_reconcile, feed_reset};

static int
start_http(struct app *app, struct err *e)
{
	const struct config *c = app->cfg;
	int64_t connections = CONNECTIONS_PER_REQ * c->max_in_flight;
	const struct http_opts opts = {
		.face = HTTP_SCIM,
		.listen = c->listen,
		.base_path = c->base_path,
		.external_url = c->external_url,
		.tls_cert_file = c->tls_cert_file,
		.tls_key_file = c->tls_key_file,
		.tls_client_ca_file = c->tls_client_ca_file,
		.max_in_flight = c->max_in_flight,
		/* a reader of events holds its connection: it takes none of those for requests */
		.max_connections = (connections > MIN_CONNECTIONS ? connections : MIN_CONNECTIONS) +
				   (app->store ? MAX_STREAMS : 0),
		.max_body = MAX_BODY,
		.clients = c->principals,
		.n_clients = c->clients.n,
		.gw = app->gw,
		.max_results = APP_MAX_RESULTS,
		.metrics = app->metrics,
		.store = app->store,
		.max_streams = MAX_STREAMS,
		.feed_off = app->feed_off,
	};
	return http_start(&opts, &app->http, e);
}

/* What the operators' two faces share. */
static struct http_opts
operator_opts(struct app *app, enum http_face face, const char *listen)
{
	return (struct http_opts){
		.face = face,
		.listen = listen,
		.max_in_flight = ADMIN_IN_FLIGHT,
		.max_connections = ADMIN_CONNECTIONS,
		.max_body = MAX_BODY,
		.clients = app->cfg->principals,
		.n_clients = app->cfg->clients.n,
		.gw = app->gw,
		.max_results = APP_MAX_RESULTS,
		.metrics = app->metrics,
		.store = app->store,
		.max_streams = ADMIN_STREAMS,
		.feed = app->sync ? &feed_ops : NULL,
		.feed_ctx = app,
		.feed_off = app->feed_off,
	};
}

static int
start_admin(struct app *app, struct err *e)
{
	const struct config *c = app->cfg;
	const struct http_opts opts = operator_opts(app, HTTP_ADMIN, c->admin_listen);
	if (str_eq(c->admin_listen, CONFIG_ADMIN_NONE) || http_start(&opts, &app->admin, e) == 0)
		return 0;
	if (c->admin_wanted)
		return -1;
	/* A second gateway on the machine, and nobody asked for metrics: SCIM is what it is for. */
	log_err(LOG_WARN_, "no listener for operators: set admin.listen to a free address, or to none", e);
	err_clear(e);
	return 0;
}

const char *
app_socket(struct arena *a, const struct config *c)
{
	return arena_printf(a, "%s/admin.sock", c->state_dir);
}

/* Without a feed there may be no state_dir, and nothing is made for the socket alone. */
static void
start_local(struct app *app)
{
	struct err e = ERR_INIT;
	struct stat st;
	if (!app->store && (stat(app->cfg->state_dir, &st) < 0 || !S_ISDIR(st.st_mode)))
		return;
	const char *listen = arena_printf(app->a, "unix:%s", app_socket(app->a, app->cfg));
	const struct http_opts opts = operator_opts(app, HTTP_LOCAL, listen);
	if (http_start(&opts, &app->local, &e) < 0)
		log_err(app->store ? LOG_WARN_ : LOG_INFO_,
			"no socket for the command line: dirhinge events, sync and guard will not work", &e);
}

int
app_listen(struct app *app, struct err *e)
{
	if (start_http(app, e) < 0 || start_admin(app, e) < 0)
		return -1;
	start_local(app);
	return 0;
}

void
app_unlisten(struct app *app)
{
	/* first: it prints what all the others count */
	if (app->admin)
		http_stop(&app->admin, ADMIN_GRACE_MS);
	if (app->local)
		http_stop(&app->local, ADMIN_GRACE_MS);
	if (app->http)
		http_stop(&app->http, APP_GRACE_MS);
}
