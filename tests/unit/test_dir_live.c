/* SPDX-License-Identifier: Apache-2.0
 * Operations of src/dir against a real slapd: what is written is read back, every result code comes from the server. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirhinge/dir/dn.h"
#include "live.h"

static struct live server;
static struct dir *d;
static struct arena *a;
static struct err e;

static const char *const all[] = {"*", "+", NULL};
static const char *const ids[] = {"entryUUID", "entryCSN", NULL};

#define ok(rc)         ck_assert_msg((rc) == 0, "%s | %s", e.detail, e.cause)
#define fails(rc, why) check_fails((rc), (why), __LINE__)
#define SOON           deadline_in(5000)

static void
check_fails(int rc, enum err_code why, int line)
{
	ck_assert_msg(rc == -1 && e.code == why, "line %d: rc %d, %s not %s: %s | %s", line, rc, err_name(e.code),
		      err_name(why), e.detail, e.cause);
	/* Contract: names and the server's words are for the operator only. */
	ck_assert_ptr_null(strstr(e.detail, SUFFIX));
	ck_assert_int_ne(e.cause[0], '\0');
}

static void
setup(void)
{
	a = arena_new(65536);
	e = ERR_INIT;
	d = live_dir((struct dir_opts){0}, server.ldap);
}

static void
teardown(void)
{
	struct dir_stats s;

	dir_get_stats(d, &s);
	ck_assert_int_eq(s.open, s.idle); /* every connection was given back */
	dir_free(&d);
	arena_free(&a);
}

static const struct dir_entry *
fetch(const char *dn, const char *const *attrs)
{
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = attrs};
	const struct dir_entry *en = NULL;
	int rc = dir_search_one(d, a, &s, SOON, &en, &e);

	ck_assert_msg(rc >= 0, "%s | %s", e.detail, e.cause);
	return en;
}

static void
start_user(struct dir_mods *m, const char *uid)
{
	dir_mods_init(m, a);
	dir_mods_value(m, DIR_MOD_ADD, "objectClass", STRV("inetOrgPerson"));
	dir_mods_value(m, DIR_MOD_ADD, "uid", strv_of(uid));
	dir_mods_value(m, DIR_MOD_ADD, "cn", strv_of(uid));
	dir_mods_value(m, DIR_MOD_ADD, "sn", STRV("Test"));
}

static int
modify1(const char *dn, enum dir_mod_op op, const char *attr, const char *value, const struct dir_write *w)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, op, attr, strv_of(value));
	return dir_modify(d, a, dn, &m, w, SOON, &e);
}

START_TEST(capabilities)
{
	const struct dir_caps *caps, *again;
	const struct dir_attr_type *cn;

	ok(dir_caps(d, &caps, &e));
	ck_assert_ptr_eq(caps->flavour, &dir_flavour_openldap);
	ck_assert(caps->assertion && caps->post_read && caps->pre_read && caps->paged && caps->matched_values);
	ck_assert(caps->permissive_modify && caps->password_modify && caps->ppolicy && caps->sync && caps->start_tls);
	ck_assert(dir_entry_has(caps->root_dse, "namingContexts", STRV(SUFFIX)));

	cn = dir_subschema_attr(caps->schema, "commonName");
	ck_assert_ptr_nonnull(cn);
	ck_assert_str_eq(cn->name, "cn");
	ck_assert(cn->has_equality && cn->has_substring && !cn->has_ordering && !cn->single);
	ck_assert_str_eq(cn->equality, "caseIgnoreMatch"); /* from name */
	ck_assert_str_eq(cn->syntax, "1.3.6.1.4.1.1466.115.121.1.15");
	ck_assert(dir_subschema_attr(caps->schema, "entryUUID")->no_user_mod);
	ck_assert(dir_subschema_must(caps->schema, "inetOrgPerson", "surname")); /* from person */
	ck_assert(dir_subschema_must(caps->schema, "groupOfNames", "member"));
	ck_assert(!dir_subschema_may(caps->schema, "groupOfNames", "mail"));
	ck_assert_ptr_null(dir_subschema_attr(caps->schema, "noSuchAttribute"));

	ok(dir_caps(d, &again, &e));
	ck_assert_ptr_eq(caps, again);
}
END_TEST

