/* SPDX-License-Identifier: Apache-2.0
 * Schema documents to resource types. */
#include "dirhinge/scim/schema.h"
#include "unit.h"

#define CORE "urn:t:core:1.0:Thing"
#define EXT  "urn:t:core:1.0:Thing:ext"

static const char core_doc[] =
	"{\"id\":\"" CORE
	"\",\"name\":\"Thing\",\"meta\":{\"resourceType\":\"Schema\",\"location\":\"/x\"},\"attributes\":["
	"{\"name\":\"plain\"},"
	"{\"name\":\"key\",\"type\":\"binary\"},"
	"{\"name\":\"link\",\"type\":\"reference\",\"caseExact\":false},"
	"{\"name\":\"full\",\"type\":\"integer\",\"multiValued\":true,\"required\":true,\"mutability\":\"immutable\","
	"\"returned\":\"request\",\"uniqueness\":\"global\"},"
	"{\"name\":\"box\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"value\"},{\"name\":\"$ref\"},{\"name\":"
	"\"size\"}]},"
	"{\"name\":\"lid\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"value\"}]}]}";
static const char ext_doc[] =
	"{\"id\":\"" EXT "\",\"name\":\"Ext\",\"attributes\":[{\"name\":\"plain\"},{\"name\":\"more\","
	"\"type\":\"complex\",\"subAttributes\":[{\"name\":\"value\"}]}]}";

static const char *const extensions[] = {EXT};
static const struct scim_type_spec spec = {.name = "Thing",
					   .endpoint = "/Things",
					   .description = "A thing",
					   .core_urn = CORE,
					   .extension_urns = extensions,
					   .n_extensions = 1};

static const json_t *
parse(struct arena *a, const char *text)
{
	json_t *root = NULL;
	struct err e = ERR_INIT;
	ck_assert_msg(json_parse(a, strv_of(text), NULL, &root, &e) == 0, "%s", e.detail);
	return root;
}

static int
build(struct arena *a, const char *core, const char *ext, scim_keep_fn keep, void *ctx, const struct scim_type **t_r,
      struct err *e)
{
	const json_t *docs[] = {parse(a, ext), parse(a, core)};
	return scim_type_build(a, &spec, docs, 2, keep, ctx, t_r, e);
}

/* Keeps the paths of a NULL-ended list. */
static bool
keep_listed(void *ctx, const char *path)
{
	for (const char *const *p = ctx; *p; p++)
		if (str_eq(*p, path))
			return true;
	return false;
}

START_TEST(defaults)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(build(a, core_doc, ext_doc, NULL, NULL, &t, &e), 0);
	const struct scim_attr *plain = scim_type_attr(t, STRV(""), STRV("PLAIN"));
	ck_assert_ptr_nonnull(plain);
	ck_assert_str_eq(plain->name, "plain");
	ck_assert_str_eq(plain->path, "plain");
	ck_assert_ptr_eq(plain->schema, t->core);
	ck_assert(plain->kind == SCIM_STRING && plain->mutability == SCIM_READ_WRITE);
	ck_assert(plain->returned == SCIM_RETURNED_DEFAULT && plain->uniqueness == SCIM_UNIQUE_NONE);
	ck_assert(!plain->multi && !plain->required && !plain->case_exact && plain->n_subs == 0);
	const struct scim_attr *full = scim_type_attr(t, STRV(CORE), STRV("full"));
	ck_assert(full->kind == SCIM_INTEGER && full->mutability == SCIM_IMMUTABLE && full->multi && full->required);
	ck_assert(full->returned == SCIM_RETURNED_REQUEST && full->uniqueness == SCIM_UNIQUE_GLOBAL);
	ck_assert(scim_type_attr(t, STRV(""), STRV("key"))->case_exact);
	ck_assert(!scim_type_attr(t, STRV(""), STRV("link"))->case_exact);
	const struct scim_attr *box = scim_type_attr(t, STRV(""), STRV("box"));
	const struct scim_attr *ref = scim_attr_sub(box, STRV("$REF"));
	ck_assert_ptr_nonnull(ref);
	ck_assert_str_eq(ref->path, "box.$ref");
	ck_assert_ptr_eq(ref->parent, box);
	ck_assert_ptr_eq(scim_attr_top(ref), box);
	ck_assert_ptr_eq(scim_attr_top(box), box);
	ck_assert_ptr_null(scim_attr_sub(box, STRV("nosuch")));
	ck_assert_ptr_null(scim_attr_sub(plain, STRV("value")));
}
END_TEST

