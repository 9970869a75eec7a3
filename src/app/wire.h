/* SPDX-License-Identifier: Apache-2.0
 * The running gateway: built in order, torn down in reverse. Thread rule: main only. */
#ifndef DIRHINGE_APP_WIRE_H
#define DIRHINGE_APP_WIRE_H

#include "app/config.h"
#include "app/process.h"
#include "dirhinge/http/http.h"
#include "dirhinge/sync/sync.h"

/* Longest wait for requests in flight when stopping (reliability.md F-58). */
#define APP_GRACE_MS    20000
#define APP_MAX_RESULTS 1000

struct app {
	const char *file;
	struct arena *a;          /* of cfg */
	const struct config *cfg; /* as at the start; dir, gw and http borrow from it */
	struct dir *dir;
	struct gw *gw;
	struct http *http;
	struct http *admin;  /* NULL with admin.listen: none */
	struct http *local;  /* the command line's; NULL if it could not be opened */
	struct store *store; /* NULL = the feed is off, and .feed_off says why */
	struct causes *causes;
	struct sync *sync;
	const char *feed_off;
	struct metrics *metrics;
	struct process_metrics process;
	bool ready;            /* the directory was reached and the maps are loaded */
	enum err_code trouble; /* why not, at the last attempt */
};

/* Reads the configuration and starts to listen; the directory need not be there. ERR_CONFIG, ERR_IO. */
int app_start(const char *file, struct app *app, struct err *e) DH_MUST_USE;
void app_stop(struct app *app);

/* The socket that the command line speaks to the daemon over. */
const char *app_socket(struct arena *a, const struct config *c);

/* Loads the maps from the directory if that has not succeeded yet. Says in the log what came out of it; the same
 * trouble is told once. */
void app_connect(struct app *app);

/* Reads the configuration again (SIGHUP). Clients and tokens are swapped, for other changes a restart is asked for in
 * the log. On error nothing changes. */
int app_reload(struct app *app, struct err *e) DH_MUST_USE;

#endif
