/* SPDX-License-Identifier: Apache-2.0
 * Options from rows: values, defaults, every message, printing that reads back the same, the schema. */
#include <stddef.h>

#include "dirhinge/base/conf.h"
#include "dirhinge/base/json.h"
#include "unit.h"

struct options {
	const char *name, *flavour, *absent;
	bool plain;
	int64_t size, timeout;
	struct conf_strings uris, scopes;
	const json_t *extra;
	const char *cert;
	bool verify;
};

#define AT(field) .offset = offsetof(struct options, field)

static const char *const flavours[] = {"auto", "openldap", "active-directory", NULL};
static const struct conf_row tls_rows[] = {
	{.name = "certificate_file", .kind = CONF_STRING, AT(cert), .required = true, .help = "The certificate."},
	{.name = "verify", .kind = CONF_BOOL, AT(verify), .def = "true", .help = "Check the peer."},
};
static const struct conf_row directory_rows[] = {
	{.name = "flavour",
	 .kind = CONF_STRING,
	 AT(flavour),
	 .def = "auto",
	 .choices = flavours,
	 .help = "The server."},
	{.name = "uris", .kind = CONF_STRINGS, AT(uris), .required = true, .help = "Where it is."},
	{.name = "pool_size", .kind = CONF_INT, AT(size), .def = "16", .min = 1, .max = 256, .help = "Connections."},
	{.name = "timeout",
	 .kind = CONF_DURATION,
	 AT(timeout),
	 .def = "10s",
	 .min = 100,
	 .max = 60000,
	 .help = "Wait."},
	{.name = "allow_plaintext", .kind = CONF_BOOL, AT(plain), .def = "false", .help = "No TLS."},
	{.name = "tls", .kind = CONF_GROUP, .rows = tls_rows, .n_rows = ARRAY_SIZE(tls_rows), .help = "TLS."},
};
static const struct conf_row rows[] = {
	{.name = "name", .kind = CONF_STRING, AT(name), .required = true, .help = "A name."},
	{.name = "absent", .kind = CONF_STRING, AT(absent), .help = "Never given."},
	{.name = "scopes", .kind = CONF_STRINGS, AT(scopes), .def = "users:read, groups:read", .help = "Rights."},
	{.name = "extra", .kind = CONF_NODE, AT(extra), .help = "Raw."},
	{.name = "directory",
	 .kind = CONF_GROUP,
	 .rows = directory_rows,
	 .n_rows = ARRAY_SIZE(directory_rows),
	 .required = true,
	 .help = "The directory."},
};

static int
read_options(struct arena *a, const char *text, struct options *o, struct err *e)
{
	struct yaml *doc;

	*o = (struct options){.name = NULL};
	ck_assert_msg(yaml_parse(a, "f", strv_of(text), &doc, e) == 0, "%s", e->detail);
	return conf_read(a, doc, yaml_root(doc), "", rows, ARRAY_SIZE(rows), o, e);
}

static const char full[] = "name: \"x y\"\n"
			   "scopes: [admin]\n"
			   "extra: {k: [v, \"true\"]}\n"
			   "directory:\n"
			   "  flavour: openldap\n"
			   "  uris:\n"
			   "    - ldap://a\n"
			   "    - ldap://b\n"
			   "  pool_size: 1\n"
			   "  timeout: 1m\n"
			   "  allow_plaintext: true\n"
			   "  tls:\n"
			   "    certificate_file: /etc/c.pem\n"
			   "    verify: false\n";

static void
check_full(const struct options *o)
{
	ck_assert_str_eq(o->name, "x y");
	ck_assert_ptr_null(o->absent);
	ck_assert_str_eq(o->flavour, "openldap");
	ck_assert(o->plain && !o->verify);
	ck_assert_int_eq(o->size, 1);
	ck_assert_int_eq(o->timeout, 60000);
	ck_assert_uint_eq(o->uris.n, 2);
	ck_assert_str_eq(o->uris.v[1], "ldap://b");
	ck_assert_uint_eq(o->scopes.n, 1);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(o->extra, "k"), 1)), "true");
	ck_assert_str_eq(o->cert, "/etc/c.pem");
}

START_TEST(values)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct options o;
	struct err e = ERR_INIT;

	ck_assert_msg(read_options(a, full, &o, &e) == 0, "%s", e.detail);
	check_full(&o);
}
END_TEST

