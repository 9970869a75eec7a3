/* SPDX-License-Identifier: Apache-2.0
 * Parts of the change feed that need no directory: the map of ids, the limit and the brake of removals. */
#include <inttypes.h>
#include <stdio.h>

#include "store_case.h"
#include "sync/idmap.h"
#include "sync/sync_priv.h"
#include "unit.h"

/* --- ids --- */

static const char *
id_of(uint64_t n)
{
	/* like entryUUID of OpenLDAP: little changes from one to the next */
	return arena_printf(a, "%08" PRIx64 "-7943-1041-9151-07553df765da", n);
}

START_TEST(many_ids_are_kept_apart)
{
	DH_CLEANUP(sync_idmap_free) struct idmap *m = sync_idmap_new();
	uint64_t v;

	for (uint64_t i = 0; i < 20000; i++)
		ck_assert_int_eq(sync_idmap_put(m, id_of(i), i, &e), 0);
	ck_assert_uint_eq(sync_idmap_count(m), 20000);
	for (uint64_t i = 0; i < 20000; i++) {
		ck_assert(sync_idmap_get(m, id_of(i), &v));
		ck_assert_uint_eq(v, i);
	}
	ck_assert(!sync_idmap_get(m, id_of(20000), &v));
	ck_assert_int_eq(sync_idmap_put(m, id_of(7), 8, &e), 0);
	ck_assert_uint_eq(sync_idmap_count(m), 20000);
	ck_assert(sync_idmap_get(m, id_of(7), &v));
	ck_assert_uint_eq(v, 8);
}
END_TEST

START_TEST(an_id_has_many_spellings)
{
	DH_CLEANUP(sync_idmap_free) struct idmap *m = sync_idmap_new();
	static const char *const bad[] = {
		"",
		"-",
		"0",
		"00000000-0000-0000-0000-00000000000",
		"00000000-0000-0000-0000-0000000000000",
		"g0000000-0000-0000-0000-000000000000",
		"dc=example,dc=com",
	};
	uint64_t v = 0;

	ck_assert_int_eq(sync_idmap_put(m, "00000000-0000-0000-0000-000000000000", 1, &e), 0);
	ck_assert_int_eq(sync_idmap_put(m, "dc8ba882-1dd211b2-80c5f6f5-e4fe4e0b", 2, &e), 0);
	ck_assert(sync_idmap_get(m, "DC8BA882-1DD2-11B2-80C5-F6F5E4FE4E0B", &v) && v == 2);
	ck_assert(sync_idmap_get(m, "00000000000000000000000000000000", &v) && v == 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(sync_idmap_put(m, bad[i], 3, &e), -1);
		ck_assert_int_eq(e.code, ERR_PARSE);
		ck_assert(!sync_idmap_get(m, bad[i], &v));
		err_clear(&e);
	}
	ck_assert_uint_eq(sync_idmap_count(m), 2);
}
END_TEST

/* --- the limit --- */

START_TEST(the_larger_limit_counts)
{
	static const struct {
		int64_t removals, percent, known, limit;
	} cases[] = {
		{50, 5, 0, 50},
		{50, 5, 1000, 50},
		{50, 5, 1001, 50},
		{50, 5, 1020, 51},
		{50, 5, 100000, 5000},
		{1, 0, 1000000, 1},
		{1, 100, 250, 250},
		{50, 33, 199, 65},
		{1, 1, 99, 1},
		{1, 1, 200, 2},
		{1, 5, 39, 1},
		{1, 5, 40, 2},
		{50, 5, INT64_MAX, 461168601842738790},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sync_guard_opts g = {.max_removals = cases[i].removals, .max_percent = cases[i].percent};
		ck_assert_int_eq(sync_guard_limit(&g, cases[i].known), cases[i].limit);
	}
}
END_TEST

/* --- the brake, with a store --- */

struct run {
	struct sync sync;
	const char *because;
	int64_t from, n; /* events of one subject each */
	bool removal;
};

