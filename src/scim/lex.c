/* SPDX-License-Identifier: Apache-2.0
 * Words and values of filters and paths. */
#include "lex.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Longer than any finite double or 64-bit integer that somebody writes on purpose. */
#define MAX_NUMBER 64

int
scim_lex_init(struct scim_lex *l, struct arena *a, struct strv text, size_t max, enum err_code code, struct err *e)
{
	size_t bad;
	if (text.n > max)
		return err_at(e, (uint32_t)max, code, "longer than %zu bytes", max);
	if (!utf8_valid(text, &bad))
		return err_at(e, (uint32_t)bad, code, "not valid UTF-8");
	*l = (struct scim_lex){.a = a, .text = text, .code = code};
	return 0;
}

bool
scim_lex_end(const struct scim_lex *l)
{
	return l->pos == l->text.n;
}

char
scim_lex_peek(const struct scim_lex *l)
{
	return scim_lex_end(l) ? '\0' : l->text.p[l->pos];
}

uint32_t
scim_lex_offset(const struct scim_lex *l)
{
	return (uint32_t)l->pos;
}

void
scim_lex_blanks(struct scim_lex *l)
{
	while (scim_lex_peek(l) == ' ' || scim_lex_peek(l) == '\t')
		l->pos++;
}

bool
scim_lex_take(struct scim_lex *l, char c)
{
	if (scim_lex_end(l) || l->text.p[l->pos] != c)
		return false;
	l->pos++;
	return true;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_word(char c)
{
	/* '$' for $ref (standards S2); the rest are the bytes of URNs in use, also http:// ones of old clients. */
	return is_alnum(c) || (c && strchr("-_.:$/%+@~", c));
}

struct scim_lex_word
scim_lex_word(struct scim_lex *l)
{
	size_t from = l->pos;
	while (!scim_lex_end(l) && is_word(l->text.p[l->pos]))
		l->pos++;
	return (struct scim_lex_word){strv_n(l->text.p + from, l->pos - from), (uint32_t)from};
}

bool
scim_lex_keyword(struct scim_lex *l, const char *word)
{
	size_t from = l->pos;
	if (strv_caseeq(scim_lex_word(l).text, strv_of(word)))
		return true;
	l->pos = from;
	return false;
}

/* --- strings ---------------------------------------------------------------------------------------------------- */

static int
hex4(struct scim_lex *l, uint32_t *u_r, struct err *e)
{
	uint32_t u = 0;
	for (int i = 0; i < 4; i++) {
		char c = scim_lex_peek(l);
		if (c >= '0' && c <= '9')
			u = u * 16 + (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			u = u * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return err_at(e, scim_lex_offset(l), l->code, "expected four hexadecimal digits after \\u");
		l->pos++;
	}
	*u_r = u;
	return 0;
}

static size_t
utf8_put(uint32_t u, char *out)
{
	if (u < 0x80) {
		out[0] = (char)u;
		return 1;
	}
	if (u < 0x800) {
		out[0] = (char)(0xc0 | u >> 6);
		out[1] = (char)(0x80 | (u & 0x3f));
		return 2;
	}
	if (u < 0x10000) {
		out[0] = (char)(0xe0 | u >> 12);
		out[1] = (char)(0x80 | (u >> 6 & 0x3f));
		out[2] = (char)(0x80 | (u & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | u >> 18);
	out[1] = (char)(0x80 | (u >> 12 & 0x3f));
	out[2] = (char)(0x80 | (u >> 6 & 0x3f));
	out[3] = (char)(0x80 | (u & 0x3f));
	return 4;
}

/* Behind "\u". RFC 8259 7: characters above U+FFFF are a pair of surrogates; one alone is no character. */
static int
unicode_escape(struct scim_lex *l, uint32_t start, uint32_t *u_r, struct err *e)
{
	uint32_t hi = 0, lo = 0;
	if (hex4(l, &hi, e))
		return -1;
	if (hi == 0)
		return err_at(e, start, l->code, "U+0000 is not allowed in a value");
	if (hi < 0xd800 || hi > 0xdfff) {
		*u_r = hi;
		return 0;
	}
	if (hi > 0xdbff || !scim_lex_take(l, '\\') || !scim_lex_take(l, 'u'))
		return err_at(e, start, l->code, "a lone surrogate is not a character");
	if (hex4(l, &lo, e))
		return -1;
	if (lo < 0xdc00 || lo > 0xdfff)
		return err_at(e, start, l->code, "a lone surrogate is not a character");
	*u_r = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
	return 0;
}

/* Behind '\'; appends to out. An escape is never shorter than what it stands for. */
static int
string_escape(struct scim_lex *l, char *out, size_t *n, struct err *e)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	uint32_t start = scim_lex_offset(l) - 1;
	char c = scim_lex_peek(l);
	const char *at = c ? strchr(letters, c) : NULL;
	if (at) {
		out[(*n)++] = meant[at - letters];
		l->pos++;
		return 0;
	}
	uint32_t u = 0;
	if (!scim_lex_take(l, 'u'))
		return err_at(e, start, l->code, "unknown escape in a string");
	if (unicode_escape(l, start, &u, e))
		return -1;
	*n += utf8_put(u, out + *n);
	return 0;
}

/* Position of the closing quote, or the end of the text. */
static size_t
closing_quote(struct strv s, size_t i)
{
	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
	return i;
}

/* RFC 7644 figure 1: compValue is a JSON value (RFC 8259). */
static int
quoted(struct scim_lex *l, struct scim_lex_value *v, struct err *e)
{
	size_t end = closing_quote(l->text, ++l->pos);
	if (end == l->text.n)
		return err_at(e, v->offset, l->code, "the string that begins here has no closing quote");
	char *out = arena_alloc(l->a, end - l->pos + 1);
	size_t n = 0;
	while (l->pos < end) {
		char c = l->text.p[l->pos];
		if ((unsigned char)c < 0x20)
			return err_at(e, scim_lex_offset(l), l->code,
				      "a control character in a string must be escaped");
		l->pos++;
		if (c != '\\')
			out[n++] = c;
		else if (string_escape(l, out, &n, e))
			return -1;
	}
	l->pos = end + 1;
	v->kind = SCIM_LEX_QUOTED;
	v->value = json_keep(l->a, json_stringn(out, n));
	return 0;
}

/* --- numbers and words ------------------------------------------------------------------------------------------ */

static size_t
digits(struct strv s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/* RFC 8259 6: [-] int [frac] [exp], no leading zeros. *integral_r: without fraction and exponent. */
static bool
is_number(struct strv s, bool *integral_r)
{
	size_t i = s.n && s.p[0] == '-' ? 1 : 0;
	size_t end = digits(s, i);
	if (end == i || (s.p[i] == '0' && end > i + 1))
		return false;
	*integral_r = end == s.n;
	if (end < s.n && s.p[end] == '.') {
		i = end + 1;
		end = digits(s, i);
		if (end == i)
			return false;
	}
	if (end < s.n && (s.p[end] | 0x20) == 'e') {
		i = end + 1;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		end = digits(s, i);
		if (end == i)
			return false;
	}
	return end == s.n;
}

/* NULL if the number does not fit. */
static json_t *
number_of(struct strv s, bool integral)
{
	char text[MAX_NUMBER + 1] = "";
	if (s.n > MAX_NUMBER)
		return NULL;
	memcpy(text, s.p, s.n);
	errno = 0;
	if (integral) {
		long long i = strtoll(text, NULL, 10);
		return errno ? NULL : json_integer(i);
	}
	double d = strtod(text, NULL);
	return isfinite(d) ? json_real(d) : NULL;
}

static int
unquoted(struct scim_lex *l, struct scim_lex_value *v, struct err *e)
{
	size_t from = l->pos;
	for (; !scim_lex_end(l); l->pos++) {
		unsigned char c = (unsigned char)l->text.p[l->pos];
		if (c == ' ' || c == '\t' || c == ')' || c == ']')
			break;
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '(' || c == '[')
			return err_at(e, scim_lex_offset(l), l->code, "a value with this character must be quoted");
	}
	v->text = strv_n(l->text.p + from, l->pos - from);
	if (v->text.n == 0)
		return err_at(e, v->offset, l->code, "expected a value");
	bool integral = false;
	v->kind = SCIM_LEX_LITERAL;
	if (strv_eq(v->text, STRV("true")))
		v->value = json_true();
	else if (strv_eq(v->text, STRV("false")))
		v->value = json_false();
	else if (strv_eq(v->text, STRV("null")))
		v->value = json_null();
	else if (is_number(v->text, &integral))
		v->value = json_keep(l->a, number_of(v->text, integral));
	/* A number out of range is text like any other word: fit for a string attribute, refused by a number. */
	if (!v->value)
		v->kind = SCIM_LEX_BARE;
	return 0;
}

int
scim_lex_value(struct scim_lex *l, struct scim_lex_value *v_r, struct err *e)
{
	struct scim_lex_value v = {.offset = scim_lex_offset(l)};
	size_t from = l->pos;
	if ((scim_lex_peek(l) == '"' ? quoted(l, &v, e) : unquoted(l, &v, e)))
		return -1;
	v.text = strv_n(l->text.p + from, l->pos - from);
	*v_r = v;
	return 0;
}
