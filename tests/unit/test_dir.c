/* SPDX-License-Identifier: Apache-2.0
 * src/dir without a directory: entries and modifications, names, filters, schema, result table. */
#include <stdio.h>

#include "dir/filter_text.h"
#include "dir/held.h"
#include "dir/result.h"
#include "dirhinge/dir/dn.h"
#include "scratch.h"
#include "unit.h"

/* --- entries and modifications --- */

static void
check_lookups(const struct dir_entry *en)
{
	ck_assert_ptr_eq(dir_entry_attr(en, "OBJECTCLASS"), &en->attrs[0]);
	ck_assert_ptr_null(dir_entry_attr(en, "userCertificate")); /* options are part of the description */
	ck_assert_ptr_eq(dir_entry_attr(en, "usercertificate;BINARY"), &en->attrs[1]);
	ck_assert_ptr_eq(dir_entry_attr(en, "C"), &en->attrs[3]);
	ck_assert_ptr_null(dir_entry_attr(en, ""));
	ck_assert(strv_eq(dir_entry_first(en, "userCertificate;binary"), STRV("a\0b")));
	ck_assert_ptr_null(dir_entry_first(en, "mail").p); /* attribute without values */
	ck_assert_ptr_null(dir_entry_first(en, "sn").p);
	ck_assert(dir_entry_has(en, "userCertificate;binary", STRV("")));
	ck_assert(!dir_entry_has(en, "userCertificate;binary", STRV("a")));
	ck_assert(!dir_entry_has(en, "objectClass", STRV("TOP")));
	ck_assert(dir_entry_is_a(en, "INETORGPERSON"));
	ck_assert(!dir_entry_is_a(en, "inetOrg"));
}

START_TEST(entry_lookups)
{
	struct strv classes[] = {STRV("top"), STRV("inetOrgPerson")};
	struct strv photo[] = {STRV("a\0b"), STRV("")};
	struct dir_attr attrs[] = {
		{"objectClass", classes, 2}, {"userCertificate;binary", photo, 2}, {"mail", NULL, 0}, {"c", photo, 2}};
	struct dir_entry en = {.dn = "uid=x", .attrs = attrs, .n_attrs = ARRAY_SIZE(attrs)};

	struct dir_index index;

	check_lookups(&en);
	dir_entry_index(&en, &index);
	check_lookups(&en);
	en.n_attrs = 0;
	dir_entry_index(&en, &index);
	ck_assert_ptr_null(dir_entry_attr(&en, "mail"));
}
END_TEST

/* More names than an index has places, more than it can count, and none twice. */
START_TEST(entry_index)
{
	enum { MANY = 300 };
	struct dir_attr attrs[MANY];

	for (int i = 0; i < MANY; i++)
		attrs[i] = (struct dir_attr){.name = arena_printf(a, "%cx%c%d", 'a' + i % 26, 'A' + i % 7, i / 2)};
	for (size_t n = 0; n <= MANY; n++) {
		struct dir_entry en = {.dn = "uid=x", .attrs = attrs, .n_attrs = n};
		struct dir_index index;

		dir_entry_index(&en, &index);
		for (size_t i = 0; i < MANY; i++)
			ck_assert_ptr_eq(dir_entry_attr(&en, attrs[i].name), i < n ? &attrs[i] : NULL);
		ck_assert_ptr_null(dir_entry_attr(&en, "a"));
	}
}
END_TEST

START_TEST(mods_coalesce)
{
	char text[] = "first";
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "member", strv_of(text));
	text[0] = 'X'; /* values are copied */
	for (int i = 0; i < 1000; i++)
		dir_mods_value(&m, i % 2 ? DIR_MOD_ADD : DIR_MOD_DELETE, i % 3 ? "Member" : "MEMBER", STRV("v"));
	ck_assert_uint_eq(m.n, 2);
	ck_assert_int_eq(m.mods[0].op, DIR_MOD_DELETE); /* in front of the add, though it came later */
	ck_assert_uint_eq(m.mods[0].n, 500);
	ck_assert_uint_eq(m.mods[1].n, 501);
	ck_assert_str_eq(m.mods[1].values[0].p, "first");
	dir_mods_value(&m, DIR_MOD_ADD, "member;x-opt", STRV(""));
	ck_assert_uint_eq(m.n, 3);
	ck_assert_uint_eq(m.mods[2].values[0].n, 0);
	ck_assert_ptr_nonnull(m.mods[2].values[0].p);
}
END_TEST

