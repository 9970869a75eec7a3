/* SPDX-License-Identifier: Apache-2.0
 * The first refresh: without its indexes a store answers the same, afterwards it is one like any other; events that are
 * told from rows stay what they were whatever becomes of the rows. */
#include <sqlite3.h>

#include "dirhinge/base/buf.h"
#include "store_case.h"
#include "unit.h"

#define N 3000

static void
ok(int rc)
{
	ck_assert_msg(rc == 0, "%s (%s)", e.detail, e.cause);
}

static const char *
name(int i)
{
	return arena_printf(a, "u%05d", i);
}

/* Text from both rows, so that each of them shows. */
static int
compose(struct arena *to, const struct store_told *t, struct store_event *ev_r, struct err *er DH_UNUSED)
{
	const char *id = arena_printf(to, "evt_%s_%s_%s", t->type, t->subject->id, t->member ? t->member->id : "-");

	*ev_r = (struct store_event){
		.id = id,
		.type = arena_strdup(to, t->type),
		.subject = t->subject->id,
		.dn_key = t->subject->dn_key,
		.at_us = t->at_us,
		.body = strv_of(arena_printf(to, "%s of %s is %.*s, %s at %jd", id, t->subject->dn,
					     (int)t->subject->resource.n, t->subject->resource.p,
					     t->member ? t->member->resource.p : "nobody", (intmax_t)t->at_us)),
	};
	return 0;
}

static void
open_store(void)
{
	const struct store_opts opts = {.dir = dir, .retention_ms = RETENTION_MS, .compose = compose};

	ok(store_open(&opts, &s, &e));
}

static void
setup(void)
{
	store_case_setup_dir();
	open_store();
}

static void
reopen(void)
{
	store_close(&s);
	open_store();
}

/* --- the whole of a store as text -----------------------------------------------------------------------------------
 */

static int
add_event(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%jd %s %s %s %s %.*s\n", (intmax_t)ev->seq, ev->id, ev->type, ev->subject,
		   ev->dn_key ? ev->dn_key : "-", (int)ev->body.n, ev->body.p);
	return 0;
}

static const char *
events(int64_t after)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 26);

	ok(store_events(s, after, INT64_MAX, add_event, &out, &e));
	return arena_strdup(a, buf_str(&out));
}

static int
add_state(void *ctx, const struct store_state *st, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%s %s %d %u %jd %s %s %s %.*s\n", st->sync_id, st->id, (int)st->kind, st->flags,
		   (intmax_t)st->incarnation, st->dn, st->dn_key, st->csn, (int)st->resource.n, st->resource.p);
	return 0;
}

static int
add_member(void *ctx, const struct store_member *m, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%s %s %s\n", m->group, m->dn_key, m->member_id ? m->member_id : "-");
	return 0;
}

static const char *
states(void)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 26);

	ok(store_state_list(s, 0, NULL, INT64_MAX, add_state, &out, &e));
	ok(store_members(s, "g", INT64_MAX, add_member, &out, &e));
	buf_printf(&out, "%jd users, %jd groups\n", (intmax_t)store_state_count(s, STORE_USER),
		   (intmax_t)store_state_count(s, STORE_GROUP));
	return arena_strdup(a, buf_str(&out));
}

/* Answers of an SQL statement, a line a row; the store must be closed. */
static const char *
sql(const char *text)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	sqlite3 *h = NULL;
	sqlite3_stmt *st = NULL;

	ck_assert_int_eq(sqlite3_open(store_case_path("dirhinge.db"), &h), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(h, text, -1, &st, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(h));
	while (sqlite3_step(st) == SQLITE_ROW)
		buf_printf(&out, "%s\n", (const char *)sqlite3_column_text(st, 0));
	ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(h), SQLITE_OK);
	return arena_strdup(a, buf_str(&out));
}

#define INDEXES "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"

static void
is_sound(const char *indexes)
{
	store_close(&s);
	ck_assert_str_eq(sql("PRAGMA integrity_check"), "ok\n");
	ck_assert_str_eq(sql(INDEXES), indexes);
	open_store();
}

/* --- a refresh: users, a group of them, some seen twice, some that move and go
 * ---------------------------------------- */

struct refresh {
	bool fill, fail;
	bool lots; /* members of the group and their events are put together */
};

static struct store_state
user(int i)
{
	struct store_state st = store_case_user(name(i));

	st.flags = STORE_FIRST;
	return st;
}

