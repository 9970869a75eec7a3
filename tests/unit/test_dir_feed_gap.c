/* SPDX-License-Identifier: Apache-2.0
 * What a refresh brings after a gap, against real slapds: every row of directories.md 2.3, and the accounts that are
 * not shown everything. */
#include <stdio.h>

#include "dir/feed_priv.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/dir/dn.h"
#include "feed_live.h"

static struct live server, other;

static void
setup(void)
{
	scratch_setup();
	live_restore(&server);
	fl_begin(&server);
}

static void
teardown(void)
{
	fl_end();
	live_kill(&other);
	scratch_teardown();
}

/* The test's server is another one than the usual. */
static void
use(const char *name, const char *settings)
{
	live_start_feed(&other, name, settings);
	fl_end();
	fl_begin(&other);
}

static void
restart_with(const char *settings)
{
	live_end_gently(&other);
	other.feed = settings;
	live_again(&other);
}

START_TEST(nothing_changed)
{
	struct fl_seen seen;
	const char *cookie;

	fl_open(NULL);
	fl_refresh(&seen);
	cookie = arena_strdup(a, fl_cookie());
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries + seen.n_present + seen.n_deletes, 0);
	ck_assert_str_eq(fl_cookie(), cookie); /* slapd tells none here: the old one stays */
}
END_TEST

START_TEST(told_by_the_session_log)
{
	struct fl_seen seen;
	const char *gone;

	fl_users("log", 10);
	fl_open(NULL);
	fl_refresh(&seen);
	dir_feed_close(fl_feed());
	gone = fl_id("uid=log7," PEOPLE);
	fl_users("lognew", 5);
	for (int i = 0; i < 5; i++) {
		fl_modify(arena_printf(a, "uid=log%d," PEOPLE, i), "sn", "Changed");
		fl_delete(arena_printf(a, "uid=log%d," PEOPLE, i + 5));
	}
	/* added and deleted while away: an id that nobody has met */
	live_user(fl_writer(), "logshort");
	fl_delete("uid=logshort," PEOPLE);
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries, 10);
	ck_assert_uint_eq(seen.n_deletes, 6);
	ck_assert_uint_eq(seen.n_present, 0);
	ck_assert_ptr_nonnull(strstr(seen.gone, gone));
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes, 0);
}
END_TEST

START_TEST(present_phase)
{
	struct fl_seen seen;
	size_t before;

	use("small", "sid=1,sessionlog=3");
	fl_users("u", 20);
	fl_open(NULL);
	fl_refresh(&seen);
	before = seen.n_entries;
	dir_feed_close(fl_feed());
	fl_users("new", 4);
	fl_delete("uid=u0," PEOPLE);
	fl_delete("uid=u1," PEOPLE);
	fl_again(&seen);
	ck_assert(!seen.full && !seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries, 4);
	ck_assert_uint_eq(seen.n_deletes, 0);
	ck_assert_uint_eq(seen.n_present, before - 2 + 4); /* the new ones as well */

	/* Restarted: the log in memory is gone. */
	dir_feed_close(fl_feed());
	fl_delete("uid=u2," PEOPLE);
	restart_with("sid=1,sessionlog=3");
	fl_again(&seen);
	ck_assert(!seen.deletes_told);
	ck_assert_uint_eq(seen.n_present, before + 4 - 3);
	ck_assert_uint_eq(seen.n_entries, 0);
}
END_TEST

START_TEST(session_log_that_stays)
{
	struct fl_seen seen;

	use("stays", "sid=1,log,sessionlog=log");
	fl_users("u", 20);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl"); /* history was not asked for */
	dir_feed_close(fl_feed());
	for (int i = 0; i < 10; i++)
		fl_delete(arena_printf(a, "uid=u%d," PEOPLE, i));
	fl_users("new", 7);
	restart_with("sid=1,log,sessionlog=log");
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries, 7);
	ck_assert_uint_eq(seen.n_deletes, 10);
}
END_TEST