START_TEST(mods_replace_and_drop)
{
	struct strv two[] = {STRV("a"), STRV("b")};
	struct dir_mods m;

	dir_mods_init(&m, a);
	for (int i = 0; i < 20; i++)
		dir_mods_value(&m, DIR_MOD_ADD, arena_printf(a, "attr%d", i), STRV("x"));
	dir_mods_value(&m, DIR_MOD_DELETE, "ATTR7", STRV("y"));
	ck_assert_uint_eq(m.n, 21);
	ck_assert_str_eq(m.mods[7].attr, "ATTR7");
	ck_assert_str_eq(m.mods[8].attr, "attr7");
	ck_assert_str_eq(m.mods[9].attr, "attr8");
	dir_mods_replace(&m, "Attr7", two, 2); /* what was collected is overwritten anyway */
	ck_assert_uint_eq(m.n, 20);
	ck_assert_int_eq(m.mods[19].op, DIR_MOD_REPLACE);
	ck_assert_uint_eq(m.mods[19].n, 2);
	dir_mods_replace(&m, "attr8", NULL, 0);
	ck_assert_uint_eq(m.mods[19].n, 0);
	dir_mods_drop(&m, "aTTR7");
	ck_assert_uint_eq(m.n, 19);
	dir_mods_drop(&m, "nothing");
	ck_assert_uint_eq(m.n, 19);
}
END_TEST

/* --- names; spellings are in tests/vectors/dir/dn.txt --- */

