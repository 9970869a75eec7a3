/* SPDX-License-Identifier: Apache-2.0
 * A secret that no format string can print: opaque, wiped when freed, read only through secret_view().
 * Thread rule: frozen after creation. */
#ifndef DIRHINGE_BASE_SECRET_H
#define DIRHINGE_BASE_SECRET_H

#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

struct secret;

struct secret *secret_new(struct strv value);
void secret_free(struct secret **s); /* wipes */
struct strv secret_view(const struct secret *s);

/* Reads a secret file: at most 64 kB, regular, not a symbolic link, not readable by group or others (0077 clear).
 * One trailing newline is cut. Errors are ERR_CONFIG and say which chmod fixes it. */
int secret_load(const char *path, struct secret **s_r, struct err *e) DH_MUST_USE;

/* explicit_bzero for memory that held a secret. */
void secret_wipe(void *p, size_t n);

#endif