START_TEST(defaults)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct options o;
	struct err e = ERR_INIT;

	ck_assert_msg(read_options(a, "name: x\ndirectory: {uris: ldapi:///}\n", &o, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(o.flavour, "auto");
	ck_assert_int_eq(o.size, 16);
	ck_assert_int_eq(o.timeout, 10000);
	ck_assert(!o.plain && o.verify);
	ck_assert_uint_eq(o.uris.n, 1);
	ck_assert_uint_eq(o.scopes.n, 2);
	ck_assert_str_eq(o.scopes.v[0], "users:read");
	ck_assert_str_eq(o.scopes.v[1], "groups:read");
	ck_assert_ptr_null(o.cert);
	ck_assert_ptr_null(o.extra);
}
END_TEST

START_TEST(printed_reads_back)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(100000);
	struct options o, again;
	struct err e = ERR_INIT;

	ck_assert_int_eq(read_options(a, full, &o, &e), 0);
	conf_print(&out, rows, ARRAY_SIZE(rows), &o, 0);
	ck_assert_msg(read_options(a, buf_str(&out), &again, &e) == 0, "%s\n%s", e.detail, buf_str(&out));
	check_full(&again);

	/* strings that other YAML readers, or ours, would take for something else */
	static const char *const hard[] = {"no",   "Null", "1.5",      "0636",     "a: b", "a #b", "- x",
					   "'q'",  "\"",   "\\",       "a\nb\t\r", " x ",  "*a",   "{",
					   "key:", "",     "\xC3\xBC", "~",        "%TAG"};

	for (size_t i = 0; i < ARRAY_SIZE(hard); i++) {
		const char *list[] = {hard[i][0] != '\0' ? hard[i] : "x"};

		buf_reset(&out);
		o.absent = hard[i];
		o.uris = (struct conf_strings){.n = 1, .v = list};
		conf_print(&out, rows, ARRAY_SIZE(rows), &o, 0);
		ck_assert_msg(read_options(a, buf_str(&out), &again, &e) == 0, "%s\n%s", e.detail, buf_str(&out));
		ck_assert_str_eq(again.absent, hard[i]);
		ck_assert_str_eq(again.uris.v[0], list[0]);
	}
	buf_reset(&out);
	o = (struct options){.name = "n", .flavour = "auto", .size = -5, .timeout = 90000};
	conf_print(&out, rows, ARRAY_SIZE(rows), &o, 2);
	ck_assert_str_eq(buf_str(&out), "  name: \"n\"\n  scopes: []\n  directory:\n    flavour: auto\n    uris: []\n"
					"    pool_size: -5\n    timeout: 90s\n    allow_plaintext: false\n    tls:\n"
					"      verify: false\n");
}
END_TEST

