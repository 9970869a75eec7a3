/* SPDX-License-Identifier: Apache-2.0
 * How many deletes a client may make in an hour (clients[].fences.deletes_per_hour): a wrong scope in an identity
 * provider shows as a storm of deletes, and each one that waits can still be stopped. Thread rule: locked. */
#ifndef DIRHINGE_SRC_GW_RATE_H
#define DIRHINGE_SRC_GW_RATE_H

#include "dirhinge/base/clock.h"
#include "dirhinge/policy/policy.h"

struct gw;
struct gw_rate;

struct gw_rate *gw_rate_of(struct gw *g);

struct gw_rate *gw_rate_new(void);
void gw_rate_free(struct gw_rate **r);

/* Counts one delete of the client at now_ms (monotonic); any 60 minutes hold at most who->deletes_per_hour of them.
 * Above it nothing is counted: ERR_RATE with retry_after set to the seconds until the next one is free. */
int gw_rate_take(struct gw_rate *r, const struct principal *who, int64_t now_ms, struct err *e) DH_MUST_USE;
/* Takes the last one back: the delete did not happen. */
void gw_rate_give(struct gw_rate *r, const struct principal *who);

#endif
