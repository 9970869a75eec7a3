/* SPDX-License-Identifier: Apache-2.0
 * Resources where text vectors do not reach: ownership, holders, limits, sizes, the questions of projection. */
#include "dirhinge/scim/diff.h"
#include "dirhinge/scim/patch.h"
#include "dirhinge/scim/project.h"
#include "unit.h"

#define CORE "urn:t:1.0:Thing"
#define EXT  "urn:t:1.0:Thing:more"

static const char core_doc[] =
	"{\"id\":\"" CORE
	"\",\"name\":\"Thing\",\"attributes\":[{\"name\":\"title\"},{\"name\":\"secret\",\"returned\":\"never\"},"
	"{\"name\":\"rare\",\"returned\":\"request\"},{\"name\":\"fixed\",\"returned\":\"always\"},{\"name\":\"name\","
	"\"type\":\"complex\",\"subAttributes\":[{\"name\":\"first\"},{\"name\":\"last\"}]},{\"name\":\"members\","
	"\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":[{\"name\":\"value\"},{\"name\":\"$ref\","
	"\"type\":\"reference\"},{\"name\":\"type\"}]},{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":true,"
	"\"subAttributes\":[{\"name\":\"value\"},{\"name\":\"type\"},{\"name\":\"primary\",\"type\":\"boolean\"}]}]}";
static const char ext_doc[] = "{\"id\":\"" EXT "\",\"name\":\"More\",\"attributes\":[{\"name\":\"badge\"},{\"name\":"
			      "\"boss\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"value\"}]}]}";

static json_t *
parse(struct arena *a, const char *text)
{
	json_t *root = NULL;
	struct err e = ERR_INIT;

	ck_assert_msg(json_parse(a, strv_of(text), &(struct json_limits){.max_bytes = 16 << 20}, &root, &e) == 0, "%s",
		      e.detail);
	return root;
}

static struct scim_ctx
setup(struct arena *a, unsigned tolerate)
{
	static const char *const extensions[] = {EXT};
	static const struct scim_type_spec spec = {.name = "Thing",
						   .endpoint = "/Things",
						   .description = "A thing",
						   .core_urn = CORE,
						   .extension_urns = extensions,
						   .n_extensions = 1};
	struct scim_ctx c = {.a = a, .tolerate = tolerate};
	const json_t *docs[] = {parse(a, core_doc), parse(a, ext_doc)};
	struct err e = ERR_INIT;

	ck_assert_int_eq(scim_type_build(a, &spec, docs, 2, NULL, NULL, &c.type, &e), 0);
	return c;
}

static const struct scim_attr *
attr(const struct scim_ctx *c, const char *urn, const char *name)
{
	const struct scim_attr *at = scim_type_attr(c->type, strv_of(urn), strv_of(name));

	ck_assert_ptr_nonnull(at);
	return at;
}

static const struct scim_attr *
sub(const struct scim_attr *top, const char *name)
{
	const struct scim_attr *at = scim_attr_sub(top, strv_of(name));

	ck_assert_ptr_nonnull(at);
	return at;
}

START_TEST(holder_of_core_and_extension)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, 0);
	const struct scim_attr *title = attr(&c, "", "title"), *badge = attr(&c, EXT, "badge");
	const struct scim_attr *boss = sub(attr(&c, EXT, "boss"), "value");
	json_auto_t *res = json_object();

	ck_assert_ptr_eq(scim_resource_holder(c.type, res, title, false), res);
	ck_assert_ptr_null(scim_resource_holder(c.type, res, badge, false));
	ck_assert_uint_eq(json_object_size(res), 0);
	json_t *ext = scim_resource_holder(c.type, res, boss, true);
	ck_assert_ptr_nonnull(ext);
	ck_assert_ptr_eq(json_object_get(res, EXT), ext);
	ck_assert_ptr_eq(scim_resource_holder(c.type, res, badge, true), ext);
}
END_TEST

START_TEST(set_and_get)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, 0);
	const struct scim_attr *title = attr(&c, "", "title"), *badge = attr(&c, EXT, "badge");
	json_auto_t *res = json_object();
	json_t *value = json_string("7");

	scim_resource_set(c.type, res, badge, value);
	ck_assert_ptr_eq(scim_resource_get(c.type, res, badge), value);
	ck_assert_uint_eq(value->refcount, 1);
	ck_assert_ptr_null(scim_resource_get(c.type, res, title));
	/* a sub-attribute stands for its attribute */
	scim_resource_set(c.type, res, attr(&c, EXT, "boss"), json_object());
	ck_assert_ptr_nonnull(scim_resource_get(c.type, res, sub(attr(&c, EXT, "boss"), "value")));
	scim_resource_set(c.type, res, badge, NULL);
	ck_assert_ptr_nonnull(json_object_get(res, EXT));
	scim_resource_set(c.type, res, attr(&c, EXT, "boss"), NULL);
	ck_assert_ptr_null(json_object_get(res, EXT));
	/* removing what is not there makes nothing */
	scim_resource_set(c.type, res, badge, NULL);
	scim_resource_set(c.type, res, title, NULL);
	ck_assert_uint_eq(json_object_size(res), 0);
}
END_TEST

