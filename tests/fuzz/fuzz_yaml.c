/* SPDX-License-Identifier: Apache-2.0
 * Any text as a configuration file: refused with a message that names the file, or a tree of strings that prints as a
 * text (JSON is YAML) which gives the same tree; then read through rows of every kind. */
#include "dirhinge/base/conf.h"
#include "dirhinge/base/json.h"
#include "fuzz.h"

struct options {
	const char *s;
	bool b;
	int64_t i, d;
	struct conf_strings l;
	const json_t *n;
};

static const char *const choices[] = {"one", "two", NULL};
static const struct conf_row inner[] = {
	{.name = "b", .kind = CONF_BOOL, .offset = offsetof(struct options, b)},
	{.name = "i", .kind = CONF_INT, .offset = offsetof(struct options, i), .min = -5, .max = 50},
	{.name = "d", .kind = CONF_DURATION, .offset = offsetof(struct options, d)},
};
static const struct conf_row rows[] = {
	{.name = "s", .kind = CONF_STRING, .offset = offsetof(struct options, s), .choices = choices},
	{.name = "l", .kind = CONF_STRINGS, .offset = offsetof(struct options, l)},
	{.name = "n", .kind = CONF_NODE, .offset = offsetof(struct options, n)},
	{.name = "g", .kind = CONF_GROUP, .rows = inner, .n_rows = ARRAY_SIZE(inner)},
};

static void
read_rows(struct arena *a, const struct yaml *doc)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)8 * 1024 * 1024);
	DH_CLEANUP(buf_done) struct buf again = BUF_INIT((size_t)8 * 1024 * 1024);
	struct options o = {.s = NULL}, p = {.s = NULL};
	struct err e = ERR_INIT;
	struct yaml *printed = NULL;

	if (conf_read(a, doc, yaml_root(doc), "", rows, ARRAY_SIZE(rows), &o, &e) < 0) {
		must(e.code == ERR_CONFIG && strncmp(e.detail, "fuzz.yaml:", 10) == 0);
		return;
	}
	conf_print(&out, rows, ARRAY_SIZE(rows), &o, 0);
	must(yaml_parse(a, "printed", buf_view(&out), &printed, &e) == 0);
	must(conf_read(a, printed, yaml_root(printed), "", rows, ARRAY_SIZE(rows), &p, &e) == 0);
	conf_print(&again, rows, ARRAY_SIZE(rows), &p, 0);
	must(strv_eq(buf_view(&out), buf_view(&again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;
	struct yaml *doc = NULL, *again = NULL;

	if (yaml_parse(a, "fuzz.yaml", strv_n((const char *)data, size), &doc, &e) < 0) {
		must(doc == NULL && e.code == ERR_CONFIG && strncmp(e.detail, "fuzz.yaml:", 10) == 0);
		return 0;
	}
	must(json_is_object(yaml_root(doc)));
	must(yaml_line(doc, yaml_root(doc)) > 0);
	must(yaml_parse(a, "again", strv_of(json_text(a, yaml_root(doc))), &again, &e) == 0);
	must(json_equal(yaml_root(doc), yaml_root(again)));
	read_rows(a, doc);
	return 0;
}
