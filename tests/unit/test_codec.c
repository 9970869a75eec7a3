/* SPDX-License-Identifier: Apache-2.0
 * Base64, hex, UUIDs and times, there and back; single cases stand in tests/vectors/base. */
#include <stdio.h>
#include <time.h>

#include "dirhinge/base/codec.h"
#include "unit.h"

START_TEST(base64_there_and_back)
{
	unsigned char bytes[70];

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
		struct err e = ERR_INIT;
		struct strv back;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)(i * 151 + n * 7 + 3);
		struct strv in = strv_n((char *)bytes, n);
		char *text = base64_encode(a, in);

		ck_assert_uint_eq(strlen(text), (n + 2) / 3 * 4);
		ck_assert_int_eq(base64_decode(a, strv_of(text), &back, &e), 0);
		ck_assert(strv_eq(back, in));
		text = base64url_encode(a, in);
		ck_assert_ptr_null(strpbrk(text, "+/="));
		ck_assert_int_eq(base64url_decode(a, strv_of(text), &back, &e), 0);
		ck_assert(strv_eq(back, in));
	}
}
END_TEST

START_TEST(base64_alphabets)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);

	ck_assert_str_eq(base64_encode(a, STRV("\xFB\xFF\xBF")), "+/+/");
	ck_assert_str_eq(base64url_encode(a, STRV("\xFB\xFF\xBF")), "-_-_");
	ck_assert_str_eq(base64_encode(a, STRV("fo")), "Zm8=");
	ck_assert_str_eq(base64url_encode(a, STRV("fo")), "Zm8");
	ck_assert_str_eq(base64_encode(a, STRV("")), "");
}
END_TEST

/* One value, one text: every text that decodes is the one that encoding gives. */
START_TEST(base64_canonical)
{
	static const char letters[] = "ABCQZahwz059+/-_= \n";
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	size_t n = sizeof(letters) - 1, taken = 0;

	for (size_t i = 0; i < n * n * n * n; i++) {
		const char text[4] = {letters[i % n], letters[i / n % n], letters[i / n / n % n],
				      letters[i / n / n / n]};
		struct strv out;

		if (base64_decode(a, strv_n(text, 4), &out, NULL) < 0)
			continue;
		ck_assert_mem_eq(base64_encode(a, out), text, 4);
		taken++;
	}
	ck_assert_uint_gt(taken, 10000);
}
END_TEST

START_TEST(hex)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct err e = ERR_INIT;
	unsigned char all[256], back[256], small[2] = {7, 7};

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	char *text = hex_encode(a, strv_n((char *)all, sizeof(all)));

	ck_assert(strncmp(text, "000102", 6) == 0 && strcmp(text + 508, "feff") == 0);
	ck_assert_int_eq(hex_decode(strv_of(text), back, sizeof(back), &e), 0);
	ck_assert_mem_eq(all, back, sizeof(all));
	ck_assert_int_eq(hex_decode(STRV("aBFf"), small, 2, &e), 0);
	ck_assert_mem_eq(small, "\xAB\xFF", 2);

	/* untouched on failure */
	ck_assert_int_eq(hex_decode(STRV("00g0"), small, 2, &e), -1);
	ck_assert_uint_eq(e.offset, 2);
	ck_assert_int_eq(hex_decode(STRV("000"), small, 2, &e), -1);
	ck_assert_uint_eq(e.offset, 3);
	ck_assert_int_eq(hex_decode(STRV("00"), small, 2, &e), -1);
	ck_assert_int_eq(hex_decode(STRV("000000"), small, 2, &e), -1);
	ck_assert_int_eq(hex_decode(STRV(""), small, 0, &e), 0);
	ck_assert_mem_eq(small, "\xAB\xFF", 2);
}
END_TEST

START_TEST(uuid)
{
	unsigned char bytes[16] = {0};
	char text[37];

	/* [MS-DTYP] 2.3.4: the text of the byte sequence 0..15 as a GUID */
	for (size_t i = 0; i < 16; i++)
		bytes[i] = (unsigned char)i;
	guid_format(bytes, text);
	ck_assert_str_eq(text, "03020100-0504-0706-0809-0a0b0c0d0e0f");
	uuid_format(bytes, text);
	ck_assert_str_eq(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	ck_assert(uuid_valid(strv_of(text)));
	ck_assert(!uuid_valid(strv_n(text, 35)));
	ck_assert(!uuid_valid(strv_n(text, 37)));
	ck_assert_int_eq(uuid_parse(STRV("x"), bytes, NULL), -1);
	ck_assert_uint_eq(bytes[15], 15);
}
END_TEST

/* Every day of the calendar, against a count of its own. */
START_TEST(every_day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t us = INT64_C(-62167219200) * 1000000;
	char expected[32], text[32], plain[24];
	struct err e = ERR_INIT;

	for (int year = 0; year <= 9999; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int month = 1; month <= 12; month++) {
			int n = days[month - 1] + (month == 2 && leap);

			for (int day = 1; day <= n; day++, us += INT64_C(86400000000)) {
				int64_t back = -1;

				if (day != 1 && day != n && (year < 1960 || year > 2110))
					continue;
				(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT00:00:00Z", year, month,
					       day);
				time_to_rfc3339(us, text);
				ck_assert_str_eq(text, expected);
				ck_assert_int_eq(time_from_rfc3339(strv_of(text), &back, &e), 0);
				ck_assert_int_eq(back, us);
				time_to_generalized(us + 86399999999, plain);
				ck_assert_int_eq(time_from_generalized(strv_of(plain), &back, &e), 0);
				ck_assert_int_eq(back, us + 86399999999);
			}
		}
	}
	ck_assert_int_eq(us, INT64_C(253402300800) * 1000000);
}
END_TEST

START_TEST(the_same_as_the_library)
{
	for (int64_t s = -5000000000; s < 15000000000; s += 12345677) {
		time_t t = (time_t)s;
		struct tm tm;
		char expected[32], text[32];

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		ck_assert_uint_gt(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
		time_to_rfc3339(s * 1000000, text);
		ck_assert_str_eq(text, expected);
	}
}
END_TEST

START_TEST(fractions)
{
	char text[32], plain[24];

	time_to_rfc3339(1, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:00.000001Z");
	time_to_rfc3339(-1, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
	time_to_rfc3339(1500000, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:01.500000Z");
	time_to_generalized(1500000, plain);
	ck_assert_str_eq(plain, "19700101000001.500000Z");
	time_to_generalized(-1, plain);
	ck_assert_str_eq(plain, "19691231235959.999999Z");
	time_to_generalized(0, plain);
	ck_assert_str_eq(plain, "19700101000000Z");
}
END_TEST

START_TEST(untouched_on_failure)
{
	int64_t us = 42;

	ck_assert_int_eq(time_from_generalized(STRV("20260101000000"), &us, NULL), -1);
	ck_assert_int_eq(time_from_rfc3339(STRV("2026-01-01T00:00:00Zx"), &us, NULL), -1);
	ck_assert_int_eq(us, 42);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"base64", base64_there_and_back, 0},
		{"base64", base64_alphabets, 0},
		{"base64", base64_canonical, 0},
		{"hex", hex, 0},
		{"uuid", uuid, 0},
		{"time", every_day, 0},
		{"time", the_same_as_the_library, 0},
		{"time", fractions, 0},
		{"time", untouched_on_failure, 0},
	};

	return unit_run("codec", tests, ARRAY_SIZE(tests));
}
