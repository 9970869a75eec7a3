/* SPDX-License-Identifier: Apache-2.0
 * The change feed with two providers that replicate each other (directories.md 2.4). */
#include <stdio.h>

#include "dirhinge/dir/dn.h"
#include "feed_live.h"

static struct live one, two;
static char settings[2][128];
static struct dir *second; /* writes at the second provider */

static void
setup(void)
{
	scratch_setup();
	live_restore(&one);
	live_restore(&two);
	fl_begin2(&one, &two);
	second = live_dir((struct dir_opts){0}, two.ldap);
}

static void
teardown(void)
{
	dir_free(&second);
	fl_end();
	scratch_teardown();
}

/* Waits until an entry is (or is not) at a provider. */
static void
wait_at(struct dir *d, const char *dn, bool there)
{
	static const char *const none[] = {"1.1", NULL};
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = none};
	deadline_t until = deadline_in(20000);
	const struct dir_entry *en;

	while ((dir_search_one(d, a, &s, SOON, &en, &e) == 1) != there) {
		ck_assert_msg(deadline_left(until) > 0, "not replicated: %s", dn);
		clock_pause(20, until);
	}
}

START_TEST(one_csn_a_server)
{
	struct fl_seen seen;

	live_user(fl_writer(), "at-one");
	live_user(second, "at-two");
	wait_at(second, "uid=at-one," PEOPLE, true);
	wait_at(fl_writer(), "uid=at-two," PEOPLE, true);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_ptr_nonnull(strstr(fl_cookie(), "#001#"));
	ck_assert_ptr_nonnull(strstr(fl_cookie(), "#002#"));

	/* A live message tells the CSN of its server only; the other stays. */
	live_user(second, "at-two-b");
	(void)fl_next(DIR_ENTRY);
	ck_assert_ptr_nonnull(strstr(fl_cookie(), "#001#"));
	ck_assert_ptr_nonnull(strstr(fl_cookie(), "#002#"));
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes + seen.n_present, 0);
}
END_TEST

/* With the provider's "sid=" echoed, the changes of that provider would never come. */
START_TEST(changes_of_both_after_failover)
{
	struct fl_seen seen;

	live_user(fl_writer(), "fo-one");
	live_user(second, "fo-two");
	wait_at(second, "uid=fo-one," PEOPLE, true);
	wait_at(fl_writer(), "uid=fo-two," PEOPLE, true);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), one.ldap);
	dir_feed_close(fl_feed());

	live_user(fl_writer(), "fo-one-b");
	live_user(second, "fo-two-b");
	wait_at(second, "uid=fo-one-b," PEOPLE, true);
	live_kill(&one);
	fl_again(&seen);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), two.ldap);
	ck_assert(!seen.full);
	ck_assert_ptr_nonnull(strstr(seen.dns, "uid=fo-one-b,"));
	ck_assert_ptr_nonnull(strstr(seen.dns, "uid=fo-two-b,"));
	ck_assert_uint_eq(seen.n_entries, 2);
	ck_assert_uint_eq(seen.n_deletes, 0);

	/* And back, live changes of both. */
	live_again(&one);
	live_user(second, "fo-two-c");
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=fo-two-c," PEOPLE);
	wait_at(fl_writer(), "uid=fo-two-c," PEOPLE, true);
	live_user(fl_writer(), "fo-one-c");
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=fo-one-c," PEOPLE);
}
END_TEST

START_TEST(failover_while_connected)
{
	struct dir_change c;
	struct fl_seen seen;

	live_user(fl_writer(), "live-fo");
	wait_at(second, "uid=live-fo," PEOPLE, true);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), one.ldap);
	live_kill(&one);
	fails(dir_feed_next(fl_feed(), a, SOON, &c, &e), ERR_UNAVAILABLE);
	fl_again(&seen);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), two.ldap);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes + seen.n_present, 0);
}
END_TEST

/* F-25: the other provider has not got everything yet. */
START_TEST(lagging_provider)
{
	struct fl_seen seen;
	const char *cookie;

	live_user(fl_writer(), "lag-a");
	wait_at(second, "uid=lag-a," PEOPLE, true);
	live_kill(&two);
	live_user(fl_writer(), "lag-b");
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_ptr_nonnull(strstr(seen.dns, "uid=lag-b,"));
	cookie = arena_strdup(a, fl_cookie());
	dir_feed_close(fl_feed());
	live_kill(&one);
	live_again(&two);
	/* An error, and no older state told as news. */
	fails(dir_feed_open(fl_feed(), strv_of(cookie), SOON, &e), ERR_PRECONDITION);
	live_again(&one);
	wait_at(second, "uid=lag-b," PEOPLE, true);
	fl_open(cookie);
	fl_refresh(&seen);
	ck_assert_uint_eq(seen.n_deletes, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {one_csn_a_server, changes_of_both_after_failover, failover_while_connected,
				      lagging_provider};
	int failed;

	live_begin();
	live_start_feed(&one, "one", "sid=1,sessionlog=1000");
	snprintf(settings[1], sizeof(settings[1]), "sid=2,sessionlog=1000,empty,peer=1@%s", one.ldap);
	live_start_feed(&two, "two", settings[1]);
	live_end_gently(&one);
	snprintf(settings[0], sizeof(settings[0]), "sid=1,sessionlog=1000,peer=2@%s", two.ldap);
	one.feed = settings[0];
	live_again(&one);
	scratch_setup();
	second = live_dir((struct dir_opts){.sasl_external = true}, two.ldapi);
	wait_at(second, "cn=reader," SUFFIX, true);
	dir_free(&second);
	scratch_teardown();
	failed = fl_run("dir feed two", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
