/* SPDX-License-Identifier: Apache-2.0
 * YAML trees: the lines of their nodes, limits, keys; texts and messages stand in tests/vectors/base. */
#include "dirhinge/base/buf.h"
#include "dirhinge/base/yaml.h"
#include "unit.h"

static const char text[] = "server:\n"
			   "  listen: 127.0.0.1:8080\n"
			   "\n"
			   "directory:\n"
			   "  uris:\n"
			   "    - ldap://a\n"
			   "    - ldap://b\n"
			   "  \"\": empty\n"
			   "clients: [{name: x}, {name: y,\n"
			   "  scopes: z}]\n";

static struct yaml *
parsed(struct arena *a, const char *s)
{
	struct err e = ERR_INIT;
	struct yaml *doc = NULL;

	ck_assert_msg(yaml_parse(a, "test.yaml", strv_of(s), &doc, &e) == 0, "%s", e.detail);
	return doc;
}

START_TEST(lines)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct yaml *doc = parsed(a, text);
	json_t *root = yaml_root(doc), *directory = json_object_get(root, "directory");
	json_t *uris = json_object_get(directory, "uris"), *clients = json_object_get(root, "clients");

	ck_assert_str_eq(yaml_name(doc), "test.yaml");
	ck_assert_uint_eq(yaml_line(doc, root), 1);
	ck_assert_uint_eq(yaml_key_line(doc, root, "server"), 1);
	ck_assert_uint_eq(yaml_key_line(doc, root, "directory"), 4);
	ck_assert_uint_eq(yaml_line(doc, directory), 5);
	ck_assert_uint_eq(yaml_key_line(doc, directory, "uris"), 5);
	ck_assert_uint_eq(yaml_key_line(doc, directory, ""), 8);
	ck_assert_uint_eq(yaml_line(doc, json_array_get(uris, 1)), 7);
	ck_assert_uint_eq(yaml_key_line(doc, json_array_get(clients, 0), "name"), 9);
	ck_assert_uint_eq(yaml_key_line(doc, json_array_get(clients, 1), "scopes"), 10);
	ck_assert_uint_eq(yaml_key_line(doc, root, "listen"), 0);
	ck_assert_uint_eq(yaml_line(doc, NULL), 0);
	ck_assert_uint_eq(yaml_line(NULL, root), 0);
}
END_TEST

START_TEST(errors)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct yaml *doc = parsed(a, text), *untouched = NULL;
	struct err e = ERR_INIT;

	ck_assert_int_eq(yaml_err(doc, 7, &e, "no %s", "good"), -1);
	ck_assert_str_eq(e.detail, "test.yaml:7: no good");
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_uint_eq(e.line, 7);
	ck_assert_int_eq(yaml_err(doc, 0, &e, "no good"), -1);
	ck_assert_str_eq(e.detail, "test.yaml: no good");
	ck_assert_int_eq(yaml_err(doc, 0, NULL, "no good"), -1);

	ck_assert_int_eq(yaml_parse(a, "x", STRV("a: b\nc"), &untouched, &e), -1);
	ck_assert_ptr_null(untouched);
	/* libyaml reports a key that never came to its colon where the text ended */
	ck_assert_uint_ge(e.line, 2);
	ck_assert_int_eq(yaml_parse(a, "x", STRV("a: *b"), &untouched, NULL), -1);
}
END_TEST

START_TEST(limits)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(4 * 1024 * 1024);
	struct yaml *doc = NULL;
	struct err e = ERR_INIT;

	while (b.n < 1024 * 1024)
		buf_adds(&b, "# comment of 32 bytes, no content\n");
	ck_assert_int_eq(yaml_parse(a, "x", buf_view(&b), &doc, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, "at most 1048576"));
	ck_assert_int_eq(yaml_parse(a, "x", strv_n(b.p, 1024 * 1024), &doc, &e), 0);
	ck_assert_uint_eq(json_object_size(yaml_root(doc)), 0);

	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, '[');
	ck_assert_int_eq(yaml_parse(a, "x", buf_view(&b), &doc, &e), -1);
	buf_reset(&b);
	for (int i = 0; i < 20; i++)
		buf_printf(&b, "%*sa:\n", i, "");
	ck_assert_int_eq(yaml_parse(a, "x", buf_view(&b), &doc, &e), -1);
	ck_assert_str_eq(e.detail, "x:17: nested deeper than 16 levels");
}
END_TEST

START_TEST(keys)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct yaml *doc = parsed(a, "flavour: x\nuris: y\nflavor: z\n");
	static const char *const names[] = {"flavour", "uris", "flavor"};
	struct err e = ERR_INIT;

	ck_assert_int_eq(yaml_check_keys(doc, yaml_root(doc), names, 3, &e), 0);
	ck_assert_int_eq(yaml_check_keys(doc, yaml_root(doc), names, 2, &e), -1);
	ck_assert_str_eq(e.detail, "test.yaml:3: unknown key 'flavor'; did you mean 'flavour'?");
	ck_assert_uint_eq(e.line, 3);
	ck_assert_int_eq(yaml_check_keys(doc, yaml_root(doc), names + 1, 1, &e), -1);
	ck_assert_str_eq(e.detail, "test.yaml:1: unknown key 'flavour'; known are uris");
	ck_assert_int_eq(yaml_check_keys(doc, yaml_root(doc), NULL, 0, &e), -1);
	ck_assert_str_eq(e.detail, "test.yaml:1: unknown key 'flavour'");
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"tree", lines, 0},
		{"tree", errors, 0},
		{"limit", limits, 0},
		{"keys", keys, 0},
	};

	json_object_seed(0);
	return unit_run("yaml", tests, ARRAY_SIZE(tests));
}
