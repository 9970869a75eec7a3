/* SPDX-License-Identifier: Apache-2.0
 * Lookups that share a search, against a real slapd: each has the answer that it would have had alone, whoever else is
 * in the search and whatever happens to it, and none shows what was before it came. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirhinge/base/thread.h"
#include "dirhinge/dir/dn.h"
#include "live.h"

enum { ROUNDS_MS = 60000, ASKS = 40 };

static struct live server;
static struct dir *d;
static struct arena *a;
static struct err e;
static const struct dir_filter *any;

#define ok(rc) ck_assert_msg((rc) == 0, "%s | %s", e.detail, e.cause)
#define SOON   deadline_in(20000)

static void
setup(void)
{
	a = arena_new(65536);
	e = ERR_INIT;
	d = live_dir((struct dir_opts){.timeout_ms = 20000, .pool_size = 8}, server.ldap);
	any = dir_f_tested(a, dir_f_true(a));
	ok(dir_ping(d, &e));
}

static void
teardown(void)
{
	struct dir_stats s;

	live_restore(&server);
	dir_get_stats(d, &s);
	ck_assert_int_eq(s.open, s.idle);
	ck_assert_int_eq(s.gathering, 0);
	dir_free(&d);
	arena_free(&a);
}

/* --- one lookup --------------------------------------------------------------------------------------------------- */

struct ask {
	struct dir *d;
	const char *base, *attr;
	struct strv value;
	const struct dir_filter *rest;
	enum dir_share share;
	int64_t ms;
	struct arena *a;
	struct thread thread;
	/* out */
	int rc;
	enum err_code code;
	char text[4096]; /* the DNs found, in order, and a description */
	int64_t took;
};

static int
by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

struct found {
	const struct dir_entry *v[256];
	size_t n;
};

static int
collect(void *ctx, const struct dir_entry *en, struct err *err)
{
	struct found *f = ctx;

	if (f->n == ARRAY_SIZE(f->v))
		return err_set(err, ERR_TOO_MANY, NULL);
	f->v[f->n++] = en;
	return 0;
}

static void
tell(struct ask *q, const struct found *f)
{
	const char *lines[256];
	size_t at = 0;

	for (size_t i = 0; i < f->n; i++)
		lines[i] = arena_printf(
			q->a, "%s %s|", f->v[i]->dn,
			dir_entry_first(f->v[i], "description").p ? dir_entry_first(f->v[i], "description").p : "-");
	qsort(lines, f->n, sizeof(*lines), by_text);
	q->text[0] = '\0';
	for (size_t i = 0; i < f->n; i++)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "%s", lines[i]);
	ck_assert_uint_lt(at, sizeof(q->text));
}

static void *
ask(void *arg)
{
	static const char *const attrs[] = {"entryUUID", "description", NULL};
	struct ask *q = arg;
	struct err err = ERR_INIT;
	struct found found = {.n = 0};
	int64_t begun = clock_mono_ms();
	const struct dir_search s = {
		.base = q->base,
		.scope = DIR_SUB,
		.filter = dir_f_and2(q->a, dir_f_eq(q->a, q->attr, q->value), q->rest),
		.attrs = attrs,
		.share = q->share,
	};

	if (str_eq(q->attr, "member")) {
		q->rc = dir_search_run(q->d, q->a, true, &s, deadline_in(q->ms), collect, &found, &err);
	} else {
		q->rc = dir_search_one(q->d, q->a, &s, deadline_in(q->ms), &found.v[0], &err);
		found.n = q->rc == 1;
	}
	q->took = live_since(begun);
	q->code = q->rc < 0 ? err.code : ERR_OK;
	tell(q, &found);
	return NULL;
}

static struct ask
lookup(const char *attr, const char *value)
{
	return (struct ask){
		.d = d,
		.base = str_eq(attr, "member") ? GROUPS : PEOPLE,
		.attr = attr,
		.value = strv_of(value),
		.rest = any,
		.ms = 20000,
		.share = str_eq(attr, "member") ? DIR_SHARE_LINKS : DIR_SHARE_ONE,
	};
}

