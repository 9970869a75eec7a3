/* SPDX-License-Identifier: Apache-2.0
 * Views of bytes. */
#include "dirhinge/base/strv.h"
#include "unit.h"

START_TEST(comparison)
{
	ck_assert(strv_eq(STRV("a"), STRV("a")));
	ck_assert(!strv_eq(STRV("a"), STRV("A")));
	ck_assert(!strv_eq(STRV("a"), STRV("ab")));
	ck_assert(strv_eq(strv_of(NULL), STRV("")));
	ck_assert(strv_eq(STRV("a\0b"), strv_n("a\0b", 3)));
	ck_assert(!strv_eq(STRV("a\0b"), STRV("a\0c")));
	ck_assert(strv_caseeq(STRV("userName"), STRV("USERNAME")));
	/* 0x40 and 0x60, 0x5B and 0x7B differ by the case bit but are no letters; É is not ASCII */
	ck_assert(!strv_caseeq(STRV("@"), STRV("`")));
	ck_assert(!strv_caseeq(STRV("["), STRV("{")));
	ck_assert(!strv_caseeq(STRV("\xC3\x89"), STRV("\xC3\xA9")));
	ck_assert(strv_starts(STRV("urn:x"), STRV("urn:")));
	ck_assert(strv_starts(STRV("urn:"), STRV("")));
	ck_assert(!strv_starts(STRV("ur"), STRV("urn:")));
	ck_assert(!strv_starts(STRV("URN:x"), STRV("urn:")));
	ck_assert(strv_casestarts(STRV("URN:x"), STRV("urn:")));
	ck_assert(!strv_casestarts(STRV("UR"), STRV("urn:")));
	ck_assert_int_lt(strv_cmp(STRV("a"), STRV("b")), 0);
	ck_assert_int_lt(strv_cmp(STRV("a"), STRV("aa")), 0);
	ck_assert_int_gt(strv_cmp(STRV("\xFF"), STRV("a")), 0);
	ck_assert_int_eq(strv_cmp(strv_of(NULL), STRV("")), 0);
	ck_assert(str_eq(NULL, NULL) && !str_eq(NULL, "") && !str_eq("", NULL) && str_eq("a", "a"));
	ck_assert(str_caseeq(NULL, NULL) && !str_caseeq("", NULL) && str_caseeq("aZ", "Az"));
}
END_TEST

START_TEST(parts)
{
	ck_assert(strv_eq(strv_trim(STRV(" \t\r\n a b \n")), STRV("a b")));
	ck_assert_uint_eq(strv_trim(STRV(" \n ")).n, 0);
	ck_assert(strv_eq(strv_trim(STRV("\va\f")), STRV("\va\f")));
	ck_assert_uint_eq(strv_chr(STRV("abcb"), 'b'), 1);
	ck_assert_uint_eq(strv_chr(STRV("abc"), 'x'), 3);
	ck_assert_uint_eq(strv_chr(STRV("ab\xE9"), '\xE9'), 2);
	ck_assert_uint_eq(strv_chr(strv_of(NULL), 'x'), 0);
}
END_TEST

/* The definition, read literally, as the oracle for all sequences of up to four bytes around the edges. */
static bool
valid_by_definition(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80             ? 1
		     : (s[0] & 0xE0) == 0xC0 ? 2
		     : (s[0] & 0xF0) == 0xE0 ? 3
		     : (s[0] & 0xF8) == 0xF0 ? 4
					     : 0;

	if (len != n)
		return false;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7FU >> n);

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return false;
		c = c << 6 | (s[i] & 0x3FU);
	}
	return c >= least[n] && c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
}

START_TEST(utf8)
{
	static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0};
	size_t n_edges = ARRAY_SIZE(edges), off = 99;

	for (unsigned lead = 0; lead < 256; lead++) {
		unsigned char s[4] = {(unsigned char)lead};
		/* one byte alone, and three more from the edges; a shorter sequence is complete with a prefix */
		for (size_t i = 0; i < n_edges * n_edges * n_edges; i++) {
			s[1] = edges[i % n_edges];
			s[2] = edges[i / n_edges % n_edges];
			s[3] = edges[i / n_edges / n_edges];
			for (size_t n = 2; n <= 4; n++)
				if (s[n - 1] >= 0x80) /* else the last byte is a character of its own */
					ck_assert_msg(valid_by_definition(s, n) ==
								      utf8_valid(strv_n((char *)s, n), NULL) ||
							      valid_by_definition(s, 1),
						      "%02x %02x %02x %02x (%zu)", s[0], s[1], s[2], s[3], n);
		}
		ck_assert_int_eq(utf8_valid(strv_n((char *)s, 1), NULL), lead < 0x80);
	}
	ck_assert(utf8_valid(STRV("a\0\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), NULL));
	ck_assert(!utf8_valid(STRV("ab\xE2\x82"), &off));
	ck_assert_uint_eq(off, 2);
	ck_assert(!utf8_valid(STRV("\xC3\xA9\x80"), &off));
	ck_assert_uint_eq(off, 2);
}
END_TEST

/* Every byte at every place in what is looked at eight bytes at a time. */
START_TEST(plain)
{
	char text[40];

	for (int c = 0; c < 256; c++) {
		bool ok = c >= ' ' && c < 0x7F && c != '"' && c != '\\';
		for (size_t n = 0; n < sizeof(text); n++)
			for (size_t at = 0; at < n; at++) {
				memset(text, n % 2 ? '~' : ' ', sizeof(text));
				text[at] = (char)c;
				ck_assert_uint_eq(strv_plain(strv_n(text, n)), ok ? n : at);
				ck_assert(c >= 0x80 || utf8_valid(strv_n(text, n), NULL));
				size_t off = n;
				ck_assert(c < 0x80 || (!utf8_valid(strv_n(text, n), &off) && off == at));
			}
	}
	ck_assert_uint_eq(strv_plain(strv_n(NULL, 0)), 0);
}
END_TEST

START_TEST(hints)
{
	static const char *const names[] = {"flavour", "uris", "bind_dn", "timeout", "pool_size", "a"};
	size_t n = ARRAY_SIZE(names);

	ck_assert_pstr_eq(str_nearest("flavor", names, n), "flavour");
	ck_assert_pstr_eq(str_nearest("FLAVOUR", names, n), "flavour");
	ck_assert_pstr_eq(str_nearest("urls", names, n), "uris");
	ck_assert_pstr_eq(str_nearest("binddn", names, n), "bind_dn");
	ck_assert_pstr_eq(str_nearest("timeuot", names, n), "timeout");
	ck_assert_pstr_eq(str_nearest("poolsizes", names, n), "pool_size");
	ck_assert_ptr_null(str_nearest("tmout_x", names, n));
	ck_assert_ptr_null(str_nearest("zz", names, n));
	ck_assert_ptr_null(str_nearest("flavour", names, 0));
	ck_assert_ptr_null(str_nearest("", names, n));
	ck_assert_ptr_null(
		str_nearest("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", names, n));
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"compare", comparison, 0}, {"compare", parts, 0}, {"utf8", utf8, 0},
		{"utf8", plain, 0},         {"hint", hints, 0},
	};

	return unit_run("strv", tests, ARRAY_SIZE(tests));
}
