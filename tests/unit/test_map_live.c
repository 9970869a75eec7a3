/* SPDX-License-Identifier: Apache-2.0
 * The map against a real slapd: what is written reads back, who is disabled cannot bind, and what an LDAP filter finds
 * is what SCIM would find. */
#include <stdio.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/dir/dn.h"
#include "map_case.h"
#include "map_random.h"

static const char *
user(const char *uid)
{
	return map_live_create(&l, users, map_case_json("{\"userName\":\"%s\"}", uid), NULL, 0);
}

static bool
is_active(const char *dn)
{
	return json_is_true(json_object_get(map_live_read(&l, users, dn), "active"));
}

static size_t
count(const char *filter)
{
	struct scim_ctx c = {.a = l.a, .type = map_type(users)};
	const struct scim_filter *f;
	struct map_query q;
	ok(scim_filter_parse(&c, strv_of(filter), &f, &e));
	ok(map_query(&l.r, users, f, &q, &e));
	const struct dir_search s = {
		.base = PEOPLE, .scope = DIR_SUB, .filter = q.filter, .attrs = map_attrs(&l.r, users, NULL, f)};
	const struct dir_entry *en;
	int rc = dir_search_one(l.dir, l.a, &s, l.r.until, &en, &e);
	ck_assert_msg(rc >= 0, "%s: %s", filter, e.detail);
	return (size_t)rc;
}

/* --- schema ------------------------------------------------------------------------------------------------------ */

START_TEST(schema_loads_every_way)
{
	ck_assert_int_eq(map_live_schema(), 0);
}
END_TEST

START_TEST(everything_has_a_home)
{
	ck_assert(l.r.set->extended);
	ck_assert_str_eq(map_strategy_name(map_active(users)), "ppolicy-end-time");
	ck_assert_msg(l.r.set->lost[0] == NULL, "%s is lost", l.r.set->lost[0]);
	ck_assert(map_needs_placeholder(groups));
}
END_TEST

/* --- values ------------------------------------------------------------------------------------------------------ */

/* The random resources of test_map_roundtrip, with slapd as the judge of what can be stored. Certificates are left out:
 * slapd takes no random bytes for one. */
START_TEST(random_resources_read_back)
{
	uint64_t rng = UINT64_C(0xbf58476d1ce4e5b9) + (uint64_t)_i;
	for (int i = 0; i < 10; i++) {
		json_t *res = map_random_user(l.a, users, &rng, "x509Certificates");
		json_object_set_new(res, "userName", json_string(arena_printf(l.a, "random %d,%d", _i, i)));
		const char *dn = map_live_create(&l, users, res, NULL, 0);
		ck_assert_str_eq(map_random_normal(l.a, map_live_read(&l, users, dn)), map_random_normal(l.a, res));
		for (int step = 0; step < 3; step++) {
			bool active = is_active(dn);
			json_t *after = map_random_user(l.a, users, &rng, "x509Certificates");
			json_object_set_new(after, "userName",
					    json_string(arena_printf(l.a, "Random+%d %d %d", _i, i, step % 2)));
			dn = map_live_change(&l, users, dn, after);
			if (!json_object_get(after, "active"))
				json_object_set_new(after, "active", json_boolean(active));
			ck_assert_str_eq(map_random_normal(l.a, map_live_read(&l, users, dn)),
					 map_random_normal(l.a, after));
		}
	}
}
END_TEST

