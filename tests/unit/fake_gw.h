/* SPDX-License-Identifier: Apache-2.0
 * Stands in for gw and map, so that http is tested alone: every outcome an operation can have, on demand.
 *
 * GET of id "known": a resource with version W/"1" and location; If-None-Match W/"1" makes it 304.
 * id "wait": blocks until fake_gw_release. id "err-NAME": fails with that error code ("err-ERR_BUSY"). Else 404.
 * POST and PUT echo the body; PATCH of "quiet" has no resource. Lists echo the query. */
#ifndef DIRHINGE_TESTS_FAKE_GW_H
#define DIRHINGE_TESTS_FAKE_GW_H

#include "dirhinge/gw/gw.h"

struct gw *fake_gw_new(void);
void fake_gw_free(struct gw **g);
/* Directory up or down, for gw_ready and gw_ping. */
void fake_gw_set_up(struct gw *g, bool up);
/* Waits until n requests are blocked; false after 10 s. */
bool fake_gw_await(struct gw *g, int n);
void fake_gw_release(struct gw *g);

#endif
