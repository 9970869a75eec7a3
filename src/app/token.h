/* SPDX-License-Identifier: Apache-2.0
 * Bearer tokens: "dh_" and 256 random bits. */
#ifndef DIRHINGE_APP_TOKEN_H
#define DIRHINGE_APP_TOKEN_H

#include "dirhinge/base/arena.h"

/* The caller wipes it. */
char *token_make(struct arena *a);
/* SHA-256 as hex digits, the form of token_sha256 in the configuration. */
char *token_hash(struct arena *a, const char *token);

#endif
