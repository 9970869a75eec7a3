/* SPDX-License-Identifier: Apache-2.0
 * The change feed on the data against real slapds: every row of directories.md 2.2 to 2.4. */
#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/dir/dn.h"
#include "feed_live.h"

static struct live server;

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
	scratch_teardown();
}

START_TEST(first_refresh)
{
	struct fl_seen seen;

	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert(seen.full && !seen.deletes_told);
	ck_assert_str_eq(seen.dns, PEOPLE "\n" GROUPS "\n");
	ck_assert_ptr_nonnull(strstr(fl_cookie(), "rid=000,csn="));
	ck_assert_ptr_null(strstr(fl_cookie(), "sid="));
}
END_TEST

START_TEST(live_changes)
{
	struct fl_seen seen;
	const struct dir_change *c;
	const char *id;

	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "live1");
	c = fl_next(DIR_ENTRY);
	ck_assert_str_eq(c->entry->dn, "uid=live1," PEOPLE);
	ck_assert_str_eq(c->actor_dn, "cn=gateway," SUFFIX);
	ck_assert_int_gt(dir_csn_us(c->csn), 0);
	ck_assert_ptr_nonnull(strstr(c->cookie.p, c->csn));
	ck_assert_uint_eq(c->n_ids, 1);
	ck_assert_str_eq(c->ids[0], dir_entry_first(c->entry, "entryUUID").p);
	id = c->ids[0];

	fl_modify("uid=live1," PEOPLE, "sn", "Changed");
	c = fl_next(DIR_ENTRY);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(dir_entry_first(c->entry, "sn").p, "Changed");
	fl_modify("uid=live1," PEOPLE, "sn", "Changed"); /* the same value: a change all the same */
	ck_assert_str_eq(fl_next(DIR_ENTRY)->ids[0], id);

	fl_rename("uid=live1," PEOPLE, "uid=live2", NULL);
	c = fl_next(DIR_ENTRY);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(c->entry->dn, "uid=live2," PEOPLE);

	fl_delete("uid=live2," PEOPLE);
	c = fl_next(DIR_DELETE);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(c->dn, "uid=live2," PEOPLE);
	ck_assert_int_gt(dir_csn_us(c->csn), 0);
	fl_quiet();
}
END_TEST

START_TEST(groups_and_containers)
{
	const struct dir_change *c;
	struct fl_seen seen;

	live_user(fl_writer(), "gc1");
	fl_open(NULL);
	fl_refresh(&seen);
	fl_group("g1", "uid=gc1," PEOPLE);
	c = fl_next(DIR_ENTRY);
	ck_assert_str_eq(dir_entry_first(c->entry, "member").p, "uid=gc1," PEOPLE);
	fl_modify("cn=g1," GROUPS, "member", "uid=other," PEOPLE);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "cn=g1," GROUPS);

	/* A container tells of itself, not of what is in it. */
	fl_ou("sub", PEOPLE);
	(void)fl_next(DIR_ENTRY);
	fl_rename("uid=gc1," PEOPLE, "uid=gc1", "ou=sub," PEOPLE);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=gc1,ou=sub," PEOPLE);
	/* slapd 2.5 cannot rename the newest entry of the database once it has children. */
	live_user(fl_writer(), "gc2");
	(void)fl_next(DIR_ENTRY);
	fl_rename("ou=sub," PEOPLE, "ou=sub2", NULL);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "ou=sub2," PEOPLE);
	fl_quiet();

	/* Between the bases: moved; out of both: gone. */
	fl_rename("uid=gc1,ou=sub2," PEOPLE, "uid=gc1", GROUPS);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=gc1," GROUPS);
	fl_rename("uid=gc1," GROUPS, "uid=gc1", "ou=leavers," SUFFIX);
	(void)fl_next(DIR_DELETE);
	fl_rename("uid=gc1,ou=leavers," SUFFIX, "uid=gc1", PEOPLE);
	ck_assert_str_eq(fl_next(DIR_ENTRY)->entry->dn, "uid=gc1," PEOPLE);
	/* What happens elsewhere is not told. */
	fl_modify("ou=leavers," SUFFIX, "description", "x");
	fl_quiet();
}
END_TEST

