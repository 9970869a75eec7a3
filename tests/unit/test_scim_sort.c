/* SPDX-License-Identifier: Apache-2.0
 * Order of values by their keys (RFC 7644 3.4.2.3). */
#include "dirhinge/scim/sort.h"
#include "unit.h"

static const char doc_text[] =
	"{\"id\":\"urn:t:User\",\"name\":\"User\",\"attributes\":[{\"name\":\"nick\"},{\"name\":\"code\",\"caseExact\":"
	"true},"
	"{\"name\":\"on\",\"type\":\"boolean\"},{\"name\":\"since\",\"type\":\"dateTime\"},{\"name\":\"num\",\"type\":"
	"\"decimal\"},"
	"{\"name\":\"secret\",\"returned\":\"never\"},{\"name\":\"name\",\"type\":\"complex\",\"subAttributes\":[{"
	"\"name\":\"last\"}]},"
	"{\"name\":\"mails\",\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":[{\"name\":\"value\"},"
	"{\"name\":\"primary\",\"type\":\"boolean\"}]},{\"name\":\"tags\",\"multiValued\":true}]}";

static const char ext_text[] =
	"{\"id\":\"urn:t:X\",\"name\":\"X\",\"attributes\":[{\"name\":\"rank\"},{\"name\":\"twin\"}]}";
static const char twin_text[] = "{\"id\":\"urn:t:Y\",\"name\":\"Y\",\"attributes\":[{\"name\":\"twin\"}]}";

static const struct scim_type *
type_of(struct arena *a)
{
	static const char *const extensions[] = {"urn:t:X", "urn:t:Y"};
	static const struct scim_type_spec spec = {.name = "User",
						   .endpoint = "/Users",
						   .core_urn = "urn:t:User",
						   .extension_urns = extensions,
						   .n_extensions = ARRAY_SIZE(extensions)};
	const char *const texts[] = {doc_text, ext_text, twin_text};
	const json_t *docs[ARRAY_SIZE(texts)];
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *doc = NULL;
		ck_assert_int_eq(json_parse(a, strv_of(texts[i]), NULL, &doc, &e), 0);
		docs[i] = doc;
	}
	ck_assert_msg(scim_type_build(a, &spec, docs, ARRAY_SIZE(docs), NULL, NULL, &t, &e) == 0, "%s", e.detail);
	return t;
}

static struct strv
key(struct arena *a, const struct scim_type *t, const struct scim_sort *s, const char *resource)
{
	json_t *res = NULL;
	struct err e = ERR_INIT;
	ck_assert_msg(json_parse(a, strv_of(resource), NULL, &res, &e) == 0, "%s", resource);
	return scim_sort_key(a, t, s, res);
}

/* rows in ascending order; those of one group are equal. */
static const struct {
	const char *by;
	const char *v[6]; /* one less than another, NULL behind the last */
} orders[] = {
	{"nick", {"{\"nick\":\"\"}", "{\"nick\":\"Anna\"}", "{\"nick\":\"anna b\"}", "{\"nick\":\"BERT\"}", "{}"}},
	{"nick",
	 {"{\"nick\":\"z\"}", "{\"nick\":\"\\u00c9\"}", "{\"nick\":\"\\u0436\"}", "{\"nick\":\"\\ud83d\\ude00\"}"}},
	{"nick", {"{\"nick\":\"a\\u00dcb\"}", "{\"nick\":\"A\\u00fcC\"}"}},
	{"urn:t:User:NICK", {"{\"nick\":\"a\"}", "{\"nick\":\"b\"}"}},
	{"code",
	 {"{\"code\":\"A\"}", "{\"code\":\"B\"}", "{\"code\":\"a\"}", "{\"code\":\"aB\"}", "{\"code\":\"ab\"}"}},
	{"on", {"{\"on\":false}", "{\"on\":true}", "{}"}},
	{"since",
	 {"{\"since\":\"1969-12-31T23:59:59Z\"}", "{\"since\":\"2020-01-01T00:30:00+01:00\"}",
	  "{\"since\":\"2020-01-01T00:00:00Z\"}", "{\"since\":\"2020-01-01T00:00:00.5Z\"}", "{}"}},
	{"num", {"{\"num\":-2.5}", "{\"num\":-1}", "{\"num\":0}", "{\"num\":1.5}", "{\"num\":10}", "{}"}},
	{"name.last", {"{\"name\":{\"last\":\"a\"}}", "{\"name\":{\"last\":\"B\"}}", "{\"name\":{}}"}},
	{"mails",
	 {"{\"mails\":[{\"value\":\"a\"},{\"value\":\"z\"}]}",
	  "{\"mails\":[{\"value\":\"a\"},{\"value\":\"m\",\"primary\":true}]}", "{\"mails\":[{\"value\":\"n\"}]}",
	  "{}"}},
	{"mails.value", {"{\"mails\":[{\"value\":\"a\"}]}", "{\"mails\":[{\"value\":\"b\"}]}", "{\"mails\":[]}"}},
	/* RFC 7644 3.10: the URN of an extension may be left out where the name is clear */
	{"rank", {"{\"urn:t:X\":{\"rank\":\"a\"}}", "{\"urn:t:X\":{\"rank\":\"b\"}}", "{\"rank\":\"a\"}"}},
	{"urn:t:Y:twin", {"{\"urn:t:Y\":{\"twin\":\"a\"}}", "{\"urn:t:X\":{\"twin\":\"a\"}}"}},
	{"tags", {"{\"tags\":[\"b\",\"a\"]}", "{\"tags\":[\"C\"]}", "{}"}},
};

START_TEST(order)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = type_of(a)};
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct scim_sort up, down;
		ck_assert_int_eq(scim_sort_parse(&c, orders[i].by, NULL, &up, NULL), 1);
		ck_assert_int_eq(scim_sort_parse(&c, orders[i].by, "DESCENDING", &down, NULL), 1);
		for (size_t x = 0; x < 6 && orders[i].v[x]; x++)
			for (size_t y = 0; y < 6 && orders[i].v[y]; y++) {
				struct strv kx = key(a, c.type, &up, orders[i].v[x]);
				struct strv ky = key(a, c.type, &up, orders[i].v[y]);
				int rc = scim_sort_cmp(&up, kx, ky);
				ck_assert_msg((x > y) - (x < y) == (rc > 0) - (rc < 0), "%s: %s against %s: %d",
					      orders[i].by, orders[i].v[x], orders[i].v[y], rc);
				rc = scim_sort_cmp(&down, kx, ky);
				ck_assert_int_eq((x < y) - (x > y), (rc > 0) - (rc < 0));
			}
	}
}
END_TEST