static int
find(struct store_tx *tx, int i, struct err *er)
{
	struct store_state by_sync, by_dn, by_id;
	const struct store_state want = user(i);

	ck_assert_int_eq(store_tx_state(tx, a, want.sync_id, &by_sync, er), 1);
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, want.dn_key, &by_dn, er), 1);
	ck_assert_str_eq(by_sync.id, want.id);
	ck_assert_str_eq(by_dn.id, want.id);
	ck_assert_int_gt(by_sync.row, 0);
	ck_assert_int_eq(by_sync.row, by_dn.row);
	if (i % 500 != 0)
		return 0;
	ck_assert_int_eq(store_tx_state_by_id(tx, a, want.id, &by_id, er), 1);
	ck_assert_int_eq(by_sync.row, by_id.row);
	ck_assert_int_eq(store_tx_state(tx, a, want.id, &by_id, er), 0);
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, "uid=nobody", &by_id, er), 0);
	return 0;
}

static int
put_user(struct store_tx *tx, int i, struct err *er)
{
	const struct store_state st = user(i);

	ok(store_tx_state_put(tx, &st, er));
	const struct store_first f = {"dsync.user.created", i, store_tx_row(tx), 0};
	return store_tx_first(tx, &f, 1, er);
}

/* What was there is seen a second time: with another name, or as one that has gone. */
static int
put_again(struct store_tx *tx, int i, struct err *er)
{
	struct store_state st = user(i), found;

	st.flags = i % 2 ? STORE_TOMBSTONE : 0;
	st.dn_key = arena_printf(a, "uid=moved%d", i);
	st.resource = STRV("{\"moved\":true}");
	ok(store_tx_state_put(tx, &st, er));
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, user(i).dn_key, &found, er), 0);
	ck_assert_int_eq(store_tx_state_by_dn(tx, a, st.dn_key, &found, er), i % 2 ? 0 : 1);
	ck_assert_int_eq(store_tx_state(tx, a, st.sync_id, &found, er), 1);
	ck_assert_str_eq(found.dn_key, st.dn_key);
	return 0;
}

static int
count_member(void *ctx, const struct store_member *m DH_UNUSED, struct err *er DH_UNUSED)
{
	++*(int *)ctx;
	return 0;
}

/* One by one, or so many that lots of every size come of it. */
static void
put_members(struct store_tx *tx, const struct refresh *r, const struct store_member *m, const struct store_first *f,
	    size_t n, struct err *er)
{
	for (size_t i = 0; i < n && !r->lots; i++) {
		ok(store_tx_member_put(tx, &m[i], er));
		ok(store_tx_first(tx, &f[i], 1, er));
	}
	if (!r->lots)
		return;
	ok(store_tx_member_put_many(tx, m, 0, er));
	ok(store_tx_first(tx, f, 0, er));
	ok(store_tx_member_put_many(tx, m, n, er));
	ok(store_tx_first(tx, f, n, er));
}

static int
put_group(struct store_tx *tx, const struct refresh *r, struct err *er)
{
	struct store_member m[N];
	struct store_first f[N];
	size_t n = 0;
	struct store_state g = store_case_user("g"), st;
	int of_dn = 0, of_id = 0;

	g.kind = STORE_GROUP;
	g.flags = STORE_FIRST;
	ok(store_tx_state_put(tx, &g, er));
	int64_t row = store_tx_row(tx);
	for (int i = 0; i < N; i += 3) {
		const struct store_state member = user(i);
		ck_assert_int_eq(store_tx_state_by_dn(tx, a, member.dn_key, &st, er), 1);
		m[n] = (struct store_member){"g", member.dn_key, i % 2 ? member.id : NULL};
		f[n++] = (struct store_first){"dsync.group.user_added", i, row, st.row};
	}
	ck_assert_uint_gt(n % 16, 0);
	/* two spellings of one name: the last one counts */
	m[2] = (struct store_member){"g", m[0].dn_key, "another"};
	put_members(tx, r, m, f, n, er);
	ok(store_tx_members_of_dn(tx, user(3).dn_key, count_member, &of_dn, er));
	ok(store_tx_members_of_id(tx, name(3), count_member, &of_id, er));
	ck_assert_int_eq(of_dn, 1);
	ck_assert_int_eq(of_id, 1);
	return 0;
}

