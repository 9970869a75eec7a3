/* SPDX-License-Identifier: Apache-2.0
 * Whole files. Thread rule: no state. */
#ifndef DIRHINGE_BASE_FILE_H
#define DIRHINGE_BASE_FILE_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

/* Reads a file of at most max bytes into the arena (NUL added). ERR_IO with path and reason. */
int file_read(struct arena *a, const char *path, size_t max, struct strv *text_r, struct err *e) DH_MUST_USE;

/* Creates or replaces path with the given mode: temp file beside it, fsync, rename, fsync of the directory. */
int file_write(const char *path, struct strv text, unsigned mode, struct err *e) DH_MUST_USE;

#endif
