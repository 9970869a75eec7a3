/* SPDX-License-Identifier: Apache-2.0
 * Private: equality of values as far as it can be told without the server. */
#ifndef DIRHINGE_SRC_DIR_EQUAL_H
#define DIRHINGE_SRC_DIR_EQUAL_H

#include "dirhinge/dir/flavour.h"

/* Values of attr with equal keys are equal for the server; the other way round not always (letters beyond ASCII). In
 * arena. */
struct strv dir_equal_key(struct arena *a, const struct dir_subschema *s, const char *attr, struct strv value);
/* True if both names mean one attribute description. */
bool dir_equal_attr(const struct dir_subschema *s, const char *x, const char *y);

#endif