/* Self-signed EC certificates in DER, made for this test; their keys are gone. */
static const char cert1[] =
	"MIIBcDCCARegAwIBAgIUE/nvM+fzS7rNSALbo7pSLrdVsz8wCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCdDEwIBcNMjYxMTIwMTI0"
	"ODU2WhgPMjEyNjEwMjcxMjQ4NTZaMA0xCzAJBgNVBAMMAnQxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEG8SlV9oUknY/PbH7"
	"TYWaCGqwDEOV4J3buInSEOR2os/CaG3fmwXrlBQzCfNIgcertlMFmkOEUNHv08xJRC6Oj6NTMFEwHQYDVR0OBBYEFFRIOZ7m+lcC"
	"iWgS55HB7VIQiTg4MB8GA1UdIwQYMBaAFFRIOZ7m+lcCiWgS55HB7VIQiTg4MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID"
	"RwAwRAIgEjmvH4HG03iNI8xx81naHStkSq6IGbat6v870UY0d0sCIFOQmQ+S9Y8K5Cnbw2Vu/iZUVAw6WMrhD8uEjsOmEjIP";
static const char cert2[] =
	"MIIBcTCCARegAwIBAgIUJR8AGQXMG6LMkilRVa2HcgwnTokwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCdDIwIBcNMjYxMTIwMTI0"
	"ODU2WhgPMjEyNjEwMjcxMjQ4NTZaMA0xCzAJBgNVBAMMAnQyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4keD0e7BPUEIQm7l"
	"1gZ9yhz8kdM4eryinS8ygfKYJRSOcW2pt/Gd9l/5+/9Dip+4wDJlfewXnPuV6Utd8+mrqqNTMFEwHQYDVR0OBBYEFDGeC03/R5vQ"
	"h5kDfRaMMST+Yx/fMB8GA1UdIwQYMBaAFDGeC03/R5vQh5kDfRaMMST+Yx/fMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID"
	"SAAwRQIgcJuQ3pb0b2k/AZhKd16T+0i5uHGEsaH7Afjfu7/BCRACIQCArSfSSa/CzEvLwWLwyyoIaWMgHrWSVoAN4k25RK1wPQ==";

START_TEST(certificates_go_value_by_value)
{
	const char *dn = map_live_create(
		&l, users, map_case_json("{\"userName\":\"cert\",\"x509Certificates\":[{\"value\":\"%s\"}]}", cert1),
		NULL, 0);
	json_t *two = map_case_json("{\"x509Certificates\":[{\"value\":\"%s\"},{\"value\":\"%s\"}]}", cert1, cert2);
	json_t *one = map_case_json("{\"x509Certificates\":[{\"value\":\"%s\"}]}", cert2);
	json_t *states[] = {two, one};
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		json_t *after = json_keep(l.a, json_deep_copy(map_live_read(&l, users, dn)));
		json_object_update(after, states[i]);
		map_live_change(&l, users, dn, after);
		ck_assert_str_eq(map_random_normal(l.a, map_live_read(&l, users, dn)), map_random_normal(l.a, after));
	}
}
END_TEST

START_TEST(version_moves_with_every_change)
{
	const char *dn = user("version");
	const char *v1 = map_version(&l.r, map_live_entry(&l, users, dn));
	ck_assert_str_eq(v1, map_version(&l.r, map_live_entry(&l, users, dn)));
	map_live_change(&l, users, dn, map_case_with(dn, "{\"title\":\"T\"}"));
	ck_assert_str_ne(v1, map_version(&l.r, map_live_entry(&l, users, dn)));
}
END_TEST

/* --- references -------------------------------------------------------------------------------------------------- */

