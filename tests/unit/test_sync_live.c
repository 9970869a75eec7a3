/* SPDX-License-Identifier: Apache-2.0
 * The change feed against a real slapd: what a gap, a lost resume point, lost rights and a storm of deletions lead to.
 * Row ids (F-18 …) are those of the fault matrix. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "dirhinge/base/json.h"
#include "dirhinge/dir/dn.h"
#include "dirhinge/store/held.h"
#include "dirhinge/sync/sync.h"
#include "feed_live.h"

#define WAIT_MS 20000
#define PLAIN   "sid=1,sessionlog=1000"

static struct live server;
static char state[64];
static struct store *store;
static struct causes *causes;
static struct sync *feed;
static struct dir *own;
static int64_t max_removals;
static bool history;
static const char *const user_classes[] = {"inetOrgPerson", NULL}, *const group_classes[] = {"groupOfNames", NULL};
static const struct map_opts map = {
	.users = {.base = PEOPLE, .rdn = "uid", .object_classes = user_classes, .active = "auto"},
	.groups = {.base = GROUPS, .rdn = "cn", .object_classes = group_classes, .member_attribute = "member"},
};

/* --- the feed under test --- */

static void
open_store(void)
{
	ok(store_open(&(struct store_opts){.dir = state, .retention_ms = INT64_C(86400000), .compose = sync_compose},
		      &store, &e));
}

static void
start(void)
{
	own = live_dir((struct dir_opts){0}, server.ldap);
	causes = causes_new();
	const struct sync_opts o = {
		.dir = own,
		.map = &map,
		.store = store,
		.causes = causes,
		.base_url = "/scim/v2",
		.guard = {.max_removals = max_removals, .max_percent = 0, .window_ms = 3600000},
		.history = history,
		.reconcile_ms = INT64_C(86400000),
	};
	ok(sync_start(&o, &feed, &e));
}

static void
stop(void)
{
	sync_stop(&feed);
	causes_free(&causes);
	dir_free(&own);
}

