/* SPDX-License-Identifier: Apache-2.0
 * What Active Directory wants of values, names and results, without one. */
#include "dir/filter_text.h"
#include "dir/ms.h"
#include "dir/result.h"
#include "dirhinge/dir/dir.h"
#include "scratch.h"
#include "unit.h"

/* [MS-DTYP] 2.3.4.3: the same GUID as text and as bytes */
#define GUID_TEXT "00112233-4455-6677-8899-aabbccddeeff"
static const char guid_bytes[] = "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff";

START_TEST(guids)
{
	struct strv bytes = strv_n(guid_bytes, 16), out;

	ck_assert_int_eq(dir_guid_bytes(a, STRV(GUID_TEXT), &out), 0);
	ck_assert(strv_eq(out, bytes));
	ck_assert(strv_eq(dir_guid_text(a, bytes), STRV(GUID_TEXT)));
	ck_assert_ptr_null(dir_guid_text(a, strv_n(guid_bytes, 15)).p);
	ck_assert_ptr_null(dir_guid_text(a, STRV("")).p);
	ck_assert_int_eq(dir_guid_bytes(a, STRV("00112233-4455-6677-8899-aabbccddeef"), &out), -1);
	ck_assert_int_eq(dir_guid_bytes(a, STRV("*"), &out), -1);
}
END_TEST

static const char *
wire(const struct dir_flavour *fl, const struct dir_filter *f)
{
	char *text = NULL;

	ck_assert_int_eq(dir_filter_wire_text(a, fl, f, &text, &e), 0);
	return text;
}

START_TEST(ids_in_filters)
{
	static const char bytes[] = "(objectGUID=3\"\\11\\00UDwf\\88\\99\\AA\\BB\\CC\\DD\\EE\\FF)";
	const struct dir_filter *id = dir_f_eq(a, "objectguid", STRV(GUID_TEXT));
	const struct dir_flavour *ad = &dir_flavour_active_directory;
	const char *text = wire(ad, dir_f_and2(a, dir_f_not(a, id), dir_f_eq(a, "cn", STRV(GUID_TEXT))));

	/* However the writer spells the bytes, none of the id's text is left, and the other attribute is untouched. */
	ck_assert_ptr_null(strstr(text, "objectguid=0011"));
	ck_assert_ptr_nonnull(strstr(text, "(cn=" GUID_TEXT ")"));
	ck_assert_msg(strcasecmp(wire(ad, id), bytes) == 0, "%s", wire(ad, id));
	ck_assert_str_eq(wire(&dir_flavour_openldap, id), "(objectguid=" GUID_TEXT ")");
	ck_assert_str_eq(wire(ad, dir_f_eq(a, "objectGUID", STRV("x"))), "(objectGUID=x)");
	ck_assert_str_eq(wire(ad, dir_f_present(a, "objectGUID")), "(objectGUID=*)");
	for (int i = 0; i < 60; i++)
		id = dir_f_not(a, id);
	ck_assert_int_eq(dir_filter_wire_text(a, ad, id, &(char *){NULL}, &e), -1);
}
END_TEST

START_TEST(addresses)
{
	struct dir_caps ad = {.flavour = &dir_flavour_active_directory}, other = {.flavour = &dir_flavour_389ds};

	ck_assert_str_eq(dir_address(a, &ad, "CN=x", GUID_TEXT), "<GUID=" GUID_TEXT ">");
	ck_assert_str_eq(dir_address(a, &ad, "CN=x", NULL), "CN=x");
	ck_assert_str_eq(dir_address(a, &ad, "CN=x", "x>,CN=y"), "CN=x");
	ck_assert_str_eq(dir_address(a, &other, "uid=x", GUID_TEXT), "uid=x");
}
END_TEST