START_TEST(schemas_follow_the_values)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, 0);
	json_auto_t *res = json_object();

	json_object_set_new(res, EXT, json_object());
	scim_resource_set_schemas(c.type, res);
	ck_assert_str_eq(json_text(a, res), "{\"schemas\":[\"" CORE "\"]}");
	scim_resource_set(c.type, res, attr(&c, EXT, "badge"), json_string("7"));
	scim_resource_set_schemas(c.type, res);
	ck_assert_str_eq(json_text(a, res), "{\"schemas\":[\"" CORE "\",\"" EXT "\"],\"" EXT "\":{\"badge\":\"7\"}}");
}
END_TEST

START_TEST(failures_leave_the_outputs_alone)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, SCIM_TOL_STRICT);
	struct scim_patch patch = {.n = 77}, ok;
	struct scim_member_delta delta = {.n_add = 77};
	json_t *out = json_keep(a, json_true()), *kept = out;
	struct err e = ERR_INIT;
	const json_t *bad = parse(a, "{\"schemas\":[\"" SCIM_URN_PATCHOP "\"],\"Operations\":[{\"op\":\"add\",\"path\":"
				     "\"members\",\"value\":[{}]}]}");

	ck_assert_int_eq(scim_patch_parse(&c, parse(a, "{}"), &patch, &e), -1);
	ck_assert_uint_eq(patch.n, 77);
	ck_assert_int_eq(scim_patch_parse(&c, bad, &ok, &e), 0);
	ck_assert_int_eq(scim_patch_take_members(&c, &ok, attr(&c, "", "members"), &delta, &e), -1);
	ck_assert_uint_eq(delta.n_add, 77);
	ck_assert_uint_eq(ok.n, 1);
	ck_assert_int_eq(scim_resource_normalise(&c, parse(a, "{}"), SCIM_FOR_CREATE, &out, &e), -1);
	ck_assert_ptr_eq(out, kept);
}
END_TEST

static json_t *
many_operations(struct arena *a, size_t n)
{
	json_t *body = parse(a, "{\"schemas\":[\"" SCIM_URN_PATCHOP "\"]}");
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append(list, parse(a, "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}"));
	json_object_set_new(body, "Operations", list);
	return body;
}

START_TEST(operations_are_limited)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, SCIM_TOL_STRICT);
	struct scim_patch patch;
	struct err e = ERR_INIT;

	ck_assert_int_eq(scim_patch_parse(&c, many_operations(a, SCIM_PATCH_MAX_OPS), &patch, &e), 0);
	ck_assert_uint_eq(patch.n, SCIM_PATCH_MAX_OPS);
	ck_assert_uint_eq(patch.ops[SCIM_PATCH_MAX_OPS - 1].index, SCIM_PATCH_MAX_OPS - 1);
	ck_assert_int_eq(scim_patch_parse(&c, many_operations(a, SCIM_PATCH_MAX_OPS + 1), &patch, &e), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
}
END_TEST

/* n members, the first `twice` of them there a second time. */
static json_t *
group(struct arena *a, size_t n, size_t twice)
{
	json_t *res = parse(a, "{\"schemas\":[\"" CORE "\"]}");
	json_t *list = json_array();

	for (size_t i = 0; i < n + twice; i++)
		json_array_append_new(list, json_pack("{s:s}", "value", arena_printf(a, "u%zu", i % n)));
	json_object_set_new(res, "members", list);
	return res;
}

/* Quadratic work on lists of this size takes minutes under the sanitizers; the case's time limit is the assertion. */
START_TEST(big_lists_take_linear_time)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct scim_ctx c = setup(a, SCIM_TOL_LENIENT);
	const size_t n = 20000;
	struct err e = ERR_INIT;
	json_t *res = NULL, *after = NULL;
	struct scim_diff diff;

	ck_assert_int_eq(scim_resource_normalise(&c, group(a, n, n), SCIM_FOR_REPLACE, &res, &e), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(res, "members")), n);
	json_t *reversed = parse(a, "{\"schemas\":[\"" CORE "\"],\"members\":[]}");
	for (size_t i = n; i-- > 0;)
		json_array_append(json_object_get(reversed, "members"),
				  json_array_get(json_object_get(res, "members"), i));
	scim_diff(a, c.type, res, reversed, &diff);
	ck_assert_uint_eq(diff.n, 0);
	ck_assert_int_eq(scim_replace(&c, res, reversed, &after, &e), 0);
	json_array_remove(json_object_get(reversed, "members"), n / 2);
	scim_diff(a, c.type, res, reversed, &diff);
	ck_assert_uint_eq(diff.n, 1);
}
END_TEST

