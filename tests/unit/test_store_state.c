/* SPDX-License-Identifier: Apache-2.0
 * Last known states and members: rows come back as they were, lists are complete, counts are right. */
#include <stdio.h>

#include "dirhinge/base/buf.h"
#include "store_case.h"
#include "unit.h"

/* Runs the test's statements in one transaction. */
#define IN_TX(fn) ck_assert_msg(store_write(s, fn, NULL, &e) == 0, "%s (%s)", e.detail, e.cause)

static void
put(struct store_tx *tx, const struct store_state *st)
{
	ck_assert_msg(store_tx_state_put(tx, st, &e) == 0, "%s (%s)", e.detail, e.cause);
}

/* --- state ---------------------------------------------------------------------------------------------------------
 */

static int
put_three(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er DH_UNUSED)
{
	struct store_state u1 = store_case_user("u1"), u2 = store_case_user("u2"), g1 = store_case_user("g1"),
			   other = store_case_user("o1");

	g1.kind = STORE_GROUP;
	other.kind = STORE_OTHER;
	put(tx, &u2);
	put(tx, &g1);
	put(tx, &u1);
	put(tx, &other);
	return 0;
}

static void
same(const struct store_state *x, const struct store_state *y)
{
	ck_assert_str_eq(x->sync_id, y->sync_id);
	ck_assert_str_eq(x->id, y->id);
	ck_assert_int_eq(x->kind, y->kind);
	ck_assert_uint_eq(x->flags, y->flags);
	ck_assert_int_eq(x->incarnation, y->incarnation);
	ck_assert_str_eq(x->dn, y->dn);
	ck_assert_str_eq(x->dn_key, y->dn_key);
	ck_assert_str_eq(x->csn, y->csn);
	ck_assert(strv_eq(x->entry, y->entry) && strv_eq(x->resource, y->resource));
}

START_TEST(a_state_comes_back_as_it_was)
{
	struct store_state st, want = store_case_user("u1");

	IN_TX(put_three);
	ck_assert_int_eq(store_state_get(s, a, "sync-u1", &st, &e), 1);
	same(&st, &want);
	store_case_reopen();
	ck_assert_int_eq(store_state_get(s, a, "sync-u1", &st, &e), 1);
	same(&st, &want);
	ck_assert_int_eq(store_state_get(s, a, "u1", &st, &e), 0);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 2);
	ck_assert_int_eq(store_state_count(s, STORE_GROUP), 1);
}
END_TEST

static int
by_dn(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er)
{
	struct store_state st, u1 = store_case_user("u1"), u9 = store_case_user("u9");

	ck_assert_int_eq(store_tx_state_by_dn(tx, a, u1.dn_key, &st, er), 1);
	ck_assert_str_eq(st.id, "u1");
	u1.flags = STORE_TOMBSTONE;
	put(tx, &u1);
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, u1.dn_key, &st, er), 0);
	/* another entry of this name, and the old one suspected: the real one is found */
	u1.flags = STORE_SUSPECTED;
	put(tx, &u1);
	u9.dn_key = u1.dn_key;
	put(tx, &u9);
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, u1.dn_key, &st, er), 1);
	ck_assert_str_eq(st.id, "u9");
	ck_assert_int_eq(store_tx_state(tx, a, "sync-u1", &st, er), 1);
	ck_assert_uint_eq(st.flags, STORE_SUSPECTED);
	return 0;
}

START_TEST(states_by_dn)
{
	IN_TX(put_three);
	IN_TX(by_dn);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 3);
}
END_TEST

static int
bury(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er)
{
	struct store_state u1 = store_case_user("u1"), st, want = store_case_user("u1");

	u1.flags = STORE_TOMBSTONE;
	u1.incarnation = 2;
	u1.csn = "later";
	u1.entry = u1.resource = strv_n(NULL, 0);
	put(tx, &u1);
	put(tx, &u1); /* buried twice is buried once */
	ck_assert_int_eq(store_tx_state(tx, a, "sync-u1", &st, er), 1);
	want.flags = STORE_TOMBSTONE;
	want.incarnation = 2;
	want.csn = "later";
	same(&st, &want);
	return 0;
}