static const char *
status(const char *key)
{
	json_t *o = json_keep(a, sync_status(feed));
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void
wait_state(const char *wanted)
{
	deadline_t until = deadline_in(WAIT_MS);

	while (!str_eq(status("state"), wanted)) {
		ck_assert_msg(deadline_left(until) > 0, "state is %s (%s; %s), not %s", status("state"),
			      status("reason"), status("remedy"), wanted);
		clock_pause(10, until);
	}
}

static int
line_of(void *ctx, const struct store_event *ev, struct err *why)
{
	const char **text = ctx;
	json_t *o;

	if (json_parse(a, ev->body, NULL, &o, why) < 0)
		return -1;
	json_t *subject = json_object_get(o, "subject"), *cause = json_object_get(o, "cause");
	const char *name = json_string_value(json_object_get(subject, "userName"));
	*text = arena_printf(a, "%s%s %s%s%s\n", *text, ev->type + strlen("dsync."), name ? name : "-",
			     json_is_true(json_object_get(cause, "coalesced")) ? " coalesced" : "",
			     json_is_true(json_object_get(cause, "initial")) ? " initial" : "");
	return 0;
}

/* All events after a seq, one a line. */
static const char *
told(int64_t after)
{
	const char *text = "";

	ok(store_events(store, after, 1000, line_of, &text, &e));
	return text;
}

static int64_t
head(void)
{
	struct store_range r;

	store_range(store, &r);
	return r.head;
}

static void
expect(int64_t after, const char *wanted)
{
	deadline_t until = deadline_in(WAIT_MS);

	while (!str_eq(told(after), wanted)) {
		ck_assert_msg(deadline_left(until) > 0, "told:\n%swanted:\n%s", told(after), wanted);
		clock_pause(10, until);
	}
}

/* The same once the feed has nothing left to do: nothing more came. */
static void
expect_only(int64_t after, const char *wanted)
{
	expect(after, wanted);
	wait_state("live");
	json_t *found = NULL;
	ok(sync_reconcile(feed, deadline_in(WAIT_MS), &found, &e));
	json_decref(found);
	ck_assert_str_eq(told(after), wanted);
}

static int
forget_cookie(struct store_tx *tx, void *ctx DH_UNUSED, struct err *why)
{
	return store_tx_meta_put(tx, "feed.cookie", STRV(""), why);
}

static int
take_cookie(struct store_tx *tx, void *ctx, struct err *why)
{
	return store_tx_meta_put(tx, "feed.cookie", strv_of(ctx), why);
}

static const char *
user(const char *uid)
{
	return arena_printf(a, "uid=%s," PEOPLE, uid);
}

/* --- fixtures --- */

static void
remove_state(void)
{
	DIR *d = opendir(state);

	for (struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			(void)unlink(arena_printf(a, "%s/%s", state, f->d_name));
	if (d)
		(void)closedir(d);
	(void)rmdir(state);
}

/* An empty state and three users, followed. */
static void
setup(void)
{
	scratch_setup();
	snprintf(state, sizeof(state), "/tmp/dirhinge-sync-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(state));
	max_removals = 50;
	fl_begin(&server);
	fl_users("u", 3);
	open_store();
	start();
	wait_state("live");
	expect_only(0, "user.created u0 initial\nuser.created u1 initial\nuser.created u2 initial\n");
}

static void
wipe(const char *dn)
{
	struct err why = ERR_INIT;

	/* it may be gone already */
	(void)!dir_delete(fl_writer(), a, dn, NULL, SOON, &why);
}

static void
teardown(void)
{
	stop();
	store_close(&store);
	for (int i = 0; i < 8; i++)
		wipe(arena_printf(a, "uid=u%d," PEOPLE, i));
	wipe("uid=u7,ou=old," PEOPLE);
	wipe("uid=u7,ou=new," PEOPLE);
	wipe("ou=old," PEOPLE);
	wipe("ou=new," PEOPLE);
	wipe("cn=dirhinge-canary," PEOPLE);
	wipe("cn=dirhinge-canary," GROUPS);
	fl_end();
	remove_state();
	scratch_teardown();
}

/* --- tests --- */

START_TEST(changes_become_events)
{
	int64_t from = head();

	ck_assert_str_eq(status("source"), "syncrepl");
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(json_keep(a, sync_status(feed)), "guarantee"), "class")),
			 "B");
	fl_modify(user("u0"), "sn", "Changed");
	fl_delete(user("u1"));
	live_user(fl_writer(), "u1");
	fl_rename(user("u2"), "uid=u3", NULL);
	expect_only(from, "user.updated u0\nuser.deleted u1\nuser.created u1\nuser.updated u3\n");
}
END_TEST

START_TEST(f18_a_lost_resume_point_loses_no_deletion)
{
	int64_t from = head();

	stop();
	fl_delete(user("u0"));
	fl_delete(user("u2"));
	ok(store_write(store, forget_cookie, NULL, &e));
	start();
	expect_only(from, "user.deleted u0 coalesced\nuser.deleted u2 coalesced\n");
}
END_TEST

START_TEST(f19_a_gap_over_a_restart_of_the_directory)
{
	int64_t from = head();

	stop();
	fl_delete(user("u1"));
	live_kill(&server);
	live_again(&server);
	live_user(fl_writer(), "u4");
	start();
	expect_only(from, "user.created u4 coalesced\nuser.deleted u1 coalesced\n");
}
END_TEST

START_TEST(f20_lost_rights_delete_nobody)
{
	int64_t from = head();

	live_end_gently(&server);
	server.feed = PLAIN ",denied";
	live_again(&server);
	wait_state("untrusted");
	ck_assert_ptr_nonnull(strstr(status("remedy"), "dirhinge-canary"));
	ck_assert_str_eq(told(from), "");
	live_end_gently(&server);
	server.feed = PLAIN;
	live_again(&server);
	wait_state("live");
	fl_delete(user("u2"));
	expect_only(from, "user.deleted u2\n");
}
END_TEST