START_TEST(managers)
{
	const char *boss = map_live_create(
		&l, users, map_case_json("{\"userName\":\"boss, the\",\"displayName\":\"The Boss\"}"), NULL, 0);
	const char *boss_id = map_case_id(users, boss);
	const char *dn = map_live_create(&l, users,
					 map_case_json("{\"userName\":\"managed\",\"" SCIM_URN_ENTERPRISE
						       "\":{\"manager\":{\"value\":\"%s\"}}}",
						       boss_id),
					 NULL, 0);
	json_t *m = json_object_get(json_object_get(map_live_read(&l, users, dn), SCIM_URN_ENTERPRISE), "manager");
	ck_assert_str_eq(json_string_value(json_object_get(m, "value")), boss_id);
	ck_assert_str_eq(json_string_value(json_object_get(m, "displayName")), "The Boss");
	ck_assert_str_eq(json_string_value(json_object_get(m, "$ref")), map_location(&l.r, users, boss_id));
	ck_assert(dir_entry_first(map_live_entry(&l, users, dn), "manager").n > 0);

	/* wire case B5: nobody's id is given back as it came */
	static const char *const nobody[] = {"GPOMMVNKQULW", "01900000-0000-7000-8000-0000000000ff"};
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
		map_live_change(
			&l, users, dn,
			map_case_with(dn, arena_printf(l.a,
						       "{\"" SCIM_URN_ENTERPRISE "\":{\"manager\":{\"value\":\"%s\"}}}",
						       nobody[i])));
		m = json_object_get(json_object_get(map_live_read(&l, users, dn), SCIM_URN_ENTERPRISE), "manager");
		ck_assert_str_eq(json_string_value(json_object_get(m, "value")), nobody[i]);
		ck_assert_ptr_null(dir_entry_attr(map_live_entry(&l, users, dn), "manager"));
	}
	map_live_change(&l, users, dn, map_case_with(dn, "{\"" SCIM_URN_ENTERPRISE "\":{}}"));
	ck_assert_ptr_null(json_object_get(map_live_read(&l, users, dn), SCIM_URN_ENTERPRISE));
	ck_assert_ptr_null(dir_entry_attr(map_live_entry(&l, users, dn), "dirhingeManagerRef"));
}
END_TEST

/* More members than a batch, a nested group, and three that are no resources: a user who is gone, an entry outside the
 * bases, the placeholder. */
START_TEST(members)
{
	enum { N = 230 };
	const char *dns[N + 3], *ids[N + 2], **found;
	for (int i = 0; i < N; i++) {
		dns[i] = user(arena_printf(l.a, "member %d", i));
		ids[i] = map_case_id(users, dns[i]);
	}
	const char *inner = map_live_create(&l, groups, map_case_json("{\"displayName\":\"inner\"}"), NULL, 0);
	ck_assert_ptr_null(json_object_get(map_live_read(&l, groups, inner), "members"));
	dns[N] = inner;
	dns[N + 1] = "uid=gone," PEOPLE;
	dns[N + 2] = "cn=policy,dc=example,dc=com";
	const char *dn = map_live_create(&l, groups, map_case_json("{\"displayName\":\"many\"}"), dns, N + 3);
	json_t *res = map_live_read(&l, groups, dn), *list = json_object_get(res, "members");
	ck_assert_uint_eq(json_array_size(list), N + 1);
	for (size_t i = 0; i < N; i++) {
		json_t *m = json_array_get(list, i);
		ck_assert_str_eq(json_string_value(json_object_get(m, "value")), ids[i]);
		ck_assert_str_eq(json_string_value(json_object_get(m, "type")), "User");
		/* these users have no displayName, and nothing stands in for it */
		ck_assert_ptr_null(json_object_get(m, "display"));
	}
	json_t *nested = json_array_get(list, N);
	ck_assert_str_eq(json_string_value(json_object_get(nested, "type")), "Group");
	ck_assert_str_eq(json_string_value(json_object_get(nested, "$ref")),
			 map_location(&l.r, groups, map_case_id(groups, inner)));

	ids[N] = map_case_id(groups, inner);
	ids[N + 1] = "not an id";
	ok(map_ids_to_dns(&l.r, ids, N + 2, &found, &e));
	for (size_t i = 0; i <= N; i++)
		ck_assert_str_eq(dir_dn_normal(l.a, found[i]), dir_dn_normal(l.a, dns[i]));
	ck_assert_ptr_null(found[N + 1]);
}
END_TEST

static size_t
n_groups(const json_t *res)
{
	return json_array_size(json_object_get(res, "groups"));
}