START_TEST(operations_on_long_lists_are_limited)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct scim_ctx c = setup(a, SCIM_TOL_STRICT);
	struct scim_patch patch;
	struct err e = ERR_INIT;
	json_t *body = parse(a, "{\"schemas\":[\"" SCIM_URN_PATCHOP "\"],\"Operations\":[]}"), *after = NULL;

	for (size_t i = 0; i < SCIM_PATCH_MAX_OPS; i++)
		json_array_append(json_object_get(body, "Operations"),
				  parse(a, "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"new\"}]}"));
	ck_assert_int_eq(scim_patch_parse(&c, body, &patch, &e), 0);
	ck_assert_int_eq(scim_patch_apply(&c, &patch, group(a, 20000, 0), &after, &e), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	ck_assert_int_eq(scim_patch_apply(&c, &patch, group(a, 100, 0), &after, &e), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(after, "members")), 101);
}
END_TEST

START_TEST(member_ids_outlive_the_body)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, SCIM_TOL_STRICT);
	struct scim_patch patch;
	struct scim_member_delta d;
	struct err e = ERR_INIT;
	json_t *body = json_pack("{s:[s],s:[{s:s,s:s,s:[{s:s}]}]}", "schemas", SCIM_URN_PATCHOP, "Operations", "op",
				 "add", "path", "members", "value", "value", "u1");

	ck_assert_int_eq(scim_patch_parse(&c, body, &patch, &e), 0);
	ck_assert_int_eq(scim_patch_take_members(&c, &patch, attr(&c, "", "members"), &d, &e), 0);
	json_decref(body);
	ck_assert_uint_eq(d.n_add, 1);
	ck_assert_str_eq(d.add[0], "u1");
	ck_assert_uint_eq(patch.n, 0);
}
END_TEST

static const struct scim_project *
project(struct scim_ctx *c, const char *attributes, const char *excluded)
{
	const struct scim_project *p = NULL;
	struct err e = ERR_INIT;

	ck_assert_int_eq(scim_project_parse(c, attributes, excluded, &p, &e), 0);
	return p;
}

START_TEST(projection_answers)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = setup(a, SCIM_TOL_STRICT);
	const struct scim_attr *title = attr(&c, "", "title"), *secret = attr(&c, "", "secret");
	const struct scim_attr *rare = attr(&c, "", "rare"), *fixed = attr(&c, "", "fixed"), *id = attr(&c, "", "id");
	const struct scim_attr *name = attr(&c, "", "name"), *members = attr(&c, "", "members");
	const struct scim_project *p = NULL;

	ck_assert(scim_project_wants(p, title) && scim_project_wants(p, fixed) && scim_project_wants(p, members));
	ck_assert(!scim_project_wants(p, secret) && !scim_project_wants(p, rare));
	ck_assert(!scim_project_given(p) && !scim_project_named(p, title));

	p = project(&c, "name.first,rare,secret", NULL);
	ck_assert(scim_project_given(p));
	ck_assert(scim_project_wants(p, name) && scim_project_wants(p, sub(name, "first")));
	ck_assert(!scim_project_wants(p, sub(name, "last")) && !scim_project_wants(p, title));
	ck_assert(scim_project_wants(p, rare) && !scim_project_wants(p, secret));
	ck_assert(scim_project_wants(p, id) && scim_project_wants(p, fixed));
	ck_assert(scim_project_named(p, name) && scim_project_named(p, sub(name, "first")));
	ck_assert(!scim_project_named(p, sub(name, "last")) && !scim_project_named(p, id));

	p = project(&c, NULL, "members,name.first,fixed," EXT);
	ck_assert(scim_project_given(p) && !scim_project_named(p, members));
	ck_assert(!scim_project_wants(p, members) && !scim_project_wants(p, sub(members, "value")));
	ck_assert(scim_project_wants(p, name) && !scim_project_wants(p, sub(name, "first")));
	ck_assert(scim_project_wants(p, fixed) && scim_project_wants(p, title) && !scim_project_wants(p, rare));
	ck_assert(!scim_project_wants(p, attr(&c, EXT, "badge")));

	ck_assert(!scim_project_given(project(&c, NULL, NULL)));
	ck_assert(!scim_project_given(project(&c, " , ", NULL)));
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"values", holder_of_core_and_extension, 0}, {"values", set_and_get, 0},
		{"values", schemas_follow_the_values, 0},    {"values", failures_leave_the_outputs_alone, 0},
		{"limits", operations_are_limited, 0},       {"limits", operations_on_long_lists_are_limited, 0},
		{"limits", big_lists_take_linear_time, 0},   {"members", member_ids_outlive_the_body, 0},
		{"project", projection_answers, 0},
	};

	return unit_run("scim resource", tests, ARRAY_SIZE(tests));
}
