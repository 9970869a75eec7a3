/* SPDX-License-Identifier: Apache-2.0
 * The change feed on the accesslog against real slapds: every operation with who did it, over gaps too, and when the
 * log must not be believed. */
#include <stdio.h>

#include "dir/feed_log.h"
#include "dirhinge/dir/dn.h"
#include "feed_live.h"

static struct live server, other;

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
	live_kill(&other);
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

/* The test's server is another one than the usual. */
static void
use(const char *name, const char *settings)
{
	live_start_feed(&other, name, settings);
	fl_end();
	fl_opts.history = true;
	fl_begin(&other);
}

static void
restart_with(const char *settings)
{
	live_end_gently(&other);
	other.feed = settings;
	live_again(&other);
}

/* An add, a modify, a rename and a delete. */
static void
all_kinds(void)
{
	live_user(fl_writer(), "kind");
	fl_modify("uid=kind," PEOPLE, "sn", "Changed");
	fl_rename("uid=kind," PEOPLE, "uid=kind2", NULL);
	fl_delete("uid=kind2," PEOPLE);
}

START_TEST(log_without_deletes)
{
	struct fl_seen seen;

	use("nodelete", "sid=1,log,logops=add+modify+modrdn,config");
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl");
	live_user(fl_writer(), "u");
	(void)fl_next(DIR_ENTRY);
	fl_delete("uid=u," PEOPLE);
	(void)fl_next(DIR_DELETE);
}
END_TEST

