/* SPDX-License-Identifier: Apache-2.0
 * Memory that dies together: one arena per request or change batch.
 * Allocation never fails (the process aborts), memory is zeroed and aligned for any type.
 * Growth is bounded by input limits, not here. Thread rule: confined to one thread at a time. */
#ifndef DIRHINGE_BASE_ARENA_H
#define DIRHINGE_BASE_ARENA_H

#include <stdarg.h>

#include "dirhinge/base/strv.h"

struct arena;

/* first_block: bytes of the first block; later blocks double up to 64 KiB (larger for large objects). */
struct arena *arena_new(size_t first_block);

/* Runs deferred functions newest first, wipes nothing, frees all, sets *a NULL. Accepts NULL inside. */
void arena_free(struct arena **a);

/* The same, but the arena stays, empty, with its first block, for another use. */
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);
/* count * size with overflow check (abort). */
void *arena_array(struct arena *a, size_t count, size_t size);
/* Where an array of n elements, with room for *cap, has room for one more: where it is, or a copy with twice the room
 * (first, if it had none). */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t first, size_t size);
/* A copy with a terminating NUL added. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
void *arena_memdup(struct arena *a, const void *src, size_t n);
char *arena_join(struct arena *a, const struct strv *parts, size_t n); /* one behind the other */
char *arena_printf(struct arena *a, const char *fmt, ...) DH_PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) DH_PRINTF(2, 0);

/* Runs fn(obj) when the arena is freed, so that a foreign object (json_t, LDAPMessage) lives as long as it.
 * obj may be NULL: nothing is registered then. */
void arena_defer(struct arena *a, void (*fn)(void *), void *obj);

/* Bytes handed out so far; for limits and metrics. */
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))
#define ARENA_GROW(a, array, n, cap, first) \
	((__typeof__(array))arena_grow((a), (array), (n), (cap), (first), sizeof(*(array))))

#endif
