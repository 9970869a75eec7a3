/* SPDX-License-Identifier: Apache-2.0
 * The string map. */
#include <signal.h>
#include <stdio.h>

#include "dirhinge/base/strmap.h"
#include "unit.h"

#define MANY 20000

START_TEST(many)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct strmap *m = strmap_new(a, false);
	static int values[MANY];
	char key[32];

	ck_assert_ptr_null(strmap_get(m, STRV("x")));
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(key, sizeof(key), "key-%d", i);

		ck_assert_ptr_null(strmap_put(m, strv_n(key, (size_t)n), &values[i]));
	}
	ck_assert_uint_eq(strmap_count(m), MANY);
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(key, sizeof(key), "key-%d", i);
		struct strv at;
		void *value;

		ck_assert_ptr_eq(strmap_get(m, strv_n(key, (size_t)n)), &values[i]);
		ck_assert(strmap_at(m, (size_t)i, &at, &value));
		ck_assert(strv_eq(at, strv_n(key, (size_t)n)));
		ck_assert_ptr_eq(value, &values[i]);
		key[n] = 'x';
		ck_assert_ptr_null(strmap_get(m, strv_n(key, (size_t)n + 1)));
	}
	ck_assert(!strmap_at(m, MANY, NULL, NULL));
	ck_assert(strmap_at(m, 0, NULL, NULL));
}
END_TEST

/* Of every size, before and after there is an index. */
START_TEST(each_size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	static int values[2][70];
	char key[32], other[32];

	for (int size = 0; size < 70; size++) {
		struct strmap *m = strmap_new(a, size % 2 == 0);

		for (int i = 0; i < size; i++) {
			size_t n = (size_t)snprintf(key, sizeof(key), "Key-%d", i);
			ck_assert_ptr_null(strmap_put(m, strv_n(key, n), &values[0][i]));
		}
		for (int i = 0; i < 70; i++) {
			size_t n = (size_t)snprintf(key, sizeof(key), "Key-%d", i);
			(void)snprintf(other, sizeof(other), "kEY-%d", i);
			void *want = i < size ? &values[0][i] : NULL;
			ck_assert_ptr_eq(strmap_get(m, strv_n(key, n)), want);
			ck_assert_ptr_eq(strmap_get(m, strv_n(other, n)), size % 2 == 0 ? want : NULL);
			if (i < size)
				ck_assert_ptr_eq(strmap_put(m, strv_n(key, n), &values[1][i]), want);
			key[n] = 'x';
			ck_assert_ptr_null(strmap_get(m, strv_n(key, n + 1)));
		}
		ck_assert_uint_eq(strmap_count(m), (size_t)size);
		for (int i = 0; i < size; i++) {
			void *value;
			ck_assert(strmap_at(m, (size_t)i, NULL, &value));
			ck_assert_ptr_eq(value, &values[1][i]);
		}
	}
}
END_TEST

START_TEST(replaced)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct strmap *m = strmap_new(a, false);
	int one, two;
	struct strv key;
	void *value;

	ck_assert_ptr_null(strmap_put(m, STRV("a"), &one));
	ck_assert_ptr_null(strmap_put(m, STRV("A"), &one));
	ck_assert_ptr_eq(strmap_put(m, STRV("a"), &two), &one);
	ck_assert_uint_eq(strmap_count(m), 2);
	ck_assert(strmap_at(m, 0, &key, &value));
	ck_assert(strv_eq(key, STRV("a")));
	ck_assert_ptr_eq(value, &two);
}
END_TEST

START_TEST(folded)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct strmap *m = strmap_new(a, true);
	int one, two;
	struct strv key;

	ck_assert_ptr_null(strmap_put(m, STRV("userNameIsLongerThanEightBytes"), &one));
	ck_assert_ptr_eq(strmap_get(m, STRV("USERNAMEisLONGERthanEIGHTbytes")), &one);
	ck_assert_ptr_eq(strmap_put(m, STRV("USERNAMEISLONGERTHANEIGHTBYTES"), &two), &one);
	ck_assert(strmap_at(m, 0, &key, NULL));
	ck_assert(strv_eq(key, STRV("userNameIsLongerThanEightBytes")));
}
END_TEST

START_TEST(keys_are_copied_bytes)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct strmap *m = strmap_new(a, false);
	char key[] = "a\0b";
	int one, two, empty;

	(void)strmap_put(m, strv_n(key, 3), &one);
	key[2] = 'c';
	ck_assert_ptr_null(strmap_put(m, strv_n(key, 3), &two));
	ck_assert_ptr_eq(strmap_get(m, strv_n("a\0b", 3)), &one);
	ck_assert_ptr_null(strmap_put(m, STRV(""), &empty));
	ck_assert_ptr_eq(strmap_get(m, strv_of(NULL)), &empty);
	/* a prefix, and zeros that fill a word of the hash, are other keys */
	ck_assert_ptr_null(strmap_get(m, strv_n("a", 1)));
	ck_assert_ptr_null(strmap_get(m, strv_n("\0\0", 2)));
}
END_TEST

START_TEST(null_value)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);

	(void)strmap_put(strmap_new(a, false), STRV("a"), NULL);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"map", many, 0},
		{"map", each_size, 0},
		{"map", replaced, 0},
		{"map", folded, 0},
		{"map", keys_are_copied_bytes, 0},
		{"misuse", null_value, SIGABRT},
	};

	return unit_run("strmap", tests, ARRAY_SIZE(tests));
}