static int
refresh(struct store_tx *tx, void *ctx, struct err *er)
{
	const struct refresh *r = ctx;
	const struct store_event between = store_case_event(7, "u7", false);

	if (r->fill)
		ok(store_tx_fill(tx, er));
	for (int i = 0; i < N; i++) {
		ok(put_user(tx, i, er));
		ok(find(tx, i / 2, er));
		if (i == N / 2)
			ok(store_tx_event(tx, &between, er));
	}
	ok(put_group(tx, r, er));
	for (int i = 10; i < 20; i++)
		ok(put_again(tx, i, er));
	return r->fail ? err_set(er, ERR_BUSY, "undone") : 0;
}

START_TEST(without_indexes_it_is_the_same)
{
	struct refresh r = {.fill = false};

	ok(store_write(s, refresh, &r, &e));
	const char *want_events = events(0), *want_states = states();
	store_close(&s);
	const char *indexes = sql(INDEXES);
	for (int i = 0; i < 3; i++) {
		r.fill = i > 0;
		r.lots = i != 1;
		ok(store_discard(dir, &e));
		open_store();
		ok(store_write(s, refresh, &r, &e));
		ck_assert_str_eq(events(0), want_events);
		ck_assert_str_eq(states(), want_states);
		is_sound(indexes);
		ck_assert_str_eq(events(0), want_events);
		ck_assert_str_eq(states(), want_states);
		store_close(&s);
	}
	open_store();
}
END_TEST

START_TEST(undone_it_never_was)
{
	struct refresh r = {.fill = true, .fail = true};
	store_close(&s);
	const char *indexes = sql(INDEXES);

	open_store();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(store_write(s, refresh, &r, &e), -1);
		ck_assert_str_eq(events(0), "");
		ck_assert_str_eq(states(), "0 users, 0 groups\n");
		is_sound(indexes);
	}
	r.fail = false;
	ok(store_write(s, refresh, &r, &e));
	is_sound(indexes);
	ck_assert_int_eq(store_state_count(s, STORE_GROUP), 1);
}
END_TEST

static int
fill_late(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er)
{
	struct store_state st;

	ok(put_user(tx, 1, er));
	ok(store_tx_fill(tx, er)); /* too late: there is something already */
	ok(put_user(tx, 2, er));
	ck_assert_int_eq(store_tx_state(tx, a, user(1).sync_id, &st, er), 1);
	return 0;
}

START_TEST(a_store_with_rows_keeps_its_indexes)
{
	store_close(&s);
	const char *indexes = sql(INDEXES);

	open_store();
	ok(store_write(s, fill_late, NULL, &e));
	ck_assert_int_eq(store_state_count(s, STORE_USER), 2);
	is_sound(indexes);
}
END_TEST

/* --- events that are told from rows ---------------------------------------------------------------------------------
 */

static int
change(struct store_tx *tx, void *ctx, struct err *er)
{
	struct store_state st = user(*(int *)ctx);

	st.flags = 0;
	st.resource = strv_of(arena_printf(a, "{\"now\":%d}", *(int *)ctx));
	st.dn = "uid=other";
	st.csn = "later";
	return store_tx_state_put(tx, &st, er);
}

static int
bury(struct store_tx *tx, void *ctx, struct err *er)
{
	struct store_state st = user(*(int *)ctx);

	st.flags = STORE_TOMBSTONE;
	st.entry = st.resource = (struct strv){0};
	st.csn = "gone";
	return store_tx_state_put(tx, &st, er);
}

static void
run(int (*fn)(struct store_tx *tx, void *ctx, struct err *er), int i)
{
	ok(store_write(s, fn, &i, &e));
}

START_TEST(they_stay_as_they_were)
{
	struct refresh r = {.fill = true};
	uint64_t before, after;

	ok(store_write(s, refresh, &r, &e));
	const char *want = events(0);
	ck_assert_int_eq(store_event_mark(s, 4, &before, &e), 1);
	for (int i = 0; i < 9; i++)
		run(change, i);
	run(change, 3); /* the second change is not the first state */
	run(bury, 3);
	run(bury, 6);
	ck_assert_str_eq(events(0), want);
	ck_assert_int_eq(store_event_mark(s, 4, &after, &e), 1);
	ck_assert_uint_eq(before, after);
	store_case_append(100, 1, "u9", false);
	reopen();
	/* with the new one behind them */
	ck_assert_int_eq(strncmp(events(0), want, strlen(want)), 0);
	ck_assert_ptr_nonnull(strstr(events(0) + strlen(want), "evt_100"));
}
END_TEST

