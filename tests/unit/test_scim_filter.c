/* SPDX-License-Identifier: Apache-2.0
 * What the text vectors of filters cannot see: trees, offsets, notes, visits, comparison of text. */
#include "dirhinge/scim/path.h"
#include "scim/text.h"
#include "unit.h"

static const char user_doc[] =
	"{\"id\":\"urn:t:User\",\"name\":\"User\",\"attributes\":[{\"name\":\"userName\"},{\"name\":\"active\","
	"\"type\":\"boolean\"},{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":["
	"{\"name\":\"value\"},{\"name\":\"type\"}]},{\"name\":\"tags\",\"multiValued\":true}]}";

static const struct scim_type *
user_type(struct arena *a)
{
	static const struct scim_type_spec spec = {.name = "User", .endpoint = "/Users", .core_urn = "urn:t:User"};
	json_t *doc = NULL;
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(json_parse(a, STRV(user_doc), NULL, &doc, &e), 0);
	const json_t *docs[] = {doc};
	ck_assert_int_eq(scim_type_build(a, &spec, docs, 1, NULL, NULL, &t, &e), 0);
	return t;
}

static const struct scim_filter *
parse(struct scim_ctx *c, const char *text)
{
	const struct scim_filter *f = NULL;
	struct err e = ERR_INIT;
	ck_assert_msg(scim_filter_parse(c, strv_of(text), &f, &e) == 0, "%s: %s", text, e.detail);
	return f;
}

START_TEST(tree)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	const struct scim_filter *f = parse(&c, "userName pr or not (active eq true) and emails[type eq \"w\"]");
	ck_assert(f->kind == SCIM_OR && f->offset == 12);
	ck_assert(f->left->kind == SCIM_COMPARE && f->left->op == SCIM_PR && f->left->offset == 0 && !f->left->value);
	const struct scim_filter *both = f->right;
	ck_assert(both->kind == SCIM_AND && both->offset == 36);
	ck_assert(both->left->kind == SCIM_NOT && both->left->offset == 15 && !both->left->right);
	ck_assert(both->left->left->kind == SCIM_COMPARE && json_is_true(both->left->left->value));
	const struct scim_filter *path = both->right;
	ck_assert(path->kind == SCIM_VALUE_PATH && path->offset == 40);
	ck_assert_str_eq(path->ref.attr->name, "emails");
	ck_assert_ptr_null(path->ref.sub);
	ck_assert_str_eq(path->left->ref.attr->path, "emails.type");
	ck_assert_ptr_null(path->left->ref.sub);
	ck_assert_uint_eq(path->left->offset, 47);
	f = parse(&c, "emails co \"x\"");
	ck_assert_str_eq(f->ref.attr->path, "emails");
	ck_assert_str_eq(f->ref.sub->path, "emails.value");
}
END_TEST

/* A failed parse leaves its outputs alone, and an err may be left out. */
START_TEST(untouched)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	const struct scim_filter *f = parse(&c, "userName pr"), *before = f;
	const struct scim_path *p = NULL;
	ck_assert_int_eq(scim_filter_parse(&c, STRV("userName eq"), &f, NULL), -1);
	ck_assert_ptr_eq(f, before);
	ck_assert_int_eq(scim_path_parse(&c, STRV("emails["), &p, NULL), -1);
	ck_assert_ptr_null(p);
	c.tolerate = SCIM_TOL_UNKNOWN_ATTR;
	struct err e = ERR_INIT;
	ck_assert_int_eq(scim_path_parse(&c, STRV("nosuch"), &p, &e), 0);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(e.code, ERR_OK);
}
END_TEST

START_TEST(messages)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"userNam eq \"x\"", "no attribute \"userNam\" at byte 0"},
		{"userName is \"x\"", "unknown operator \"is\" at byte 9"},
		{"active gt true", "\"gt\" does not apply to \"active\", which is of type boolean at byte 7"},
		{"userName eq bob", "\"userName\" is compared with a string in double quotes at byte 12"},
		{"emails[foo pr]", "\"emails\" has no sub-attribute \"foo\" at byte 7"},
		{"not userName pr", "expected \"(\" behind \"not\" at byte 4"},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct scim_filter *f = NULL;
		struct err e = ERR_INIT;
		char text[300];
		ck_assert_int_eq(scim_filter_parse(&c, strv_of(cases[i].text), &f, &e), -1);
		err_render(&e, text, sizeof(text));
		ck_assert_msg(strstr(text, cases[i].says) != NULL, "%s: %s", cases[i].text, text);
	}
}
END_TEST

START_TEST(notes)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a), .tolerate = SCIM_TOL_LENIENT};
	(void)parse(&c, "userName eq bob and active eq \"True\"");
	ck_assert(c.notes && c.notes->kind == SCIM_TOL_STRING_BOOL);
	ck_assert_str_eq(c.notes->what, "active");
	ck_assert(c.notes->next && c.notes->next->kind == SCIM_TOL_UNQUOTED && !c.notes->next->next);
	ck_assert_str_eq(c.notes->next->what, "userName");
}
END_TEST

struct seen {
	char names[128];
	int stop_after;
};

static bool
see(void *ctx, const struct scim_filter *node)
{
	struct seen *s = ctx;
	size_t n = strlen(s->names);
	(void)snprintf(s->names + n, sizeof(s->names) - n, "%s%s ", node->ref.attr->path,
		       node->kind == SCIM_VALUE_PATH ? "[]" : "");
	return --s->stop_after != 0;
}