/* Whatever the resume point, what comes is either exact or said to be everything. */
START_TEST(odd_resume_points)
{
	static const struct {
		const char *cookie;
		bool full;
	} rows[] = {
		{"rid=000,csn=20200101000000.000000Z#000000#001#000000", false}, /* all of it, deletions not told */
		{"garbage", true},                                               /* slapd would claim to have told */
		{"rid=000", true},
		{"rid=000,csn=", true},
		{"localhost:389#cn=x:dc=example,dc=com:(objectClass=*)#20", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fl_seen seen;
		size_t all;

		fl_open(NULL);
		fl_refresh(&seen);
		all = seen.n_entries;
		fl_open(rows[i].cookie);
		fl_refresh(&seen);
		ck_assert_msg(seen.full == rows[i].full && !seen.deletes_told, "%s", rows[i].cookie);
		ck_assert_uint_eq(seen.n_entries, all);
		ck_assert_ptr_nonnull(strstr(fl_cookie(), "#001#"));
		ck_assert_ptr_null(strstr(fl_cookie(), "=20200101"));
	}
}
END_TEST

START_TEST(provider_behind)
{
	static const char stranger[] = "rid=000,csn=20200101000000.000000Z#000000#005#000000";
	struct fl_seen seen;
	const char *ahead;
	char now[24];

	/* a minute further than the directory is, as after a restore; years further is another matter */
	time_to_generalized(clock_wall_us() + 60 * INT64_C(1000000), now);
	ahead = arena_printf(a, "rid=000,csn=%.14s.000000Z#000000#001#000000", now);
	fails(dir_feed_open(fl_feed(), strv_of(ahead), SOON, &e), ERR_PRECONDITION);
	ck_assert_ptr_nonnull(strstr(e.cause, "lags"));
	/* of a server that this one has never met: slapd itself would send everything, without that server's changes */
	fails(dir_feed_open(fl_feed(), strv_of(stranger), SOON, &e), ERR_PRECONDITION);
	fl_open("rid=000,csn=20990101000000.000000Z#000000#001#000000");
	fl_refresh(&seen);
	ck_assert(seen.full);
}
END_TEST

START_TEST(server_goes_away)
{
	struct dir_change c;
	struct fl_seen seen;
	const char *cookie;
	int rc;

	use("away", "sid=1,sessionlog=100");
	fl_users("u", 3);
	fl_open(NULL);
	fl_refresh(&seen);
	live_kill(&other);
	rc = dir_feed_next(fl_feed(), a, SOON, &c, &e);
	fails(rc, ERR_UNAVAILABLE);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), "");
	fails(dir_feed_next(fl_feed(), a, SOON, &c, &e), ERR_UNAVAILABLE);
	cookie = arena_strdup(a, fl_cookie());
	fails(dir_feed_open(fl_feed(), strv_of(cookie), deadline_in(2000), &e), ERR_UNAVAILABLE);
	live_again(&other);
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes, 0);
}
END_TEST