START_TEST(groups_of_users)
{
	const char *dns[] = {user("in two"), user("in one"), user("in none")};
	const char *g1 = map_live_create(&l, groups, map_case_json("{\"displayName\":\"g, one\"}"), dns, 2);
	map_live_create(&l, groups, map_case_json("{\"displayName\":\"g two\"}"), dns, 1);
	static const size_t expect[] = {2, 1, 0};
	struct map_refs *refs = map_refs_new(&l.r);
	struct scim_view *views[3];
	json_t *res[3];
	for (size_t i = 0; i < 3; i++) {
		const struct dir_entry *en = map_live_entry(&l, users, dns[i]);
		ok(map_to_scim(&l.r, users, en, refs, &views[i], &e));
		map_refs_want_groups(refs, views[i], en);
	}
	ck_assert(l.r.caps->matched_values);
	ok(map_refs_resolve(&l.r, refs, &e));
	for (size_t i = 0; i < 3; i++) {
		res[i] = json_keep(l.a, scim_view_tree(views[i]));
		ck_assert_uint_eq(n_groups(res[i]), expect[i]);
		ck_assert_uint_eq(n_groups(map_live_read(&l, users, dns[i])), expect[i]);
	}
	json_t *g = json_array_get(json_object_get(res[1], "groups"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(g, "value")), map_case_id(groups, g1));
	ck_assert_str_eq(json_string_value(json_object_get(g, "display")), "g, one");
	ck_assert_str_eq(json_string_value(json_object_get(g, "type")), "direct");
}
END_TEST

/* users.delete: disable keeps the entry; for SCIM it is gone, as a resource and as a member. */
START_TEST(deleted_users_are_gone)
{
	const char *dns[] = {user("deleted"), user("kept")}, **found;
	const char *ids[] = {map_case_id(users, dns[0]), map_case_id(users, dns[1])};
	const char *dn = map_live_create(&l, groups, map_case_json("{\"displayName\":\"of deleted\"}"), dns, 2);
	struct dir_mods mods;
	dir_mods_init(&mods, l.a);
	ok(map_mark_deleted(&l.r, users, map_live_entry(&l, users, dns[0]), &mods, &e));
	ok(dir_modify(l.dir, l.a, dns[0], &mods, NULL, l.r.until, &e));
	ok(map_ids_to_dns(&l.r, ids, 2, &found, &e));
	ck_assert(!found[0] && found[1]);
	json_t *list = json_object_get(map_live_read(&l, groups, dn), "members");
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "value")), ids[1]);
	ck_assert_uint_eq(count("userName eq \"deleted\""), 0);
	ck_assert_uint_eq(count("userName eq \"kept\""), 1);
}
END_TEST

/* --- active ------------------------------------------------------------------------------------------------------ */

/* A life: created disabled with a password, enabled, password changed, disabled, password changed, enabled. binds: the
 * strategy is one that slapd itself enforces. */
