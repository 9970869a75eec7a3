/* SPDX-License-Identifier: Apache-2.0
 * The error object: what a client and an operator get to read. */
#include <signal.h>

#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"
#include "unit.h"

START_TEST(filled)
{
	struct err e = ERR_INIT;

	ck_assert_int_eq(e.code, ERR_OK);
	ck_assert_int_eq(err_at(&e, 12, ERR_PATH, "expected %s", "a name"), -1);
	ck_assert_int_eq(e.code, ERR_PATH);
	ck_assert_uint_eq(e.offset, 12);
	ck_assert_str_eq(e.detail, "expected a name");
	ck_assert_str_eq(e.cause, "");
	ck_assert(strncmp(e.where, "test_err.c:", 11) == 0);

	e.ldap_rc = 68;
	ck_assert_int_eq(err_set(&e, ERR_UNIQUE, NULL), -1);
	ck_assert_int_eq(e.ldap_rc, 0);
	ck_assert_uint_eq(e.offset, ERR_NO_OFFSET);
	ck_assert_str_eq(e.detail, err_text(ERR_UNIQUE));
	err_clear(&e);
	ck_assert_int_eq(e.code, ERR_OK);
	ck_assert_str_eq(e.detail, "");
}
END_TEST

START_TEST(nobody_listens)
{
	ck_assert_int_eq(err_set(NULL, ERR_VALUE, "x"), -1);
	ck_assert_int_eq(err_cause(NULL, "x"), -1);
	err_clear(NULL);
}
END_TEST

START_TEST(own_text_as_argument)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_VALUE, "inner");
	(void)err_set(&e, ERR_CONFIG, "outer: %s", e.detail);
	ck_assert_str_eq(e.detail, "outer: inner");
}
END_TEST

START_TEST(causes_outermost_first)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_UNAVAILABLE, NULL);
	(void)err_cause(&e, "ldap modify: %d", 52);
	(void)err_cause(&e, "patch User 28");
	ck_assert_str_eq(e.cause, "patch User 28: ldap modify: 52");
	ck_assert_str_eq(e.detail, err_text(ERR_UNAVAILABLE));
}
END_TEST

START_TEST(cut_between_characters)
{
	struct err e = ERR_INIT;
	char text[2 * sizeof(e.cause)];
	char out[10];

	/* an odd start makes the limit fall into the middle of a two-byte character */
	for (size_t start = 0; start < 2; start++) {
		memset(text, 'x', start);
		for (size_t i = start; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xC3\xA9", 3);
		(void)err_set(&e, ERR_VALUE, "%s", text);
		ck_assert(utf8_valid(strv_of(e.detail), NULL));
		ck_assert_uint_ge(strlen(e.detail), sizeof(e.detail) - 2);
		(void)err_cause(&e, "%s", text);
		(void)err_cause(&e, "%s", text);
		ck_assert(utf8_valid(strv_of(e.cause), NULL));
		ck_assert_uint_ge(strlen(e.cause), sizeof(e.cause) - 2);
		err_render(&e, out, sizeof(out));
		ck_assert(utf8_valid(strv_of(out), NULL));
		ck_assert_uint_ge(strlen(out), sizeof(out) - 2);
	}
	/* four bytes, every way of cutting them */
	for (size_t start = 0; start < 4; start++) {
		memset(text, 'x', sizeof(e.detail) - 4 + start);
		memcpy(text + sizeof(e.detail) - 4 + start, "\xF0\x9F\x98\x80", 5);
		(void)err_set(&e, ERR_VALUE, "%s", text);
		ck_assert(utf8_valid(strv_of(e.detail), NULL));
		ck_assert_uint_eq(strlen(e.detail), sizeof(e.detail) - 4 + start);
	}
}
END_TEST

START_TEST(rendered)
{
	struct err e = ERR_INIT;
	char out[64];

	(void)err_at(&e, 3, ERR_FILTER, "expected a value");
	err_render(&e, out, sizeof(out));
	ck_assert_str_eq(out, "expected a value at byte 3");

	(void)err_set(&e, ERR_PARSE, "bad row");
	e.line = 7;
	err_render(&e, out, sizeof(out));
	ck_assert_str_eq(out, "bad row at line 7");

	/* whose text names the line already */
	(void)err_set(&e, ERR_CONFIG, "f:7: bad row");
	e.line = 7;
	err_render(&e, out, sizeof(out));
	ck_assert_str_eq(out, "f:7: bad row");
}
END_TEST

START_TEST(table)
{
	static const struct {
		enum err_code code;
		int http;
		const char *scim_type;
		int retry;
	} rows[] = {
		{ERR_FILTER, 400, "invalidFilter", 0}, {ERR_TOO_MANY, 400, "tooMany", 0},
		{ERR_UNIQUE, 409, "uniqueness", 0},    {ERR_MUTABILITY, 400, "mutability", 0},
		{ERR_SYNTAX, 400, "invalidSyntax", 0}, {ERR_PATH, 400, "invalidPath", 0},
		{ERR_NO_TARGET, 400, "noTarget", 0},   {ERR_VALUE, 400, "invalidValue", 0},
		{ERR_VERSION, 400, "invalidVers", 0},  {ERR_SENSITIVE, 400, "sensitive", 0},
		{ERR_CONFLICT, 409, NULL, 0},          {ERR_PRECONDITION, 412, NULL, 0},
		{ERR_UNKNOWN_OUTCOME, 503, NULL, 5},   {ERR_BUSY, 503, NULL, 1},
		{ERR_DIR_UNSUPPORTED, 501, NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(err_http(rows[i].code), rows[i].http);
		ck_assert_pstr_eq(err_scim_type(rows[i].code), rows[i].scim_type);
		ck_assert_int_eq(err_retry_after(rows[i].code), rows[i].retry);
	}
	for (int c = ERR_OK; c <= ERR_DIR_UNSUPPORTED; c++) {
		ck_assert(strncmp(err_name((enum err_code)c), "ERR_", 4) == 0);
		ck_assert_uint_gt(strlen(err_text((enum err_code)c)), 0);
		/* RFC 7644 3.12: a scimType explains a 400 or 409 */
		if (err_scim_type((enum err_code)c) != NULL)
			ck_assert(err_http((enum err_code)c) == 400 || err_http((enum err_code)c) == 409);
	}
}
END_TEST

START_TEST(broken_promise)
{
	must(1 + 1 == 3);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"fill", filled, 0},
		{"fill", nobody_listens, 0},
		{"fill", own_text_as_argument, 0},
		{"text", causes_outermost_first, 0},
		{"text", cut_between_characters, 0},
		{"text", rendered, 0},
		{"table", table, 0},
		{"must", broken_promise, SIGABRT},
	};

	return unit_run("err", tests, ARRAY_SIZE(tests));
}