START_TEST(equal)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = type_of(a)};
	struct scim_sort s;
	ck_assert_int_eq(scim_sort_parse(&c, "nick", "ascending", &s, NULL), 1);
	struct strv x = key(a, c.type, &s, "{\"nick\":\"\\u00c9MILE\"}"),
		    y = key(a, c.type, &s, "{\"nick\":\"\\u00e9mile\"}");
	ck_assert_int_eq(scim_sort_cmp(&s, x, y), 0);
	struct strv none = key(a, c.type, &s, "{}");
	ck_assert_ptr_null(none.p);
	ck_assert_int_eq(scim_sort_cmp(&s, none, none), 0);
	ck_assert_int_eq(scim_sort_parse(&c, "since", "", &s, NULL), 1);
	x = key(a, c.type, &s, "{\"since\":\"2020-01-01T01:00:00+01:00\"}");
	y = key(a, c.type, &s, "{\"since\":\"2020-01-01T00:00:00.000Z\"}");
	ck_assert_int_eq(scim_sort_cmp(&s, x, y), 0);
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[][2] = {
		{"name", NULL},       {"secret", NULL}, {"nick", "up"},
		{"urn:t:User", NULL}, {"", NULL},       {"mails[value pr]", NULL},
		{"nick tags", NULL},  {"name.x", NULL}, {"nosuch", NULL},
		{"twin", NULL},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = type_of(a)};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct scim_sort s = {0};
		struct err e = ERR_INIT;
		ck_assert_msg(scim_sort_parse(&c, bad[i][0], bad[i][1], &s, &e) == -1, "%s", bad[i][0]);
		ck_assert_int_eq(e.code, ERR_VALUE);
		ck_assert_ptr_null(s.attr);
	}
	struct scim_sort s = {0};
	c.tolerate = SCIM_TOL_UNKNOWN_ATTR;
	ck_assert_int_eq(scim_sort_parse(&c, "nosuch", NULL, &s, NULL), 0);
	ck_assert_ptr_nonnull(c.notes);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {{"sort", order, 0}, {"sort", equal, 0}, {"sort", refused, 0}};

	return unit_run("scim_sort", tests, ARRAY_SIZE(tests));
}
