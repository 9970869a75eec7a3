/* SPDX-License-Identifier: Apache-2.0
 * The growing buffer and its ceiling. */
#include "dirhinge/base/buf.h"
#include "unit.h"

START_TEST(appends)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(100000);

	ck_assert_str_eq(buf_str(&b), "");
	ck_assert_uint_eq(buf_view(&b).n, 0);
	for (int i = 0; i < 1000; i++) {
		buf_adds(&b, "ab");
		buf_addv(&b, STRV("cd"));
		buf_addc(&b, 'e');
		buf_printf(&b, "%03d", i);
		ck_assert_uint_eq(strlen(b.p), b.n);
	}
	ck_assert_uint_eq(b.n, 8000);
	ck_assert(!b.full);
	ck_assert(strv_starts(buf_view(&b), STRV("abcde000abcde001")));
	buf_add(&b, "x\0y", 3);
	ck_assert_uint_eq(b.n, 8003);
	buf_add(&b, NULL, 0);
	ck_assert_uint_eq(b.n, 8003);
}
END_TEST

START_TEST(ceiling)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(10);

	buf_adds(&b, "0123456789");
	ck_assert(!b.full);
	buf_adds(&b, "");
	ck_assert(!b.full);
	buf_addc(&b, 'x');
	ck_assert(b.full);
	ck_assert_str_eq(buf_str(&b), "0123456789");

	/* what would fit again is dropped, too: a text with a hole is worse than a short one */
	buf_reset(&b);
	buf_adds(&b, "01234567");
	buf_printf(&b, "%s", "xyz");
	ck_assert(b.full);
	buf_addc(&b, '8');
	ck_assert_str_eq(buf_str(&b), "01234567");

	buf_done(&b);
	ck_assert_uint_eq(b.limit, 10);
	ck_assert(!b.full);
	buf_adds(&b, "again");
	ck_assert_str_eq(buf_str(&b), "again");
	buf_add(&b, "x", SIZE_MAX);
	ck_assert(b.full);
}
END_TEST

START_TEST(reserved)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

	buf_reserve(&b, 1001); /* more than may be: not an append, so nothing is dropped */
	ck_assert(!b.full);
	buf_reserve(&b, 500);
	ck_assert_str_eq(buf_str(&b), "");
	const char *at = b.p;
	for (int i = 0; i < 500; i++)
		buf_addc(&b, 'x');
	ck_assert_ptr_eq(b.p, at);
	ck_assert_uint_eq(b.n, 500);
	buf_reserve(&b, 500);
	ck_assert_uint_eq(strlen(buf_str(&b)), 500);
	ck_assert(!b.full);
}
END_TEST

START_TEST(no_ceiling)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(SIZE_MAX);

	buf_adds(&b, "text");
	ck_assert_str_eq(buf_str(&b), "text");
	buf_add(&b, "x", SIZE_MAX - 4);
	ck_assert(b.full);
}
END_TEST

START_TEST(nothing_fits)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	buf_adds(&b, "");
	ck_assert(!b.full);
	buf_addc(&b, 'x');
	ck_assert(b.full);
	ck_assert_str_eq(buf_str(&b), "");
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"append", appends, 0},   {"append", reserved, 0},    {"limit", ceiling, 0},
		{"limit", no_ceiling, 0}, {"limit", nothing_fits, 0},
	};

	return unit_run("buf", tests, ARRAY_SIZE(tests));
}