START_TEST(add_returns_the_entry)
{
	const char jpeg[] = "\xff\xd8\0\0\x80 *()\\";
	const struct dir_entry *post = NULL, *read;
	struct dir_write w = {.post_attrs = all, .post_r = &post};
	struct strv got;
	struct dir_mods m;

	start_user(&m, "photo");
	dir_mods_value(&m, DIR_MOD_ADD, "jpegPhoto", STRV(jpeg));
	dir_mods_value(&m, DIR_MOD_ADD, "mail", STRV("a@example.com"));
	dir_mods_value(&m, DIR_MOD_ADD, "mail", STRV("b@example.com"));
	ok(dir_add(d, a, "uid=photo," PEOPLE, &m, &w, SOON, &e));

	ck_assert_ptr_nonnull(post);
	ck_assert_str_eq(post->dn, "uid=photo," PEOPLE);
	ck_assert_uint_eq(dir_entry_first(post, "entryuuid").n, 36);
	got = dir_entry_first(post, "jpegPhoto");
	ck_assert(strv_eq(got, STRV(jpeg)) && got.p[got.n] == '\0');
	ck_assert_uint_eq(dir_entry_attr(post, "MAIL")->n, 2);
	ck_assert(dir_entry_is_a(post, "inetorgperson"));

	/* What the control brought is what a search brings. */
	read = fetch("uid=photo," PEOPLE, all);
	ck_assert_uint_eq(read->n_attrs, post->n_attrs - 1 + (dir_entry_has(post, "entryDN", STRV("")) ? 0 : 1));
	for (size_t i = 0; i < post->n_attrs; i++)
		ck_assert(strv_eq(dir_entry_first(read, post->attrs[i].name), post->attrs[i].values[0]));
}
END_TEST

START_TEST(awkward_names)
{
	static const char *const values[] = {
		"Doe, John",     " lead", "trail ",      "#hash", "a+b=c",       "q\";<>", "back\\slash", "(*)",
		"M\xc3\xbcller", "a/b",   "two  blanks", "\\2c",  "x,ou=admins", "*",      "uid=y,dc=z",
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct strv v = strv_of(values[i]);
		struct dir_search s = {.base = PEOPLE, .scope = DIR_ONE, .filter = dir_f_eq(a, "description", v)};
		const struct dir_entry *en = NULL;
		struct strv name;
		struct dir_mods m;
		char *dn;

		/* caseIgnoreMatch squeezes blanks, so the value to be found again exactly stands elsewhere too. */
		start_user(&m, values[i]);
		dir_mods_value(&m, DIR_MOD_ADD, "description", v);
		ok(dir_dn_child(a, "uid", v, PEOPLE, &dn, &e));
		ok(dir_add(d, a, dn, &m, NULL, SOON, &e));

		ck_assert_int_eq(dir_search_one(d, a, &s, SOON, &en, &e), 1);
		ck_assert(strv_eq(dir_entry_first(en, "uid"), v));
		ck_assert(dir_dn_under(a, en->dn, PEOPLE, false));
		ck_assert_str_eq(dir_dn_normal(a, en->dn), dir_dn_normal(a, dn));
		ck_assert_str_eq(dir_dn_normal(a, dir_dn_parent(a, en->dn)), dir_dn_normal(a, PEOPLE));
		ck_assert_int_eq(dir_dn_rdn_value(a, en->dn, "uid", &name, &e), 1);
		ck_assert(strv_eq(name, v));
		ok(dir_delete(d, a, en->dn, NULL, SOON, &e));
		ck_assert_ptr_null(fetch(dn, all));
	}
}
END_TEST

struct seen {
	size_t n, stop_at, fail_at;
};