START_TEST(messages)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"directory: {uris: x}\n", "f:1: name is missing"},
		{"name:\ndirectory: {uris: x}\n", "f:1: name is empty"},
		{"name: x\n", "f:1: directory is missing"},
		{"name: x\ndirectory:\n", "f:2: directory is missing"},
		{"name: x\ndirectory:\n  flavour: auto\n", "f:3: directory.uris is missing"},
		{"name: x\ndirectory:\n  uris:\n", "f:3: directory.uris is empty"},
		{"name: x\ndirectory:\n  uris: [a, \"\"]\n", "f:3: directory.uris holds an empty string"},
		{"name: x\ndirectory:\n  uris: [a, {b: c}]\n", "f:3: directory.uris holds something else than strings"},
		{"name: x\ndirectory:\n  uris: {a: b}\n", "f:3: directory.uris must be a sequence of strings"},
		{"name: x\ndirectory:\n  uris: a\n  flavor: auto\n",
		 "f:4: unknown key 'flavor' in directory; did you mean 'flavour'?"},
		{"nam: x\n", "f:1: unknown key 'nam'; did you mean 'name'?"},
		{"name: x\nsomething: else\n",
		 "f:2: unknown key 'something'; known are name, absent, scopes, extra, directory"},
		{"name: x\ndirectory:\n  uris: a\n  flavour: openldapp\n",
		 "f:4: directory.flavour is 'openldapp'; did you mean 'openldap'? (one of auto, openldap, "
		 "active-directory)"},
		{"name: x\ndirectory:\n  uris: a\n  flavour: edirectory\n",
		 "f:4: directory.flavour is 'edirectory'; it must be one of auto, openldap, active-directory"},
		{"name: x\ndirectory:\n  uris: a\n  pool_size: many\n",
		 "f:4: directory.pool_size is 'many'; it must be a whole number"},
		{"name: x\ndirectory:\n  uris: a\n  pool_size: 0\n",
		 "f:4: directory.pool_size is 0; it must be within 1 and 256"},
		{"name: x\ndirectory:\n  uris: a\n  pool_size: 010\n",
		 "f:4: directory.pool_size is '010'; it must be a whole number"},
		{"name: x\ndirectory:\n  uris: a\n  pool_size: 9223372036854775808\n",
		 "f:4: directory.pool_size is '9223372036854775808'; it must be a whole number"},
		{"name: x\ndirectory:\n  uris: a\n  pool_size: [1]\n",
		 "f:4: directory.pool_size must be a whole number, not a sequence"},
		{"name: x\ndirectory:\n  uris: a\n  timeout: 10\n",
		 "f:4: directory.timeout is '10'; it must be a number with a unit (ms, s, m, h, d), for example 10s"},
		{"name: x\ndirectory:\n  uris: a\n  timeout: 2h\n",
		 "f:4: directory.timeout is '2h'; it must be within 100ms and 1m"},
		{"name: x\ndirectory:\n  uris: a\n  allow_plaintext: yes\n",
		 "f:4: directory.allow_plaintext is 'yes'; it must be true or false"},
		{"name: x\ndirectory:\n  uris: a\n  tls: on\n", "f:4: directory.tls must be a mapping"},
		{"name: x\ndirectory:\n  uris: a\n  tls: {verify: true}\n",
		 "f:4: directory.tls.certificate_file is missing"},
		{"name: {a: b}\n", "f:1: name must be a string, not a mapping"},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;
		struct err e = ERR_INIT;

		ck_assert_msg(read_options(a, cases[i].text, &o, &e) == -1, "%s", cases[i].text);
		ck_assert_int_eq(e.code, ERR_CONFIG);
		ck_assert_str_eq(e.detail, cases[i].message);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{"0s", 0},
		{"500ms", 500},
		{"1s", 1000},
		{"5m", 300000},
		{"1h", 3600000},
		{"30d", 2592000000},
		{"", -1},
		{"s", -1},
		{"1", -1},
		{"1 s", -1},
		{"1S", -1},
		{"-1s", -1},
		{"+1s", -1},
		{"01s", -1},
		{"1.5s", -1},
		{"1s1", -1},
		{"1us", -1},
		{"9223372036854775807ms", INT64_MAX},
		{"9223372036854775807s", -1},
		{"99999999999999999999s", -1},
	};
	static const struct conf_row row = {.name = "d", .kind = CONF_DURATION};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *object = json_keep(a, json_pack("{s:s}", "d", cases[i].text));
		struct err e = ERR_INIT;
		int64_t ms = -1;

		/* without a document there is no line to name */
		int rc = conf_read(a, NULL, object, "x", &row, 1, &ms, &e);

		ck_assert_msg(rc == (cases[i].ms < 0 ? -1 : 0), "%s", cases[i].text);
		ck_assert_int_eq(ms, cases[i].ms);
		if (rc < 0)
			ck_assert(strncmp(e.detail, "x.d is '", 8) == 0);
	}
}
END_TEST

START_TEST(schema)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	json_t *s = json_keep(a, conf_schema(rows, ARRAY_SIZE(rows)));
	json_t *d = json_object_get(json_object_get(s, "directory"), "properties");

	ck_assert_uint_eq(json_object_size(s), ARRAY_SIZE(rows));
	ck_assert_str_eq(json_text(a, json_object_get(s, "name")), "{\"type\":\"string\",\"description\":\"A name.\"}");
	ck_assert_str_eq(
		json_text(a, json_object_get(d, "pool_size")),
		"{\"type\":\"integer\",\"minimum\":1,\"maximum\":256,\"description\":\"Connections.\",\"default\":16}");
	ck_assert_str_eq(json_text(a, json_object_get(d, "flavour")),
			 "{\"type\":\"string\",\"enum\":[\"auto\",\"openldap\",\"active-directory\"],"
			 "\"description\":\"The server.\",\"default\":\"auto\"}");
	ck_assert_str_eq(json_text(a, json_object_get(d, "allow_plaintext")),
			 "{\"type\":\"boolean\",\"description\":\"No TLS.\",\"default\":false}");
	ck_assert_str_eq(json_text(a, json_object_get(json_object_get(s, "directory"), "required")), "[\"uris\"]");
	ck_assert(json_is_false(json_object_get(json_object_get(s, "directory"), "additionalProperties")));
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"read", values, 0},
		{"read", defaults, 0},
		{"read", messages, 0},
		{"read", durations, 0},
		{"print", printed_reads_back, 0},
		{"print", schema, 0},
	};

	json_object_seed(0);
	return unit_run("conf", tests, ARRAY_SIZE(tests));
}
