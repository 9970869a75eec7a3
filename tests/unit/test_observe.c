/* SPDX-License-Identifier: Apache-2.0
 * Random lives of users and groups, told as entries or as operations: folding the events gives what is there, and what
 * the store keeps is the same. */
#include <stdio.h>
#include <stdlib.h>

#include "observe_world.h"
#include "unit.h"

enum { USERS = 8, GROUPS = 4, STEPS = 250, ROUNDS = 12 };

struct user {
	bool there, disabled;
	int sn, title, name, manager; /* 0 = none */
	int life;                     /* another one each time it is added */
	int csn;
};

struct group {
	bool there;
	int name;
	bool members[USERS + 1]; /* by place of the user whose name is listed; the last: of nobody */
	int names[USERS + 1];    /* the name of that user which the group holds */
	int life;
	int csn;
};

struct model {
	struct world *w;
	struct user users[USERS];
	struct group groups[GROUPS];
	int csn, lives;
	unsigned seed;
	json_t *folded;  /* id -> data */
	json_t *members; /* group id -> {member id: true} */
	int64_t read;
};

static unsigned
dice(struct model *m, unsigned n)
{
	m->seed = m->seed * 1103515245U + 12345U;
	return (m->seed >> 16) % n;
}

static const char *
user_id(char out[8], const struct model *m, int i)
{
	snprintf(out, 8, "u%d", m->users[i].life);
	return out;
}

static const char *
group_id(char out[8], const struct model *m, int i)
{
	snprintf(out, 8, "g%d", m->groups[i].life);
	return out;
}

/* --- folding ----------------------------------------------------------------------------------------------------- */

static void
fold_member(struct model *m, const char *group, const json_t *ev, bool added)
{
	json_t *set = json_object_get(m->members, group);
	const char *who = json_string_value(json_object_get(json_object_get(ev, "member"), "value"));
	ck_assert(set && who && json_object_get(m->folded, who));
	ck_assert_msg(!json_object_get(set, who) == added, "%s %s twice", who, added ? "added" : "removed");
	if (added)
		json_object_set_new(set, who, json_true());
	else
		json_object_del(set, who);
}

static int
fold(void *ctx, const struct store_event *row, struct err *e)
{
	struct model *m = ctx;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	json_t *ev;
	ck_assert_int_eq(json_parse(a, row->body, NULL, &ev, e), 0);
	const char *kind = strrchr(row->type, '.') + 1;
	bool known = json_object_get(m->folded, row->subject) != NULL;
	ck_assert_msg(known == !str_eq(kind, "created"), "%s of %s", kind, row->subject);
	m->read = row->seq;
	if (str_eq(kind, "user_added") || str_eq(kind, "user_removed")) {
		fold_member(m, row->subject, ev, str_eq(kind, "user_added"));
	} else if (str_eq(kind, "deleted")) {
		json_object_del(m->folded, row->subject);
		json_object_del(m->members, row->subject);
	} else {
		json_t *data = json_deep_copy(json_object_get(ev, "data"));
		json_object_del(data, "members");
		json_object_set_new(m->folded, row->subject, data);
		if (str_eq(kind, "created") && strstr(row->type, "group"))
			json_object_set_new(m->members, row->subject, json_object());
	}
	return 0;
}

/* --- what the directory says ------------------------------------------------------------------------------------- */

static void
put_user(const struct model *m, int i, struct buf *out)
{
	const struct user *u = &m->users[i];
	buf_printf(out, "dn: uid=n%d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: n%d\ncn: C\nsn: S%d",
		   u->name, u->name, u->sn);
	if (u->title)
		buf_printf(out, "\ntitle: T%d", u->title);
	if (u->disabled)
		buf_adds(out, "\npwdEndTime: 20200101000000Z");
	if (u->manager)
		buf_printf(out, "\nmanager: uid=n%d,ou=people,dc=example,dc=com", u->manager);
}

