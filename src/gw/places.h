/* SPDX-License-Identifier: Apache-2.0
 * Private: where groups stood when they were looked up last (contrib/decisions/0024). A hint and never an answer: the
 * write that goes there proves it. Bounded. Thread rule: locked. */
#ifndef DIRHINGE_SRC_GW_PLACES_H
#define DIRHINGE_SRC_GW_PLACES_H

#include "dirhinge/base/arena.h"

struct gw;
struct gw_places;
struct gw_places *gw_places_new(struct arena *a);
void gw_places_done(struct gw_places *p);
struct gw_places *gw_places_of(struct gw *g);

/* The DN under which the entry with this id was found below the base of its type, in a; NULL if that is not known. */
const char *gw_places_get(struct gw_places *p, struct arena *a, const char *id);
/* Another entry may lose its place for it. A DN that is too long is not kept, nor is the one before it. */
void gw_places_put(struct gw_places *p, const char *id, const char *dn);
/* Unless others have put another place there meanwhile. */
void gw_places_forget(struct gw_places *p, const char *id, const char *dn);

#endif