START_TEST(f21_a_base_that_is_renamed_deletes_nobody)
{
	int64_t from = head();

	fl_rename(PEOPLE, "ou=folk", NULL);
	fl_modify("uid=u0,ou=folk," SUFFIX, "sn", "Meanwhile");
	wait_state("untrusted");
	ck_assert_str_eq(told(from), "");
	fl_rename("ou=folk," SUFFIX, "ou=people", NULL);
	expect_only(from, "user.updated u0 coalesced\n");
}
END_TEST

START_TEST(f27_a_canary_is_not_made_again)
{
	int64_t from = head();

	stop();
	ok(store_write(store, forget_cookie, NULL, &e));
	fl_delete("cn=dirhinge-canary," PEOPLE);
	fl_delete(user("u0"));
	start();
	wait_state("untrusted");
	ck_assert_str_eq(told(from), "");

	struct dir_mods m;
	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", STRV("applicationProcess"));
	dir_mods_value(&m, DIR_MOD_ADD, "cn", STRV("dirhinge-canary"));
	ok(dir_add(fl_writer(), a, "cn=dirhinge-canary," PEOPLE, &m, NULL, SOON, &e));
	expect_only(from, "user.deleted u0 coalesced\n");
}
END_TEST

static int
first_batch(void *ctx, const struct store_batch *b, struct err *why DH_UNUSED)
{
	*(int64_t *)ctx = b->id;
	return 1;
}

START_TEST(f23_a_storm_is_held_until_it_is_released)
{
	int64_t from = head(), batch = 0, n;

	stop();
	max_removals = 2;
	for (int i = 0; i < 3; i++)
		fl_delete(arena_printf(a, "uid=u%d," PEOPLE, i));
	live_user(fl_writer(), "u5");
	start();
	expect_only(from, "user.created u5 coalesced\n");
	ck_assert_int_ge(store_batches(store, first_batch, &batch, &e), 0);
	ck_assert_int_gt(batch, 0);
	const struct store_decision yes = {.release = true, .who = "test", .why = "", .now_us = clock_wall_us()};
	ok(store_batch_decide(store, batch, &yes, &n, &e));
	ck_assert_int_eq(n, 3);
	expect_only(from, "user.created u5 coalesced\nuser.deleted u0 coalesced\nuser.deleted u1 coalesced\n"
			  "user.deleted u2 coalesced\n");
}
END_TEST

START_TEST(f63_the_same_name_again_in_a_gap)
{
	int64_t from = head();

	stop();
	ok(store_write(store, forget_cookie, NULL, &e));
	fl_delete(user("u0"));
	live_user(fl_writer(), "u0");
	start();
	expect_only(from, "user.deleted u0 coalesced\nuser.created u0 coalesced\n");
}
END_TEST

/* A provider that loses changes: the resume point says that all was seen, and it was not. */
START_TEST(comparing_finds_what_was_never_told)
{
	int64_t from = head();
	const struct dir_entry *en;
	struct dir_search q = {.base = SUFFIX, .scope = DIR_BASE, .attrs = (const char *const[]){"contextCSN", NULL}};

	stop();
	fl_modify(user("u0"), "sn", "Silent");
	fl_delete(user("u1"));
	live_user(fl_writer(), "u6");
	ck_assert_int_eq(dir_search_one(fl_writer(), a, &q, SOON, &en, &e), 1);
	ok(store_write(store, take_cookie, arena_printf(a, "rid=000,csn=%s", dir_entry_first(en, "contextCSN").p), &e));
	start();
	expect_only(from, "user.updated u0 coalesced\nuser.created u6 coalesced\nuser.deleted u1 coalesced\n");
}
END_TEST

static const char *
known_dn(const char *id)
{
	struct store_state st;

	ck_assert_int_eq(store_state_get(store, a, id, &st, &e), 1);
	return st.dn;
}