/* A server that does not answer is known to be away in time, and nobody waits for it at the end. */
START_TEST(server_hangs)
{
	struct dir_change c;
	struct fl_seen seen;
	int64_t begun;

	use("hangs", "sid=1,sessionlog=100");
	live_stop(&other);
	begun = clock_mono_ms();
	fails(dir_feed_open(fl_feed(), strv_n(NULL, 0), deadline_in(1500), &e), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 6000);
	live_cont(&other);

	/* While it is followed, its silence is asked about now and then. */
	fl_open(NULL);
	fl_refresh(&seen);
	fl_feed()->check_at = deadline_in(0);
	ok(dir_feed_next(fl_feed(), a, deadline_in(50), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	live_stop(&other);
	fl_feed()->check_at = deadline_in(0);
	begun = clock_mono_ms();
	fails(dir_feed_next(fl_feed(), a, deadline_in(60000), &c, &e), ERR_UNAVAILABLE);
	ck_assert_int_lt(live_since(begun), 15000);
	live_cont(&other);
}
END_TEST

START_TEST(base_lost_under_way)
{
	struct dir_change c;
	struct fl_seen seen;

	use("lost", "sid=1,sessionlog=100");
	fl_open(NULL);
	fl_refresh(&seen);
	fl_rename(GROUPS, "ou=elsewhere", NULL);
	(void)fl_next(DIR_DELETE);
	fl_feed()->check_at = deadline_in(0);
	fails(dir_feed_next(fl_feed(), a, SOON, &c, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(size_limit)
{
	struct dir_change c;
	int rc;

	use("limit", "sid=1,limit");
	fl_end();
	live_kill(&other);
	live_start_feed(&other, "limit2", "sid=1");
	fl_begin(&other);
	fl_users("u", 20);
	restart_with("sid=1,limit");
	/* Never a shorter list. */
	rc = dir_feed_open(fl_feed(), strv_n(NULL, 0), SOON, &e);
	while (rc == 0) {
		rc = dir_feed_next(fl_feed(), a, SOON, &c, &e);
		ck_assert(rc != 0 || (c.kind != DIR_END && c.kind != DIR_STALLED));
	}
	fails(rc, ERR_TOO_MANY);
	ck_assert_ptr_nonnull(strstr(e.cause, "size=unlimited"));
}
END_TEST

/* M6: the account loses its rights. A valid answer, with nothing in it: the engine's canary judges it; what can be seen
 * here is that nothing is said to be deleted by id. */
START_TEST(rights_lost)
{
	struct fl_seen seen;

	use("denied", "sid=1");
	fl_users("u", 3);
	fl_open(NULL);
	fl_refresh(&seen);
	dir_feed_close(fl_feed());
	fl_modify("uid=u1," PEOPLE, "sn", "Changed");
	restart_with("sid=1,denied");
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_deletes, 0);
	ck_assert(!seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries, 0);
	ck_assert_uint_le(seen.n_present, 2); /* the bases */
}
END_TEST

/* An account that may see the bases and nothing above: one search each, one resume point. */
START_TEST(bases_only)
{
	struct fl_seen seen;
	const char *dns;

	use("narrow", "sid=1,sessionlog=100,narrow");
	fl_open(NULL);
	fl_refresh(&seen);
	dns = seen.dns;
	ck_assert_ptr_nonnull(strstr(dns, PEOPLE));
	ck_assert_ptr_nonnull(strstr(dns, GROUPS));
	fl_users("u", 3);
	fl_group("g", "uid=u0," PEOPLE);
	fl_gather(4, &seen);
	ck_assert_uint_eq(seen.n_entries, 4);
	dir_feed_close(fl_feed());
	fl_delete("cn=g," GROUPS);
	fl_delete("uid=u0," PEOPLE);
	fl_again(&seen);
	ck_assert(seen.deletes_told);
	ck_assert_uint_ge(seen.n_deletes, 2);
	/* slapd restarted: both in their present phase, never one of each */
	dir_feed_close(fl_feed());
	fl_delete("uid=u1," PEOPLE);
	restart_with("sid=1,narrow");
	fl_again(&seen);
	ck_assert(!seen.deletes_told);
	ck_assert_uint_ge(seen.n_present + seen.n_entries, 3); /* both bases and u2 */
	live_user(fl_writer(), "u9");
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=u9," PEOPLE);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		nothing_changed,   told_by_the_session_log,
		present_phase,     session_log_that_stays,
		odd_resume_points, provider_behind,
		server_goes_away,  server_hangs,
		size_limit,        rights_lost,
		bases_only,        base_lost_under_way,
	};
	int failed;

	live_begin();
	live_start_feed(&server, "one", "sid=1,sessionlog=1000");
	failed = fl_run("dir feed gap", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
