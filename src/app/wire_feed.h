/* SPDX-License-Identifier: Apache-2.0
 * Private: the change feed in the running gateway. Thread rule: main only. */
#ifndef DIRHINGE_SRC_APP_WIRE_FEED_H
#define DIRHINGE_SRC_APP_WIRE_FEED_H

#include "app/wire.h"

/* Opens the store if somebody wants events; without it, wanted or not, app->feed_off says why. Before gw, which tells
 * of its writes. */
int app_feed_open(struct app *app, struct err *e) DH_MUST_USE;
/* Starts to follow the directory, which need not be there yet. */
int app_feed_start(struct app *app, struct err *e) DH_MUST_USE;
void app_feed_stop(struct app *app); /* after the last reader, before gw */
void app_feed_close(struct app *app);

#endif
