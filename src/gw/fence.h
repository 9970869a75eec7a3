/* SPDX-License-Identifier: Apache-2.0
 * Private: what a client that is confined to parts of the tree sees (contrib/decisions/0015). Thread rule: confined to
 * the request. */
#ifndef DIRHINGE_SRC_GW_FENCE_H
#define DIRHINGE_SRC_GW_FENCE_H

#include "gw/gw_priv.h"

/* Sets the bases of the request's searches. */
void gw_fence(struct gw_run *run);
/* True if the client may know of an entry with this DN. */
bool gw_fence_sees(const struct gw_run *run, const char *dn);
/* ERR_FORBIDDEN unless an entry can be made, or keep its place under a new name (NULL: it has none). */
int gw_fence_new(const struct gw_run *run, struct err *e) DH_MUST_USE;
int gw_fence_rename(const struct gw_run *run, const char *dn, const char *new_rdn, struct err *e) DH_MUST_USE;

#endif