static int
count(void *ctx, const struct dir_entry *en, struct err *err)
{
	struct seen *seen = ctx;

	ck_assert(dir_entry_is_a(en, "inetOrgPerson"));
	seen->n++;
	if (seen->n == seen->fail_at)
		return err_set(err, ERR_IO, "as asked");
	return seen->n == seen->stop_at;
}

START_TEST(paged_search)
{
	const struct dir_filter *f = dir_f_sub(a, "uid", STRV("page"), STRV(""), STRV(""));
	struct dir_search s = {.base = SUFFIX, .scope = DIR_SUB, .filter = f, .page_size = 10};
	const struct dir_entry *en;
	struct seen seen = {0};

	for (int i = 0; i < 25; i++)
		live_user(d, arena_printf(a, "page%02d", i));
	ok(dir_search_run(d, a, false, &s, SOON, count, &seen, &e));
	ck_assert_uint_eq(seen.n, 25);

	seen = (struct seen){.stop_at = 7};
	ok(dir_search_run(d, a, false, &s, SOON, count, &seen, &e));
	ck_assert_uint_eq(seen.n, 7);
	seen = (struct seen){.stop_at = 10}; /* at the end of a page */
	ok(dir_search_run(d, a, true, &s, SOON, count, &seen, &e));
	ck_assert_uint_eq(seen.n, 10);
	seen = (struct seen){.fail_at = 3};
	ck_assert_int_eq(dir_search_run(d, a, false, &s, SOON, count, &seen, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);

	seen = (struct seen){0};
	s.size_limit = 20;
	fails(dir_search_run(d, a, false, &s, SOON, count, &seen, &e), ERR_TOO_MANY);
	ck_assert_uint_eq(seen.n, 20);
	seen = (struct seen){0};
	s.size_limit = 25; /* as many as there are */
	ok(dir_search_run(d, a, false, &s, SOON, count, &seen, &e));
	ck_assert_uint_eq(seen.n, 25);
	seen = (struct seen){0};
	s.page_size = 0;
	s.size_limit = 20; /* told by the server */
	fails(dir_search_run(d, a, false, &s, SOON, count, &seen, &e), ERR_TOO_MANY);

	s.size_limit = 0;
	fails(dir_search_one(d, a, &s, SOON, &en, &e), ERR_CONFLICT);
	s.base = "ou=nowhere," SUFFIX;
	fails(dir_search_one(d, a, &s, SOON, &en, &e), ERR_NOT_FOUND); /* a missing container is not an empty one */
	fails(dir_search_run(d, a, false, &s, SOON, count, &seen, &e), ERR_NOT_FOUND);
	s.scope = DIR_BASE;
	ck_assert_int_eq(dir_search_one(d, a, &s, SOON, &en, &e), 0);
}
END_TEST

START_TEST(server_size_limit)
{
	struct secret *pw = secret_new(STRV("rdsecret"));
	struct dir_opts o = {.bind_dn = "cn=reader," SUFFIX, .password = pw};
	struct dir_search s = {.base = SUFFIX, .scope = DIR_SUB, .attrs = ids};
	struct dir *reader = live_dir(o, server.ldap);
	struct seen seen = {0};
	struct dir_mods m;

	s.filter = dir_f_sub(a, "uid", STRV("page"), STRV(""), STRV(""));
	s.attrs = NULL;
	fails(dir_search_run(reader, a, false, &s, SOON, count, &seen, &e), ERR_TOO_MANY);
	ck_assert_uint_eq(seen.n, 5);

	start_user(&m, "byreader");
	fails(dir_add(reader, a, "uid=byreader," PEOPLE, &m, NULL, SOON, &e), ERR_FORBIDDEN);
	dir_free(&reader);
	secret_free(&pw);
}
END_TEST

START_TEST(modify_results)
{
	const char *dn = "uid=mod," PEOPLE;
	const struct dir_entry *post;
	struct dir_write w = {.post_attrs = all, .post_r = &post};
	struct dir_mods m;

	live_user(d, "mod");
	ok(modify1(dn, DIR_MOD_ADD, "displayName", "One", NULL));
	/* single-valued: delete of the old value is sent before the add of the new one, in whatever order collected */
	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "displayName", STRV("Two"));
	dir_mods_value(&m, DIR_MOD_DELETE, "displayName", STRV("One"));
	ok(dir_modify(d, a, dn, &m, &w, SOON, &e));
	ck_assert(dir_entry_has(post, "displayName", STRV("Two")));

	fails(modify1(dn, DIR_MOD_DELETE, "displayName", "One", NULL), ERR_DIR_MISSING_VALUE);
	ck_assert_int_eq(e.ldap_rc, 16);
	ok(modify1(dn, DIR_MOD_ADD, "mail", "x@example.com", NULL));
	fails(modify1(dn, DIR_MOD_ADD, "mail", "x@example.com", NULL), ERR_DIR_HAS_VALUE);
	ck_assert_int_eq(e.ldap_rc, 20);
	fails(modify1(dn, DIR_MOD_DELETE, "sn", "Test", NULL), ERR_DIR_OBJECT_CLASS);
	ck_assert_int_eq(e.ldap_rc, 65);
	fails(modify1(dn, DIR_MOD_DELETE, "uid", "mod", NULL), ERR_MUTABILITY);
	fails(modify1(dn, DIR_MOD_REPLACE, "entryUUID", "00000000-0000-0000-0000-000000000000", NULL), ERR_MUTABILITY);
	fails(modify1(dn, DIR_MOD_REPLACE, "manager", "not a name", NULL), ERR_VALUE);
	fails(modify1(dn, DIR_MOD_REPLACE, "noSuchAttribute", "x", NULL), ERR_CONFIG);
	fails(modify1(dn, DIR_MOD_REPLACE, "objectClass", "organization", NULL), ERR_MUTABILITY);
	fails(modify1("uid=nobody," PEOPLE, DIR_MOD_REPLACE, "sn", "x", NULL), ERR_NOT_FOUND);
	fails(modify1(dn, DIR_MOD_ADD, "uid", "page00", NULL), ERR_UNIQUE); /* slapo-unique: 19 */
	ck_assert_int_eq(e.ldap_rc, 19);

	/* clearing what is not there succeeds */
	dir_mods_init(&m, a);
	dir_mods_replace(&m, "title", NULL, 0);
	ok(dir_modify(d, a, dn, &m, NULL, SOON, &e));

	w = (struct dir_write){.permissive = true, .post_attrs = all, .post_r = &post};
	ok(modify1(dn, DIR_MOD_ADD, "mail", "x@example.com", &w));
	ck_assert_uint_eq(dir_entry_attr(post, "mail")->n, 1);
	fails(modify1(dn, DIR_MOD_DELETE, "mail", "absent@example.com", &w), ERR_DIR_MISSING_VALUE);
}
END_TEST

