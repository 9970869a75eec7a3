/* SPDX-License-Identifier: Apache-2.0
 * The change feed where no search is held open (refreshOnly), against real slapds; and a history of which the account
 * may not read all at once. */
#include "feed_live.h"

enum { LOOK_MS = 20 };

static struct live server, other;

static void
setup(void)
{
	scratch_setup();
	live_restore(&server);
	fl_opts.poll = true;
	fl_opts.poll_ms = LOOK_MS;
	fl_begin(&server);
}

static void
teardown(void)
{
	fl_end();
	live_kill(&other);
	scratch_teardown();
}

static void
use(const char *name, const char *settings, bool history)
{
	live_start_feed(&other, name, settings);
	fl_end();
	fl_opts.poll = true;
	fl_opts.poll_ms = LOOK_MS;
	fl_opts.history = history;
	fl_begin(&other);
}

START_TEST(every_look_is_a_refresh)
{
	struct fl_seen seen;
	const char *id;

	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert(seen.full && !seen.deletes_told);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl, polled");
	ck_assert_int_eq(dir_feed_guarantee(fl_feed()), DIR_EVERY_CONNECTED);
	ck_assert_int_eq(dir_feed_poll_ms(fl_feed()), LOOK_MS);
	ck_assert_str_eq(dir_feed_note(fl_feed()), ""); /* it was asked for */
	fl_quiet();
	ck_assert(!dir_feed_ready(fl_feed()));

	live_user(fl_writer(), "look1");
	id = fl_id("uid=look1," PEOPLE);
	ck_assert(fl_next(DIR_BEGIN)->look);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->ids[0], id);
	ck_assert(fl_next(DIR_END)->cookie.n > 0);
	fl_modify("uid=look1," PEOPLE, "sn", "Changed");
	fl_refresh(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_str_eq(seen.dns, "uid=look1," PEOPLE "\n");
	fl_delete("uid=look1," PEOPLE);
	fl_refresh(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_str_eq(seen.gone, arena_printf(a, "%s\n", id));
	fl_quiet();

	/* Over a gap as well. */
	dir_feed_close(fl_feed());
	fl_users("lookgap", 3);
	fl_delete("uid=lookgap1," PEOPLE);
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_entries, 2);
	ck_assert_uint_eq(seen.n_deletes, 1);
	fl_again(&seen); /* the first one is always told */
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes + seen.n_present, 0);
	fl_quiet();
}
END_TEST

START_TEST(without_a_session_log)
{
	struct fl_seen seen;
	size_t before;

	use("lookpresent", "sid=1", false);
	fl_users("u", 10);
	fl_open(NULL);
	fl_refresh(&seen);
	before = seen.n_entries;
	fl_delete("uid=u3," PEOPLE);
	fl_refresh(&seen);
	ck_assert(!seen.full && !seen.deletes_told);
	ck_assert_uint_eq(seen.n_present, before - 1);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes, 0);
	fl_quiet();
}
END_TEST

/* Looks until dn is told. A change between the two searches of one look is told by one of them, and again by the next
 * look, because the resume point is behind neither: before, or "", may come once more, nothing else. */
static void
look_for(const char *dn, const char *before)
{
	struct fl_seen seen;
	const char *new = arena_printf(a, "%s\n", dn);
	const char *old = arena_printf(a, "%s\n", before);

	do {
		fl_refresh(&seen);
		ck_assert_uint_eq(seen.n_deletes + seen.n_present, 0);
		ck_assert_msg(strcmp(seen.dns, new) == 0 || strcmp(seen.dns, old) == 0 ||
				      strcmp(seen.dns, arena_printf(a, "%s%s", new, old)) == 0 ||
				      strcmp(seen.dns, arena_printf(a, "%s%s", old, new)) == 0,
			      "told %s", seen.dns);
	} while (strstr(seen.dns, new) == NULL);
}

/* One search on each base: it is over when all of them are. */
START_TEST(several_searches)
{
	struct fl_seen seen;
	const char *last = "";

	use("looknarrow", "sid=1,sessionlog=1000,narrow", false);
	fl_open(NULL);
	fl_refresh(&seen);
	fl_quiet();
	for (int i = 0; i < 3; i++) {
		const char *group = arena_printf(a, "cn=g%d," GROUPS, i);
		const char *user = arena_printf(a, "uid=n%d," PEOPLE, i);

		fl_group(arena_printf(a, "g%d", i), "uid=x," PEOPLE);
		look_for(group, last);
		live_user(fl_writer(), arena_printf(a, "n%d", i));
		look_for(user, group);
		last = user;
	}
	fl_again(&seen); /* the last one perhaps once more */
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes + seen.n_present, 0);
}
END_TEST