static int64_t
shared(void)
{
	struct dir_stats s;

	dir_get_stats(d, &s);
	return s.shared;
}

static bool
wait_gathering(int64_t n, int64_t ms)
{
	deadline_t until = deadline_in(ms);
	struct dir_stats s;

	do {
		dir_get_stats(d, &s);
		if (s.gathering >= n)
			return true;
		poll(NULL, 0, 1);
	} while (deadline_left(until) > 0);
	return false;
}

/* All at once: while the server stands still they gather behind the first. True if they did before it went on. */
static bool
ask_together(struct ask *q, size_t n)
{
	live_stop(&server);
	for (size_t i = 0; i < n; i++) {
		q[i].a = arena_new(8192);
		thread_start(&q[i].thread, "ask", ask, &q[i]);
	}
	bool gathered = wait_gathering((int64_t)n / 3, 200);

	live_cont(&server);
	for (size_t i = 0; i < n; i++) {
		thread_join(&q[i].thread);
		arena_free(&q[i].a);
	}
	return gathered;
}

static void
ask_alone(struct ask *q)
{
	q->a = arena_new(8192);
	q->share = DIR_ALONE;
	ask(q);
	arena_free(&q->a);
}

enum want { NEVER_SHARED, OFTEN_APART, SHARED };

/* In every round everybody has what he has alone, and in one of them at least by a search for several, or after one. */
static void
compare(const struct ask *asks, size_t n, enum want want)
{
	static struct ask alone[ASKS], together[ASKS];
	deadline_t until = deadline_in(ROUNDS_MS);
	int64_t before = shared();
	int rounds = 0, gathered = 0;

	ck_assert_uint_le(n, ASKS);
	for (size_t i = 0; i < n; i++) {
		alone[i] = asks[i];
		ask_alone(&alone[i]);
	}
	for (; deadline_left(until) > 0; rounds++) {
		if (rounds >= 6 && gathered > 0 && (want != SHARED || shared() > before))
			break;
		for (size_t i = 0; i < n; i++)
			together[i] = asks[(i + (size_t)rounds * 7) % n];
		gathered += ask_together(together, n);
		for (size_t i = 0; i < n; i++) {
			const struct ask *is = &alone[(i + (size_t)rounds * 7) % n];

			ck_assert_msg(together[i].rc == is->rc && together[i].code == is->code &&
					      str_eq(together[i].text, is->text),
				      "%s=%.*s: %d %s \"%s\", alone %d %s \"%s\"", is->attr, (int)is->value.n,
				      is->value.p, together[i].rc, err_name(together[i].code), together[i].text, is->rc,
				      err_name(is->code), is->text);
		}
	}
	ck_assert_int_gt(gathered, 0);
	if (want == SHARED)
		ck_assert_int_gt(shared(), before);
	if (want == NEVER_SHARED)
		ck_assert_int_eq(shared(), before);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static void
add(const char *dn, const char *class, const char *const *pairs)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", strv_of(class));
	for (; *pairs; pairs += 2)
		dir_mods_value(&m, DIR_MOD_ADD, pairs[0], strv_of(pairs[1]));
	ok(dir_add(d, a, dn, &m, NULL, SOON, &e));
}

static char *
name(const char *fmt, int i)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%d", fmt, i);
	return arena_strdup(a, text);
}

static char *
dn_of(const char *uid)
{
	return arena_printf(a, "uid=%s," PEOPLE, uid);
}

static const char *
id_of(const char *dn)
{
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = (const char *const[]){"entryUUID", NULL}};
	const struct dir_entry *en;

	ck_assert_int_eq(dir_search_one(d, a, &s, SOON, &en, &e), 1);
	return dir_entry_first(en, "entryUUID").p;
}

