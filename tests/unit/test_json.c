/* SPDX-License-Identifier: Apache-2.0
 * The JSON reader: helpers, limits, keys. */
#include <stdlib.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/json.h"
#include "unit.h"

static json_t *
parsed(struct arena *a, const char *text)
{
	struct err e = ERR_INIT;
	json_t *root = NULL;

	ck_assert_msg(json_parse(a, strv_of(text), NULL, &root, &e) == 0, "%s: %s", text, e.detail);
	return root;
}

START_TEST(limits)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct err e = ERR_INIT;
	json_t *root = NULL;
	const struct json_limits small = {.max_bytes = 10, .max_depth = 2};
	char *large = arena_alloc(a, 1024 * 1024 + 2);

	ck_assert_int_eq(json_parse(a, STRV("[1,2,3,45]"), &small, &root, &e), 0);
	root = NULL;
	ck_assert_int_eq(json_parse(a, STRV("[1,2,3,456]"), &small, &root, &e), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	ck_assert_int_eq(json_parse(a, STRV("[[[]]]"), &small, &root, &e), -1);
	ck_assert_int_eq(e.code, ERR_SYNTAX);
	ck_assert_uint_eq(e.offset, 2);
	ck_assert_ptr_null(root);

	/* the default: 1 MiB exactly, and one byte more */
	memset(large, ' ', 1024 * 1024 + 1);
	memcpy(large, "[]", 2);
	ck_assert_int_eq(json_parse(a, strv_n(large, 1024 * 1024), NULL, &root, &e), 0);
	ck_assert_int_eq(json_parse(a, strv_n(large, 1024 * 1024 + 1), NULL, &root, &e), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	/* a depth that would end on the stack of a recursive parser */
	memset(large, '[', 1024 * 1024);
	ck_assert_int_eq(json_parse(a, strv_n(large, 1024 * 1024), NULL, &root, &e), -1);
	ck_assert_uint_eq(e.offset, 32);
}
END_TEST

START_TEST(many_keys)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(1024 * 1024);
	struct err e = ERR_INIT;
	json_t *root;

	/* 50,000 keys and as many objects: the check for duplicates must not be quadratic */
	buf_adds(&b, "{\"list\":[");
	for (int i = 0; i < 25000; i++)
		buf_printf(&b, "%s{\"v\":%d}", i > 0 ? "," : "", i);
	buf_adds(&b, "],\"o\":{");
	for (int i = 0; i < 25000; i++)
		buf_printf(&b, "%s\"k%d\":0", i > 0 ? "," : "", i);
	size_t at = b.n + 1;

	buf_adds(&b, ",\"K7\":1}}");
	ck_assert(!b.full);
	ck_assert_int_eq(json_parse(a, buf_view(&b), NULL, &root, &e), -1);
	ck_assert_uint_eq(e.offset, at);
	ck_assert_pstr_eq(e.detail, "the key \"K7\" is given twice (names are case-insensitive)");
}
END_TEST

START_TEST(long_key_in_message)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct err e = ERR_INIT;
	json_t *root;
	char key[201] = "x";

	for (size_t i = 1; i + 2 < sizeof(key); i += 2)
		memcpy(key + i, "\xC3\xA9", 3);
	char *text = arena_printf(a, "{\"%s\":1,\"%s\":2}", key, key);

	ck_assert_int_eq(json_parse(a, strv_of(text), NULL, &root, &e), -1);
	ck_assert(utf8_valid(strv_of(e.detail), NULL));
	ck_assert_ptr_nonnull(strstr(e.detail, "is given twice"));
}
END_TEST

START_TEST(errors_do_not_quote)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct err e = ERR_INIT;
	json_t *root;

	ck_assert_int_eq(json_parse(a, STRV("{\"password\":\"hunter2\" \"hunter3\"}"), NULL, &root, &e), -1);
	ck_assert_ptr_null(strstr(e.detail, "hunter"));
	ck_assert_ptr_null(strstr(e.cause, "hunter"));
}
END_TEST

