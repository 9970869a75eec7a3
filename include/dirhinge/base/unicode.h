/* SPDX-License-Identifier: Apache-2.0
 * Unicode forms of names; src/base/unicode.c is the only user of libunistring (contrib/decisions/0010-unicode.md).
 * Thread rule: no state. */
#ifndef DIRHINGE_BASE_UNICODE_H
#define DIRHINGE_BASE_UNICODE_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

/* Normalisation form C (UAX 15), NUL-terminated in the arena. ERR_VALUE if text is not UTF-8. */
int unicode_nfc(struct arena *a, struct strv text, struct strv *out_r, struct err *e) DH_MUST_USE;

/* Prepares an account name in the manner of RFC 8265 3.3 without folding anything: form C, and ERR_VALUE with the code
 * point for what nobody sees or nobody can type: controls, line separators, format and bidi controls, default
 * ignorable, private-use and unassigned code points. Equality of names is not decided here. */
int unicode_prepare_name(struct arena *a, struct strv text, struct strv *out_r, struct err *e) DH_MUST_USE;

#endif
