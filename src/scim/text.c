/* SPDX-License-Identifier: Apache-2.0
 * Case folding by a table of ranges, and the comparisons built on it. */
#include "text.h"

/* Every step-th code point from first to last folds to itself plus delta (Unicode CaseFolding.txt, status C and S). */
static const struct fold {
	uint32_t first, last, step;
	int32_t delta;
} folds[] = {
	/* clang-format off */
	{0x0041, 0x005a, 1, 32},  /* A-Z */
	{0x00b5, 0x00b5, 1, 775}, /* micro sign: Greek mu */
	{0x00c0, 0x00d6, 1, 32},  /* Latin-1 */
	{0x00d8, 0x00de, 1, 32},
	{0x0100, 0x012e, 2, 1}, /* Latin Extended-A; 0x130, the Turkish dotted I, has no simple folding */
	{0x0132, 0x0136, 2, 1},
	{0x0139, 0x0147, 2, 1},
	{0x014a, 0x0176, 2, 1},
	{0x0178, 0x0178, 1, -121},
	{0x0179, 0x017d, 2, 1},
	{0x017f, 0x017f, 1, -268}, /* long s */
	{0x018f, 0x018f, 1, 202},  /* Azerbaijani schwa */
	{0x01a0, 0x01a4, 2, 1},    /* Vietnamese o and u with horn */
	{0x01af, 0x01af, 1, 1},
	{0x01c4, 0x01c4, 1, 2}, /* Croatian digraphs */
	{0x01c5, 0x01c5, 1, 1},
	{0x01c7, 0x01c7, 1, 2},
	{0x01c8, 0x01c8, 1, 1},
	{0x01ca, 0x01ca, 1, 2},
	{0x01cb, 0x01cb, 1, 1},
	{0x01cd, 0x01db, 2, 1}, /* rest of Latin Extended-B with caron, comma, dot, macron */
	{0x01de, 0x01ee, 2, 1},
	{0x01f8, 0x021e, 2, 1},
	{0x0222, 0x0232, 2, 1},
	{0x0386, 0x0386, 1, 38}, /* Greek */
	{0x0388, 0x038a, 1, 37},
	{0x038c, 0x038c, 1, 64},
	{0x038e, 0x038f, 1, 63},
	{0x0391, 0x03a1, 1, 32},
	{0x03a3, 0x03ab, 1, 32},
	{0x03c2, 0x03c2, 1, 1},  /* final sigma */
	{0x0400, 0x040f, 1, 80}, /* Cyrillic */
	{0x0410, 0x042f, 1, 32},
	{0x0460, 0x0480, 2, 1},
	{0x048a, 0x04be, 2, 1},
	{0x04c0, 0x04c0, 1, 15},
	{0x04c1, 0x04cd, 2, 1},
	{0x04d0, 0x052e, 2, 1},
	{0x0531, 0x0556, 1, 48},    /* Armenian */
	{0x1e00, 0x1e94, 2, 1},     /* Latin Extended Additional */
	{0x1e9e, 0x1e9e, 1, -7615}, /* capital sharp s */
	{0x1ea0, 0x1efe, 2, 1},     /* Vietnamese */
	{0xff21, 0xff3a, 1, 32},    /* full-width */
	/* clang-format on */
};

static uint32_t
fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	size_t lo = 0, hi = ARRAY_SIZE(folds);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (c > folds[mid].last)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ARRAY_SIZE(folds) || c < folds[lo].first || (c - folds[lo].first) % folds[lo].step)
		return c;
	return (uint32_t)((int64_t)c + folds[lo].delta);
}

/* Takes the next character off *s, which is not empty. A byte that is no UTF-8 counts as a character of its own. */
static uint32_t
next(struct strv *s)
{
	unsigned char c = (unsigned char)*s->p;
	size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	n = n > s->n ? 1 : n;
	uint32_t u = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		u = u << 6 | ((unsigned char)s->p[i] & 0x3fu);
	s->p += n;
	s->n -= n;
	return u;
}

int
scim_text_cmp(struct strv a, struct strv b, bool exact)
{
	/* In UTF-8 the order of the bytes is the order of the code points. */
	size_t same = a.n < b.n ? a.n : b.n;
	if (exact) {
		int rc = same ? memcmp(a.p, b.p, same) : 0;
		return rc ? rc : (a.n > b.n) - (a.n < b.n);
	}
	while (a.n && b.n) {
		uint32_t x = fold(next(&a)), y = fold(next(&b));
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.n > 0) - (b.n > 0);
}

bool
scim_text_starts(struct strv s, struct strv part, bool exact)
{
	if (exact)
		return strv_starts(s, part);
	while (s.n && part.n)
		if (fold(next(&s)) != fold(next(&part)))
			return false;
	return part.n == 0;
}

uint32_t
scim_text_next(struct strv *s, bool exact)
{
	uint32_t c = next(s);

	return exact ? c : fold(c);
}

static size_t
text_length(struct strv s)
{
	size_t n = 0;
	for (; s.n; n++)
		(void)next(&s);
	return n;
}

bool
scim_text_ends(struct strv s, struct strv part, bool exact)
{
	if (exact)
		return part.n <= s.n && strv_eq(strv_n(s.p + (s.n - part.n), part.n), part);
	size_t n = text_length(s), m = text_length(part);
	if (m > n)
		return false;
	for (; n > m; n--)
		(void)next(&s);
	return scim_text_eq(s, part, false);
}

bool
scim_text_contains(struct strv s, struct strv part, bool exact)
{
	if (part.n == 0)
		return true;
	/* UTF-8 synchronises itself: characters found at a character's start are whole characters, exact or not. */
	for (; s.n; (void)next(&s))
		if (scim_text_starts(s, part, exact))
			return true;
	return false;
}