START_TEST(a_tombstone_keeps_what_it_was)
{
	struct store_state st;
	int64_t dropped;

	IN_TX(put_three);
	IN_TX(bury);
	ck_assert_int_eq(store_state_count(s, STORE_USER), 1);
	ck_assert_int_eq(store_maintain(s, clock_wall_us(), &dropped, &e), 0);
	ck_assert_int_eq(store_state_get(s, a, "sync-u1", &st, &e), 1);
	ck_assert_uint_gt(st.resource.n, 0);
	/* …until the retention has passed; the row stays */
	ck_assert_int_eq(store_maintain(s, clock_wall_us() + (RETENTION_MS + 1000) * 1000, &dropped, &e), 0);
	ck_assert_int_eq(store_state_get(s, a, "sync-u1", &st, &e), 1);
	ck_assert_uint_eq(st.resource.n, 0);
	ck_assert_uint_eq(st.entry.n, 0);
	ck_assert_uint_eq(st.flags, STORE_TOMBSTONE);
	ck_assert_int_eq(st.incarnation, 2);
	ck_assert_int_eq(store_state_get(s, a, "sync-u2", &st, &e), 1);
	ck_assert_uint_gt(st.resource.n, 0);
}
END_TEST

static int
note_state(void *ctx, const struct store_state *st, struct err *er DH_UNUSED)
{
	struct buf *out = ctx;

	buf_printf(out, "%s%s%s", out->n ? " " : "", st->id, st->flags & STORE_TOMBSTONE ? "!" : "");
	return 0;
}

static const char *
list(enum store_kind kind, const char *after, int64_t limit)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	ck_assert_int_eq(store_state_list(s, kind, after, limit, note_state, &out, &e), 0);
	return arena_strdup(a, buf_str(&out));
}

START_TEST(lists_of_the_living)
{
	IN_TX(put_three);
	ck_assert_str_eq(list((enum store_kind)0, "", 10), "g1 u1 u2");
	ck_assert_str_eq(list((enum store_kind)0, NULL, 2), "g1 u1");
	ck_assert_str_eq(list((enum store_kind)0, "u1", 10), "u2");
	ck_assert_str_eq(list(STORE_USER, "", 10), "u1 u2");
	ck_assert_str_eq(list(STORE_GROUP, "", 10), "g1");
	ck_assert_str_eq(list(STORE_USER, "u2", 10), "");
	IN_TX(bury);
	ck_assert_str_eq(list((enum store_kind)0, "", 10), "g1 u2");
}
END_TEST

#define MANY 1000

static int
put_many(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er DH_UNUSED)
{
	for (int i = 0; i < MANY; i++) {
		struct store_state st = store_case_user(arena_printf(a, "m%04d", i));
		st.flags = i % 10 == 0 ? STORE_TOMBSTONE : 0;
		put(tx, &st);
	}
	return 0;
}

struct each {
	struct store_tx *tx;
	int n, gone;
};

/* Writes while it is told: changes rows, and adds some that must not be told. */
static int
meddle(void *ctx, const struct store_state *told, struct err *er)
{
	struct each *c = ctx;
	struct store_state st = store_case_user(arena_printf(a, "new%d", c->n)), row;

	ck_assert_uint_eq(told->entry.n, 0);
	c->n++;
	c->gone += (told->flags & STORE_TOMBSTONE) != 0;
	if (c->n % 50 == 0)
		put(c->tx, &st);
	ck_assert_int_eq(store_tx_state(c->tx, a, told->sync_id, &row, er), 1);
	row.csn = "touched";
	put(c->tx, &row);
	return 0;
}

static int
walk(struct store_tx *tx, void *ctx, struct err *er)
{
	struct each *c = ctx;

	c->tx = tx;
	return store_tx_state_each(tx, meddle, c, er);
}

START_TEST(every_row_once_while_writing)
{
	struct each c = {NULL, 0, 0};

	IN_TX(put_many);
	ck_assert_int_eq(store_write(s, walk, &c, &e), 0);
	ck_assert_int_eq(c.n, MANY);
	ck_assert_int_eq(c.gone, MANY / 10);
	ck_assert_int_eq(store_state_count(s, STORE_USER), MANY - MANY / 10 + MANY / 50);
}
END_TEST

static int
stop_at_ten(void *ctx, const struct store_state *told DH_UNUSED, struct err *er DH_UNUSED)
{
	return ++*(int *)ctx == 10;
}

static int
walk_ten(struct store_tx *tx, void *ctx, struct err *er)
{
	return store_tx_state_each(tx, stop_at_ten, ctx, er);
}

START_TEST(a_walk_can_be_stopped)
{
	int n = 0;

	ck_assert_int_eq(store_write(s, walk_ten, &n, &e), 0);
	ck_assert_int_eq(n, 0);
	IN_TX(put_many);
	ck_assert_int_eq(store_write(s, walk_ten, &n, &e), 0);
	ck_assert_int_eq(n, 10);
}
END_TEST