START_TEST(f62_a_container_that_moves_deletes_nobody)
{
	int64_t from = head();
	const char *inside = "uid=u7,ou=old," PEOPLE;
	struct dir_mods m;

	fl_ou("old", PEOPLE);
	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", STRV("inetOrgPerson"));
	dir_mods_value(&m, DIR_MOD_ADD, "uid", STRV("u7"));
	dir_mods_value(&m, DIR_MOD_ADD, "cn", STRV("u7"));
	dir_mods_value(&m, DIR_MOD_ADD, "sn", STRV("u7"));
	ok(dir_add(fl_writer(), a, inside, &m, NULL, SOON, &e));
	expect(from, "user.created u7\n");
	const char *id = fl_id(inside);
	fl_rename("ou=old," PEOPLE, "ou=new", NULL);

	deadline_t until = deadline_in(WAIT_MS);
	while (!str_eq(known_dn(id), "uid=u7,ou=new," PEOPLE)) {
		ck_assert_msg(deadline_left(until) > 0, "still %s", known_dn(id));
		clock_pause(10, until);
	}
	expect_only(from, "user.created u7\nuser.moved u7 coalesced\n");
	fl_delete("uid=u7,ou=new," PEOPLE);
	fl_delete("ou=new," PEOPLE);
	expect_only(from, "user.created u7\nuser.moved u7 coalesced\nuser.deleted u7\n");
}
END_TEST

/* --- over the accesslog --- */

START_TEST(history_tells_each_change_of_a_gap)
{
	deadline_t until = deadline_in(WAIT_MS);
	int64_t from = head();

	while (!str_eq(status("source"), "accesslog")) {
		ck_assert_msg(deadline_left(until) > 0, "source is %s (%s)", status("source"), status("reason"));
		clock_pause(10, until);
	}
	fl_modify(user("u0"), "sn", "One");
	expect_only(from, "user.updated u0\n");
	stop();
	fl_modify(user("u0"), "sn", "Two");
	fl_modify(user("u0"), "sn", "Three");
	live_user(fl_writer(), "u4");
	fl_modify(user("u4"), "sn", "Four");
	fl_delete(user("u4"));
	fl_delete(user("u1"));
	start();
	expect_only(from, "user.updated u0\nuser.updated u0\nuser.updated u0\nuser.created u4\nuser.updated u4\n"
			  "user.deleted u4\nuser.deleted u1\n");
}
END_TEST

START_TEST(a_reset_begins_anew)
{
	const char *before = arena_strdup(a, store_generation(store));

	ok(sync_reset(feed, deadline_in(WAIT_MS), &e));
	ck_assert_str_ne(store_generation(store), before);
	expect_only(0, "user.created u0 initial\nuser.created u1 initial\nuser.created u2 initial\n");
}
END_TEST

START_TEST(a_directory_that_is_away_comes_back)
{
	int64_t from = head();

	live_kill(&server);
	wait_state("connecting");
	json_t *found = NULL;
	fails(sync_reconcile(feed, deadline_in(WAIT_MS), &found, &e), ERR_UNAVAILABLE);
	live_again(&server);
	wait_state("live");
	fl_modify(user("u0"), "sn", "Back");
	expect_only(from, "user.updated u0\n");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		changes_become_events,
		f18_a_lost_resume_point_loses_no_deletion,
		f19_a_gap_over_a_restart_of_the_directory,
		f20_lost_rights_delete_nobody,
		f21_a_base_that_is_renamed_deletes_nobody,
		f27_a_canary_is_not_made_again,
		f23_a_storm_is_held_until_it_is_released,
		f63_the_same_name_again_in_a_gap,
		comparing_finds_what_was_never_told,
		f62_a_container_that_moves_deletes_nobody,
		a_reset_begins_anew,
		a_directory_that_is_away_comes_back,
	};
	const TTest *const logged[] = {history_tells_each_change_of_a_gap, f21_a_base_that_is_renamed_deletes_nobody,
				       f18_a_lost_resume_point_loses_no_deletion, comparing_finds_what_was_never_told};

	live_begin();
	live_start_feed(&server, "sync", PLAIN);
	int failed = fl_run("sync live", tests, ARRAY_SIZE(tests), setup, teardown);
	live_end_gently(&server);
	history = true;
	live_start_feed(&server, "synclog", "sid=1,log,sessionlog=log,config");
	failed += fl_run("sync live, accesslog", logged, ARRAY_SIZE(logged), setup, teardown);
	return live_end() && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
