/* SPDX-License-Identifier: Apache-2.0
 * The guard's side of the store: removals are counted and held, what follows a held subject is held behind it,
 * everything else flows; decisions. And who is behind a change (store/cause.h). */
#include "dirhinge/store/held.h"

#include "dirhinge/base/buf.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/store/cause.h"
#include "store_case.h"
#include "unit.h"

/* A transaction written as words: "+u1" an event of u1, "-u1" a removal, "!" holds back; events are numbered on. */
struct script {
	const char *text;
	int64_t number;
	int64_t batch, here_before, here_after;
};

static int
play(struct store_tx *tx, void *ctx, struct err *er)
{
	struct script *p = ctx;

	for (const char *w = p->text; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");
		if (*w == '!') {
			p->here_before = store_tx_removals_here(tx);
			if (store_tx_hold_back(tx, "too many", 4711, &p->batch, er))
				return -1;
			p->here_after = store_tx_removals_here(tx);
		} else {
			struct store_event ev =
				store_case_event(p->number++, arena_strndup(a, w + 1, n - 1), *w == '-');
			if (store_tx_event(tx, &ev, er))
				return -1;
		}
		w += n;
	}
	return 0;
}

static int64_t next_number = 1;

static struct script
tx(const char *text)
{
	struct script p = {.text = text, .number = next_number, .batch = -1};

	ck_assert_msg(store_write(s, play, &p, &e) == 0, "%s (%s)", e.detail, e.cause);
	next_number = p.number;
	return p;
}

static void
setup(void)
{
	store_case_setup();
	next_number = 1;
}

static int
note(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%s%s", ((struct buf *)ctx)->n ? " " : "", ev->id + 4);
	return 0;
}

static const char *
held(int64_t batch)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	ck_assert_msg(store_batch_events(s, batch, note, &out, &e) == 0, "%s (%s)", e.detail, e.cause);
	return arena_strdup(a, buf_str(&out));
}

static int
note_batch(void *ctx, const struct store_batch *b, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "[%jd %s %jd: %jd of %jd, %jd]", (intmax_t)b->id, b->reason, (intmax_t)b->opened_us,
		   (intmax_t)b->removals, (intmax_t)b->events, (intmax_t)b->subjects);
	return 0;
}

static const char *
batches(void)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	ck_assert_int_eq(store_batches(s, note_batch, &out, &e), 0);
	return arena_strdup(a, buf_str(&out));
}

static int64_t
n_held(void)
{
	struct store_stats st;

	store_get_stats(s, &st);
	return st.held;
}

static int
decide(int64_t batch, bool release, int64_t *n)
{
	struct store_decision d = {.release = release, .who = "root", .why = "", .now_us = 5};

	e = ERR_INIT;
	return store_batch_decide(s, batch, &d, n, &e);
}

/* --- holding -------------------------------------------------------------------------------------------------------
 */

START_TEST(subjects_with_a_removal_are_held_whole)
{
	struct script p = tx("+u1 -u1 +u2 -u3 +u1 !");

	ck_assert_int_eq(p.here_before, 2);
	ck_assert_int_eq(p.here_after, 0);
	ck_assert_str_eq(store_case_numbers(0, 10), "3");
	ck_assert_str_eq(held(p.batch), "1 2 4 5");
	ck_assert_str_eq(batches(), "[1 too many 4711: 2 of 4, 2]");
	ck_assert_int_eq(n_held(), 4);
}
END_TEST

START_TEST(what_follows_a_held_subject_waits_behind_it)
{
	struct script p = tx("-u1 !");

	(void)tx("+u1 +u2");
	ck_assert_str_eq(store_case_numbers(0, 10), "3");
	ck_assert_str_eq(held(p.batch), "1 2");
	store_case_reopen(); /* and after a restart */
	struct script q = tx("+u1 -u1 +u3");
	(void)q;
	ck_assert_str_eq(store_case_numbers(0, 10), "3 6");
	ck_assert_str_eq(held(p.batch), "1 2 4 5");
}
END_TEST