/* --- members -------------------------------------------------------------------------------------------------------
 */

static void
member(struct store_tx *tx, const char *group, const char *dn_key, const char *id)
{
	struct store_member m = {group, dn_key, id};

	ck_assert_int_eq(store_tx_member_put(tx, &m, &e), 0);
}

static int
note_member(void *ctx, const struct store_member *m, struct err *er DH_UNUSED)
{
	struct buf *out = ctx;

	buf_printf(out, "%s%s/%s=%s", out->n ? " " : "", m->group, m->dn_key, m->member_id ? m->member_id : "-");
	return 0;
}

typedef int (*list_fn)(struct store_tx *tx, const char *key, store_member_fn fn, void *ctx, struct err *e);

static void
expect(struct store_tx *tx, list_fn fn, const char *key, const char *want)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	ck_assert_int_eq(fn(tx, key, note_member, &out, &e), 0);
	ck_assert_str_eq(buf_str(&out), want);
}

static int
members(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er DH_UNUSED)
{
	member(tx, "g1", "uid=a", "A");
	member(tx, "g1", "uid=b", NULL);
	member(tx, "g2", "uid=a", "A");
	member(tx, "g2", "uid=a2", "A");
	expect(tx, store_tx_members, "g1", "g1/uid=a=A g1/uid=b=-");
	expect(tx, store_tx_members, "g0", "");
	expect(tx, store_tx_members_of_dn, "uid=a", "g1/uid=a=A g2/uid=a=A");
	expect(tx, store_tx_members_of_id, "A", "g1/uid=a=A g2/uid=a=A g2/uid=a2=A");
	member(tx, "g1", "uid=b", "B"); /* somebody came to that name */
	expect(tx, store_tx_members_of_id, "B", "g1/uid=b=B");
	ck_assert_int_eq(store_tx_member_drop(tx, "g1", "uid=a", &e), 0);
	ck_assert_int_eq(store_tx_member_drop(tx, "g1", "uid=nobody", &e), 0);
	expect(tx, store_tx_members, "g1", "g1/uid=b=B");
	member(tx, "g1", "uid=c", NULL);
	ck_assert_int_eq(store_tx_member_drop_all(tx, "g2", &e), 0);
	expect(tx, store_tx_members, "g2", "");
	return 0;
}

START_TEST(rows_of_members)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	IN_TX(members);
	ck_assert_int_eq(store_members(s, "g1", 10, note_member, &out, &e), 0);
	ck_assert_str_eq(buf_str(&out), "g1/uid=b=B"); /* who is nobody is not told */
}
END_TEST

static int
drop_told(void *ctx, const struct store_member *m, struct err *er)
{
	struct each *c = ctx;

	c->n++;
	if (c->n % 3 == 0)
		return store_tx_member_drop(c->tx, m->group, m->dn_key, er);
	return 0;
}

static int
big_group(struct store_tx *tx, void *ctx, struct err *er)
{
	struct each *c = ctx;

	c->tx = tx;
	for (int i = 0; i < MANY; i++)
		member(tx, "g1", arena_printf(a, "uid=%04d", i), "X");
	ck_assert_int_eq(store_tx_members(tx, "g1", drop_told, c, er), 0);
	ck_assert_int_eq(c->n, MANY);
	return 0;
}

static int
count_members(void *ctx, const struct store_member *m DH_UNUSED, struct err *er DH_UNUSED)
{
	++*(int *)ctx;
	return 0;
}

START_TEST(a_big_group_is_told_whole_while_it_shrinks)
{
	struct each c = {NULL, 0, 0};
	int n = 0;

	ck_assert_int_eq(store_write(s, big_group, &c, &e), 0);
	ck_assert_int_eq(store_members(s, "g1", 10000, count_members, &n, &e), 0);
	ck_assert_int_eq(n, MANY - MANY / 3);
	n = 0;
	ck_assert_int_eq(store_members(s, "g1", 7, count_members, &n, &e), 0);
	ck_assert_int_eq(n, 7);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_state_comes_back_as_it_was,
		states_by_dn,
		a_tombstone_keeps_what_it_was,
		lists_of_the_living,
		every_row_once_while_writing,
		a_walk_can_be_stopped,
		rows_of_members,
		a_big_group_is_told_whole_while_it_shrinks,
	};
	Suite *suite = suite_create("store state");

	unit_add_case(suite, "state", store_case_setup, store_case_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(suite);
}
