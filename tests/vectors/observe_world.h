/* SPDX-License-Identifier: Apache-2.0
 * A directory that a test plays for sync_observe(): a map without a server, a real store in a temporary directory, and
 * one call for each thing that the directory says. Ids are short names ("u1"), CSNs numbers. */
#ifndef DIRHINGE_TESTS_OBSERVE_WORLD_H
#define DIRHINGE_TESTS_OBSERVE_WORLD_H

#include "dirhinge/base/buf.h"
#include "sync/sync_priv.h"

struct world;

struct world *world_open(void);
void world_close(struct world **w);

struct world_step {
	const char *what; /* entry, gone, add, modify, rename, delete, end */
	const char *id;   /* name */
	int csn;          /* 0 = not known */
	bool initial, coalesced, reresolve;
	struct strv text; /* entry, or lines of the operation */
};

/* Plays the step in a transaction of its own. What came of it is written to out, one line each; data: with the data of
 * the events. False if the step cannot be read. */
bool world_play(struct world *w, const struct world_step *st, bool data, struct buf *out);

struct store *world_store(struct world *w);
const struct dir_caps *world_caps(struct world *w);
const struct map_set *world_maps(struct world *w);
/* The id that a name stands for. */
void world_id(const char *name, char id[37]);

#endif
