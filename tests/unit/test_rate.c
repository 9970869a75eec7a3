/* SPDX-License-Identifier: Apache-2.0
 * The hourly limit of deletes: any 60 minutes hold at most so many, and the wait is told. */
#include "gw/rate.h"
#include "unit.h"

#define MINUTE (60 * 1000)

static const struct principal client = {.name = "idp", .deletes_per_hour = 3};

START_TEST(any_hour_holds_the_limit)
{
	struct gw_rate *r = gw_rate_new();
	struct err e = ERR_INIT;
	ck_assert_int_eq(gw_rate_take(r, &client, 0, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 10 * MINUTE, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 20 * MINUTE, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 30 * MINUTE, &e), -1);
	ck_assert_int_eq(e.code, ERR_RATE);
	ck_assert_uint_eq(e.retry_after, 30 * 60);
	ck_assert_int_eq(gw_rate_take(r, &client, 60 * MINUTE - 1, &e), -1);
	ck_assert_uint_eq(e.retry_after, 1); /* rounded up: never told to come too early */
	/* The first has left the hour, the second not yet. */
	ck_assert_int_eq(gw_rate_take(r, &client, 60 * MINUTE, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 60 * MINUTE, &e), -1);
	ck_assert_uint_eq(e.retry_after, 10 * 60);
	gw_rate_free(&r);
	ck_assert_ptr_null(r);
}
END_TEST

START_TEST(what_did_not_happen_does_not_count)
{
	struct gw_rate *r = gw_rate_new();
	struct err e = ERR_INIT;
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(gw_rate_take(r, &client, i, &e), 0);
		gw_rate_give(r, &client);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(gw_rate_take(r, &client, 100 + i, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 200, &e), -1);
	/* Back from the limit: the slot is free again, the older ones stay. */
	gw_rate_give(r, &client);
	ck_assert_int_eq(gw_rate_take(r, &client, 300, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 301, &e), -1);
	gw_rate_free(&r);
}
END_TEST

START_TEST(clients_and_limits_are_apart)
{
	const struct principal other = {.name = "other", .deletes_per_hour = 1};
	const struct principal raised = {.name = "idp", .deletes_per_hour = 4};
	const struct principal free_of_it = {.name = "free"};
	struct gw_rate *r = gw_rate_new();
	struct err e = ERR_INIT;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(gw_rate_take(r, &client, i, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &client, 10, &e), -1);
	ck_assert_int_eq(gw_rate_take(r, &other, 10, &e), 0);
	ck_assert_int_eq(gw_rate_take(r, &other, 11, &e), -1);
	ck_assert_int_eq(gw_rate_take(r, &raised, 12, &e), 0); /* a reload with another limit */
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(gw_rate_take(r, &free_of_it, i, &e), 0);
	gw_rate_free(&r);
	gw_rate_free(&r);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"hour", any_hour_holds_the_limit, 0},
		{"give", what_did_not_happen_does_not_count, 0},
		{"apart", clients_and_limits_are_apart, 0},
	};

	return unit_run("rate", tests, ARRAY_SIZE(tests));
}
