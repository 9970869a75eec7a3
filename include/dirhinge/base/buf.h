/* SPDX-License-Identifier: Apache-2.0
 * A growing byte buffer with a ceiling. Appending past the ceiling sets .full, drops that append and every
 * later one; the caller appends freely and checks .full once at the end. Thread rule: confined. */
#ifndef DIRHINGE_BASE_BUF_H
#define DIRHINGE_BASE_BUF_H

#include <stdarg.h>

#include "dirhinge/base/defs.h"
#include "dirhinge/base/strv.h"

struct buf {
	char *p; /* always NUL-terminated once something was appended; else NULL */
	size_t n;
	size_t cap;
	size_t limit;
	bool full;
};

#define BUF_INIT(max) ((struct buf){.limit = (max)})

void buf_done(struct buf *b);  /* frees, back to the initial state with the same limit; a cleanup function */
void buf_reset(struct buf *b); /* length 0, .full false, keeps memory */
void buf_reserve(struct buf *b, size_t n); /* memory for n bytes more, at once */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addv(struct buf *b, struct strv s);
void buf_addc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) DH_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) DH_PRINTF(2, 0);
/* "" while nothing was appended; never NULL. */
const char *buf_str(const struct buf *b);
static inline struct strv
buf_view(const struct buf *b)
{
	return (struct strv){b->p, b->n};
}

#endif