static int
append_and_check(struct store_tx *tx, void *ctx, struct err *why)
{
	struct run *r = ctx;

	for (int64_t i = r->from; i < r->from + r->n; i++) {
		struct store_event ev = store_case_event(i, arena_printf(a, "user-%" PRId64, i), r->removal);
		ev.at_us = r->sync.run.now_us;
		if (store_tx_event(tx, &ev, why) < 0)
			return -1;
	}
	return sync_guard_check(&r->sync, tx, r->because, why);
}

static void
play(struct run *r, int64_t from, int64_t n, bool removal, const char *because)
{
	r->sync.opts.store = s;
	r->sync.opts.guard = (struct sync_guard_opts){.max_removals = 5, .max_percent = 5, .window_ms = 3600000};
	r->sync.run.a = a;
	r->sync.run.now_us = clock_wall_us();
	r->from = from;
	r->n = n;
	r->removal = removal;
	r->because = because;
	ck_assert_msg(store_write(s, append_and_check, r, &e) == 0, "%s (%s)", e.detail, e.cause);
}

static int
note_batch(void *ctx, const struct store_batch *b, struct err *why DH_UNUSED)
{
	struct store_batch *out = ctx;

	*out = *b;
	out->reason = arena_strdup(a, b->reason);
	return 0;
}

static struct store_batch
the_batch(void)
{
	struct store_batch b = {.id = 0};

	ck_assert_int_eq(store_batches(s, note_batch, &b, &e), 0);
	return b;
}

START_TEST(few_removals_pass)
{
	struct run r = {.because = NULL};

	mutex_init(&r.sync.lock);
	play(&r, 1, 100, false, NULL);
	play(&r, 101, 5, true, NULL);
	ck_assert_int_eq(the_batch().id, 0);
	ck_assert_int_eq(r.sync.report.removals, 5);
	play(&r, 106, 1, false, NULL);
	ck_assert_int_eq(the_batch().id, 0);
	mutex_done(&r.sync.lock);
}
END_TEST

START_TEST(too_many_at_once_are_held)
{
	struct run r = {.because = NULL};

	mutex_init(&r.sync.lock);
	play(&r, 1, 6, true, NULL);
	ck_assert_str_eq(store_case_numbers(0, 100), "");
	ck_assert_int_eq(the_batch().removals, 6);
	ck_assert_str_eq(the_batch().reason, "6 removals at once after 0 within 60 min; the limit is 5");
	/* others go on */
	play(&r, 7, 3, false, NULL);
	ck_assert_str_eq(store_case_numbers(0, 100), "7 8 9");
	mutex_done(&r.sync.lock);
}
END_TEST

START_TEST(too_many_within_the_window_are_held)
{
	struct run r = {.because = NULL};

	mutex_init(&r.sync.lock);
	for (int64_t i = 1; i <= 7; i++)
		play(&r, i, 1, true, NULL);
	ck_assert_str_eq(store_case_numbers(0, 100), "1 2 3 4 5");
	ck_assert_int_eq(the_batch().removals, 2);
	ck_assert_str_eq(the_batch().reason, "1 removals at once after 5 within 60 min; the limit is 5");
	mutex_done(&r.sync.lock);
}
END_TEST

START_TEST(what_is_not_proved_is_held)
{
	struct run r = {.because = NULL};

	mutex_init(&r.sync.lock);
	play(&r, 1, 1, true, "nobody can tell");
	ck_assert_str_eq(store_case_numbers(0, 100), "");
	ck_assert_str_eq(the_batch().reason, "nobody can tell");
	/* without a removal there is nothing to hold */
	play(&r, 2, 1, false, "nobody can tell");
	ck_assert_str_eq(store_case_numbers(0, 100), "2");
	mutex_done(&r.sync.lock);
}
END_TEST

int
main(void)
{
	const TTest *const pure[] = {many_ids_are_kept_apart, an_id_has_many_spellings, the_larger_limit_counts};
	const TTest *const guard[] = {few_removals_pass, too_many_at_once_are_held, too_many_within_the_window_are_held,
				      what_is_not_proved_is_held};
	Suite *suite = suite_create("sync");

	unit_add_case(suite, "pure", store_case_setup_dir, store_case_teardown, pure, ARRAY_SIZE(pure));
	unit_add_case(suite, "guard", store_case_setup, store_case_teardown, guard, ARRAY_SIZE(guard));
	return unit_run_suite(suite);
}