/* RFC 7643 7: what a document leaves out, /Schemas says. */
START_TEST(document)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	const char *kept[] = {"plain", "box.size", NULL};
	ck_assert_int_eq(build(a, core_doc, ext_doc, keep_listed, kept, &t, &e), 0);
	ck_assert_str_eq(
		json_text_canonical(a, t->core->doc),
		"{\"attributes\":[{\"caseExact\":false,\"multiValued\":false,\"mutability\":\"readWrite\","
		"\"name\":\"plain\",\"required\":false,\"returned\":\"default\",\"type\":\"string\","
		"\"uniqueness\":\"none\"},{\"multiValued\":false,\"mutability\":\"readWrite\",\"name\":\"box\","
		"\"required\":false,\"returned\":\"default\",\"subAttributes\":[{\"caseExact\":false,"
		"\"multiValued\":false,\"mutability\":\"readWrite\",\"name\":\"size\",\"required\":false,"
		"\"returned\":\"default\",\"type\":\"string\",\"uniqueness\":\"none\"}],\"type\":\"complex\","
		"\"uniqueness\":\"none\"}],\"id\":\"" CORE "\",\"meta\":{\"resourceType\":\"Schema\"},"
		"\"name\":\"Thing\"}");
	ck_assert_ptr_eq(scim_type_attr(t, STRV(""), STRV("plain"))->def,
			 json_array_get(json_object_get(t->core->doc, "attributes"), 0));
}
END_TEST

START_TEST(keeping)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	const char *kept[] = {"box.size", EXT ":more.value", NULL};
	ck_assert_int_eq(build(a, core_doc, ext_doc, keep_listed, kept, &t, &e), 0);
	ck_assert_uint_eq(t->core->n_attrs, 1);
	ck_assert_uint_eq(t->core->attrs[0].n_subs, 1);
	ck_assert_ptr_eq(t->core->attrs[0].subs[0].parent, &t->core->attrs[0]);
	ck_assert_uint_eq(t->n_extensions, 1);
	ck_assert_str_eq(t->extensions[0]->attrs[0].subs[0].path, EXT ":more.value");
	/* externalId goes like any attribute without a home; the others are part of every resource. */
	ck_assert_ptr_null(scim_type_attr(t, STRV(""), STRV("externalId")));
	ck_assert_ptr_nonnull(scim_type_attr(t, STRV(""), STRV("id")));
	ck_assert_ptr_nonnull(scim_type_attr(t, STRV(""), STRV("META")));
	ck_assert_ptr_nonnull(scim_type_attr(t, STRV(""), STRV("schemas")));

	const char *no_extension[] = {"plain", "externalId", NULL};
	ck_assert_int_eq(build(a, core_doc, ext_doc, keep_listed, no_extension, &t, &e), 0);
	ck_assert_uint_eq(t->n_extensions, 0);
	ck_assert_ptr_nonnull(scim_type_attr(t, STRV(""), STRV("externalId")));
	ck_assert_ptr_null(scim_type_schema(t, STRV(EXT)));
}
END_TEST