START_TEST(leaving_the_filter)
{
	static const char *const people[] = {PEOPLE, NULL};
	struct fl_seen seen;
	const char *id;

	fl_end();
	fl_opts.bases = people;
	fl_opts.filter = dir_f_eq(a, "sn", STRV("Test"));
	fl_begin(&server);
	live_user(fl_writer(), "filter1");
	id = fl_id("uid=filter1," PEOPLE);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_ptr_nonnull(strstr(seen.dns, "uid=filter1," PEOPLE));
	fl_modify("uid=filter1," PEOPLE, "sn", "Else");
	ck_assert_str_eq(fl_next(DIR_DELETE)->ids[0], id);
	fl_modify("uid=filter1," PEOPLE, "sn", "Test");
	ck_assert_str_eq(fl_next(DIR_ENTRY)->ids[0], id);
}
END_TEST

/* 2.2: out of order, without cookies, but nothing lost and never back. */
START_TEST(many_writers)
{
	enum { WRITERS = 4, EACH = 50 };
	struct fl_seen seen;
	pid_t pids[WRITERS];

	fl_open(NULL);
	fl_refresh(&seen);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct dir *d = live_dir((struct dir_opts){0}, server.ldap);

			for (int k = 0; k < EACH; k++)
				live_user(d, arena_printf(a, "many%d-%d", i, k));
			_exit(0);
		}
	}
	fl_gather(WRITERS * EACH, &seen);
	for (int i = 0; i < WRITERS; i++) {
		int status;

		ck_assert(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	}
	ck_assert_uint_eq(seen.n_entries, WRITERS * EACH);
	fl_quiet();
	/* Nothing is told again. */
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_entries + seen.n_present + seen.n_deletes, 0);
}
END_TEST

