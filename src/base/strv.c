/* SPDX-License-Identifier: Apache-2.0
 * Comparison, trimming, UTF-8 and spelling hints on views of bytes. */
#include "dirhinge/base/strv.h"

#define HINT_MAX 64 /* longer names get no hint */

static unsigned char
fold(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

static bool
same_fold(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

bool
strv_eq(struct strv a, struct strv b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
strv_caseeq(struct strv a, struct strv b)
{
	return a.n == b.n && same_fold(a.p, b.p, a.n);
}

bool
strv_starts(struct strv s, struct strv prefix)
{
	return s.n >= prefix.n && strv_eq(strv_n(s.p, prefix.n), prefix);
}

bool
strv_casestarts(struct strv s, struct strv prefix)
{
	return s.n >= prefix.n && same_fold(s.p, prefix.p, prefix.n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct strv
strv_trim(struct strv s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t
strv_chr(struct strv s, char c)
{
	const char *hit = s.n > 0 ? memchr(s.p, (unsigned char)c, s.n) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

int
strv_cmp(struct strv a, struct strv b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int diff = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (diff != 0)
		return diff;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
str_caseeq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	/* Names mostly differ in the first letters: their lengths are not worth asking for. */
	while (*a != '\0' && (*a == *b || fold(*a) == fold(*b))) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Length of the sequence of two bytes or more that s begins with, 0 if it is not valid. */
static size_t
utf8_sequence(const unsigned char *s, size_t left)
{
	/* RFC 3629 4: lead bytes and the range of the second byte; the range is what keeps out overlong forms (E0, F0),
	 * surrogates (ED) and code points above U+10FFFF (F4). */
	static const struct {
		unsigned char lead_lo, lead_hi, second_lo, second_hi, n;
	} rows[] = {
		{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
		{0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
		{0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		if (s[0] < rows[r].lead_lo || s[0] > rows[r].lead_hi)
			continue;
		if (left < rows[r].n || s[1] < rows[r].second_lo || s[1] > rows[r].second_hi)
			return 0;
		for (size_t i = 2; i < rows[r].n; i++)
			if ((s[i] & 0xC0) != 0x80)
				return 0;
		return rows[r].n;
	}
	return 0;
}

/* --- eight bytes at a time ----------------------------------------------------------------------------------------
 * Nearly all text is plain ASCII: the high bit of a byte is set where something was found in it, or in one below it. */

#define EACH(c) (UINT64_C(0x0101010101010101) * (c))

static uint64_t
load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static uint64_t
below(uint64_t x, unsigned char c)
{
	return (x - EACH(c)) & ~x & EACH(0x80);
}

size_t
strv_plain(struct strv s)
{
	size_t i = 0;

	while (s.n - i >= 8) {
		uint64_t x = load8(s.p + i);

		if ((x & EACH(0x80)) | below(x, ' ') | below(x ^ EACH('"'), 1) | below(x ^ EACH('\\'), 1) |
		    below(x ^ EACH(0x7F), 1))
			break;
		i += 8;
	}
	while (i < s.n && s.p[i] >= ' ' && s.p[i] < 0x7F && s.p[i] != '"' && s.p[i] != '\\')
		i++;
	return i;
}

bool
utf8_valid(struct strv s, size_t *off_r)
{
	for (size_t i = 0; i < s.n;) {
		if (s.n - i >= 8 && (load8(s.p + i) & EACH(0x80)) == 0) {
			i += 8;
			continue;
		}
		if ((unsigned char)s.p[i] < 0x80) {
			i++;
			continue;
		}
		size_t n = utf8_sequence((const unsigned char *)s.p + i, s.n - i);

		if (n == 0) {
			if (off_r != NULL)
				*off_r = i;
			return false;
		}
		i += n;
	}
	return true;
}

/* Levenshtein distance without ASCII case; both at most HINT_MAX long. */
static size_t
distance(struct strv a, struct strv b)
{
	size_t row[HINT_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = diagonal + (fold(a.p[i - 1]) != fold(b.p[j - 1]));

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

const char *
str_nearest(const char *s, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = 3;
	struct strv word = strv_of(s);

	if (word.n > HINT_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct strv name = strv_of(names[i]);

		if (name.n > HINT_MAX)
			continue;
		size_t d = distance(word, name);

		/* "a" is two edits away from every word of up to three letters: that is no hint. */
		if (d < best_distance && d < name.n) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
