/* SPDX-License-Identifier: Apache-2.0
 * The change feed on the accesslog against real slapds: every operation with who did it, over gaps too, and when the
 * log must not be believed. */
#include <stdio.h>

#include "dirhinge/dir/dn.h"
#include "feed_live.h"

static struct live server;

static void
setup(void)
{
	scratch_setup();
	live_restore(&server);
	fl_opts.history = true;
	fl_begin(&server);
}

static void
teardown(void)
{
	fl_end();
	scratch_teardown();
}

static const struct dir_mod *
find_mod(const struct dir_op *op, const char *attr)
{
	for (size_t i = 0; op->mods && i < op->mods->n; i++)
		if (str_caseeq(op->mods->mods[i].attr, attr))
			return &op->mods->mods[i];
	return NULL;
}

START_TEST(operations)
{
	const struct dir_change *c;
	struct fl_seen seen;
	const char *id;

	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");
	ck_assert_int_eq(dir_feed_guarantee(fl_feed()), DIR_EVERY_CHANGE);
	live_user(fl_writer(), "op1");
	id = fl_id("uid=op1," PEOPLE);
	c = fl_next(DIR_OP);
	ck_assert_int_eq(c->op->kind, DIR_OP_ADD);
	ck_assert_str_eq(c->op->dn, "uid=op1," PEOPLE);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(c->actor_dn, "cn=gateway," SUFFIX);
	ck_assert_str_eq(dir_entry_first(c->op->added, "entryUUID").p, id);
	ck_assert_str_eq(dir_entry_first(c->op->added, "entryCSN").p, c->csn);
	ck_assert_str_eq(dir_entry_first(c->op->added, "sn").p, "Test");
	ck_assert(c->cookie.n > 0 && strstr(c->cookie.p, c->csn));

	fl_modify("uid=op1," PEOPLE, "sn", "Other");
	c = fl_next(DIR_OP);
	ck_assert_int_eq(c->op->kind, DIR_OP_MODIFY);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_int_eq(find_mod(c->op, "sn")->op, DIR_MOD_REPLACE);
	ck_assert_str_eq(find_mod(c->op, "sn")->values[0].p, "Other");

	fl_modify("uid=op1," PEOPLE, "userPassword", "not to be told 1");
	c = fl_next(DIR_OP);
	ck_assert_ptr_null(find_mod(c->op, "userPassword"));
	ck_assert_ptr_nonnull(find_mod(c->op, "entryCSN"));

	fl_rename("uid=op1," PEOPLE, "uid=op2", GROUPS);
	c = fl_next(DIR_OP);
	ck_assert_int_eq(c->op->kind, DIR_OP_RENAME);
	ck_assert_str_eq(c->op->dn, "uid=op1," PEOPLE);
	ck_assert_str_eq(c->op->new_dn, "uid=op2," GROUPS);

	fl_delete("uid=op2," GROUPS);
	c = fl_next(DIR_OP);
	ck_assert_int_eq(c->op->kind, DIR_OP_DELETE);
	ck_assert_str_eq(c->ids[0], id);
	fl_quiet();
}
END_TEST

START_TEST(gap_is_told_exactly)
{
	struct fl_seen seen;

	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "gap0");
	(void)fl_next(DIR_OP);
	dir_feed_close(fl_feed());
	live_user(fl_writer(), "gap1");
	fl_modify("uid=gap1," PEOPLE, "sn", "A");
	fl_modify("uid=gap1," PEOPLE, "sn", "B");
	fl_delete("uid=gap1," PEOPLE);
	fl_again(&seen);
	ck_assert(!seen.full && seen.deletes_told);
	ck_assert_uint_eq(seen.n_ops, 4);
	ck_assert_uint_eq(seen.n_entries + seen.n_present + seen.n_deletes, 0);

	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 0);
	live_user(fl_writer(), "gap2");
	ck_assert_int_eq(fl_next(DIR_OP)->op->kind, DIR_OP_ADD);
}
END_TEST

START_TEST(log_outlives_the_server)
{
	struct fl_seen seen;

	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "out1");
	(void)fl_next(DIR_OP);
	dir_feed_close(fl_feed());
	live_user(fl_writer(), "out2");
	fl_delete("uid=out2," PEOPLE);
	live_end_gently(&server);
	live_again(&server);
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 2);
	ck_assert(seen.deletes_told);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");

	/* Killed, slapd does not know how far its log goes: the net change, and with the next change the log again. */
	dir_feed_close(fl_feed());
	fl_delete("uid=out1," PEOPLE);
	live_kill(&server);
	live_again(&server);
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 0);
	ck_assert_uint_eq(seen.n_deletes, 1);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl");
	ck_assert_int_eq(dir_feed_guarantee(fl_feed()), DIR_EVERY_CONNECTED);
	live_user(fl_writer(), "out3");
	(void)fl_next(DIR_ENTRY);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");
	live_user(fl_writer(), "out4");
	ck_assert_str_eq(fl_next(DIR_OP)->op->dn, "uid=out4," PEOPLE);
	fl_quiet();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {operations, gap_is_told_exactly, log_outlives_the_server};
	int failed;

	live_begin();
	live_start_feed(&server, "one", "sid=1,log,sessionlog=log,config");
	failed = fl_run("dir feed log", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
