/* SPDX-License-Identifier: Apache-2.0
 * Private: reads a refresh ahead on a thread of its own and makes of each entry what needs no store, while the engine
 * stores what came before. Nothing else may use the feed between start and stop, but for reading entries anew while an
 * operation is being taken. Thread rule: the feed's thread. */
#ifndef DIRHINGE_SRC_SYNC_READER_H
#define DIRHINGE_SRC_SYNC_READER_H

#include "sync/sync_priv.h"

struct reader;
struct ready;

int sync_reader_start(struct sync *s, struct reader **r_r, struct err *e) DH_MUST_USE;
/* The next change, up to END; it lives in the arena of the run until the next call. *ready_r: NULL if it is no entry.
 */
int sync_reader_next(struct reader *r, const struct dir_change **c_r, const struct ready **ready_r,
		     struct err *e) DH_MUST_USE;
void sync_reader_stop(struct reader **r); /* accepts NULL inside */

#endif