START_TEST(wakes_up)
{
	struct dir_change c;
	struct fl_seen seen;
	int64_t begun = clock_mono_ms();

	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert(!dir_feed_ready(fl_feed()));
	dir_feed_wake(fl_feed());
	ok(dir_feed_next(fl_feed(), a, deadline_in(60000), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	ok(dir_feed_next(fl_feed(), a, deadline_in(10), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	ck_assert_int_lt(live_since(begun), 30000);
}
END_TEST

/* 2.3: a consumer that does not read loses nothing. */
START_TEST(slow_reader)
{
	struct fl_seen seen;

	fl_open(NULL);
	fl_refresh(&seen);
	fl_users("slow", 300);
	ck_assert(dir_feed_ready(fl_feed()));
	fl_gather(300, &seen);
	ck_assert_uint_eq(seen.n_entries, 300);
}
END_TEST

START_TEST(base_renamed)
{
	struct fl_seen seen;
	struct dir_change c;
	const char *cookie;
	int rc;

	fl_open(NULL);
	fl_refresh(&seen);
	fl_rename(GROUPS, "ou=groups2", NULL);
	(void)fl_next(DIR_DELETE);
	cookie = arena_strdup(a, fl_cookie());
	fails(dir_feed_open(fl_feed(), strv_of(cookie), SOON, &e), ERR_NOT_FOUND);
	ck_assert_str_eq(dir_feed_uri(fl_feed()), "");

	/* A base that is the search's own is refused with the next write (4096). */
	static const char *const one_base[] = {"ou=groups2," SUFFIX, NULL};

	fl_end();
	fl_opts.bases = one_base;
	fl_begin(&server);
	fl_open(NULL);
	fl_refresh(&seen);
	fl_rename("ou=groups2," SUFFIX, "ou=groups", NULL);
	fl_modify("ou=leavers," SUFFIX, "description", "y");
	do
		rc = dir_feed_next(fl_feed(), a, SOON, &c, &e);
	while (rc == 0 && c.kind != DIR_STALLED);
	fails(rc, ERR_UNAVAILABLE);
	fails(dir_feed_open(fl_feed(), strv_n(NULL, 0), SOON, &e), ERR_NOT_FOUND);
}
END_TEST

static int
count_listed(void *ctx, const char *id, const char *csn, const char *dn, struct err *err)
{
	size_t *n = ctx;

	ck_assert_uint_eq(strlen(id), 36);
	ck_assert_int_gt(dir_csn_us(csn), 0);
	ck_assert_ptr_nonnull(strstr(dn, SUFFIX));
	*n += 1;
	return *n == 100000 ? err_set(err, ERR_IO, "as asked") : 0;
}

static int
count_fetched(void *ctx, const struct dir_entry *en, struct err *err DH_UNUSED)
{
	size_t *n = ctx;

	ck_assert(dir_entry_first(en, "entryUUID").n == 36 && dir_entry_first(en, "sn").n > 0);
	*n += 1;
	return 0;
}

START_TEST(list_and_fetch)
{
	const char *ids[] = {NULL, "00000000-0000-0000-0000-000000000000", NULL};
	size_t listed = 0, fetched = 0, before = 0;
	struct fl_seen seen;

	fails(dir_feed_list(fl_feed(), SOON, count_listed, &listed, &e), ERR_UNAVAILABLE); /* not open */
	fl_open(NULL);
	fl_refresh(&seen);
	ok(dir_feed_list(fl_feed(), SOON, count_listed, &before, &e));
	ck_assert_uint_eq(before, seen.n_entries);
	fl_users("list", 3);
	ids[0] = fl_id("uid=list0," PEOPLE);
	ids[2] = fl_id("uid=list2," PEOPLE);
	ok(dir_feed_list(fl_feed(), SOON, count_listed, &listed, &e));
	ck_assert_uint_eq(listed, before + 3);
	ok(dir_feed_fetch(fl_feed(), a, ids, ARRAY_SIZE(ids), SOON, count_fetched, &fetched, &e));
	ck_assert_uint_eq(fetched, 2);
	/* Beside the stream, not in it. */
	fl_gather(3, &seen);
	ck_assert_uint_eq(seen.n_entries, 3);
}
END_TEST

/* Records and messages do not end together, and nothing waits for the rest of a record. */
START_TEST(over_tls)
{
	struct live secure;
	struct dir_change c;
	struct fl_seen seen;
	int64_t begun;

	live_start(&secure, "tls", "good");
	fl_end();
	fl_begin_tls(&secure);
	fl_users("tls", 300);
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_uint_ge(seen.n_entries, 302);
	begun = clock_mono_ms();
	ok(dir_feed_next(fl_feed(), a, deadline_in(200), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	ck_assert_int_lt(live_since(begun), 5000);
	fl_users("tlsmore", 100);
	fl_modify("uid=tls1," PEOPLE, "sn", arena_printf(a, "%0*d", 60000, 7)); /* longer than a record */
	fl_gather(101, &seen);
	fl_quiet();
	dir_feed_wake(fl_feed());
	ok(dir_feed_next(fl_feed(), a, deadline_in(60000), &c, &e));
	ck_assert_int_eq(c.kind, DIR_STALLED);
	live_kill(&secure);
	fails(dir_feed_next(fl_feed(), a, SOON, &c, &e), ERR_UNAVAILABLE);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {first_refresh,  live_changes, groups_and_containers, leaving_the_filter,
				      many_writers,   wakes_up,     slow_reader,           base_renamed,
				      list_and_fetch, over_tls};
	int failed;

	live_begin();
	live_start_feed(&server, "one", "sid=1,sessionlog=1000");
	failed = fl_run("dir feed", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