static int64_t
maintain_all(int64_t now_us)
{
	int64_t all = 0, dropped;

	do {
		ok(store_maintain(s, now_us, &dropped, &e));
		all += dropped;
	} while (dropped > 0);
	return all;
}

static int
one_lot(struct store_tx *tx, void *ctx, struct err *er)
{
	const struct store_state st = user(*(int *)ctx);
	struct store_first f[40];

	ok(store_tx_state_put(tx, &st, er));
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		f[i] = (struct store_first){"dsync.user.created", (int64_t)i, store_tx_row(tx), 0};
	return store_tx_first(tx, f, ARRAY_SIZE(f), er);
}

/* As the rows are: at once and by the next start, in an empty log and behind what retention took. */
START_TEST(lots_are_counted)
{
	struct store_range range;

	for (int i = 0; i < 2; i++) {
		ok(store_write(s, one_lot, &i, &e));
		for (int k = 0; k < 2; k++) {
			store_range(s, &range);
			ck_assert_int_eq(range.oldest, i * 40 + 1);
			ck_assert_int_eq(range.head, i * 40 + 40);
			reopen();
		}
		ck_assert_int_eq(maintain_all(clock_wall_us() + (RETENTION_MS + 1000) * 1000), 40);
	}
}
END_TEST

START_TEST(retention_takes_what_was_kept_for_them)
{
	struct refresh r = {.fill = true};
	struct store_range range;

	ok(store_write(s, refresh, &r, &e));
	for (int i = 0; i < 5; i++)
		run(change, i);
	store_range(s, &range);
	ck_assert_int_eq(maintain_all(clock_wall_us() + (RETENTION_MS + 1000) * 1000), range.head);
	ck_assert_str_eq(events(0), "");
	/* nothing is kept any more of a row that changes now */
	run(change, 100);
	store_close(&s);
	ck_assert_str_eq(sql("SELECT count(*) FROM origin"), "0\n");
	open_store();
	run(change, 101);
	store_case_append(1, 1, "u1", false);
	store_close(&s);
	ck_assert_str_eq(sql("SELECT count(*) FROM origin"), "0\n");
	ck_assert_str_eq(sql("SELECT seq FROM event"), arena_printf(a, "%jd\n", (intmax_t)range.head + 1));
	open_store();
}
END_TEST

START_TEST(a_reset_forgets_them)
{
	struct refresh r = {.fill = true};

	ok(store_write(s, refresh, &r, &e));
	run(change, 1);
	ok(store_reset(s, &e));
	ck_assert_str_eq(events(0), "");
	ok(store_write(s, refresh, &r, &e));
	store_close(&s);
	ck_assert_str_eq(sql("SELECT count(*) FROM origin WHERE n > 21"), "0\n");
	open_store();
}
END_TEST

START_TEST(a_damaged_row_is_an_error)
{
	struct refresh r = {.fill = true};
	static const char *const damages[] = {
		"UPDATE state SET resource = x'7b7d' WHERE sync_id = 'sync-u00001'",
		"UPDATE event SET of_n = of_n + 1 WHERE seq = 2",
		"DELETE FROM state WHERE sync_id = 'sync-u00001'",
	};

	ok(store_write(s, refresh, &r, &e));
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 26);
		store_close(&s);
		store_case_sql(damages[i]);
		open_store();
		ck_assert_int_eq(store_events(s, 1, 1, add_event, &out, &e), -1);
		ck_assert_int_eq(e.code, ERR_IO);
		ck_assert_uint_eq(out.n, 0);
	}
}
END_TEST

/* --- from the first schema -------------------------------------------------------------------------------------------
 */

