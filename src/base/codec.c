/* SPDX-License-Identifier: Apache-2.0
 * Base64 (both alphabets), hex, UUIDs in both byte orders. */
#include "dirhinge/base/codec.h"

struct alphabet {
	const char *letters;
	bool padded;
};

static const struct alphabet standard = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const struct alphabet url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

static const char hex_digits[] = "0123456789abcdef";

static char *
encode(struct arena *a, const struct alphabet *abc, struct strv in)
{
	must(in.n < SIZE_MAX / 2);
	char *out = arena_alloc(a, in.n / 3 * 4 + 5);
	char *o = out;

	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t bits = (uint32_t)(unsigned char)in.p[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)in.p[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)in.p[i + 2];
		*o++ = abc->letters[bits >> 18];
		*o++ = abc->letters[bits >> 12 & 63];
		if (left > 1)
			*o++ = abc->letters[bits >> 6 & 63];
		else if (abc->padded)
			*o++ = '=';
		if (left > 2)
			*o++ = abc->letters[bits & 63];
		else if (abc->padded)
			*o++ = '=';
	}
	return out;
}

static int
letter_value(const struct alphabet *abc, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == abc->letters[62])
		return 62;
	return c == abc->letters[63] ? 63 : -1;
}

/* Bytes of in without the padding, which must be complete. */
static int
unpad(const struct alphabet *abc, struct strv in, size_t *n_r, struct err *e)
{
	size_t n = in.n;

	if (abc->padded) {
		if (n % 4 != 0)
			return err_at(e, n, ERR_PARSE, "the base64 text is not a multiple of 4 characters long");
		for (int i = 0; i < 2 && n > 0 && in.p[n - 1] == '='; i++)
			n--;
	}
	if (n % 4 == 1)
		return err_at(e, n, ERR_PARSE, "the base64 text ends in the middle of a byte");
	*n_r = n;
	return 0;
}

static int
decode(struct arena *a, const struct alphabet *abc, struct strv in, struct strv *out_r, struct err *e)
{
	size_t n = 0, used = 0;
	uint32_t bits = 0;

	if (unpad(abc, in, &n, e) < 0)
		return -1;
	char *out = arena_alloc(a, n / 4 * 3 + 4);

	for (size_t i = 0; i < n; i++) {
		int v = letter_value(abc, in.p[i]);

		if (v < 0)
			return err_at(e, i, ERR_PARSE, "a character is not allowed in base64");
		bits = bits << 6 | (uint32_t)v;
		/* 6 bits come in, a byte goes out as soon as 8 are there: at the 2nd, 3rd and 4th letter */
		if (i % 4 != 0)
			out[used++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xFF);
	}
	/* RFC 4648 3.5: other bits than zero behind the last byte would give one value several spellings. */
	if ((n % 4 == 2 && (bits & 0xF) != 0) || (n % 4 == 3 && (bits & 0x3) != 0))
		return err_at(e, n - 1, ERR_PARSE, "the last base64 character has bits beyond the end of the value");
	*out_r = strv_n(out, used);
	return 0;
}

char *
base64_encode(struct arena *a, struct strv in)
{
	return encode(a, &standard, in);
}

int
base64_decode(struct arena *a, struct strv in, struct strv *out_r, struct err *e)
{
	return decode(a, &standard, in, out_r, e);
}

char *
base64url_encode(struct arena *a, struct strv in)
{
	return encode(a, &url, in);
}

int
base64url_decode(struct arena *a, struct strv in, struct strv *out_r, struct err *e)
{
	return decode(a, &url, in, out_r, e);
}

int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of two digits that were checked. */
static unsigned char
hex_byte(const char *digits)
{
	return (unsigned char)((unsigned)hex_value(digits[0]) << 4 | (unsigned)hex_value(digits[1]));
}

char *
hex_encode(struct arena *a, struct strv in)
{
	must(in.n < SIZE_MAX / 4);
	char *out = arena_alloc(a, in.n * 2 + 1);

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		out[2 * i] = hex_digits[c >> 4];
		out[2 * i + 1] = hex_digits[c & 15];
	}
	return out;
}

int
hex_decode(struct strv in, unsigned char *out, size_t out_size, struct err *e)
{
	/* Looked through first: the output stays untouched on failure. */
	for (size_t i = 0; i < in.n; i++)
		if (hex_value(in.p[i]) < 0)
			return err_at(e, i, ERR_PARSE, "expected a hexadecimal digit");
	if (in.n % 2 != 0 || in.n / 2 != out_size)
		return err_at(e, in.n, ERR_PARSE, "expected %zu hexadecimal digits", out_size * 2);
	for (size_t i = 0; i < out_size; i++)
		out[i] = hex_byte(in.p + 2 * i);
	return 0;
}

#define UUID_TEXT 36

static bool
uuid_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

/* Offset of the first character that does not belong into a UUID; UUID_TEXT if it is one. */
static size_t
uuid_check(struct strv s)
{
	size_t i = 0;

	while (i < UUID_TEXT && i < s.n && (uuid_dash(i) ? s.p[i] == '-' : hex_value(s.p[i]) >= 0))
		i++;
	return i;
}

bool
uuid_valid(struct strv s)
{
	return s.n == UUID_TEXT && uuid_check(s) == UUID_TEXT;
}

int
uuid_parse(struct strv s, unsigned char out[16], struct err *e)
{
	size_t n = 0;

	if (!uuid_valid(s))
		return err_at(e, uuid_check(s), ERR_PARSE, "expected a UUID like 8a0a79a1-0b4c-4f3e-9d5c-0123456789ab");
	for (size_t i = 0; i < UUID_TEXT; i += 2) {
		if (uuid_dash(i))
			i++;
		out[n++] = hex_byte(s.p + i);
	}
	return 0;
}

static void
format_uuid(const unsigned char in[16], const unsigned char order[16], char out[37])
{
	char *o = out;

	for (size_t i = 0; i < 16; i++) {
		if (uuid_dash((size_t)(o - out)))
			*o++ = '-';
		*o++ = hex_digits[in[order[i]] >> 4];
		*o++ = hex_digits[in[order[i]] & 15];
	}
	*o = '\0';
}

void
uuid_format(const unsigned char in[16], char out[37])
{
	static const unsigned char order[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

	format_uuid(in, order, out);
}

/* [MS-DTYP] 2.3.4.2: the groups of 4, 2 and 2 bytes are stored little-endian, the rest as it is read. */
void
guid_format(const unsigned char in[16], char out[37])
{
	static const unsigned char order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	format_uuid(in, order, out);
}