START_TEST(add_and_delete_results)
{
	struct dir_mods m;

	live_user(d, "twice");
	start_user(&m, "twice");
	fails(dir_add(d, a, "uid=twice," PEOPLE, &m, NULL, SOON, &e), ERR_UNIQUE);
	/* which of the two judged depends on the overlay; another place needs the overlay */
	fails(dir_add(d, a, "uid=twice,ou=leavers," SUFFIX, &m, NULL, SOON, &e), ERR_UNIQUE);
	dir_mods_replace(&m, "uid", (struct strv[]){STRV("lost")}, 1);
	fails(dir_add(d, a, "uid=lost,ou=nowhere," SUFFIX, &m, NULL, SOON, &e), ERR_CONFIG);
	ck_assert_int_eq(e.ldap_rc, 32);
	fails(dir_add(d, a, "uid=lost,dc=elsewhere", &m, NULL, SOON, &e), ERR_UNAVAILABLE); /* referral */
	ck_assert_int_eq(e.ldap_rc, 10);
	fails(dir_add(d, a, "uid=lost,dc=readonly", &m, NULL, SOON, &e), ERR_UNAVAILABLE);
	ck_assert_int_eq(e.ldap_rc, 53);
	dir_mods_drop(&m, "sn");
	dir_mods_replace(&m, "uid", (struct strv[]){STRV("nosn")}, 1);
	fails(dir_add(d, a, "uid=nosn," PEOPLE, &m, NULL, SOON, &e), ERR_DIR_OBJECT_CLASS);

	fails(dir_delete(d, a, PEOPLE, NULL, SOON, &e), ERR_CONFLICT);
	ok(dir_delete(d, a, "uid=twice," PEOPLE, NULL, SOON, &e));
	fails(dir_delete(d, a, "uid=twice," PEOPLE, NULL, SOON, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(assertion)
{
	const char *dn = "uid=assert," PEOPLE;
	const struct dir_entry *post = NULL;
	struct dir_write w = {.post_attrs = ids, .post_r = &post};
	struct strv old;

	live_user(d, "assert");
	old = dir_entry_first(fetch(dn, ids), "entryCSN");
	w.assertion = dir_f_or2(a, dir_f_not(a, dir_f_eq(a, "entryUUID", dir_entry_first(fetch(dn, ids), "entryUUID"))),
				dir_f_eq(a, "entryCSN", old));
	ok(modify1(dn, DIR_MOD_REPLACE, "sn", "First", &w));
	ck_assert(!strv_eq(dir_entry_first(post, "entryCSN"), old));

	post = NULL;
	fails(modify1(dn, DIR_MOD_REPLACE, "sn", "Second", &w), ERR_PRECONDITION);
	ck_assert_int_eq(e.ldap_rc, 122);
	ck_assert_ptr_null(post);
	ck_assert(dir_entry_has(fetch(dn, all), "sn", STRV("First")));
	w.post_attrs = NULL;
	fails(dir_delete(d, a, dn, &w, SOON, &e), ERR_PRECONDITION);
	fails(dir_rename(d, a, dn, "uid=other", NULL, &w, SOON, &e), ERR_PRECONDITION);

	/* a modify without changes checks it too */
	struct dir_mods none;

	dir_mods_init(&none, a);
	fails(dir_modify(d, a, dn, &none, &w, SOON, &e), ERR_PRECONDITION);
	w = (struct dir_write){.post_attrs = all, .post_r = &post};
	ok(dir_modify(d, a, dn, &none, &w, SOON, &e));
	ck_assert(dir_entry_has(post, "sn", STRV("First")));
	fails(dir_modify(d, a, "uid=nobody," PEOPLE, &none, &w, SOON, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(matched_values)
{
	static const char *const member[] = {"member", NULL};
	struct dir_search s = {.base = "cn=hundred," GROUPS, .scope = DIR_BASE, .attrs = member};
	const struct dir_entry *en;
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", STRV("groupOfNames"));
	dir_mods_value(&m, DIR_MOD_ADD, "cn", STRV("hundred"));
	dir_mods_value(&m, DIR_MOD_ADD, "member", STRV("")); /* the empty DN as placeholder */
	for (int i = 0; i < 100; i++)
		dir_mods_value(&m, DIR_MOD_ADD, "member", strv_of(arena_printf(a, "uid=m%d," PEOPLE, i)));
	ok(dir_add(d, a, s.base, &m, NULL, SOON, &e));
	en = fetch(s.base, member);
	ck_assert_uint_eq(dir_entry_attr(en, "member")->n, 101);
	ck_assert(dir_entry_has(en, "member", STRV("")));

	s.matched = dir_f_or2(a, dir_f_eq(a, "member", STRV("uid=m7," PEOPLE)),
			      dir_f_eq(a, "member", STRV("uid=nobody," PEOPLE)));
	ck_assert_int_eq(dir_search_one(d, a, &s, SOON, &en, &e), 1);
	ck_assert_uint_eq(dir_entry_attr(en, "member")->n, 1);
	ck_assert(dir_entry_has(en, "member", STRV("uid=m7," PEOPLE)));
	s.matched = dir_f_eq(a, "member", STRV("uid=nobody," PEOPLE));
	ck_assert_int_eq(dir_search_one(d, a, &s, SOON, &en, &e), 1);
	ck_assert_ptr_null(dir_entry_attr(en, "member"));
}
END_TEST

START_TEST(rename_and_move)
{
	const struct dir_entry *post = NULL;
	struct dir_write w = {.post_attrs = all, .post_r = &post};
	char *rdn;

	live_user(d, "before");
	ok(dir_rdn_build(a, "uid", STRV("after, all"), &rdn, &e));
	ok(dir_rename(d, a, "uid=before," PEOPLE, rdn, NULL, &w, SOON, &e));
	ck_assert(dir_entry_has(post, "uid", STRV("after, all")));
	ck_assert(!dir_entry_has(post, "uid", STRV("before"))); /* the old value is deleted */
	ok(dir_rename(d, a, post->dn, "uid=moved", "ou=leavers," SUFFIX, &w, SOON, &e));
	ck_assert_str_eq(post->dn, "uid=moved,ou=leavers," SUFFIX);
	live_user(d, "taken");
	fails(dir_rename(d, a, post->dn, "uid=taken", PEOPLE, NULL, SOON, &e), ERR_UNIQUE);
	fails(dir_rename(d, a, "uid=nobody," PEOPLE, "uid=x", NULL, NULL, SOON, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(passwords)
{
	const char *dn = "uid=pw," PEOPLE;

	live_user(d, "pw");
	ok(dir_set_password(d, a, dn, STRV("correct horse"), SOON, &e));
	ck_assert_int_eq(dir_try_bind(d, dn, STRV("correct horse"), SOON, &e), 1);
	ck_assert_int_eq(dir_try_bind(d, dn, STRV("wrong horse"), SOON, &e), 0);
	/* RFC 4513 5.1.2: the server says yes to an empty password; that is not a yes to this account */
	ck_assert_int_eq(dir_try_bind(d, dn, STRV(""), SOON, &e), 0);
	ck_assert_int_eq(dir_try_bind(d, "", STRV("correct horse"), SOON, &e), 0);
	fails(dir_set_password(d, a, dn, STRV("short"), SOON, &e), ERR_VALUE);
	ck_assert_msg(strstr(e.detail, "too short"), "%s", e.detail);
	ck_assert_int_eq(e.ldap_rc, 19);
	ck_assert_int_eq(dir_try_bind(d, dn, STRV("correct horse"), SOON, &e), 1);
	ck_assert_int_eq(dir_set_password(d, a, dn, STRV(""), SOON, &e), -1);
	fails(dir_set_password(d, a, "uid=nobody," PEOPLE, STRV("correct horse"), SOON, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(ldapi)
{
	struct dir *local = live_dir((struct dir_opts){.sasl_external = true}, server.ldapi);
	struct dir *simple = live_dir((struct dir_opts){0}, server.ldapi);
	struct dir *named = live_dir((struct dir_opts){0}, server.localhost);
	struct dir_stats s;

	live_user(local, "byexternal"); /* mapped to cn=gateway by the server */
	ok(dir_ping(simple, &e));
	ok(dir_ping(named, &e));
	dir_get_stats(local, &s);
	ck_assert_str_eq(s.uri, server.ldapi);
	ck_assert_int_eq(s.open, 1);
	ck_assert_int_eq(s.binds, 1); /* add went over the same connection as the capabilities */
	dir_free(&local);
	dir_free(&simple);
	dir_free(&named);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("dir_live");
	TCase *t = tcase_create("operations");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, capabilities);
	tcase_add_test(t, add_returns_the_entry);
	tcase_add_test(t, awkward_names);
	tcase_add_test(t, paged_search);
	tcase_add_test(t, server_size_limit);
	tcase_add_test(t, modify_results);
	tcase_add_test(t, add_and_delete_results);
	tcase_add_test(t, assertion);
	tcase_add_test(t, matched_values);
	tcase_add_test(t, rename_and_move);
	tcase_add_test(t, passwords);
	tcase_add_test(t, ldapi);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return live_run(suite(), &server);
}