START_TEST(passwords)
{
	static const struct {
		const char *in, *out;
		size_t n;
	} rows[] = {
		{"a", "\"\0a\0\"", 6},
		{"\xc3\xbc", "\"\0\xfc\0\"", 6},
		{"\xe2\x82\xac", "\"\0\xac\x20\"", 6},
		{"\xf0\x9f\x98\x80", "\"\0\x3d\xd8\x00\xde\"", 8},
		{"", "\"\0\"", 4},
		{"\"", "\"\0\"\0\"", 6},
	};
	struct strv out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(dir_ms_password(a, strv_of(rows[i].in), &out, &e), 0);
		ck_assert_uint_eq(out.n, rows[i].n);
		ck_assert_int_eq(memcmp(out.p, rows[i].out, rows[i].n - 1), 0);
		ck_assert_int_eq(out.p[out.n - 1], 0);
	}
	ck_assert_int_eq(dir_ms_password(a, STRV("\xff"), &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
	ck_assert_ptr_null(strchr(e.detail, '\xff'));
}
END_TEST

START_TEST(ranges)
{
	static const struct {
		const char *text;
		int rc;
		unsigned low, high;
		bool last;
	} rows[] = {
		{"member", 0, 0, 0, false},
		{"userCertificate;binary", 0, 0, 0, false},
		{"member;range=0-1499", 1, 0, 1499, false},
		{"member;Range=1500-*", 1, 1500, 0, true},
		{"member;range=0-0", 1, 0, 0, false},
		{"member;x-y;range=5-9", 1, 5, 9, false},
		{"member;range=", -1, 0, 0, false},
		{"member;range=5", -1, 0, 0, false},
		{"member;range=-5", -1, 0, 0, false},
		{"member;range=*-5", -1, 0, 0, false},
		{"member;range=9-5", -1, 0, 0, false},
		{"member;range=0-", -1, 0, 0, false},
		{"member;range=0-1x", -1, 0, 0, false},
		{"member;range=0-99999999999", -1, 0, 0, false},
		{";range=0-*", -1, 0, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dir_range r = {0};

		ck_assert_msg(dir_range_parse(rows[i].text, &r) == rows[i].rc, "%s", rows[i].text);
		if (rows[i].rc != 1)
			continue;
		ck_assert_uint_eq(r.low, rows[i].low);
		ck_assert(r.last == rows[i].last && (r.last || r.high == rows[i].high));
		ck_assert(strv_casestarts(r.attr, STRV("member")));
	}
}
END_TEST

START_TEST(asked_for_in_pieces)
{
	static const char *const plain[] = {"cn", "mail", NULL}, *const members[] = {"cn", "MEMBER", NULL};
	const struct dir_flavour *ad = &dir_flavour_active_directory;
	const char *const *got = dir_range_attrs(a, ad, members);

	ck_assert_ptr_eq(dir_range_attrs(a, ad, plain), plain);
	ck_assert_ptr_null(dir_range_attrs(a, ad, NULL));
	ck_assert_ptr_eq(dir_range_attrs(a, &dir_flavour_openldap, members), members);
	ck_assert_str_eq(got[0], "cn");
	ck_assert_str_eq(got[1], "member;range=0-1499");
	ck_assert_str_eq(got[2], "uSNChanged");
	ck_assert_ptr_null(got[3]);
}
END_TEST

START_TEST(results)
{
	static const struct {
		enum result_op op;
		int rc;
		const char *text;
		enum err_code code;
	} rows[] = {
		/* as Samba 4.17 says it */
		{OP_ADD, 68, "00002071: samldb: samAccountName 'alice' already in use!", ERR_UNIQUE},
		{OP_MODIFY, 68, "00002071: samldb: samAccountName 'alice' already in use!", ERR_UNIQUE},
		{OP_MODIFY, 68, "Attribute member already exists for target GUID 8", ERR_DIR_HAS_VALUE},
		{OP_MODIFY, 53, "Attribute member doesn't exist for target GUID 8", ERR_DIR_MISSING_VALUE},
		{OP_MODIFY, 53, "Attribute member already deleted for target GUID 8", ERR_DIR_MISSING_VALUE},
		{OP_MODIFY, 19, "0000202F: samldb: userPrincipalName 'mm-6' is already in use", ERR_UNIQUE},
		{OP_PASSWORD, 19, "0000052D: Constraint violation - check_password_restrictions", ERR_VALUE},
		{OP_MODIFY, 16, "attribute 'title': no matching attribute value while deleting", ERR_DIR_MISSING_VALUE},
		{OP_MODIFY, 16, "acl_modify: attribute 'x' on entry 'y' was not found in the schema!", ERR_CONFIG},
		{OP_MODIFY, 20, "0000200D: SINGLE-VALUE attribute displayName on CN=x specified more than once",
		 ERR_DIR_HAS_VALUE},
		{OP_MODIFY, 32, "00000525: specified dn doesn't exist", ERR_NOT_FOUND},
		/* as Windows documents it */
		{OP_ADD, 68, "00000524: UpdErr: DSID-031A1248, problem 6005 (ENTRY_EXISTS), data 0", ERR_UNIQUE},
		{OP_MODIFY, 68, "00000562: UpdErr: DSID-031A122A, problem 6005 (ENTRY_EXISTS), data 0",
		 ERR_DIR_HAS_VALUE},
		{OP_MODIFY, 53, "00000561: SvcErr: DSID-031A1236, problem 5003 (WILL_NOT_PERFORM), data 0",
		 ERR_DIR_MISSING_VALUE},
		{OP_MODIFY, 19, "000021C8: AtrErr: DSID-03200EBE, #1: 0: 000021C8: problem 1005 (CONSTRAINT_ATT_TYPE)",
		 ERR_UNIQUE},
		{OP_PASSWORD, 53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
		 ERR_VALUE},
		{OP_MODIFY, 53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0", ERR_VALUE},
		{OP_MODIFY, 19, "00002081: AtrErr: DSID-03151E7C, #1: 0: 00002081: DSID-03151E7C, problem 1005",
		 ERR_DIR_HAS_VALUE},
		{OP_MODIFY, 19, "00002082: AtrErr: DSID-03151E7C, #1: 0: 00002082: DSID-03151E7C, problem 1005",
		 ERR_VALUE},
		{OP_MODIFY, 53, "00002077: SvcErr: something else", ERR_FORBIDDEN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct result r = {rows[i].op, "CN=secretive", rows[i].rc, rows[i].text, NULL};

		e = ERR_INIT;
		ck_assert_int_eq(dir_result_err(&dir_flavour_active_directory, &r, &e), -1);
		ck_assert_msg(e.code == rows[i].code, "%s: %s", rows[i].text, err_name(e.code));
		ck_assert(!strstr(e.detail, "secretive") && !strstr(e.detail, "alice") && !strstr(e.detail, "DSID"));
	}

	/* the client is told what it can do something about, never a word of the server */
	static const struct {
		enum result_op op;
		int rc;
		const char *text, *say;
	} texts[] = {
		{OP_ADD, 68, "00000524: UpdErr: DSID-031A1248", "made from it"},
		{OP_MODIFY, 19, "000021C8: AtrErr: DSID-03200EBE", "has this name"},
		{OP_PASSWORD, 53, "0000052D: SvcErr: DSID-031A12D2", "password policy refuses it"},
		{OP_PASSWORD, 19, "check_password_restrictions", "password policy refuses the password"},
		{OP_MODIFY, 53, "0000052D: SvcErr: DSID-031A12D2", "the password is missing"},
		{OP_MODIFY, 19, "00002082: AtrErr", "longer than the directory allows"},
		{OP_MODIFY, 21, "0000200B: attribute 'title' contains at least one invalid value!", "longer than"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct result said = {texts[i].op, "CN=secretive", texts[i].rc, texts[i].text, NULL};

		e = ERR_INIT;
		ck_assert_int_eq(dir_result_err(&dir_flavour_active_directory, &said, &e), -1);
		ck_assert_msg(strstr(e.detail, texts[i].say) != NULL, "%s: %s", texts[i].text, e.detail);
	}

	const struct result r = {OP_MODIFY, "uid=x", 19, "Another entry with the same attribute value already exists",
				 NULL};

	ck_assert_int_eq(dir_result_err(&dir_flavour_389ds, &r, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNIQUE);
}
END_TEST

static const struct dir_entry *
entry(const char *attr, struct strv value)
{
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);
	struct dir_attr *at = ARENA_NEW(a, struct dir_attr);
	struct strv *v = ARENA_NEW(a, struct strv);

	*v = value;
	*at = (struct dir_attr){attr, v, 1};
	*en = (struct dir_entry){.dn = "", .attrs = at, .n_attrs = 1};
	return en;
}

START_TEST(products)
{
	ck_assert_ptr_eq(dir_flavour_probe(entry("supportedCapabilities", STRV("1.2.840.113556.1.4.800"))),
			 &dir_flavour_active_directory);
	/* AD LDS has no accounts of a domain */
	ck_assert_ptr_null(dir_flavour_probe(entry("supportedCapabilities", STRV("1.2.840.113556.1.4.1851"))));
	ck_assert_ptr_eq(dir_flavour_probe(entry("vendorVersion", STRV("389-Directory/2.3.1 B2025.016.1616"))),
			 &dir_flavour_389ds);
	ck_assert_ptr_eq(dir_flavour_probe(entry("vendorName", STRV("389 Project"))), &dir_flavour_389ds);
}
END_TEST

/* S-1-5-21-1-2-3-RID or S-1-5-32-RID */
static struct strv
sid(bool builtin, uint32_t rid)
{
	static const unsigned char domain[] = {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0};
	static const unsigned char inner[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0};
	size_t n = builtin ? sizeof inner : sizeof domain;
	char *p = ARENA_ARRAY(a, n + 4, char);

	memcpy(p, builtin ? inner : domain, n);
	for (unsigned i = 0; i < 4; i++)
		p[n + i] = (char)(rid >> (8 * i) & 0xff);
	return strv_n(p, n + 4);
}

START_TEST(protected_entries)
{
	static const uint32_t domain[] = {498, 500, 502, 512, 516, 517, 518, 519, 520, 521, 526, 527};
	static const uint32_t inner[] = {544, 548, 549, 550, 551, 552};
	bool (*is)(const struct dir_entry *) = dir_flavour_active_directory.is_protected;

	for (size_t i = 0; i < ARRAY_SIZE(domain); i++)
		ck_assert_msg(is(entry("objectSid", sid(false, domain[i]))), "%u", domain[i]);
	for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
		ck_assert_msg(is(entry("objectSid", sid(true, inner[i]))), "%u", inner[i]);
	ck_assert(!is(entry("objectSid", sid(false, 1104))) && !is(entry("objectSid", sid(false, 513))));
	ck_assert(!is(entry("objectSid", sid(false, 0x00010200)))); /* 512 in other bytes */
	ck_assert(!is(entry("objectSid", STRV("S-1-5-21-512"))) && !is(entry("objectSid", STRV(""))));
	ck_assert(is(entry("adminCount", STRV("1"))) && !is(entry("adminCount", STRV("0"))));
	ck_assert(is(entry("isCriticalSystemObject", STRV("TRUE"))));
	ck_assert(!is(entry("isCriticalSystemObject", STRV("FALSE"))));
}
END_TEST

START_TEST(implied_rules_and_content_rules)
{
	static struct strv types[] = {
		STRV("( 2.5.4.3 NAME 'cn' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )"),
		STRV("( 1.2.3.1 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )"),
		STRV("( 1.2.3.2 NAME 'member' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )"),
		STRV("( 1.2.3.3 NAME 'info' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' )"),
		STRV("( 1.2.3.4 NAME 'odd' SYNTAX '1.2.840.113556.1.4.907' )"),
	};
	static struct strv classes[] = {
		STRV("( 2.5.6.0 NAME 'top' ABSTRACT )"),
		STRV("( 1.2.4.1 NAME 'user' SUP top STRUCTURAL MAY ( member ) )"),
		STRV("( 1.2.4.2 NAME 'securityPrincipal' SUP top AUXILIARY MUST ( sAMAccountName ) )"),
	};
	static struct strv rules[] = {
		STRV("( 1.2.4.1 NAME 'user' AUX ( securityPrincipal ) MUST ( cn ) MAY ( info ) )"),
		STRV("( 9.9.9 NAME 'nobody' MUST ( cn ) )"), STRV("( garbage")};
	struct dir_attr attrs[] = {{"attributeTypes", types, ARRAY_SIZE(types)},
				   {"objectClasses", classes, ARRAY_SIZE(classes)},
				   {"dITContentRules", rules, ARRAY_SIZE(rules)}};
	const struct dir_entry en = {.dn = "CN=Aggregate", .attrs = attrs, .n_attrs = 3};
	const struct dir_subschema *s;
	const char *const *must_names;

	ck_assert_int_eq(dir_subschema_build_implied(a, &en, &s, &e), 0);
	ck_assert(dir_subschema_must(s, "user", "cn") && dir_subschema_must(s, "user", "sAMAccountName"));
	ck_assert(dir_subschema_may(s, "user", "info") && !dir_subschema_may(s, "top", "info"));
	ck_assert_uint_eq(dir_subschema_must_list(a, s, "user", &must_names), 2);
	ck_assert(dir_subschema_attr(s, "cn")->has_equality && dir_subschema_attr(s, "cn")->has_substring);
	ck_assert_str_eq(dir_subschema_attr(s, "member")->equality, "distinguishedNameMatch");
	ck_assert(!dir_subschema_attr(s, "odd")->has_equality);
	ck_assert_int_eq(dir_subschema_build(a, &en, &s, &e), 0);
	ck_assert(!dir_subschema_attr(s, "cn")->has_equality);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {guids,
				      ids_in_filters,
				      addresses,
				      passwords,
				      ranges,
				      asked_for_in_pieces,
				      results,
				      products,
				      protected_entries,
				      implied_rules_and_content_rules};
	Suite *s = suite_create("dir_ms");

	unit_add_case(s, "offline", scratch_setup, scratch_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