START_TEST(history)
{
	struct fl_seen seen;

	use("looklog", "sid=1,log,config", true);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert(seen.full);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog, polled");
	ck_assert_int_eq(dir_feed_guarantee(fl_feed()), DIR_EVERY_CHANGE);
	fl_quiet();
	/* An empty log does not reach back to the resume point: once the data tells what it will hold from now on. */
	live_user(fl_writer(), "h0");
	fl_refresh(&seen);
	ck_assert_uint_eq(seen.n_entries, 1);
	live_user(fl_writer(), "h1");
	ck_assert(fl_next(DIR_BEGIN)->look);
	ck_assert_int_eq(fl_next(DIR_OP)->op->kind, DIR_OP_ADD);
	(void)fl_next(DIR_END);
	dir_feed_close(fl_feed());
	fl_modify("uid=h1," PEOPLE, "sn", "A");
	fl_modify("uid=h1," PEOPLE, "sn", "B");
	fl_delete("uid=h1," PEOPLE);
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_ops, 3);
	ck_assert_uint_eq(seen.n_entries + seen.n_deletes, 0);
	fl_quiet();
}
END_TEST

START_TEST(what_is_missing_is_an_error)
{
	struct fl_seen seen;
	struct dir_change c;
	int rc;

	fl_open(NULL);
	fl_refresh(&seen);
	fl_rename(GROUPS, "ou=groups2", NULL);
	do
		rc = dir_feed_next(fl_feed(), a, SOON, &c, &e);
	while (rc == 0 && c.kind != DIR_STALLED);
	fails(rc, ERR_NOT_FOUND);
	fl_rename("ou=groups2," SUFFIX, "ou=groups", NULL);
	fl_again(&seen);
	ck_assert(!seen.full);
	live_kill(&server);
	fails(dir_feed_next(fl_feed(), a, SOON, &c, &e), ERR_UNAVAILABLE);
}
END_TEST

START_TEST(wakes_up)
{
	struct dir_change c;
	struct fl_seen seen;
	int64_t begun = clock_mono_ms();

	fl_end();
	fl_opts.poll = true;
	fl_opts.poll_ms = 60000;
	fl_begin(&server);
	fl_open(NULL);
	fl_refresh(&seen);
	dir_feed_wake(fl_feed());
	ok(dir_feed_next(fl_feed(), a, deadline_in(60000), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	ck_assert_int_lt(live_since(begun), 30000);
}
END_TEST

/* Half of a gap is nothing: the data tells its sum, and behind it the history goes on. */
static void
check_long_gap(const char *name, bool poll)
{
	struct fl_seen seen;
	const struct dir_change *last;
	struct dir_change c;
	int rc;

	use(name, "sid=1,log,config,loglimit=10", true);
	if (!poll) {
		fl_end();
		fl_opts.history = true;
		fl_begin(&other);
	}
	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "first");
	if (poll)
		fl_refresh(&seen);
	else
		(void)fl_next(DIR_OP);
	dir_feed_close(fl_feed());
	fl_users("gap", 15);
	fl_delete("uid=gap7," PEOPLE);
	fl_open(arena_strdup(a, fl_cookie()));
	do
		rc = dir_feed_next(fl_feed(), a, SOON, &c, &e);
	while (rc == 0 && c.kind != DIR_STALLED && c.kind != DIR_END);
	fails(rc, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(e.cause, "olcLimits: dn.exact=\"cn=gateway"));

	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 0);
	ck_assert_uint_eq(seen.n_entries, 14);
	ck_assert_ptr_nonnull(strstr(dir_feed_source(fl_feed()), "accesslog"));
	ck_assert_ptr_nonnull(strstr(dir_feed_note(fl_feed()), "olcLimits"));
	fl_delete("uid=gap3," PEOPLE);
	if (poll)
		(void)fl_next(DIR_BEGIN);
	last = fl_next(DIR_OP);
	ck_assert_int_eq(last->op->kind, DIR_OP_DELETE);
	if (poll)
		(void)fl_next(DIR_END);
	else if (last->cookie.n == 0) /* told while the log still caught up: the resume point comes behind it */
		(void)fl_next(DIR_COOKIE);

	/* A short one is read as before. */
	dir_feed_close(fl_feed());
	fl_delete("uid=gap4," PEOPLE);
	fl_delete("uid=gap5," PEOPLE);
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 2);
	ck_assert_str_eq(dir_feed_note(fl_feed()), "");
}

START_TEST(long_gap)
{
	check_long_gap("longgap", false);
}
END_TEST

START_TEST(long_gap_looked_at)
{
	check_long_gap("longlook", true);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {every_look_is_a_refresh,
				      without_a_session_log,
				      several_searches,
				      history,
				      what_is_missing_is_an_error,
				      wakes_up,
				      long_gap,
				      long_gap_looked_at};
	int failed;

	live_begin();
	live_start_feed(&server, "look", "sid=1,sessionlog=1000");
	failed = fl_run("dir feed look", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