static void
put_group(const struct model *m, int i, struct buf *out)
{
	const struct group *g = &m->groups[i];
	buf_printf(out, "dn: cn=g%d,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: g%d\nmember:", g->name,
		   g->name);
	for (int k = 0; k <= USERS; k++)
		if (g->members[k])
			buf_printf(out, "\nmember: uid=n%d,ou=people,dc=example,dc=com", g->names[k]);
}

/* Reads again whatever the observation asks for, as the engine does, until it asks for nothing. */
static void
say(struct model *m, const char *what, const char *id, int csn, bool reresolve, const char *text)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	char name[8];
	const struct world_step st = {.what = what,
				      .id = id,
				      .csn = csn,
				      .reresolve = reresolve,
				      .coalesced = reresolve,
				      .text = strv_of(text)};
	ck_assert(world_play(m->w, &st, false, &out));
	ck_assert_msg(!strchr(buf_str(&out), '!') && !strstr(buf_str(&out), "fetch"), "%s", buf_str(&out));
	for (int i = 0; i < USERS + GROUPS; i++) {
		bool user = i < USERS;
		DH_CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 20);
		char asked[24];
		if (!(user ? m->users[i].there : m->groups[i - USERS].there))
			continue;
		const char *who = user ? user_id(name, m, i) : group_id(name, m, i - USERS);
		snprintf(asked, sizeof(asked), "recheck %s\n", who);
		buf_addc(&out, '\n');
		if (!strstr(buf_str(&out), asked))
			continue;
		if (user)
			put_user(m, i, &again);
		else
			put_group(m, i - USERS, &again);
		/* What changed them silently left no trace in the CSN. */
		say(m, "entry", who, user ? m->users[i].csn : m->groups[i - USERS].csn, true, buf_str(&again));
	}
}

static void
say_user(struct model *m, int i, const char *op)
{
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
	char id[8];
	put_user(m, i, &text);
	m->users[i].csn = m->csn + 1;
	say(m, op ? "modify" : "entry", user_id(id, m, i), ++m->csn, false, op ? op : buf_str(&text));
}

static void
say_group(struct model *m, int i, const char *op)
{
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
	char id[8];
	put_group(m, i, &text);
	m->groups[i].csn = m->csn + 1;
	say(m, op ? "modify" : "entry", group_id(id, m, i), ++m->csn, false, op ? op : buf_str(&text));
}

static bool
taken(const struct model *m, int name)
{
	for (int i = 0; i < USERS; i++)
		if (m->users[i].there && m->users[i].name == name)
			return true;
	return false;
}

/* --- steps ------------------------------------------------------------------------------------------------------- */

static void
come_or_go(struct model *m, int i)
{
	struct user *u = &m->users[i];
	char id[8];
	if (u->there) {
		user_id(id, m, i);
		u->there = false;
		say(m, dice(m, 2) ? "gone" : "delete", id, ++m->csn, false, "");
		return;
	}
	int name = 1 + (int)dice(m, USERS * 2);
	if (taken(m, name))
		return;
	*u = (struct user){.there = true, .life = ++m->lives, .name = name, .manager = (int)dice(m, USERS)};
	say_user(m, i, NULL);
}

static void
change_user(struct model *m, int i)
{
	struct user *u = &m->users[i];
	char op[64];
	if (!u->there)
		return;
	switch (dice(m, 4)) {
	case 0:
		u->disabled = !u->disabled;
		break;
	case 1:
		u->title = (int)dice(m, 3);
		break;
	case 2:
		u->manager = (int)dice(m, USERS);
		break;
	default:
		u->sn = (int)dice(m, 50);
		snprintf(op, sizeof(op), "sn:= S%d", u->sn);
		say_user(m, i, op);
		return;
	}
	say_user(m, i, NULL);
}

static void
rename_user(struct model *m, int i)
{
	int name = 1 + (int)dice(m, USERS * 2);
	if (!m->users[i].there || taken(m, name))
		return;
	m->users[i].name = name;
	say_user(m, i, NULL);
}