static void
set_text(const char *dn, const char *text)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_replace(&m, "description", (struct strv[]){strv_of(text)}, 1);
	ok(dir_modify(d, a, dn, &m, NULL, SOON, &e));
}

START_TEST(each_his_own)
{
	struct ask q[24], ids[24];

	for (int i = 0; i < 24; i++) {
		const char *uid = name("own", i);

		if (i % 6 != 5)
			live_user(d, uid);
		q[i] = lookup("uid", uid); /* every sixth is not there */
		ids[i] = lookup("entryUUID", i % 6 == 5 ? "00000000-0000-4000-8000-000000000000" : id_of(dn_of(uid)));
	}
	compare(q, 24, SHARED);
	compare(ids, 24, SHARED);
	for (int i = 0; i < 12; i++)
		q[2 * i] = ids[2 * i]; /* two kinds at once */
	compare(q, 24, SHARED);
}
END_TEST

/* What another has in his search decides nothing: names that the directory takes for equal, for different, twice. */
START_TEST(odd_names)
{
	static const char *const values[] = {"odd1",
					     "ODD1",
					     "odd2",
					     "\xef\xbd\x8f\xef\xbd\x84\xef\xbd\x84\x32" /* fullwidth odd2 */,
					     "Wei\xc3\x9f",
					     "weiss",
					     "so\xc2\xad"
					     "ft",
					     "soft",
					     "\xe2\x84\xaa"
					     "elvin" /* Kelvin sign */,
					     "kelvin",
					     "two words",
					     "two  words",
					     " odd1",
					     "zwei",
					     "two",
					     "zw\xc3\xb6lf",
					     "twice",
					     "TWICE",
					     "nobody",
					     "star*",
					     "st(r)",
					     "back\\slash",
					     "odd3"};
	static const char *const some[][4] = {
		{"odd1", "ODD2", "soft", "nobody"},
		{"odd1", "odd2", "odd3", "also"},
		{"odd1", "two", "soft", "zwei"},
		{"odd1", "weiss", "Twice", "kelvin"},
	};
	struct ask q[ARRAY_SIZE(values)];

	add("uid=odd1," PEOPLE, "account", (const char *const[]){"uid", "odd1", NULL});
	add("uid=odd2," PEOPLE, "account", (const char *const[]){"uid", "odd2", NULL});
	add("uid=Odd3," PEOPLE, "account", (const char *const[]){"uid", "Odd3", NULL});
	add("uid=Wei\xc3\x9f," PEOPLE, "account", (const char *const[]){"uid", "Wei\xc3\x9f", NULL});
	add("uid=soft," PEOPLE, "account", (const char *const[]){"uid", "soft", NULL});
	add("uid=Kelvin," PEOPLE, "account", (const char *const[]){"uid", "Kelvin", NULL});
	add("uid=two words," PEOPLE, "account", (const char *const[]){"uid", "two words", NULL});
	add("uid=zwei," PEOPLE, "account",
	    (const char *const[]){"uid", "zwei", "uid", "two", "uid", "zw\xc3\xb6lf", NULL});
	add("uid=twice," PEOPLE, "account", (const char *const[]){"uid", "twice", NULL});
	add("uid=twice,ou=leavers," SUFFIX, "account", (const char *const[]){"uid", "twice", NULL});
	/* Another "odd3" for the directory, found as well by a name that is asked for. */
	add("uid=also,ou=leavers," SUFFIX, "account",
	    (const char *const[]){"uid", "also", "uid", "\xef\xbd\x8f\xef\xbd\x84\xef\xbd\x84\x33", NULL});
	add("uid=star*," PEOPLE, "account", (const char *const[]){"uid", "star*", NULL});
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		q[i] = lookup("uid", values[i]);
		q[i].base = SUFFIX;
	}
	compare(q, ARRAY_SIZE(values), OFTEN_APART);
	/* One cause of doubt at a time, or none. */
	for (size_t k = 0; k < ARRAY_SIZE(some); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++)
			q[i].value = strv_of(some[k][i % ARRAY_SIZE(some[k])]);
		compare(q, ARRAY_SIZE(values), k == 0 ? SHARED : OFTEN_APART);
	}
}
END_TEST