static void
live_a_life(const char *name, bool binds)
{
	const char *uid = arena_printf(l.a, "life %s", name);
	const char *is_on = arena_printf(l.a, "userName eq \"%s\" and active eq true", uid);
	const char *is_off = arena_printf(l.a, "userName eq \"%s\" and active eq false", uid);
	const char *dn = map_live_create(
		&l, users, map_case_json("{\"userName\":\"%s\",\"password\":\"secret1\",\"active\":false}", uid), NULL,
		0);
	struct {
		const char *patch, *good, *bad;
		bool active;
	} steps[] = {
		{"{}", "secret1", "wrong1", false},
		{"{\"active\":true}", "secret1", "wrong1", true},
		{"{\"active\":true}", "secret1", "wrong1", true},
		{"{\"password\":\"secret2\"}", "secret2", "secret1", true},
		{"{\"active\":false,\"title\":\"Leaver\"}", "secret2", "secret1", false},
		{"{\"active\":false}", "secret2", "secret1", false},
		/* wire case D6: must not unlock */
		{"{\"password\":\"secret3\"}", "secret3", "secret2", false},
		{"{\"password\":\"secret4\",\"active\":false}", "secret4", "secret3", false},
		{"{\"active\":true}", "secret4", "secret3", true},
		{"{\"password\":\"secret5\",\"active\":false}", "secret5", "secret4", false},
		{"{\"password\":\"secret6\",\"active\":true}", "secret6", "secret5", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		map_live_change(&l, users, dn, map_case_with(dn, steps[i].patch));
		ck_assert_msg(is_active(dn) == steps[i].active, "%s: step %zu", name, i);
		if (!str_eq(name, "shadow-expire")) { /* no ordering rule: the resource decides */
			ck_assert_uint_eq(count(is_on), steps[i].active);
			ck_assert_uint_eq(count(is_off), !steps[i].active);
		}
		ck_assert_msg(map_live_bind(&l, dn, steps[i].good) == (!binds || steps[i].active), "%s: bind %zu", name,
			      i);
		ck_assert_int_eq(map_live_bind(&l, dn, steps[i].bad), 0);
	}
}

START_TEST(every_strategy_lives)
{
	map_live_close(&l);
	map_case_open(map_strategy_names[_i]);
	ck_assert_str_eq(map_strategy_name(map_active(users)), map_strategy_names[_i]);
	live_a_life(map_strategy_names[_i], _i < 2);
}
END_TEST

/* Somebody who tries to get in all the time while the password of a locked account changes. */
struct burglar {
	struct mutex m;
	bool stop;
	int got_in, tries;
	const char *dn;
};

static void *
try_the_door(void *arg)
{
	struct burglar *b = arg;
	bool stop;
	do {
		struct err why = ERR_INIT;
		int rc = dir_try_bind(l.dir, b->dn, STRV("secret1"), deadline_in(5000), &why);
		mutex_lock(&b->m);
		b->got_in += rc == 1;
		b->tries++;
		stop = b->stop;
		mutex_unlock(&b->m);
	} while (!stop);
	return NULL;
}

static int
tries_of(struct burglar *b)
{
	mutex_lock(&b->m);
	int tries = b->tries;
	mutex_unlock(&b->m);
	return tries;
}

START_TEST(no_window_while_the_password_changes)
{
	map_live_close(&l);
	map_case_open("ppolicy-lock");
	struct burglar b = {
		.dn = map_live_create(
			&l, users, map_case_json("{\"userName\":\"locked\",\"password\":\"secret1\",\"active\":false}"),
			NULL, 0)};
	struct thread t = {0};
	mutex_init(&b.m);
	thread_start(&t, "burglar", try_the_door, &b);
	deadline_t until = deadline_in(30000);
	for (int i = 0; i < 50 || (tries_of(&b) < 20 && deadline_left(until) > 0); i++)
		ok(map_set_password(&l.r, users, b.dn, STRV("secret1"), true, &e));
	mutex_lock(&b.m);
	b.stop = true;
	mutex_unlock(&b.m);
	thread_join(&t);
	mutex_done(&b.m);
	ck_assert_int_ge(b.tries, 20);
	ck_assert_int_eq(b.got_in, 0);
	ck_assert(!is_active(b.dn));
	ck_assert_ptr_null(dir_entry_attr(map_live_entry(&l, users, b.dn), "pwdEndTime"));
}
END_TEST

static void
set_raw(const char *dn, const char *attr, const char *value)
{
	struct dir_mods mods;
	struct strv v = strv_of(value);
	dir_mods_init(&mods, l.a);
	dir_mods_replace(&mods, attr, &v, value ? 1 : 0);
	ok(dir_modify(l.dir, l.a, dn, &mods, NULL, l.r.until, &e));
}

/* What is left when the gateway dies between its steps is still a disabled account, and can be mended by enabling. */
START_TEST(death_in_the_middle_leaves_it_disabled)
{
	map_live_close(&l);
	map_case_open("ppolicy-lock");
	const char *dn = map_live_create(
		&l, users, map_case_json("{\"userName\":\"crash\",\"password\":\"secret1\",\"active\":false}"), NULL,
		0);
	set_raw(dn, "pwdEndTime", "20200101000000Z");
	ok(dir_set_password(l.dir, l.a, dn, STRV("secret2"), l.r.until, &e)); /* slapd drops the lock here */
	ck_assert_ptr_null(dir_entry_attr(map_live_entry(&l, users, dn), "pwdAccountLockedTime"));
	ck_assert(!is_active(dn));
	ck_assert_int_eq(map_live_bind(&l, dn, "secret2"), 0);
	map_live_change(&l, users, dn, map_case_with(dn, "{\"active\":true}"));
	ck_assert(is_active(dn));
	ck_assert_int_eq(map_live_bind(&l, dn, "secret2"), 1);
}
END_TEST

/* The policy refuses: the account stays locked, and a foreseen end of it is kept. */
START_TEST(refused_password_changes_nothing)
{
	map_live_close(&l);
	map_case_open("ppolicy-lock");
	const char *dn = map_live_create(
		&l, users, map_case_json("{\"userName\":\"refused\",\"password\":\"secret1\",\"active\":false}"), NULL,
		0);
	set_raw(dn, "pwdEndTime", "20990101000000Z");
	ck_assert_int_eq(map_set_password(&l.r, users, dn, STRV("short"), true, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	const struct dir_entry *en = map_live_entry(&l, users, dn);
	ck_assert(dir_entry_has(en, "pwdEndTime", STRV("20990101000000Z")));
	ck_assert(dir_entry_has(en, "pwdAccountLockedTime", STRV("000001010000Z")));
	ck_assert_int_eq(map_live_bind(&l, dn, "secret1"), 0);
}
END_TEST

/* Locked after failed logins is not disabled: SCIM neither shows nor lifts it, and a disable takes its place. */
START_TEST(failed_logins_are_no_decision)
{
	map_live_close(&l);
	map_case_open("ppolicy-lock");
	const char *dn = map_live_create(&l, users, map_case_json("{\"userName\":\"clumsy\",\"password\":\"secret1\"}"),
					 NULL, 0);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(map_live_bind(&l, dn, "wrong"), 0);
	struct strv stamp = dir_entry_first(map_live_entry(&l, users, dn), "pwdAccountLockedTime");
	ck_assert(stamp.n > 0 && !strv_eq(stamp, STRV("000001010000Z")));
	ck_assert(is_active(dn));
	map_live_change(&l, users, dn, map_case_with(dn, "{\"active\":true}"));
	ck_assert(dir_entry_has(map_live_entry(&l, users, dn), "pwdAccountLockedTime", stamp));
	map_live_change(&l, users, dn, map_case_with(dn, "{\"active\":false}"));
	ck_assert(!is_active(dn));
	map_live_change(&l, users, dn, map_case_with(dn, "{\"active\":true}"));
	ck_assert_int_eq(map_live_bind(&l, dn, "secret1"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {schema_loads_every_way,
				      everything_has_a_home,
				      certificates_go_value_by_value,
				      version_moves_with_every_change,
				      managers,
				      members,
				      groups_of_users,
				      deleted_users_are_gone,
				      no_window_while_the_password_changes,
				      death_in_the_middle_leaves_it_disabled,
				      refused_password_changes_nothing,
				      failed_logins_are_no_decision};
	Suite *s = suite_create("map_live");
	map_live_begin();
	TCase *tc = map_case_add(s, tests, ARRAY_SIZE(tests));
	tcase_add_loop_test(tc, random_resources_read_back, 0, 4);
	tcase_add_loop_test(tc, every_strategy_lives, 0, 4);
	int status = unit_run_suite(s);
	map_live_end();
	return status;
}