START_TEST(a_second_hold_goes_into_the_open_batch)
{
	struct script p = tx("+u9 -u1 !"), q = tx("-u2 ! -u1 +u2 -u3 +u4");

	ck_assert_int_eq(p.batch, q.batch);
	ck_assert_str_eq(store_case_numbers(0, 10), "1 6 7"); /* u3 came after the hold */
	ck_assert_str_eq(held(p.batch), "2 3 4 5");
	ck_assert_str_eq(batches(), "[1 too many 4711: 3 of 4, 2]");
}
END_TEST

START_TEST(earlier_transactions_are_not_taken_back)
{
	(void)tx("-u1 +u2");
	struct script p = tx("+u2 -u1 !");
	ck_assert_str_eq(store_case_numbers(0, 10), "1 2 3");
	ck_assert_str_eq(held(p.batch), "4");
}
END_TEST

START_TEST(a_held_id_is_not_taken_twice)
{
	struct script p = tx("-u1 +u2 !");

	next_number = 1;
	(void)tx("-u1 +u2");
	ck_assert_str_eq(store_case_numbers(0, 10), "2");
	ck_assert_str_eq(held(p.batch), "1");
	/* an id that is out already is not held behind */
	next_number = 2;
	(void)tx("+u1");
	ck_assert_str_eq(held(p.batch), "1");
}
END_TEST

START_TEST(the_head_does_not_move_for_what_is_held)
{
	struct store_range r;

	(void)tx("+u1 +u2");
	(void)tx("-u1 -u2 -u3 !");
	store_range(s, &r);
	ck_assert_int_eq(r.head, 2);
	ck_assert(!store_case_wait(2, deadline_in(1)));
	(void)tx("+u4");
	ck_assert(store_case_wait(2, deadline_in(1)));
	ck_assert_str_eq(store_case_numbers(2, 10), "6");
}
END_TEST

static int
hold_and_fail(struct store_tx *t, void *ctx, struct err *er)
{
	return play(t, ctx, er) ? -1 : err_set(er, ERR_UNAVAILABLE, "on purpose");
}

START_TEST(a_hold_that_is_undone_leaves_nothing)
{
	struct script p = {.text = "-u1 !", .number = 1};

	ck_assert_int_eq(store_write(s, hold_and_fail, &p, &e), -1);
	ck_assert_str_eq(batches(), "");
	ck_assert_int_eq(n_held(), 0);
	(void)tx("+u1");
	ck_assert_str_eq(store_case_numbers(0, 10), "1");
}
END_TEST

/* --- the window ----------------------------------------------------------------------------------------------------
 */

static int
since(struct store_tx *t, void *ctx, struct err *er)
{
	return store_tx_removals_since(t, clock_wall_us() - INT64_C(3600) * 1000000, ctx, er);
}

static int64_t
window(void)
{
	int64_t n = -1;

	ck_assert_int_eq(store_write(s, since, &n, &e), 0);
	return n;
}

START_TEST(removals_are_counted_when_they_go_out)
{
	int64_t n, dropped;

	ck_assert_int_eq(window(), 0);
	(void)tx("-u1 +u2 -u3");
	ck_assert_int_eq(window(), 2);
	struct script p = tx("-u4 -u5 !");
	ck_assert_int_eq(window(), 2); /* held ones did not go out */
	(void)tx("-u6 +u4");
	ck_assert_int_eq(window(), 3);
	ck_assert_int_eq(decide(p.batch, false, &n), 0);
	ck_assert_int_eq(window(), 3); /* the rejected were wrong; that says nothing for the others */
	store_case_reopen();
	ck_assert_int_eq(window(), 3);
	ck_assert_int_eq(store_maintain(s, clock_wall_us() + (RETENTION_MS + 1) * 1000, &dropped, &e), 0);
	ck_assert_int_gt(dropped, 0);
	ck_assert_int_eq(window(), 0); /* older than a day for that clock */
}
END_TEST

START_TEST(a_release_begins_a_new_window)
{
	int64_t n;

	(void)tx("-u1 -u2 -u3");
	struct script p = tx("-u4 -u5 !");
	(void)tx("-u6");
	ck_assert_int_eq(window(), 4);
	ck_assert_int_eq(decide(p.batch, true, &n), 0);
	ck_assert_int_eq(window(), 0); /* somebody has looked at what was held and at what led to it */
	store_case_reopen();
	ck_assert_int_eq(window(), 0);
	(void)tx("-u7");
	ck_assert_int_eq(window(), 1);
}
END_TEST