/* An attribute to which case matters. */
START_TEST(exact_values)
{
	static const char *const values[] = {"x:One", "x:one", "x:ONE", "x:two", "x:TWO", "x:three"};
	struct ask q[24];

	for (int i = 0; i < 4; i++)
		add(dn_of(name("uri", i)), "inetOrgPerson",
		    (const char *const[]){"uid", name("uri", i), "cn", "c", "sn", "s", "labeledURI",
					  ((const char *const[]){"x:One", "x:one", "x:two", "x:three"})[i], NULL});
	for (size_t i = 0; i < ARRAY_SIZE(q); i++)
		q[i] = lookup("labeledURI", values[i % ARRAY_SIZE(values)]);
	compare(q, ARRAY_SIZE(q), SHARED);
}
END_TEST

/* 0, 1, 2 and 60 groups, big and small, with names that differ in case only. */
START_TEST(groups)
{
	struct ask q[24];

	for (int i = 0; i < 12; i++)
		live_user(d, name("m", i));
	for (int g = 0; g < 60; g++) {
		const char *pairs[32] = {"cn", name("g", g), "member", dn_of("m1"), "description", "of m1"};
		size_t n = 6;

		for (int i = 2; g == 0 && i < 10; i++) {
			pairs[n++] = "member";
			pairs[n++] = dn_of(name("m", i));
		}
		if (g == 1) {
			pairs[n++] = "member";
			pairs[n++] = "uid=M3," PEOPLE; /* the same for the directory */
		}
		add(arena_printf(a, "cn=g%d," GROUPS, g), "groupOfNames", pairs);
	}
	for (int i = 0; i < 24; i++)
		q[i] = lookup("member", dn_of(name("m", i % 12)));
	compare(q, 24, SHARED);
	/* Names as the directory tells them apart, or does not. */
	add("cn=upper," GROUPS, "groupOfNames",
	    (const char *const[]){"cn", "upper", "member", "labeledURI=Bob," PEOPLE, NULL});
	add("cn=lower," GROUPS, "groupOfNames",
	    (const char *const[]){"cn", "lower", "member", "labeledURI=bob," PEOPLE, NULL});
	add("cn=wide," GROUPS, "groupOfNames",
	    (const char *const[]){"cn", "wide", "member", "uid=\xef\xbd\x8d\x34," PEOPLE, NULL});
	for (int i = 0; i < 6; i++)
		q[i].value = strv_of(i % 2 ? "labeledURI=Bob," PEOPLE : "labeledURI=bob," PEOPLE);
	compare(q, 24, OFTEN_APART);
	q[3].value = strv_of(arena_printf(a, "UID=m3," PEOPLE));
	q[4].value = strv_of(arena_printf(a, "uid=\\6d4," PEOPLE));
	q[5].value = strv_of(arena_printf(a, "uid=m5, " PEOPLE));
	q[6].value = strv_of("no name at all");
	compare(q, 24, OFTEN_APART);
}
END_TEST

START_TEST(base_missing)
{
	struct ask q[12];

	for (int i = 0; i < 12; i++) {
		q[i] = lookup("uid", name("gone", i));
		q[i].base = "ou=nowhere," SUFFIX;
	}
	compare(q, 12, NEVER_SHARED);
	ck_assert_int_eq(q[0].rc, 0);
}
END_TEST