START_TEST(lifetime)
{
	struct arena *a = arena_new(256);
	json_t *root = json_incref(parsed(a, "{\"a\":[1]}"));
	json_t *kept = json_incref(json_keep(a, json_array()));

	ck_assert_uint_eq(root->refcount, 2);
	ck_assert_uint_eq(kept->refcount, 2);
	ck_assert_ptr_null(json_keep(a, NULL));
	arena_free(&a);
	ck_assert_uint_eq(root->refcount, 1);
	ck_assert_uint_eq(kept->refcount, 1);
	json_decref(root);
	json_decref(kept);
}
END_TEST

START_TEST(texts)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	json_t *j = parsed(a, "{\"b\":{\"z\":1,\"y\":[true,null]},\"a\":\"\\u00e9/\"}");

	ck_assert_str_eq(json_text(a, j), "{\"b\":{\"z\":1,\"y\":[true,null]},\"a\":\"\xC3\xA9/\"}");
	ck_assert_str_eq(json_text_canonical(a, j), "{\"a\":\"\xC3\xA9/\",\"b\":{\"y\":[true,null],\"z\":1}}");
	ck_assert_str_eq(json_text(a, json_object_get(j, "a")), "\"\xC3\xA9/\"");
}
END_TEST

/* Every character that may need an escape, and every kind of value: jansson's own printer is the judge. */
START_TEST(printed_as_jansson_does)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	char text[160] = "";
	json_t *j;

	for (int c = 1; c < 0x80; c++)
		text[c - 1] = (char)c;
	j = json_keep(a, json_pack("{s:s, s:s, s:[i, f, n, b, b], s:{}, s:[], s:I}", text, text, "u",
				   "\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80", "v", -1, 1e300, 1, 0, "", "\"", "w",
				   (json_int_t)INT64_MIN));
	ck_assert_ptr_nonnull(j);
	char *expected = json_dumps(j, JSON_COMPACT);

	ck_assert_str_eq(json_text(a, j), expected);
	free(expected);
}
END_TEST

START_TEST(helpers)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	json_t *j =
		parsed(a, "{\"userName\":1,\"n\":null,\"e\":[],\"o\":{},\"s\":\"\",\"r\":1.5,\"t\":true,\"l\":[null]}");
	const char *key = NULL;
	static const struct {
		const char *key, *kind;
		bool unassigned;
	} rows[] = {
		{"userName", "number", false}, {"n", "null", true},    {"e", "array", true},
		{"o", "object", false},        {"s", "string", false}, {"r", "number", false},
		{"t", "boolean", false},       {"l", "array", false},  {"absent", "null", true},
	};

	ck_assert_ptr_eq(json_get_ci(j, "USERNAME", &key), json_object_get(j, "userName"));
	ck_assert_str_eq(key, "userName");
	ck_assert_ptr_nonnull(json_get_ci(j, "E", NULL));
	ck_assert_ptr_null(json_get_ci(j, "user", &key));
	ck_assert_str_eq(key, "userName");
	ck_assert_ptr_null(json_get_ci(json_object_get(j, "e"), "x", NULL));
	ck_assert_ptr_null(json_get_ci(NULL, "x", NULL));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_str_eq(json_kind(json_object_get(j, rows[i].key)), rows[i].kind);
		ck_assert_int_eq(json_unassigned(json_object_get(j, rows[i].key)), rows[i].unassigned);
	}
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"limit", limits, 0},
		{"keys", many_keys, 0},
		{"keys", long_key_in_message, 0},
		{"tree", lifetime, 0},
		{"tree", texts, 0},
		{"tree", printed_as_jansson_does, 0},
		{"tree", helpers, 0},
		{"text", errors_do_not_quote, 0},
	};

	json_object_seed(0);
	return unit_run("json", tests, ARRAY_SIZE(tests));
}