/* As version 1 made it, with what it held. */
static const char version_1[] =
	"CREATE TABLE log(generation TEXT NOT NULL, begun_us INTEGER NOT NULL) STRICT;"
	"INSERT INTO log VALUES('0123456789abcdef', 1);"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE event(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
	" subject TEXT NOT NULL, dn_key TEXT, old_dn_key TEXT, at_us INTEGER NOT NULL, removal INTEGER NOT NULL,"
	" stored_us INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE TABLE state(n INTEGER PRIMARY KEY, sync_id TEXT NOT NULL UNIQUE, id TEXT NOT NULL,"
	" kind INTEGER NOT NULL, flags INTEGER NOT NULL, incarnation INTEGER NOT NULL, dn TEXT NOT NULL,"
	" dn_key TEXT NOT NULL, csn TEXT NOT NULL, gone_us INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" entry BLOB NOT NULL, resource BLOB NOT NULL) STRICT;"
	"CREATE INDEX state_id ON state(id, kind, flags);"
	"CREATE INDEX state_dn ON state(dn_key) WHERE flags & 1 = 0;"
	"CREATE INDEX state_gone ON state(gone_us) WHERE flags & 1;"
	"CREATE TABLE member(grp TEXT NOT NULL, dn_key TEXT NOT NULL, member_id TEXT,"
	" PRIMARY KEY(grp, dn_key)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX member_dn ON member(dn_key);"
	"CREATE INDEX member_member ON member(member_id) WHERE member_id IS NOT NULL;"
	"CREATE TABLE batch(id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, opened_us INTEGER NOT NULL,"
	" decided_us INTEGER, released INTEGER, who TEXT, why TEXT, events INTEGER) STRICT;"
	"CREATE TABLE held(place INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,"
	" type TEXT NOT NULL, subject TEXT NOT NULL, dn_key TEXT, old_dn_key TEXT, at_us INTEGER NOT NULL,"
	" removal INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE INDEX held_subject ON held(subject);"
	"CREATE INDEX held_batch ON held(batch);"
	"CREATE TABLE removals(second INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;"
	"PRAGMA application_id = 1148348519; PRAGMA user_version = 1;";

/* What a store holds, in the columns that version 1 has. */
#define COPY_TO_1                                                                                                   \
	"INSERT INTO event SELECT seq, id, type, subject, dn_key, old_dn_key, at_us, removal, stored_us, sum, body" \
	" FROM new.event; INSERT INTO state SELECT * FROM new.state; INSERT INTO member SELECT * FROM new.member;"

static int
put_some(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er)
{
	for (int i = 0; i < 20; i++) {
		struct store_state st = store_case_user(name(i));
		const struct store_member m = {"g", st.dn_key, st.id};
		ok(store_tx_state_put(tx, &st, er));
		ok(store_tx_member_put(tx, &m, er));
	}
	return 0;
}

START_TEST(a_file_of_version_1)
{
	store_case_append(1, 10, "u1", false);
	ok(store_write(s, put_some, NULL, &e));
	const char *want_events = events(0), *want_states = states();
	store_close(&s);
	const char *indexes = sql(INDEXES);
	ok(store_discard(dir, &e));
	store_case_sql(version_1);
	store_case_sql(arena_printf(a, "ATTACH '%s' AS new; " COPY_TO_1, store_case_path("dirhinge.db.old")));
	store_case_sql("UPDATE sqlite_sequence SET seq = 50 WHERE name = 'event'"); /* retention took some since */
	open_store();
	ck_assert_str_eq(store_generation(s), "0123456789abcdef");
	ck_assert_str_eq(events(0), want_events);
	ck_assert_str_eq(states(), want_states);
	struct store_range range;
	store_case_append(1, 1, "u1", false); /* known */
	ck_assert_str_eq(events(10), "");
	store_case_append(51, 1, "u1", false);
	store_range(s, &range);
	ck_assert_int_gt(range.head, 50);
	ck_assert_ptr_nonnull(strstr(events(10), " evt_51 "));
	is_sound(indexes);
	store_close(&s);
	ck_assert_str_eq(sql("PRAGMA page_size"), "4096\n"); /* as it was */
	open_store();
}
END_TEST

START_TEST(pages_of_a_new_file)
{
	store_case_append(1, 10, "u1", false);
	const char *want = events(0);
	store_close(&s);
	ck_assert_str_eq(sql("PRAGMA page_size"), "8192\n");
	open_store();
	ck_assert_str_eq(events(0), want);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		without_indexes_it_is_the_same,
		lots_are_counted,
		pages_of_a_new_file,
		undone_it_never_was,
		a_store_with_rows_keeps_its_indexes,
		they_stay_as_they_were,
		retention_takes_what_was_kept_for_them,
		a_reset_forgets_them,
		a_damaged_row_is_an_error,
		a_file_of_version_1,
	};
	Suite *suite = suite_create("store_first");

	unit_add_case(suite, "first", setup, store_case_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(suite);
}
