/* SPDX-License-Identifier: Apache-2.0
 * A view of bytes that somebody else owns; not NUL-terminated, may hold NUL. Thread rule: plain value. */
#ifndef DIRHINGE_BASE_STRV_H
#define DIRHINGE_BASE_STRV_H

#include <string.h>

#include "dirhinge/base/defs.h"

struct strv {
	const char *p;
	size_t n;
};

#define STRV(lit) ((struct strv){(lit), sizeof(lit) - 1})

static inline struct strv
strv_of(const char *s)
{
	return (struct strv){s, s ? strlen(s) : 0};
}
static inline struct strv
strv_n(const char *s, size_t n)
{
	return (struct strv){s, n};
}

bool strv_eq(struct strv a, struct strv b);
/* ASCII case folding only; the one comparison for attribute names, operators, header names. */
bool strv_caseeq(struct strv a, struct strv b);
bool strv_starts(struct strv s, struct strv prefix);
bool strv_casestarts(struct strv s, struct strv prefix);
/* Removes ASCII blanks (space, tab, CR, LF) at both ends. */
struct strv strv_trim(struct strv s);
/* Index of the first byte c, or s.n. */
size_t strv_chr(struct strv s, char c);
/* memcmp order, shorter first. */
int strv_cmp(struct strv a, struct strv b);

/* The same for C strings; NULL equals only NULL. */
bool str_eq(const char *a, const char *b);
bool str_caseeq(const char *a, const char *b);

/* How many bytes in front are printable ASCII, neither quote nor backslash: what no format has to escape. */
size_t strv_plain(struct strv s);

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. off_r (may be NULL): first bad byte. */
bool utf8_valid(struct strv s, size_t *off_r);

/* Nearest of names[0..n) to s by edit distance <= 2 (case-insensitive), or NULL; for "did you mean". */
const char *str_nearest(const char *s, const char *const *names, size_t n);

#endif
