/* SPDX-License-Identifier: Apache-2.0
 * Private to wire*.c: the listeners. Thread rule: main only. */
#ifndef DIRHINGE_APP_WIRE_HTTP_H
#define DIRHINGE_APP_WIRE_HTTP_H

#include "app/wire.h"

/* Opens the service's listener, the operators' and the command line's. The feed, if there is to be one, is started. */
int app_listen(struct app *app, struct err *e) DH_MUST_USE;
/* Ends readers, waits for requests in flight, closes. The feed is still there. */
void app_unlisten(struct app *app);

#endif
