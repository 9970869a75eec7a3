/* SPDX-License-Identifier: Apache-2.0
 * A growing byte buffer with a ceiling and a sticky overflow flag. */
#include "dirhinge/base/buf.h"

#include <stdio.h>

#include "base/mem.h"

#define FIRST_CAP 64

/* Room for n more bytes and the NUL, or .full. */
static bool
reserve(struct buf *b, size_t n)
{
	if (b->full || n > b->limit - b->n || n > SIZE_MAX / 2 - b->n) {
		b->full = true;
		return false;
	}
	size_t need = b->n + n + 1;

	if (need <= b->cap)
		return true;
	size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap - 1 > b->limit) /* need - 1 <= limit, so that this still has room */
		cap = b->limit + 1;
	b->p = mem_grow(b->p, cap);
	b->cap = cap;
	return true;
}

void
buf_done(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->limit);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void
buf_reserve(struct buf *b, size_t n)
{
	if (n <= b->limit - b->n && reserve(b, n))
		b->p[b->n] = '\0';
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addv(struct buf *b, struct strv s)
{
	buf_add(b, s.p, s.n);
}

void
buf_addc(struct buf *b, char c)
{
	/* Room at hand is within the limit: reserve() sees to that. */
	if (!b->full && b->n + 1 < b->cap) {
		b->p[b->n++] = c;
		b->p[b->n] = '\0';
		return;
	}
	buf_add(b, &c, 1);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	if (!reserve(b, (size_t)n))
		return;
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

const char *
buf_str(const struct buf *b)
{
	return b->p != NULL ? b->p : "";
}