START_TEST(common)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(build(a, core_doc, ext_doc, NULL, NULL, &t, &e), 0);
	const struct scim_attr *id = scim_type_attr(t, STRV(""), STRV("id"));
	ck_assert(id->case_exact && id->mutability == SCIM_READ_ONLY && id->returned == SCIM_RETURNED_ALWAYS);
	ck_assert_ptr_null(id->schema);
	ck_assert(!scim_attr_in_extension(t, id));
	ck_assert(scim_type_attr(t, STRV(""), STRV("externalid"))->case_exact);
	const struct scim_attr *meta = scim_type_attr(t, STRV(""), STRV("meta"));
	const struct scim_attr *created = scim_attr_sub(meta, STRV("created"));
	ck_assert(created->kind == SCIM_DATETIME && created->mutability == SCIM_READ_ONLY);
	ck_assert_str_eq(created->path, "meta.created");
	ck_assert_ptr_eq(created->parent, meta);
	ck_assert_ptr_eq(scim_type_attr(t, STRV(CORE), STRV("id")), id);
	ck_assert_ptr_null(scim_type_attr(t, STRV(EXT), STRV("id")));
}
END_TEST

START_TEST(urns)
{
	static const struct {
		const char *text, *urn, *rest;
	} cases[] = {
		{"plain", "", "plain"},
		{"box.size", "", "box.size"},
		{CORE ":plain", CORE, "plain"},
		{CORE ":box.size", CORE, "box.size"},
		{CORE, CORE, ""},
		{CORE ":", CORE, ""},
		{CORE ".plain", CORE, ".plain"},
		{CORE "s:plain", "", CORE "s:plain"},
		{EXT ":plain", EXT, "plain"},
		{EXT, EXT, ""},
		{EXT ".more.value", EXT, ".more.value"},
		{CORE ":extra", CORE, "extra"},
		{"URN:T:CORE:1.0:THING:EXT:more", "URN:T:CORE:1.0:THING:EXT", "more"},
		{"urn:t:core:1.0", "", "urn:t:core:1.0"},
		{"", "", ""},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(build(a, core_doc, ext_doc, NULL, NULL, &t, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strv urn, rest;
		scim_split_urn(t, strv_of(cases[i].text), &urn, &rest);
		ck_assert_msg(strv_eq(urn, strv_of(cases[i].urn)) && strv_eq(rest, strv_of(cases[i].rest)),
			      "%s: \"%.*s\" \"%.*s\"", cases[i].text, (int)urn.n, urn.p, (int)rest.n, rest.p);
	}
	const struct scim_attr *core = scim_type_attr(t, STRV(""), STRV("plain"));
	const struct scim_attr *ext = scim_type_attr(t, STRV("urn:T:core:1.0:thing:EXT"), STRV("plain"));
	ck_assert_ptr_ne(core, ext);
	ck_assert_str_eq(ext->path, EXT ":plain");
	ck_assert(scim_attr_in_extension(t, ext) && !scim_attr_in_extension(t, core));
	ck_assert(scim_attr_in_extension(t, &scim_type_attr(t, STRV(EXT), STRV("more"))->subs[0]));
	ck_assert_ptr_null(scim_type_attr(t, STRV("urn:other"), STRV("plain")));
}
END_TEST

/* Each document is refused with a message that says what is wrong. */
START_TEST(refused)
{
#define DOC(attrs) "{\"id\":\"" CORE "\",\"name\":\"Thing\",\"attributes\":[" attrs "]}"
	static const struct {
		const char *doc, *says;
	} cases[] = {
		{"{\"id\":\"urn:other\",\"name\":\"x\",\"attributes\":[{\"name\":\"a\"}]}", "no schema document"},
		{"{\"id\":\"" CORE "\",\"attributes\":[{\"name\":\"a\"}]}", "\"name\""},
		{"{\"id\":\"" CORE "\",\"name\":\"x\"}", "\"attributes\""},
		{DOC(""), "\"attributes\""},
		{DOC("{}"), "no valid \"name\""},
		{DOC("5"), "no valid \"name\""},
		{DOC("{\"name\":\"\"}"), "no valid \"name\""},
		{DOC("{\"name\":\"a.b\"}"), "no valid \"name\""},
		{DOC("{\"name\":\"1a\"}"), "no valid \"name\""},
		{DOC("{\"name\":\"$\"}"), "no valid \"name\""},
		{DOC("{\"name\":\"a\"},{\"name\":\"A\"}"), "defined twice"},
		{DOC("{\"name\":\"ID\"}"), "defined twice"},
		{DOC("{\"name\":\"a\",\"type\":\"text\"}"), "a: \"type\""},
		{DOC("{\"name\":\"a\",\"type\":5}"), "a: \"type\""},
		{DOC("{\"name\":\"a\",\"mutability\":\"never\"}"), "\"mutability\""},
		{DOC("{\"name\":\"a\",\"returned\":\"readOnly\"}"), "\"returned\""},
		{DOC("{\"name\":\"a\",\"uniqueness\":true}"), "\"uniqueness\""},
		{DOC("{\"name\":\"a\",\"multiValued\":\"true\"}"), "\"multiValued\""},
		{DOC("{\"name\":\"a\",\"required\":1}"), "\"required\""},
		{DOC("{\"name\":\"a\",\"caseExact\":null}"), "\"caseExact\""},
		{DOC("{\"name\":\"a\",\"type\":\"complex\"}"), "needs subAttributes"},
		{DOC("{\"name\":\"a\",\"subAttributes\":[{\"name\":\"b\"}]}"), "only a complex"},
		{DOC("{\"name\":\"a\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"b\",\"type\":\"complex\","
		     "\"subAttributes\":[{\"name\":\"c\"}]}]}"),
		 "a.b: a sub-attribute cannot be complex"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
		const struct scim_type *t = NULL;
		struct err e = ERR_INIT;
		ck_assert_msg(build(a, cases[i].doc, ext_doc, NULL, NULL, &t, &e) == -1, "%s", cases[i].doc);
		ck_assert_ptr_null(t);
		ck_assert_int_eq(e.code, ERR_CONFIG);
		ck_assert_msg(strstr(e.detail, cases[i].says) != NULL, "%s: %s", cases[i].doc, e.detail);
	}
}
END_TEST

START_TEST(bad_lists)
{
	static const char *const missing[] = {"urn:t:other"};
	static const char *const twice[] = {EXT, EXT};
	static const char *const core_again[] = {CORE};
	static const struct {
		const char *const *urns;
		size_t n;
		const char *says;
	} cases[] = {
		{missing, 1, "no schema document with the id urn:t:other"},
		{twice, 2, "schema " EXT " is listed twice"},
		{core_again, 1, "schema " CORE " is listed twice"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
		const json_t *docs[] = {parse(a, core_doc), parse(a, ext_doc)};
		struct scim_type_spec bad = spec;
		const struct scim_type *t = NULL;
		struct err e = ERR_INIT;
		bad.extension_urns = cases[i].urns;
		bad.n_extensions = cases[i].n;
		ck_assert_int_eq(scim_type_build(a, &bad, docs, 2, NULL, NULL, &t, &e), -1);
		ck_assert_int_eq(e.code, ERR_CONFIG);
		ck_assert_msg(strstr(e.detail, cases[i].says) != NULL, "%s", e.detail);
	}
}
END_TEST

START_TEST(inputs_stay)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const json_t *docs[] = {parse(a, core_doc), parse(a, ext_doc)};
	const char *before = json_text(a, docs[0]);
	const char *kept[] = {"plain", NULL};
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(scim_type_build(a, &spec, docs, 2, keep_listed, kept, &t, &e), 0);
	ck_assert_str_eq(json_text(a, docs[0]), before);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"build", defaults, 0},  {"build", document, 0},    {"build", keeping, 0}, {"build", refused, 0},
		{"build", bad_lists, 0}, {"build", inputs_stay, 0}, {"lookup", common, 0}, {"lookup", urns, 0},
	};
	return unit_run("scim schema", tests, ARRAY_SIZE(tests));
}