START_TEST(visits)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	const struct scim_filter *f = parse(&c, "userName pr and not (active eq true) or emails[type pr or value pr]");
	struct seen all = {.stop_after = -1}, some = {.stop_after = 3};
	ck_assert(scim_filter_visit(f, see, &all));
	ck_assert_str_eq(all.names, "userName active emails[] emails.type emails.value ");
	ck_assert(!scim_filter_visit(f, see, &some));
	ck_assert_str_eq(some.names, "userName active emails[] ");
}
END_TEST

START_TEST(elements)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	const struct scim_path *p = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(scim_path_parse(&c, STRV("emails[type eq \"work\" and value ne \"x\"]"), &p, &e), 1);
	json_t *work = json_keep(a, json_pack("{s:s,s:s}", "type", "WORK", "value", "y"));
	json_t *home = json_keep(a, json_pack("{s:s,s:s}", "type", "home", "value", "y"));
	ck_assert(scim_filter_match_element(p->filter, work));
	ck_assert(!scim_filter_match_element(p->filter, home));
	ck_assert_int_eq(scim_path_parse(&c, STRV("tags[value sw \"a\"]"), &p, &e), 1);
	ck_assert(scim_filter_match_element(p->filter, json_keep(a, json_string("Abc"))));
	ck_assert(!scim_filter_match_element(p->filter, json_keep(a, json_string("bc"))));
}
END_TEST

/* Values of another type than the schema's, as a broken store could hold them, match nothing and harm nothing. */
START_TEST(odd_values)
{
	static const char *const resources[] = {
		"{\"userName\":5,\"active\":\"true\",\"emails\":\"x\",\"tags\":{\"value\":\"x\"}}",
		"{\"userName\":{\"value\":\"x\"},\"active\":[true,[false]],\"emails\":[[[\"x\"]],5,null]}",
		"{\"userName\":null,\"active\":null,\"emails\":null,\"tags\":[[]]}",
		"{\"userName\":[],\"emails\":[{\"value\":7,\"type\":{}}],\"meta\":{\"created\":\"soon\"}}",
	};
	static const char *const filters[] = {
		"userName eq \"x\"",
		"userName co \"x\"",
		"active eq false and userName pr",
		"emails eq \"x\"",
		"emails[value eq \"x\" and type pr]",
		"tags[value eq \"nosuch\"]",
		"meta.created lt \"2026-01-31T09:00:00Z\"",
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = user_type(a)};
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++) {
		json_t *res = NULL;
		struct err e = ERR_INIT;
		ck_assert_int_eq(json_parse(a, strv_of(resources[r]), NULL, &res, &e), 0);
		for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
			bool want = r == 1 && i == 2; /* [true,[false]] holds a false, {"value":"x"} is something */
			ck_assert_msg(scim_filter_match(c.type, parse(&c, filters[i]), res) == want, "%s on %s",
				      filters[i], resources[r]);
		}
	}
}
END_TEST

START_TEST(text)
{
	static const struct {
		const char *a, *b;
		int exact, folded;
	} cases[] = {
		{"", "", 0, 0},       {"a", "", 1, 1},     {"a", "b", -1, -1}, {"a", "A", 1, 0},   {"Z", "a", -1, 1},
		{"é", "É", 1, 0},     {"é", "e", 1, 1},    {"ÿ", "Ÿ", -1, 0},  {"я", "Я", 1, 0},   {"ё", "Ё", 1, 0},
		{"ς", "Σ", 1, 0},     {"ά", "Ά", 1, 0},    {"ẞ", "ß", 1, 0},   {"ß", "ss", 1, 1},  {"ſ", "S", 1, 0},
		{"µ", "Μ", -1, 0},    {"ż", "Ż", 1, 0},    {"ł", "Ł", 1, 0},   {"ő", "Ő", 1, 0},   {"ğ", "Ğ", 1, 0},
		{"ı", "I", 1, 1},     {"İ", "i", 1, 1},    {"ắ", "Ắ", 1, 0},   {"ə", "Ə", 1, 0},   {"ա", "Ա", 1, 0},
		{"ｚ", "Ｚ", 1, 0},   {"×", "÷", -1, -1},  {"東", "京", 1, 1}, {"😀", "😁", -1, -1}, {"ａ", "😀", -1, -1},
		{"ab", "ABC", 1, -1}, {"abc", "AB", 1, 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strv x = strv_of(cases[i].a), y = strv_of(cases[i].b);
		int exact = scim_text_cmp(x, y, true), folded = scim_text_cmp(x, y, false);
		ck_assert_msg((exact > 0) - (exact < 0) == cases[i].exact, "%s %s", cases[i].a, cases[i].b);
		ck_assert_msg(folded == cases[i].folded, "%s %s: %d", cases[i].a, cases[i].b, folded);
		ck_assert_int_eq(scim_text_cmp(y, x, false), -folded);
	}
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"parse", tree, 0},  {"parse", untouched, 0}, {"parse", messages, 0},   {"parse", notes, 0},
		{"walk", visits, 0}, {"match", elements, 0},  {"match", odd_values, 0}, {"match", text, 0},
	};
	return unit_run("scim filter", tests, ARRAY_SIZE(tests));
}