/* The account may see five entries of an answer, which is plenty for one. */
START_TEST(size_limit_of_the_server)
{
	struct secret *pw = secret_new(STRV("rdsecret"));
	struct dir *mine = d;
	struct ask q[24];

	for (int i = 0; i < 24; i++) {
		live_user(d, name("lim", i));
		q[i] = lookup("uid", name("lim", i));
	}
	d = live_dir((struct dir_opts){.bind_dn = "cn=reader," SUFFIX, .password = pw, .timeout_ms = 20000},
		     server.ldap);
	for (int i = 0; i < 24; i++)
		q[i].d = d;
	ok(dir_ping(d, &e));
	compare(q, 24, OFTEN_APART);
	dir_free(&d);
	secret_free(&pw);
	d = mine;
}
END_TEST

/* --- trouble ------------------------------------------------------------------------------------------------------ */

START_TEST(hanging_server)
{
	static struct ask q[16];
	struct dir_stats s;

	live_user(d, "hang");
	for (size_t i = 0; i < 16; i++) {
		q[i] = lookup("uid", "hang");
		q[i].ms = i == 7 ? 250 : 1500 + 100 * (int64_t)i;
	}
	live_stop(&server);
	for (size_t i = 0; i < 16; i++) {
		q[i].a = arena_new(8192);
		thread_start(&q[i].thread, "ask", ask, &q[i]);
	}
	for (size_t i = 0; i < 16; i++) {
		thread_join(&q[i].thread);
		ck_assert_int_eq(q[i].rc, -1);
		ck_assert_int_eq(q[i].code, ERR_UNAVAILABLE);
		ck_assert_msg(q[i].took <= q[i].ms + 2000, "%lld ms of %lld", (long long)q[i].took, (long long)q[i].ms);
		arena_free(&q[i].a);
	}
	live_cont(&server);
	for (deadline_t until = SOON; dir_ping(d, &e) && deadline_left(until) > 0;)
		poll(NULL, 0, 20);
	ask_alone(&q[0]);
	ck_assert_int_eq(q[0].rc, 1);
	dir_get_stats(d, &s);
	ck_assert_int_eq(s.gathering, 0);
}
END_TEST

enum { READERS = 16, USERS = 40, STAMPS = 400 };

static struct {
	const char *uid[USERS], *id[USERS], *dn[USERS];
	atomic_int stamp[USERS]; /* the last one that the directory has confirmed */
	atomic_bool end, calm;   /* calm: nothing is allowed to fail */
	atomic_int reads, unavailable;
} play;

struct reader {
	struct thread thread;
	int number;
	char wrong[512]; /* "" = nothing */
};

static void
read_one(struct reader *r, int i, int how)
{
	struct arena *own = arena_new(4096);
	struct ask q = how == 0   ? lookup("uid", play.uid[i])
		       : how == 1 ? lookup("entryUUID", play.id[i])
				  : lookup("member", play.dn[i]);
	int before = atomic_load(&play.stamp[i]);
	bool calm = atomic_load(&play.calm);

	q.a = own;
	ask(&q);

	const char *at = strstr(q.text, how == 2 ? "cn=" : play.dn[i]);
	const char *stamp = strchr(q.text, ' ');

	if (q.rc < 0 && q.code == ERR_UNAVAILABLE && !(calm && atomic_load(&play.calm)))
		atomic_fetch_add(&play.unavailable, 1);
	else if (q.rc < 0 || at != q.text || !stamp || atoi(stamp) < before ||
		 (how == 2 && !strstr(q.text, arena_printf(own, "cn=of-%s,", play.uid[i]))))
		snprintf(r->wrong, sizeof(r->wrong), "%s, how %d, stamp %d: rc %d %s \"%.300s\"", play.uid[i], how,
			 before, q.rc, err_name(q.code), q.text);
	atomic_fetch_add(&play.reads, 1);
	arena_free(&own);
}

static void *
reading(void *arg)
{
	struct reader *r = arg;

	for (unsigned i = 0; !atomic_load(&play.end) && !r->wrong[0]; i++)
		read_one(r, (int)(i * 7 + (unsigned)r->number * 13) % USERS, (int)(i % 3));
	return NULL;
}

