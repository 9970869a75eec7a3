/* SPDX-License-Identifier: Apache-2.0
 * Files that are part of the program: what dirhinge demo writes. */
#ifndef DIRHINGE_APP_ASSET_H
#define DIRHINGE_APP_ASSET_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/strv.h"

struct asset_mark {
	const char *name; /* "@DIR@" */
	const char *value;
};

/* By the path in the repository from demo/ or schema/ on: "demo/tour.sh". False if there is none (assets.c is made by
 * contrib/build-aux/embed.sh). */
bool app_asset(const char *name, struct strv *text_r);

/* The text with each mark replaced; an asset or mark that does not exist is a programming error. */
struct strv asset_fill(struct arena *a, const char *name, const struct asset_mark *marks, size_t n);

#endif
