/* SPDX-License-Identifier: Apache-2.0
 * Small words used by every module. Thread rule: no state. */
#ifndef DIRHINGE_BASE_DEFS_H
#define DIRHINGE_BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DH_MUST_USE          __attribute__((warn_unused_result))
#define DH_NORETURN          __attribute__((noreturn))
#define DH_UNUSED            __attribute__((unused))

/* Runs fn(&var) when the variable leaves its scope; fn is any x_free(struct x **).
 *   DH_CLEANUP(arena_free) struct arena *a = arena_new(4096); */
#define DH_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands an owned pointer over and disarms DH_CLEANUP: return TAKE(obj); */
#define TAKE(p)                            \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* "path/file.c:123" of this place, a literal */
#define DH_STR_(x) #x
#define DH_STR(x)  DH_STR_(x)
#define DH_WHERE   __FILE__ ":" DH_STR(__LINE__)

/* A condition that only a programming error can break: prints it and aborts. Never for input. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
DH_NORETURN void must_failed(const char *cond, const char *file, int line);

#endif