START_TEST(counts_outlive_the_events)
{
	int64_t dropped;
	struct store *other = NULL;

	(void)tx("-u1 -u2");
	store_close(&s);
	ck_assert_int_eq(store_open(&(struct store_opts){.dir = dir, .retention_ms = 0}, &other, &e), 0);
	s = other;
	ck_assert_int_eq(store_maintain(s, clock_wall_us() + 1000, &dropped, &e), 0);
	ck_assert_int_eq(dropped, 2);
	ck_assert_int_eq(window(), 2);
}
END_TEST

/* --- deciding ------------------------------------------------------------------------------------------------------
 */

START_TEST(released_events_come_in_their_order)
{
	int64_t n = 0;
	struct script p = tx("+u1 -u1 +u2 -u3 !");

	(void)tx("+u1 +u4");
	ck_assert_int_eq(decide(p.batch, true, &n), 0);
	ck_assert_int_eq(n, 4);
	ck_assert_str_eq(store_case_numbers(0, 10), "3 6 1 2 4 5");
	ck_assert_int_eq(n_held(), 0);
	ck_assert_str_eq(batches(), "");
	(void)tx("+u1"); /* free again */
	ck_assert_str_eq(store_case_numbers(0, 10), "3 6 1 2 4 5 7");
	ck_assert_int_eq(decide(p.batch, true, &n), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	ck_assert_int_eq(decide(p.batch, false, &n), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	ck_assert_int_eq(decide(99, true, &n), -1);
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
	store_close(&s);
	store_case_sql(
		"CREATE TEMP TABLE t(x CHECK(x)); INSERT INTO t SELECT count(*) = 1 FROM batch WHERE released = 1"
		" AND who = 'root' AND why = '' AND decided_us = 5 AND events = 4");
}
END_TEST

/* What came while somebody looked at a batch is not decided with it unseen. */
START_TEST(only_what_was_looked_at_is_decided)
{
	struct store_decision d = {.release = true, .who = "root", .why = "", .now_us = 5, .expect = 2};
	int64_t n = -1;
	struct script p = tx("-u1 -u2 !");

	(void)tx("+u1"); /* held behind */
	ck_assert_int_eq(store_batch_decide(s, p.batch, &d, &n, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(e.detail, "3 events now, not 2"));
	ck_assert_int_eq(n_held(), 3);
	ck_assert_str_eq(store_case_numbers(0, 10), "");
	d.release = false;
	err_clear(&e);
	ck_assert_int_eq(store_batch_decide(s, p.batch, &d, &n, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	d.expect = 3;
	d.release = true;
	err_clear(&e);
	ck_assert_int_eq(store_batch_decide(s, p.batch, &d, &n, &e), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(n_held(), 0);
}
END_TEST

START_TEST(a_release_wakes_readers)
{
	int64_t n;
	struct script p = tx("+u1 -u2 !");

	ck_assert(!store_case_wait(1, deadline_in(1)));
	ck_assert_int_eq(decide(p.batch, true, &n), 0);
	ck_assert(store_case_wait(1, deadline_in(1)));
}
END_TEST

START_TEST(a_batch_after_a_decision_is_a_new_one)
{
	int64_t n;
	struct script p = tx("-u1 !");

	ck_assert_int_eq(decide(p.batch, false, &n), 0);
	struct script q = tx("-u2 !");
	ck_assert_int_ne(p.batch, q.batch);
	ck_assert_str_eq(held(q.batch), "2");
	ck_assert_str_eq(held(p.batch), "");
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(64);
	ck_assert_int_eq(store_batch_events(s, 99, note, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
}
END_TEST

static int
gone(struct store_tx *t, void *ctx DH_UNUSED, struct err *er)
{
	struct store_state u1 = store_case_user("u1"), u2 = store_case_user("u2"), u3 = store_case_user("u3");
	struct script p = {.text = "-u1 -u2 !", .number = 1};

	ck_assert_int_eq(store_tx_state_put(t, &u1, er), 0);
	u1.flags = u3.flags = STORE_TOMBSTONE;
	u1.entry = u1.resource = strv_n(NULL, 0);
	ck_assert_int_eq(store_tx_state_put(t, &u1, er), 0); /* deleted */
	ck_assert_int_eq(store_tx_state_put(t, &u2, er), 0); /* disabled */
	ck_assert_int_eq(store_tx_state_put(t, &u3, er), 0); /* gone long ago */
	return play(t, &p, er);
}

START_TEST(rejected_events_are_thrown_away_and_the_dead_come_back)
{
	struct store_state st, want = store_case_user("u1");
	int64_t n = 0;

	ck_assert_int_eq(store_write(s, gone, NULL, &e), 0);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 1);
	ck_assert_int_eq(decide(1, false, &n), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_str_eq(store_case_numbers(0, 10), "");
	ck_assert_int_eq(n_held(), 0);
	ck_assert_int_eq(store_state_get(s, a, "sync-u1", &st, &e), 1);
	ck_assert_uint_eq(st.flags, STORE_SUSPECTED);
	ck_assert(strv_eq(st.resource, want.resource) && strv_eq(st.entry, want.entry));
	ck_assert_int_eq(store_state_get(s, a, "sync-u2", &st, &e), 1);
	ck_assert_uint_eq(st.flags, 0);
	ck_assert_int_eq(store_state_get(s, a, "sync-u3", &st, &e), 1);
	ck_assert_uint_eq(st.flags, STORE_TOMBSTONE);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 2);
	next_number = 1;
	(void)tx("-u1"); /* if it turns out to be true, the same event is told after all */
	ck_assert_str_eq(store_case_numbers(0, 10), "1");
}
END_TEST

/* A group and what it has; who is disabled and who is put out of it, or into it. */
struct life {
	const char *resource; /* of u1 and of the group */
	const char *in, *out; /* members */
	const char *script;
	bool gone; /* the group */
};

static int
live_on(struct store_tx *t, void *ctx, struct err *er)
{
	const struct life *l = ctx;
	struct store_state st[] = {store_case_user("u1"), store_case_user("u2"), store_case_user("u3"),
				   store_case_user("g1")};
	struct script p = {.text = l->script, .number = next_number};

	st[0].resource = st[3].resource = strv_of(l->resource);
	st[3].kind = STORE_GROUP;
	for (size_t i = 0; i < ARRAY_SIZE(st); i++) {
		if (l->gone && st[i].kind == STORE_GROUP) {
			st[i].flags = STORE_TOMBSTONE;
			st[i].entry = st[i].resource = strv_n(NULL, 0);
			ck_assert_int_eq(store_tx_member_drop_all(t, "g1", er), 0);
		}
		ck_assert_int_eq(store_tx_state_put(t, &st[i], er), 0);
	}
	struct store_member m = {"g1", l->in ? arena_printf(a, "uid=%s,dc=example", l->in) : NULL, l->in};
	if (l->in)
		ck_assert_int_eq(store_tx_member_put(t, &m, er), 0);
	if (l->out)
		ck_assert_int_eq(store_tx_member_drop(t, "g1", arena_printf(a, "uid=%s,dc=example", l->out), er), 0);
	int rc = play(t, &p, er);
	next_number = p.number;
	return rc;
}

static void
live(struct life l)
{
	ck_assert_msg(store_write(s, live_on, &l, &e) == 0, "%s (%s)", e.detail, e.cause);
}

static int
note_member(void *ctx, const struct store_member *m, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%s ", m->member_id);
	return 0;
}

static const char *
members_now(void)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1024);

	ck_assert_int_eq(store_members(s, "g1", 100, note_member, &out, &e), 0);
	return arena_strdup(a, buf_str(&out));
}

static void
expect_state(const char *id, unsigned flags, const char *resource)
{
	struct store_state st;

	ck_assert_int_eq(store_state_get(s, a, arena_printf(a, "sync-%s", id), &st, &e), 1);
	ck_assert_uint_eq(st.flags, flags);
	ck_assert_msg(strv_eq(st.resource, strv_of(resource)), "%s: %.*s", id, (int)st.resource.n, st.resource.p);
}

/* What nobody was told of is not known by the state either: or what is true after all would never be told. */
START_TEST(a_rejection_takes_the_state_back_to_what_was_told)
{
	int64_t n;

	live((struct life){"before", "u1", NULL, "+u1 +g1", false});
	live((struct life){"before", "u2", NULL, "+g1", false});
	live((struct life){"disabled", NULL, "u1", "-u1 -g1 !", false});
	live((struct life){"after", "u3", NULL, "+u1 +g1", false}); /* held behind */
	live((struct life){"later", NULL, "u2", "-g1 +u1", false});
	ck_assert_str_eq(members_now(), "u3 ");
	expect_state("u1", 0, "later");
	ck_assert_int_eq(decide(1, false, &n), 0);
	ck_assert_int_eq(n, 6);
	ck_assert_str_eq(members_now(), "u1 u2 ");
	expect_state("u1", STORE_REJECTED, "before");
	expect_state("g1", STORE_REJECTED, "before");
	expect_state("u2", 0, "{\"id\":\"u2\"}");
	/* the next observation says how it is, and nothing is left behind */
	live((struct life){"later", "u3", "u1", "-g1", false});
	expect_state("u1", 0, "later");
	ck_assert_str_eq(members_now(), "u2 u3 ");
	store_close(&s);
	store_case_sql("CREATE TEMP TABLE t(x CHECK(x)); INSERT INTO t SELECT count(*) = 0 FROM told;"
		       "INSERT INTO t SELECT count(*) = 0 FROM told_member");
}
END_TEST

START_TEST(a_release_leaves_the_state_as_it_is)
{
	int64_t n;

	live((struct life){"before", "u1", NULL, "+u1 +g1", false});
	live((struct life){"disabled", "u2", "u1", "-u1 -g1 !", false});
	ck_assert_int_eq(decide(1, true, &n), 0);
	ck_assert_str_eq(members_now(), "u2 ");
	expect_state("u1", 0, "disabled");
	expect_state("g1", 0, "disabled");
	store_close(&s);
	store_case_sql("CREATE TEMP TABLE t(x CHECK(x)); INSERT INTO t SELECT count(*) = 0 FROM told;"
		       "INSERT INTO t SELECT count(*) = 0 FROM told_member");
}
END_TEST

START_TEST(a_group_that_comes_back_has_its_members)
{
	int64_t n;

	live((struct life){"before", "u1", NULL, "+g1", false});
	live((struct life){"before", "u2", NULL, "+g1", false});
	live((struct life){"before", NULL, NULL, "-g1 !", true});
	ck_assert_str_eq(members_now(), "");
	ck_assert_int_eq(decide(1, false, &n), 0);
	ck_assert_str_eq(members_now(), "u1 u2 ");
	expect_state("g1", STORE_SUSPECTED | STORE_REJECTED, "before");
}
END_TEST

START_TEST(a_big_batch_is_told_whole)
{
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	int64_t n;

	for (int i = 0; i < 700; i++)
		buf_printf(&text, "-u%d ", i % 350);
	buf_adds(&text, "!");
	struct script p = tx(buf_str(&text));
	ck_assert_str_eq(batches(), "[1 too many 4711: 700 of 700, 350]");
	const char *all = held(p.batch);
	ck_assert_str_eq(strrchr(all, ' '), " 700");
	ck_assert_int_eq(decide(p.batch, true, &n), 0);
	ck_assert_str_eq(store_case_numbers(0, 1000), all);
}
END_TEST

/* --- causes --------------------------------------------------------------------------------------------------------
 */

static struct causes *cs;

static void
causes_setup(void)
{
	store_case_setup_dir();
	cs = causes_new();
}

static void
causes_teardown(void)
{
	causes_free(&cs);
	store_case_teardown();
}

static void
wrote(const char *dn, const char *client, const char *id, const char *csn)
{
	struct cause_write *w = causes_begin(cs, dn, client, "r1");

	causes_end(cs, &w, id, csn);
	ck_assert_ptr_null(w);
}

static const char *
who(const char *id, const char *csn, bool is_gone)
{
	struct cause c;

	return causes_find(cs, a, id, "uid=x", csn, is_gone, deadline_in(0), &c) ? c.client : "nobody";
}

START_TEST(a_write_is_found_by_its_version)
{
	wrote("uid=x", "entra", "id1", "csn1");
	wrote("uid=x", "okta", "id1", "csn2");
	wrote("uid=y", "okta", "id2", NULL);
	wrote("uid=z", "okta", NULL, NULL);
	ck_assert_str_eq(who("id1", "csn1", false), "entra");
	ck_assert_str_eq(who("id1", "csn2", false), "okta");
	ck_assert_str_eq(who("id1", "csn3", false), "nobody");
	ck_assert_str_eq(who("id1", NULL, false), "nobody");
	ck_assert_str_eq(who("id1", "csn9", true), "nobody"); /* deleted by somebody else */
	ck_assert_str_eq(who("id2", "csn9", true), "okta");
	ck_assert_str_eq(who("id2", "", false), "nobody");
	ck_assert_str_eq(who("id3", "csn1", false), "nobody");
}
END_TEST

START_TEST(old_writes_make_room)
{
	for (int i = 0; i < 20000; i++)
		wrote("uid=x", "entra", arena_printf(a, "id%d", i % 9000), arena_printf(a, "csn%d", i));
	ck_assert_str_eq(who("id1999", "csn19999", false), "entra");
	ck_assert_str_eq(who("id2808", "csn11808", false), "entra");  /* the last 8192 */
	ck_assert_str_eq(who("id2807", "csn11807", false), "nobody"); /* and not one more */
	ck_assert_str_eq(who("id0", "csn0", false), "nobody");
}
END_TEST

static void *
end_it(void *arg)
{
	struct cause_write **w = arg;

	causes_end(cs, w, "id1", "csn1");
	return NULL;
}

START_TEST(a_write_in_flight_is_waited_for)
{
	struct cause_write *w = causes_begin(cs, "uid=x", "entra", "r7"),
			   *other = causes_begin(cs, "uid=y", "okta", "r8");
	struct thread t = {0};
	struct cause c;

	ck_assert_str_eq(who("id1", "csn1", false), "nobody"); /* no time to wait */
	thread_start(&t, "ender", end_it, &w);
	ck_assert_int_eq(causes_find(cs, a, "id1", "uid=x", "csn1", false, deadline_in(50000), &c), 1);
	ck_assert_str_eq(c.client, "entra");
	ck_assert_str_eq(c.request_id, "r7");
	thread_join(&t);
	/* one that nobody writes to does not wait at all */
	int64_t begun = clock_mono_ms();
	ck_assert_int_eq(causes_find(cs, a, "id1", "uid=z", "csn5", false, deadline_in(50000), &c), 0);
	ck_assert_int_lt(clock_mono_ms() - begun, 40000);
	causes_end(cs, &other, NULL, NULL);
}
END_TEST

START_TEST(long_names_are_cut_and_long_keys_not_kept)
{
	DH_CLEANUP(buf_done) struct buf name = BUF_INIT(4096);

	for (int i = 0; i < 300; i++)
		buf_addc(&name, 'n');
	wrote("uid=x", buf_str(&name), "id1", "csn1");
	wrote("uid=x", "entra", buf_str(&name), "csn1");
	ck_assert_uint_gt(strlen(who("id1", "csn1", false)), 60);
	ck_assert_str_eq(who(buf_str(&name), "csn1", false), "nobody");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		subjects_with_a_removal_are_held_whole,
		what_follows_a_held_subject_waits_behind_it,
		a_second_hold_goes_into_the_open_batch,
		earlier_transactions_are_not_taken_back,
		a_held_id_is_not_taken_twice,
		the_head_does_not_move_for_what_is_held,
		a_hold_that_is_undone_leaves_nothing,
		removals_are_counted_when_they_go_out,
		a_release_begins_a_new_window,
		counts_outlive_the_events,
		released_events_come_in_their_order,
		a_release_wakes_readers,
		only_what_was_looked_at_is_decided,
		a_batch_after_a_decision_is_a_new_one,
		rejected_events_are_thrown_away_and_the_dead_come_back,
		a_rejection_takes_the_state_back_to_what_was_told,
		a_release_leaves_the_state_as_it_is,
		a_group_that_comes_back_has_its_members,
		a_big_batch_is_told_whole,
	};
	const TTest *const of_causes[] = {
		a_write_is_found_by_its_version,
		old_writes_make_room,
		a_write_in_flight_is_waited_for,
		long_names_are_cut_and_long_keys_not_kept,
	};
	Suite *suite = suite_create("held");

	unit_add_case(suite, "held", setup, store_case_teardown, tests, ARRAY_SIZE(tests));
	unit_add_case(suite, "causes", causes_setup, causes_teardown, of_causes, ARRAY_SIZE(of_causes));
	return unit_run_suite(suite);
}
