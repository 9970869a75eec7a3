/* SPDX-License-Identifier: Apache-2.0
 * Private: one change of an entry at a time, where the directory has no assertion. Thread rule: locked. */
#ifndef DIRHINGE_SRC_GW_TURNS_H
#define DIRHINGE_SRC_GW_TURNS_H

#include "gw/gw_priv.h"

struct gw_turns;
struct gw_turns *gw_turns_new(struct arena *a);
void gw_turns_done(struct gw_turns *t);
struct gw_turns *gw_turns_of(struct gw *g);
/* Before the entry with this id is read to be changed, and before gw_writer_begin; ERR_BUSY past the deadline. */
int gw_turn_take(struct gw_run *run, const char *id, struct err *e) DH_MUST_USE;
void gw_turn_end(struct gw_run *run); /* nothing if it has none */

#endif