static void
change_group(struct model *m, int i)
{
	struct group *g = &m->groups[i];
	char id[8], op[96];
	if (!g->there) {
		*g = (struct group){.there = true, .life = ++m->lives, .name = 100 + m->lives};
		say_group(m, i, NULL);
		return;
	}
	if (dice(m, 20) == 0) {
		group_id(id, m, i);
		g->there = false;
		say(m, "gone", id, ++m->csn, false, "");
		return;
	}
	int k = (int)dice(m, USERS + 1);
	bool whole = dice(m, 3) == 0;
	g->members[k] = !g->members[k];
	if (g->members[k])
		g->names[k] = k < USERS && m->users[k].there ? m->users[k].name : 1 + (int)dice(m, USERS * 2);
	for (int j = 0; j <= USERS; j++)
		if (j != k && g->members[j] && g->names[j] == g->names[k]) {
			g->members[k] = false; /* a name is listed once */
			return;
		}
	snprintf(op, sizeof(op), "member:%c uid=n%d,ou=people,dc=example,dc=com", g->members[k] ? '+' : '-',
		 g->names[k]);
	say_group(m, i, whole ? NULL : op);
}

/* --- judging ----------------------------------------------------------------------------------------------------- */

static int
same_data(void *ctx, const struct store_state *st, struct err *e)
{
	const struct model *m = ctx;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	json_t *res, *told = json_object_get(m->folded, st->id);
	ck_assert_int_eq(json_parse(a, st->resource, NULL, &res, e), 0);
	ck_assert_msg(told != NULL, "%s was not told of", st->id);
	json_object_del(res, "meta");
	json_t *data = json_keep(a, json_deep_copy(told));
	json_object_del(data, "meta");
	ck_assert_msg(json_equal(res, data), "%s: kept %s, told %s", st->id, json_text(a, res), json_text(a, data));
	return 0;
}

static void
judge_groups(struct model *m)
{
	for (int i = 0; i < GROUPS; i++) {
		const struct group *g = &m->groups[i];
		char name[8], id[37];
		size_t n = 0;
		if (!g->there)
			continue;
		world_id(group_id(name, m, i), id);
		json_t *told = json_object_get(m->members, id);
		ck_assert(told != NULL);
		for (int k = 0; k <= USERS; k++)
			for (int u = 0; u < USERS && g->members[k]; u++) {
				if (!m->users[u].there || m->users[u].name != g->names[k])
					continue;
				char who[37];
				world_id(user_id(name, m, u), who);
				ck_assert_msg(json_object_get(told, who), "u%d of g%d is not told", m->users[u].life,
					      g->life);
				n++;
			}
		ck_assert_uint_eq(json_object_size(told), n);
	}
}

static void
judge(struct model *m)
{
	struct err e = ERR_INIT;
	size_t n = 0;
	ck_assert_int_eq(store_events(world_store(m->w), m->read, 1 << 20, fold, m, &e), 0);
	for (int i = 0; i < USERS; i++)
		n += m->users[i].there;
	for (int i = 0; i < GROUPS; i++)
		n += m->groups[i].there;
	ck_assert_uint_eq(json_object_size(m->folded), n);
	ck_assert_int_eq(store_state_list(world_store(m->w), 0, NULL, 1000, same_data, m, &e), 0);
	judge_groups(m);
}

START_TEST(folding_gives_what_is_there)
{
	const char *given = getenv("OBSERVE_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clock_mono_us();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct model m = {.w = world_open(), .seed = seed + round, .folded = json_object()};
		m.members = json_object();
		printf("OBSERVE_SEED=%u\n", seed + round);
		for (int i = 0; i < STEPS; i++) {
			void (*const steps[])(struct model *, int) = {come_or_go,  change_user,  rename_user,
								      change_user, change_group, change_group};
			unsigned what = dice(&m, ARRAY_SIZE(steps));
			steps[what](&m, (int)dice(&m, what < 4 ? USERS : GROUPS));
			if (i % 10 == 0)
				judge(&m);
		}
		judge(&m);
		json_decref(m.folded);
		json_decref(m.members);
		world_close(&m.w);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {folding_gives_what_is_there};
	Suite *suite = suite_create("observe");

	tcase_set_timeout(unit_add_case(suite, "random", NULL, NULL, tests, ARRAY_SIZE(tests)), 300);
	return unit_run_suite(suite);
}
