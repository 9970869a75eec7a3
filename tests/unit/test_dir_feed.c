/* SPDX-License-Identifier: Apache-2.0
 * The change feed on the data against real slapds: every row of directories.md 2.2 to 2.4. */
#include <check.h>
#include <stdio.h>

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

int
main(void)
{
	const TTest *const tests[] = {first_refresh, live_changes};
	int failed;

	live_begin();
	live_start_feed(&server, "one", "sid=1,sessionlog=1000");
	failed = fl_run("dir feed", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