START_TEST(dn_refusals)
{
	char untouched[] = "untouched", *out = untouched;
	char longest[4096];

	memset(longest, 'x', sizeof(longest));
	ck_assert_int_eq(dir_rdn_build(a, "uid", STRV(""), &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	ck_assert_int_eq(dir_rdn_build(a, "uid", STRV("\xff\xfe"), &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	ck_assert_int_eq(dir_rdn_build(a, "uid", strv_n(longest, sizeof(longest)), &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	ck_assert_int_eq(dir_rdn_build(a, "uid=x,cn", STRV("v"), &out, &e), -1); /* the name, not the value, is wrong */
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_int_eq(dir_dn_child(a, "uid", STRV("x"), "no dn", &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_ptr_eq(out, untouched);

	ck_assert_int_eq(dir_dn_child(a, "dc", STRV("com"), "", &out, &e), 0);
	ck_assert_str_eq(out, "dc=com");
	ck_assert_int_eq(dir_dn_check("ou=people,dc=example,dc=com", &e), 0);
	ck_assert_int_eq(dir_dn_check("", &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_int_eq(dir_dn_check("ou=people,", &e), -1);
	ck_assert_int_eq(dir_dn_check("ou=,dc=com", &e), -1);
}
END_TEST

START_TEST(dn_relations)
{
	struct strv v = {"untouched", 9};

	ck_assert(dir_dn_under(a, "uid=x, OU=People,dc=example,dc=com", "ou=people,DC=example,dc=com", false));
	ck_assert(!dir_dn_under(a, "ou=people,dc=com", "OU=People, dc=com", false));
	ck_assert(dir_dn_under(a, "ou=people,dc=com", "OU=People, dc=com", true));
	ck_assert(dir_dn_under(a, "dc=com", "", false));
	ck_assert(!dir_dn_under(a, "", "", false));
	ck_assert(dir_dn_under(a, "", "", true));
	ck_assert(!dir_dn_under(a, "ou=xpeople,dc=com", "ou=people,dc=com", false));
	/* the base's text inside a value is not the base */
	ck_assert(!dir_dn_under(a, "uid=a\\,ou=people\\,dc=com", "ou=people,dc=com", false));
	ck_assert(!dir_dn_under(a, "uid=a\\2Cou=people,dc=com", "ou=people,dc=com", false));
	ck_assert(!dir_dn_under(a, "no dn", "dc=com", true));

	ck_assert_str_eq(dir_dn_parent(a, "uid=a\\,b, ou=People,dc=com"), "ou=People,dc=com");
	ck_assert_str_eq(dir_dn_parent(a, "dc=com"), "");
	ck_assert_ptr_null(dir_dn_parent(a, ""));
	ck_assert_ptr_null(dir_dn_parent(a, "uid=a,no dn"));

	ck_assert_int_eq(dir_dn_rdn_value(a, "cn=x+UID=Doe\\2C J,dc=com", "uid", &v, &e), 1);
	ck_assert(strv_eq(v, STRV("Doe, J")));
	ck_assert_int_eq(dir_dn_rdn_value(a, "cn=x,uid=y", "uid", &v, &e), 0);
	ck_assert(strv_eq(v, STRV("Doe, J")));
	ck_assert_int_eq(dir_dn_rdn_value(a, "x", "uid", &v, &e), -1);
}
END_TEST

/* --- filters; spellings are in tests/vectors/dir/filter.txt --- */

static const char *
text_of(const struct dir_filter *f)
{
	char *text = NULL;

	ck_assert_msg(dir_filter_text(a, f, &text, &e) == 0, "%s", e.detail);
	return text;
}

START_TEST(filter_composition)
{
	const struct dir_filter *x = dir_f_eq(a, "a", STRV("1")), *y = dir_f_eq(a, "b", STRV("2"));
	const struct dir_filter *holes[] = {NULL, x, NULL};
	const struct dir_filter *f;

	ck_assert_str_eq(text_of(dir_f_and(a, NULL, 0)), "(objectClass=*)");
	ck_assert_str_eq(text_of(dir_f_or(a, NULL, 0)), "(!(objectClass=*))");
	ck_assert_str_eq(text_of(dir_f_and(a, holes, 3)), "(a=1)");
	ck_assert_str_eq(text_of(dir_f_or2(a, NULL, NULL)), "(!(objectClass=*))");
	ck_assert_str_eq(text_of(dir_f_and2(a, x, dir_f_and2(a, y, dir_f_or2(a, x, y)))), "(&(a=1)(b=2)(|(a=1)(b=2)))");
	ck_assert_str_eq(text_of(dir_f_not(a, dir_f_and2(a, x, y))), "(!(&(a=1)(b=2)))");

	/* a chain is not a depth */
	f = x;
	for (int i = 0; i < 500; i++)
		f = dir_f_and2(a, f, y);
	ck_assert_uint_eq(strlen(text_of(f)), 3 + 5 * 501);
}
END_TEST

START_TEST(filter_limits)
{
	const struct dir_filter *f = dir_f_present(a, "cn");
	char *big = arena_alloc(a, 40000);
	char *text = NULL;

	for (int i = 1; i < DIR_FILTER_MAX_DEPTH; i++)
		f = dir_f_not(a, f);
	text_of(f);
	ck_assert_int_eq(dir_filter_text(a, dir_f_not(a, f), &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_FILTER);
	for (int i = 0; i < 200000; i++) /* far past what libldap's recursion survives */
		f = dir_f_not(a, f);
	ck_assert_int_eq(dir_filter_text(a, f, &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_FILTER);

	memset(big, '*', 40000);
	ck_assert_int_eq(dir_filter_text(a, dir_f_eq(a, "cn", strv_n(big, 40000)), &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_FILTER);
	ck_assert_int_eq(dir_filter_text(a, dir_f_eq(a, "cn=*)(uid", STRV("x")), &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_int_eq(dir_filter_text(a, dir_f_ext(a, "cn", "x:=y)(", STRV("x")), &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_ptr_null(text);

	ck_assert_int_eq(dir_filter_values_text(a, dir_f_eq(a, "member", STRV("(")), &text, &e), 0);
	ck_assert_str_eq(text, "((member=\\28))");
	ck_assert_int_eq(
		dir_filter_values_text(a, dir_f_or2(a, dir_f_present(a, "x"), dir_f_eq(a, "y", STRV("z"))), &text, &e),
		0);
	ck_assert_str_eq(text, "((x=*)(y=z))");
	ck_assert_int_eq(dir_filter_values_text(a, dir_f_not(a, dir_f_present(a, "x")), &text, &e), -1);
}
END_TEST

/* --- schema --- */

static const struct dir_subschema *
sample_schema(void)
{
	static struct strv types[] = {
		STRV("( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX "
		     "1.3.6.1.4.1.1466.115.121.1.15{32768} )"),
		STRV("( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )"),
		STRV("( 9.9.1 NAME 'preferredSurname' SUP surname SINGLE-VALUE )"),
		STRV("( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 "
		     ")"),
		STRV("( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch SYNTAX "
		     "1.3.6.1.1.16.1 "
		     "SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )"),
		STRV("( 9.9.2 NAME 'loopA' SUP loopB )"),
		STRV("( 9.9.3 NAME 'loopB' SUP loopA )"),
		STRV("( 9.9.4 NAME 'orphan' SUP nobody )"),
		STRV("( 9.9.5 )"),
		STRV("( this is not a definition"),
		STRV(""),
	};
	static struct strv classes[] = {
		STRV("( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )"),
		STRV("( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( description ) )"),
		STRV("( 9.9.10 NAME ( 'employee' 'staff' ) SUP person STRUCTURAL MUST surname MAY mail )"),
		STRV("( 9.9.11 NAME 'round' SUP trip AUXILIARY )"),
		STRV("( 9.9.12 NAME 'trip' SUP round AUXILIARY MAY x )"),
		STRV("( 1.3.6.1.4.1.1466.101.120.111 NAME 'extensibleObject' SUP top AUXILIARY )"),
	};
	struct dir_attr attrs[] = {{"attributetypes", types, ARRAY_SIZE(types)},
				   {"objectclasses", classes, ARRAY_SIZE(classes)}};
	const struct dir_entry en = {.dn = "cn=Subschema", .attrs = attrs, .n_attrs = 2};
	const struct dir_subschema *s = NULL;

	ck_assert_int_eq(dir_subschema_build(a, &en, &s, &e), 0);
	return s;
}

START_TEST(schema_attributes)
{
	const struct dir_subschema *s = sample_schema();
	const struct dir_attr_type *t = dir_subschema_attr(s, "SURNAME");

	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_eq(t, dir_subschema_attr(s, "2.5.4.4"));
	ck_assert_ptr_eq(t, dir_subschema_attr(s, "sn;lang-de"));
	ck_assert_str_eq(t->name, "sn");
	ck_assert_str_eq(t->oid, "2.5.4.4");
	ck_assert(t->has_equality && t->has_substring && !t->has_ordering && !t->single && !t->no_user_mod);
	ck_assert_str_eq(t->equality, "caseIgnoreMatch");
	ck_assert_str_eq(t->syntax, "1.3.6.1.4.1.1466.115.121.1.15");

	t = dir_subschema_attr(s, "preferredSurname"); /* two steps up */
	ck_assert(t->has_equality && t->single);
	ck_assert_str_eq(t->syntax, "1.3.6.1.4.1.1466.115.121.1.15");
	t = dir_subschema_attr(s, "entryUUID");
	ck_assert(t->single && t->no_user_mod && t->has_ordering && !t->has_substring);
	t = dir_subschema_attr(s, "loopA");
	ck_assert(t && !t->has_equality && *t->equality == '\0' && *t->syntax == '\0');
	ck_assert_ptr_nonnull(dir_subschema_attr(s, "orphan"));
	ck_assert_str_eq(dir_subschema_attr(s, "9.9.5")->name, "9.9.5");
	ck_assert_ptr_null(dir_subschema_attr(s, "this"));
	ck_assert_ptr_null(dir_subschema_attr(s, ""));
}
END_TEST

START_TEST(schema_classes)
{
	const struct dir_subschema *s = sample_schema();
	const char *const *names;

	ck_assert(dir_subschema_class(s, "STAFF") && dir_subschema_class(s, "9.9.10") &&
		  !dir_subschema_class(s, "boss"));
	ck_assert(dir_subschema_must(s, "employee", "sn"));
	ck_assert(dir_subschema_must(s, "employee", "cn"));
	ck_assert(dir_subschema_must(s, "employee", "objectClass"));
	ck_assert(!dir_subschema_must(s, "employee", "mail"));
	ck_assert(!dir_subschema_must(s, "boss", "sn"));
	ck_assert(dir_subschema_may(s, "employee", "MAIL"));
	ck_assert(dir_subschema_may(s, "employee", "surname")); /* required is allowed */
	ck_assert(!dir_subschema_may(s, "person", "mail"));
	ck_assert(dir_subschema_may(s, "round", "x")); /* ends, though the classes go in a circle */
	ck_assert(!dir_subschema_may(s, "round", "y"));
	ck_assert(dir_subschema_may(s, "extensibleObject", "anything"));

	ck_assert_uint_eq(dir_subschema_must_list(a, s, "employee", &names), 3); /* surname and sn are one */
	ck_assert_str_eq(names[0], "sn");
	ck_assert_str_eq(names[1], "cn");
	ck_assert_str_eq(names[2], "objectClass");
	ck_assert_ptr_null(names[3]);
	ck_assert_uint_eq(dir_subschema_must_list(a, s, "boss", &names), 0);

	const struct dir_entry nothing = {.dn = "cn=Subschema", .attrs = NULL, .n_attrs = 0};
	const struct dir_subschema *none = NULL;

	ck_assert_int_eq(dir_subschema_build(a, &nothing, &none, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_ptr_null(none);
}
END_TEST

/* --- results --- */

START_TEST(results)
{
	static const struct {
		enum result_op op;
		int rc;
		const char *text;
		enum err_code code;
	} cases[] = {
		{OP_SEARCH, 2, NULL, ERR_INTERNAL},
		{OP_PASSWORD, 2, "unsupported extended operation", ERR_DIR_UNSUPPORTED},
		{OP_SEARCH, 3, NULL, ERR_UNAVAILABLE},
		{OP_SEARCH, 4, NULL, ERR_TOO_MANY},
		{OP_MODIFY, 10, NULL, ERR_UNAVAILABLE},
		{OP_SEARCH, 11, NULL, ERR_TOO_MANY},
		{OP_ADD, 11, NULL, ERR_UNAVAILABLE},
		{OP_MODIFY, 12, NULL, ERR_DIR_UNSUPPORTED},
		{OP_MODIFY, 13, NULL, ERR_CONFIG},
		{OP_MODIFY, 16, "modify/delete: mail: no such value", ERR_DIR_MISSING_VALUE},
		{OP_MODIFY, 17, NULL, ERR_CONFIG},
		{OP_MODIFY, 19, "non-unique attributes found with (|(uid=x))", ERR_UNIQUE},
		{OP_MODIFY, 19, "some attributes not unique", ERR_UNIQUE},
		{OP_MODIFY, 19, "entryUUID: no user modification allowed", ERR_MUTABILITY},
		{OP_MODIFY, 19, "modify breaks constraint on mail", ERR_VALUE},
		{OP_MODIFY, 19, NULL, ERR_VALUE},
		{OP_PASSWORD, 19, "Password fails quality checking policy", ERR_VALUE},
		{OP_MODIFY, 20, NULL, ERR_DIR_HAS_VALUE},
		{OP_ADD, 20, NULL, ERR_VALUE},
		{OP_ADD, 21, NULL, ERR_VALUE},
		{OP_SEARCH, 21, NULL, ERR_FILTER},
		{OP_ADD, 32, NULL, ERR_CONFIG},
		{OP_MODIFY, 32, NULL, ERR_NOT_FOUND},
		{OP_DELETE, 32, NULL, ERR_NOT_FOUND},
		{OP_ADD, 34, NULL, ERR_VALUE},
		{OP_MODIFY, 49, NULL, ERR_CONFIG},
		{OP_MODIFY, 50, NULL, ERR_FORBIDDEN},
		{OP_MODIFY, 51, NULL, ERR_BUSY},
		{OP_MODIFY, 52, NULL, ERR_UNAVAILABLE},
		{OP_MODIFY, 53, "operation restricted", ERR_UNAVAILABLE},
		{OP_MODIFY, 53, "shadow context; no update referral", ERR_UNAVAILABLE},
		{OP_ADD, 53, "no global superior knowledge", ERR_CONFIG},
		{OP_MODIFY, 53, "something else", ERR_FORBIDDEN},
		{OP_MODIFY, 64, NULL, ERR_MUTABILITY},
		{OP_MODIFY, 65, NULL, ERR_DIR_OBJECT_CLASS},
		{OP_DELETE, 66, NULL, ERR_CONFLICT},
		{OP_MODIFY, 67, NULL, ERR_MUTABILITY},
		{OP_ADD, 68, NULL, ERR_UNIQUE},
		{OP_RENAME, 68, NULL, ERR_UNIQUE},
		{OP_MODIFY, 68, NULL, ERR_DIR_HAS_VALUE},
		{OP_MODIFY, 69, NULL, ERR_MUTABILITY},
		{OP_MODIFY, 80, NULL, ERR_INTERNAL},
		{OP_MODIFY, 122, NULL, ERR_PRECONDITION},
		{OP_MODIFY, 123, NULL, ERR_FORBIDDEN},
		{OP_MODIFY, 4242, NULL, ERR_INTERNAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct result r = {cases[i].op, "uid=secretive,dc=x", cases[i].rc, cases[i].text, "dc=matched"};

		e = ERR_INIT;
		ck_assert_int_eq(dir_result_err(&dir_flavour_openldap, &r, &e), -1);
		ck_assert_msg(e.code == cases[i].code, "%s %d: %s", dir_result_op_name(r.op), r.rc, err_name(e.code));
		ck_assert_int_eq(e.ldap_rc, r.rc);
		ck_assert_int_ne(e.detail[0], '\0');
		ck_assert(!strstr(e.detail, "secretive") && !strstr(e.detail, "matched"));
		ck_assert(strstr(e.cause, "uid=secretive,dc=x") && strstr(e.cause, "dc=matched"));
		ck_assert(!r.text || strstr(e.cause, r.text));
	}
	/* without a flavour the generic row stands; without an error object nothing is written */
	const struct result r = {OP_MODIFY, "x", 19, "non-unique attributes found", NULL};

	ck_assert_int_eq(dir_result_err(NULL, &r, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	ck_assert_int_eq(dir_result_err(NULL, &r, NULL), -1);
}
END_TEST

/* --- writes held to what was read, without the server's help --- */

START_TEST(filters_that_hold)
{
	struct strv title[] = {STRV("One"), STRV("Two")}, usn[] = {STRV("17")};
	struct dir_attr attrs[] = {{"title", title, 2}, {"entryusn", usn, 1}, {"mail", NULL, 0}};
	const struct dir_entry en = {.dn = "uid=x", .attrs = attrs, .n_attrs = ARRAY_SIZE(attrs)};
	const struct dir_filter *yes = dir_f_eq(a, "TITLE", STRV("Two")), *no = dir_f_eq(a, "entryusn", STRV("18"));
	const struct dir_filter *lacks = dir_f_not(a, dir_f_present(a, "mail"));

	ck_assert(dir_filter_holds(yes, &en) && !dir_filter_holds(no, &en) && dir_filter_holds(lacks, &en));
	ck_assert(!dir_filter_holds(dir_f_eq(a, "title", STRV("two")), &en)); /* bytes */
	ck_assert(dir_filter_holds(dir_f_and2(a, yes, lacks), &en));
	ck_assert(!dir_filter_holds(dir_f_and2(a, yes, no), &en));
	ck_assert(dir_filter_holds(dir_f_or2(a, no, yes), &en));
	ck_assert(!dir_filter_holds(dir_f_or2(a, no, dir_f_not(a, yes)), &en));
	ck_assert(!dir_filter_holds(dir_f_not(a, dir_f_present(a, "title")), &en));
	/* what only a server can decide does not stop a write */
	ck_assert(dir_filter_holds(dir_f_ge(a, "title", STRV("Z")), &en));
}
END_TEST

static void
has_mod(const struct dir_mods *m, size_t i, enum dir_mod_op op, const char *attr, const char *values)
{
	char text[64] = "";

	ck_assert_uint_lt(i, m->n);
	for (size_t v = 0; v < m->mods[i].n; v++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s,", m->mods[i].values[v].p);
	ck_assert_int_eq(m->mods[i].op, op);
	ck_assert_str_eq(m->mods[i].attr, attr);
	ck_assert_str_eq(text, values);
}

START_TEST(taken_back)
{
	struct strv fax[] = {STRV("old1"), STRV("old2")}, one[] = {STRV("new")};
	struct dir_attr attrs[] = {{"fax", fax, 2}};
	const struct dir_entry before = {.dn = "uid=x", .attrs = attrs, .n_attrs = 1};
	const struct dir_filter *f = dir_f_and2(a, dir_f_eq(a, "entryUUID", STRV("u")), dir_f_present(a, "sn"));
	struct dir_mods m, back;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_DELETE, "title", STRV("old"));
	dir_mods_value(&m, DIR_MOD_ADD, "title", STRV("new"));
	dir_mods_value(&m, DIR_MOD_ADD, "member", STRV("a"));
	dir_mods_value(&m, DIR_MOD_ADD, "member", STRV("b"));
	dir_mods_replace(&m, "fax", one, 1);
	dir_mods_replace(&m, "photo", one, 1);

	const char *const *asked = dir_held_attrs(a, f, &m);

	ck_assert_str_eq(asked[0], "entryUUID");
	ck_assert_str_eq(asked[1], "sn");
	ck_assert_str_eq(asked[2], "fax");
	ck_assert_str_eq(asked[3], "photo");
	ck_assert_ptr_null(asked[4]);
	dir_held_inverse(a, &m, &before, &back);
	ck_assert_uint_eq(back.n, 5);
	has_mod(&back, 0, DIR_MOD_REPLACE, "photo", "");
	has_mod(&back, 1, DIR_MOD_REPLACE, "fax", "old1,old2,");
	has_mod(&back, 2, DIR_MOD_DELETE, "member", "a,b,");
	has_mod(&back, 3, DIR_MOD_DELETE, "title", "new,");
	has_mod(&back, 4, DIR_MOD_ADD, "title", "old,");
	ck_assert_int_eq(dir_held_refuse("uid=x", &e), -1);
	ck_assert_int_eq(e.code, ERR_PRECONDITION);
	ck_assert_int_eq(e.ldap_rc, 122);
}
END_TEST

START_TEST(flavours)
{
	struct strv classes[] = {STRV("top"), STRV("openldapRootDSE")};
	struct strv config[] = {STRV("cn=config")};
	struct dir_attr attrs[] = {{"objectClass", classes, 2}};
	struct dir_attr hidden[] = {{"configContext", config, 1}};
	const struct dir_entry open = {.dn = "", .attrs = attrs, .n_attrs = 1},
			       shy = {.dn = "", .attrs = hidden, .n_attrs = 1},
			       other = {.dn = "", .attrs = NULL, .n_attrs = 0};
	const struct dir_flavour *f = &dir_flavour_openldap;

	ck_assert_ptr_eq(dir_flavour_probe(&open), &dir_flavour_openldap);
	ck_assert_ptr_eq(dir_flavour_probe(&shy), &dir_flavour_openldap);
	ck_assert_ptr_null(dir_flavour_probe(&other));
	ck_assert_int_eq(dir_flavour_find("auto", &f, &e), 0);
	ck_assert_ptr_null(f);
	ck_assert_int_eq(dir_flavour_find("openldap", &f, &e), 0);
	ck_assert_str_eq(f->id_attr, "entryUUID");
	ck_assert_int_eq(dir_flavour_find("OpenLDAP2", &f, &e), -1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		entry_lookups,      entry_index,   mods_coalesce,     mods_replace_and_drop, dn_refusals, dn_relations,
		filter_composition, filter_limits, schema_attributes, schema_classes,        results,     flavours,
		filters_that_hold,  taken_back};
	Suite *s = suite_create("dir");

	unit_add_case(s, "offline", scratch_setup, scratch_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