static void
play_begin(struct reader *readers, const char *prefix)
{
	for (int i = 0; i < USERS; i++) {
		play.uid[i] = name(prefix, i);
		play.dn[i] = dn_of(play.uid[i]);
		live_user(d, play.uid[i]);
		play.id[i] = id_of(play.dn[i]);
		set_text(play.dn[i], "0");
		add(arena_printf(a, "cn=of-%s," GROUPS, play.uid[i]), "groupOfNames",
		    (const char *const[]){"cn", arena_printf(a, "of-%s", play.uid[i]), "member", play.dn[i], "member",
					  dn_of("x"), "description", "0", NULL});
		atomic_store(&play.stamp[i], 0);
	}
	atomic_store(&play.end, false);
	atomic_store(&play.calm, true);
	atomic_store(&play.reads, 0);
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.number = i};
		thread_start(&readers[i].thread, "reader", reading, &readers[i]);
	}
}

static void
play_end(struct reader *readers)
{
	atomic_store(&play.end, true);
	for (int i = 0; i < READERS; i++) {
		thread_join(&readers[i].thread);
		ck_assert_msg(!readers[i].wrong[0], "%s", readers[i].wrong);
	}
}

/* A write is seen by every lookup that begins after its end. Others come, go and change their names meanwhile. */
START_TEST(never_older_than_the_lookup)
{
	struct reader readers[READERS];
	deadline_t until = deadline_in(ROUNDS_MS);
	int64_t before = shared();

	play_begin(readers, "fresh");
	for (int k = 1; k <= STAMPS || (shared() == before && deadline_left(until) > 0); k++) {
		int i = k % USERS;
		const char *text = name("", k);

		set_text(play.dn[i], text);
		set_text(arena_printf(a, "cn=of-%s," GROUPS, play.uid[i]), text);
		atomic_store(&play.stamp[i], k);
		if (k % 10 == 0) {
			char *other = name("churn", k), *rdn;

			live_user(d, other);
			ok(dir_rdn_build(a, "uid", strv_of(name("renamed", k)), &rdn, &e));
			ok(dir_rename(d, a, dn_of(other), rdn, NULL, NULL, SOON, &e));
			ok(dir_delete(d, a, dn_of(name("renamed", k)), NULL, SOON, &e));
		}
	}
	play_end(readers);
	ck_assert_int_gt(shared(), before);
	ck_assert_int_ge(atomic_load(&play.reads), 1);
}
END_TEST

START_TEST(restart)
{
	struct reader readers[READERS];
	int64_t before = shared();

	play_begin(readers, "again");
	for (int round = 0; round < 3; round++) {
		int reads = atomic_load(&play.reads);

		for (deadline_t until = SOON; atomic_load(&play.reads) < reads + 200 && deadline_left(until) > 0;)
			poll(NULL, 0, 1);
		atomic_store(&play.calm, false);
		live_kill(&server);
		live_again(&server);
		for (deadline_t until = SOON; dir_ping(d, &e) && deadline_left(until) > 0;)
			poll(NULL, 0, 20);
		ok(dir_ping(d, &e));
	}
	play_end(readers);
	ck_assert_int_ge(shared(), before);
	for (int i = 0; i < USERS; i++) {
		struct ask q = lookup("uid", play.uid[i]);

		ask_alone(&q);
		ck_assert_int_eq(q.rc, 1);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("dir_gather");
	TCase *t = tcase_create("lookups");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 240);
	tcase_add_test(t, each_his_own);
	tcase_add_test(t, odd_names);
	tcase_add_test(t, exact_values);
	tcase_add_test(t, groups);
	tcase_add_test(t, base_missing);
	tcase_add_test(t, size_limit_of_the_server);
	tcase_add_test(t, hanging_server);
	tcase_add_test(t, never_older_than_the_lookup);
	tcase_add_test(t, restart);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return live_run(suite(), &server);
}