START_TEST(judged_by_what_it_holds)
{
	struct fl_seen seen;

	use("judged", "sid=1,log");
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl"); /* nothing in it, cn=config not readable */
	all_kinds();
	fl_gather(4, &seen);
	fl_again(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");
	ck_assert_uint_eq(seen.n_ops + seen.n_entries, 0);
}
END_TEST

/* Somebody takes deletes out of the log while it is in use. */
START_TEST(log_changed_under_way)
{
	struct fl_seen seen;
	const char *gone;

	use("changed", "sid=1,log");
	all_kinds();
	live_user(fl_writer(), "lost");
	gone = fl_id("uid=lost," PEOPLE);
	restart_with("sid=1,log,logops=add+modify+modrdn");
	fl_open(NULL);
	fl_refresh(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");
	ok(dir_feed_log_check(fl_feed(), SOON, &e));
	fl_delete("uid=lost," PEOPLE);
	fl_quiet();
	fails(dir_feed_log_check(fl_feed(), SOON, &e), ERR_UNAVAILABLE);
	fl_again(&seen);
	ck_assert_str_eq(dir_feed_source(fl_feed()), "syncrepl");
	ck_assert(seen.n_deletes == 1 ? strstr(seen.gone, gone) != NULL : !seen.deletes_told);
}
END_TEST

/* The log begins later than the gap: the net change from the data, and the log from there on. */
START_TEST(log_shorter_than_the_gap)
{
	struct fl_seen seen;

	use("short", "sid=1");
	fl_users("u", 3);
	fl_open(NULL);
	fl_refresh(&seen);
	dir_feed_close(fl_feed());
	fl_delete("uid=u0," PEOPLE);
	restart_with("sid=1,log,config,sessionlog=100");
	fl_delete("uid=u1," PEOPLE);
	fl_again(&seen);
	ck_assert_uint_eq(seen.n_ops, 0);
	ck_assert(!seen.full && !seen.deletes_told);
	ck_assert_uint_eq(seen.n_present, 3); /* the bases and u2 */
	ck_assert_str_eq(dir_feed_source(fl_feed()), "accesslog");
	live_user(fl_writer(), "after");
	ck_assert_str_eq(fl_next(DIR_OP)->op->dn, "uid=after," PEOPLE);
}
END_TEST

START_TEST(bases_in_the_log)
{
	const struct dir_change *c;
	struct fl_seen seen;
	const char *id;

	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "bases1");
	id = fl_next(DIR_OP)->ids[0];
	fl_modify("ou=leavers," SUFFIX, "description", "not ours");
	fl_rename("uid=bases1," PEOPLE, "uid=bases2", "ou=leavers," SUFFIX);
	c = fl_next(DIR_DELETE);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(c->dn, "uid=bases1," PEOPLE);
	ck_assert_str_eq(c->actor_dn, "cn=gateway," SUFFIX);
	fl_modify("uid=bases2,ou=leavers," SUFFIX, "sn", "Unseen");
	fl_quiet();
	fl_rename("uid=bases2,ou=leavers," SUFFIX, "uid=bases1", PEOPLE);
	c = fl_next(DIR_OP);
	ck_assert_int_eq(c->op->kind, DIR_OP_RENAME);
	ck_assert_str_eq(c->ids[0], id);
	ck_assert_str_eq(c->op->new_dn, "uid=bases1," PEOPLE);
}
END_TEST

static void
same_as_there(const struct dir_entry *en)
{
	const struct dir_search s = {.base = en->dn, .scope = DIR_BASE};
	const struct dir_entry *there;

	ck_assert_int_eq(dir_search_one(fl_writer(), a, &s, SOON, &there, &e), 1);
	ck_assert_str_eq(en->dn, there->dn);
	for (size_t i = 0; i < there->n_attrs; i++) {
		const struct dir_attr *at = dir_entry_attr(en, there->attrs[i].name);

		ck_assert_msg(at && at->n == there->attrs[i].n, "%s", there->attrs[i].name);
		for (size_t k = 0; k < at->n; k++)
			ck_assert_msg(dir_entry_has(there, at->name, at->values[k]), "%s: %s", at->name,
				      at->values[k].p);
	}
}

/* What the operations tell, put together, is what the directory holds. */
START_TEST(operations_add_up)
{
	static const struct {
		const char *attr, *value;
		enum dir_mod_op op;
	} steps[] = {
		{"mail", "A@Example.com", DIR_MOD_ADD},
		{"mail", "b@example.com", DIR_MOD_ADD},
		{"mail", "a@example.COM", DIR_MOD_DELETE},
		{"description", "one", DIR_MOD_REPLACE},
		{"description", "line\nbreak \xc3\xa9 :x", DIR_MOD_ADD},
		{"sn", "van  der Berg", DIR_MOD_REPLACE},
		{"description", "ONE", DIR_MOD_DELETE},
		{"cn", "Second", DIR_MOD_ADD},
	};
	const struct dir_entry *en = NULL;
	const struct dir_caps *caps;
	struct fl_seen seen;

	ok(dir_caps(fl_writer(), &caps, &e));
	fl_open(NULL);
	fl_refresh(&seen);
	live_user(fl_writer(), "sum");
	ok(dir_op_apply(a, caps->schema, NULL, fl_next(DIR_OP)->op, &en, &e));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct dir_mods m;

		dir_mods_init(&m, a);
		dir_mods_value(&m, steps[i].op, steps[i].attr, strv_of(steps[i].value));
		ok(dir_modify(fl_writer(), a, "uid=sum," PEOPLE, &m, NULL, SOON, &e));
		ok(dir_op_apply(a, caps->schema, en, fl_next(DIR_OP)->op, &en, &e));
	}
	fl_rename("uid=sum," PEOPLE, "uid=SUM", NULL); /* letter case only */
	ok(dir_op_apply(a, caps->schema, en, fl_next(DIR_OP)->op, &en, &e));
	same_as_there(en);
	fl_rename("uid=SUM," PEOPLE, "uid=sum2", NULL);
	ok(dir_op_apply(a, caps->schema, en, fl_next(DIR_OP)->op, &en, &e));
	same_as_there(en);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		operations,
		gap_is_told_exactly,
		log_outlives_the_server,
		log_without_deletes,
		judged_by_what_it_holds,
		log_changed_under_way,
		log_shorter_than_the_gap,
		bases_in_the_log,
		operations_add_up,
	};
	int failed;

	live_begin();
	live_start_feed(&server, "one", "sid=1,log,sessionlog=log,config");
	failed = fl_run("dir feed log", tests, ARRAY_SIZE(tests), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
