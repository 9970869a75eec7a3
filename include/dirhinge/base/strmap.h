/* SPDX-License-Identifier: Apache-2.0
 * A hash map from strings to pointers, in an arena; keys are copied. Thread rule: confined until frozen. */
#ifndef DIRHINGE_BASE_STRMAP_H
#define DIRHINGE_BASE_STRMAP_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/strv.h"

struct strmap;

/* fold: keys compare without ASCII case. */
struct strmap *strmap_new(struct arena *a, bool fold);
/* Sets or replaces; returns the former value or NULL. The value must not be NULL. */
void *strmap_put(struct strmap *m, struct strv key, void *value);
void *strmap_get(const struct strmap *m, struct strv key); /* NULL if absent */
size_t strmap_count(const struct strmap *m);
/* Iterates in order of insertion: i from 0 until false. */
bool strmap_at(const struct strmap *m, size_t i, struct strv *key_r, void **value_r);

#endif
