/* SPDX-License-Identifier: Apache-2.0
 * The arena: what it hands out, how it dies, and that ASan sees one byte too far. */
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>

#include "dirhinge/base/arena.h"
#include "unit.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif

START_TEST(zeroed_and_aligned)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(0);
	unsigned char *last = NULL;

	for (size_t size = 0; size < 700; size++) {
		unsigned char *p = arena_alloc(a, size);

		ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
		ck_assert_ptr_ne(p, last);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xAA, size);
		last = p;
	}
	ck_assert_uint_eq(arena_used(a), 700 * 699 / 2);
}
END_TEST

START_TEST(large_objects_keep_the_block)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	char *small = arena_strdup(a, "before");
	unsigned char *large = arena_alloc(a, 1024 * 1024);
	char *after = arena_strdup(a, "after");

	memset(large, 0x55, 1024 * 1024);
	ck_assert_str_eq(small, "before");
	ck_assert_str_eq(after, "after");
	/* the rest of the first block is used on: both small ones are near to each other */
	ck_assert_int_lt(labs((long)(after - small)), 4096);
}
END_TEST

START_TEST(large_first)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	unsigned char *large = arena_alloc(a, 100000);

	memset(large, 1, 100000);
	memset(arena_alloc(a, 100), 2, 100);
	ck_assert_uint_eq(large[99999], 1);
}
END_TEST

START_TEST(copies)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(64);
	char source[] = "abc\0def";
	char *copy = arena_strndup(a, source, 7);

	source[0] = 'X';
	ck_assert_mem_eq(copy, "abc\0def", 8);
	ck_assert_str_eq(arena_strndup(a, NULL, 0), "");
	ck_assert_mem_eq(arena_memdup(a, "\1\2\3", 3), "\1\2\3", 3);
	ck_assert_str_eq(arena_printf(a, "%s-%d", "x", 42), "x-42");
	ck_assert_str_eq(arena_printf(a, "%s", ""), "");

	const struct strv parts[] = {STRV("ab"), {NULL, 0}, STRV(""), STRV("c\0d")};
	ck_assert_mem_eq(arena_join(a, parts, ARRAY_SIZE(parts)), "abc\0d", 6);
	ck_assert_str_eq(arena_join(a, parts, 0), "");

	char *wide = arena_printf(a, "%05000d", 7);

	ck_assert_uint_eq(strlen(wide), 5000);
	ck_assert_int_eq(wide[4999], '7');
}
END_TEST

/* Deferred functions write their mark into a buffer that outlives the arena. */
struct mark {
	char *out;
	const char *text; /* in the arena: must still be readable */
};

static void
write_mark(void *p)
{
	const struct mark *m = p;

	strncat(m->out, m->text, 1);
}

START_TEST(growth)
{
	struct arena *a = arena_new(64);
	size_t *v = NULL, n = 0, cap = 0, moves = 0;

	while (n < 1000) {
		size_t *before = v;

		v = ARENA_GROW(a, v, n, &cap, 3);
		moves += v != before;
		ck_assert_uint_gt(cap, n);
		v[n] = n;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(v[i], i);
	ck_assert_uint_eq(cap, 3 * 512);
	ck_assert_uint_eq(moves, 10);
	ck_assert_ptr_eq(ARENA_GROW(a, v, n, &cap, 3), v);
	arena_free(&a);
}
END_TEST

START_TEST(deferred_newest_first)
{
	char out[8] = "";
	struct arena *a = arena_new(64);

	for (int i = 0; i < 3; i++) {
		struct mark *m = ARENA_NEW(a, struct mark);

		*m = (struct mark){.out = out, .text = arena_printf(a, "%d", i)};
		arena_defer(a, write_mark, m);
	}
	arena_defer(a, write_mark, NULL);
	arena_free(&a);
	ck_assert_ptr_null(a);
	ck_assert_str_eq(out, "210");
	arena_free(&a);
}
END_TEST

/* Used again and again, with everything that can be in an arena: one block, several, one object larger than all. */
START_TEST(reset)
{
	char out[8] = "";
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const void *first = NULL;

	for (size_t round = 0; round < 6; round++) {
		static const size_t sizes[] = {1, 500, 1023, 1024, 1025, 3000, 100000, 9000, 40};

		/* the first block stays, the others go, a large one among them that came before it */
		if (round == 3)
			memset(arena_alloc(a, 200000), 0xAA, 200000);
		const char *p = arena_strdup(a, "x");

		ck_assert(round == 0 || p == first);
		first = p;
		for (size_t i = 0; i < round * 2 && i < ARRAY_SIZE(sizes); i++) {
			unsigned char *v = arena_alloc(a, sizes[i]);

			for (size_t k = 0; k < sizes[i]; k++)
				ck_assert_uint_eq(v[k], 0);
			memset(v, 0xAA, sizes[i]);
		}
		struct mark *m = ARENA_NEW(a, struct mark);

		*m = (struct mark){.out = out, .text = arena_printf(a, "%zu", round)};
		arena_defer(a, write_mark, m);
		arena_reset(a);
		ck_assert_uint_eq(arena_used(a), 0);
	}
	ck_assert_str_eq(out, "012345");
}
END_TEST

START_TEST(array_overflow)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(64);

	(void)arena_array(a, SIZE_MAX / 8, 16);
}
END_TEST

#ifdef HAVE_ASAN
START_TEST(red_zones)
{
	struct arena *a = arena_new(4096);
	char *first = arena_alloc(a, 10);
	char *second = arena_alloc(a, 10);

	ck_assert_int_eq(__asan_address_is_poisoned(first + 9), 0);
	ck_assert_int_ne(__asan_address_is_poisoned(first + 10), 0);
	ck_assert_int_ne(__asan_address_is_poisoned(second - 1), 0);
	ck_assert_int_ne(__asan_address_is_poisoned(second + 10), 0);
	/* memory that was never handed out */
	ck_assert_int_ne(__asan_address_is_poisoned(second + 1000), 0);
	arena_reset(a);
	ck_assert_int_ne(__asan_address_is_poisoned(first), 0);
	ck_assert_int_ne(__asan_address_is_poisoned(second), 0);
	arena_free(&a);
}
END_TEST
#endif

int
main(void)
{
	const struct unit_test tests[] = {
		{"objects", zeroed_and_aligned, 0},
		{"objects", large_objects_keep_the_block, 0},
		{"objects", large_first, 0},
		{"objects", copies, 0},
		{"objects", growth, 0},
		{"end", deferred_newest_first, 0},
		{"end", reset, 0},
		{"limits", array_overflow, SIGABRT},
#ifdef HAVE_ASAN
		{"asan", red_zones, 0},
#endif
	};

	return unit_run("arena", tests, ARRAY_SIZE(tests));
}
