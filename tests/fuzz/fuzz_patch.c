/* SPDX-License-Identifier: Apache-2.0
 * PATCH: input is a resource, a newline, a PATCH body, perhaps a newline and a list of attributes. The first byte
 * chooses the tolerance. The resource is never changed; a result is in normal form, so that sending it back changes
 * nothing; members folded without the current ones come to the same as the whole patch; secrets are never shown. */
#include "../vectors/scim_tree.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/scim/diff.h"
#include "dirhinge/scim/patch.h"
#include "dirhinge/scim/project.h"
#include "fuzz.h"

#define CORE "urn:t:1.0:Thing"
#define EXT  "urn:t:1.0:Thing:more.still"

#define SUB(name)        "{\"name\":\"" name "\"}"
#define SUBX(name, how)  "{\"name\":\"" name "\"," how "}"
#define LIST(name, subs) SUBX(name, "\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":[" subs "]")
#define PRIMARY          SUBX("primary", "\"type\":\"boolean\"")

static const char core_doc
	[] = "{\"id\":\"" CORE
	     "\",\"name\":\"Thing\",\"attributes\":[" SUBX("userName", "\"required\":true") "," SUB("title") "," SUBX(
		     "active",
		     "\"type\":\"boolean\"") "," SUBX("count", "\"type\":\"integer\"") "," SUBX("weight",
												"\"type\":\"decimal\"") "," SUBX("built", "\"type\":\"dateTime\"") "," SUBX("blob", "\"type\":\"binary\"") "," SUBX("serial", "\"mutability\":\"immutable\"") "," SUBX("password", "\"mutability\":\"writeOnly\",\"returned\":\"never\"") "," SUBX("tags", "\"multiValued\":true") "," SUBX("codes",
																																															    "\"multiValued\":true,\"type\":\"integer\"") "," SUBX("name",
																																																						  "\"type\":\"complex\",\"subAttributes\":[" SUB("givenName") "," SUB(
																																																							  "familyName") "," SUBX("born",
																																																										 "\"mutability\":\"immutable\"") "," SUBX("names",
																																																															  "\"multiValued\":true") "]") "," LIST("emails", SUB("value") "," SUB("type") "," SUB("display") "," PRIMARY) "," LIST("addresses",
																																																																														SUB("locality") "," SUB("type") "," PRIMARY) "," LIST("members",
																																																																																				      SUBX("value", "\"mutability\":\"immutable\"") "," SUBX(
																																																																																					      "$ref", "\"type\":\"reference\",\"mutability\":\"immutable\"") "," SUBX("type",
																																																																																														      "\"mutability\":\"immutable\"") "," SUBX("display",
																																																																																																			       "\"mutability\":\"readOnly\"")) "," LIST("groups",
																																																																																																									SUB("value") "," SUB(
																																																																																																										"display")) "]}";
static const char ext_doc[] = "{\"id\":\"" EXT "\",\"name\":\"More\",\"attributes\":[" SUB("department") "," SUBX(
	"manager",
	"\"type\":\"complex\",\"subAttributes\":[" SUB("value") "," SUBX(
		"$ref",
		"\"type\":\"reference\",\"mutability\":\"readOnly\"") "," SUBX("displayName",
									       "\"mutability\":\"readOnly\"") "]") "]}";
static const char plain_resource[] =
	"{\"schemas\":[\"" CORE
	"\"],\"userName\":\"ann\",\"emails\":[{\"value\":\"a\",\"type\":\"work\",\"primary\":true},"
	"{\"value\":\"b\",\"type\":\"home\"}],\"members\":[{\"value\":\"u1\"},{\"value\":\"u2\"}],\"serial\":\"s\"}";

static json_t *
parse(struct arena *a, struct strv text)
{
	struct err e = ERR_INIT;
	json_t *root = NULL;

	return json_parse(a, text, NULL, &root, &e) == 0 ? root : NULL;
}

static const struct scim_type *
type(void)
{
	static const char *const extensions[] = {EXT};
	static const struct scim_type_spec spec = {.name = "Thing",
						   .endpoint = "/Things",
						   .description = "Thing",
						   .core_urn = CORE,
						   .extension_urns = extensions,
						   .n_extensions = 1};
	static struct arena *a; /* a leak checker at the end finds it here */
	static const struct scim_type *made;

	if (!made) {
		a = arena_new(65536);
		const json_t *docs[] = {parse(a, strv_of(core_doc)), parse(a, strv_of(ext_doc))};
		struct err e = ERR_INIT;
		must(scim_type_build(a, &spec, docs, ARRAY_SIZE(docs), NULL, NULL, &made, &e) == 0);
	}
	return made;
}

static struct strv
next_line(struct strv *rest)
{
	size_t n = strv_chr(*rest, '\n');
	struct strv line = strv_n(rest->p, n);

	n += n < rest->n;
	*rest = strv_n(rest->p + n, rest->n - n);
	return line;
}

/* A resource in normal form: what the line describes, else a plain one. */
static const json_t *
normal_before(struct scim_ctx *c, struct strv line)
{
	struct err e = ERR_INIT;
	json_t *body = parse(c->a, line), *res = NULL;

	if (!body || scim_resource_normalise(c, body, SCIM_FOR_CREATE, &res, &e) < 0)
		must(scim_resource_normalise(c, parse(c->a, strv_of(plain_resource)), SCIM_FOR_CREATE, &res, &e) == 0);
	return res;
}

/* The server's answer is a valid request of the strictest client, and changes nothing. */
static void
check_normal(const struct scim_ctx *c, const json_t *res)
{
	struct scim_ctx strict = {.a = c->a, .type = c->type};
	struct err e = ERR_INIT;
	json_t *again = NULL, *same = NULL;
	struct scim_diff diff;

	must(scim_resource_normalise(&strict, res, SCIM_FOR_CREATE, &again, &e) == 0);
	must(json_equal(res, again) && !strict.notes);
	must(scim_resource_normalise(&strict, res, SCIM_FOR_REPLACE, &again, &e) == 0);
	must(scim_replace(&strict, res, again, &same, &e) == 0 && json_equal(res, same));
	scim_diff(c->a, c->type, res, same, &diff);
	must(diff.n == 0);
}

static struct strmap *
ids(struct arena *a, const json_t *members)
{
	struct strmap *m = strmap_new(a, true);
	size_t i;
	const json_t *el;

	json_array_foreach (members, i, el)
		strmap_put(m, strv_of(json_string_value(json_object_get(el, "value"))), m);
	return m;
}

static void
check_members(struct scim_ctx *c, const struct scim_patch *whole, const json_t *before, const json_t *after)
{
	const struct scim_attr *attr = scim_type_attr(c->type, (struct strv){0}, STRV("members"));
	struct scim_patch patch = {.ops = arena_memdup(c->a, whole->ops, whole->n * sizeof(*whole->ops)),
				   .n = whole->n};
	struct scim_member_delta d;
	struct err e = ERR_INIT;

	if (scim_patch_take_members(c, &patch, attr, &d, &e) < 0)
		return;
	must(d.touched || (patch.n == whole->n && !d.clear && d.n_add == 0 && d.n_remove == 0));
	if (d.needs_current) {
		must(patch.n == whole->n && !d.clear && d.n_add == 0 && d.n_remove == 0);
		return;
	}
	struct strmap *wanted = ids(c->a, scim_resource_get(c->type, after, attr));
	struct strmap *old = ids(c->a, scim_resource_get(c->type, before, attr));
	struct strmap *gone = strmap_new(c->a, true), *made = strmap_new(c->a, true);
	struct strv id;
	void *value;
	for (size_t i = 0; i < d.n_remove; i++)
		must(strmap_put(gone, strv_of(d.remove[i]), gone) == NULL);
	for (size_t i = 0; i < d.n_add; i++) {
		must(strmap_put(made, strv_of(d.add[i]), made) == NULL);
		must(strmap_get(gone, strv_of(d.add[i])) == NULL);
	}
	for (size_t i = 0; !d.clear && strmap_at(old, i, &id, &value); i++)
		if (!strmap_get(gone, id))
			strmap_put(made, id, made);
	must(strmap_count(made) == strmap_count(wanted));
	for (size_t i = 0; strmap_at(made, i, &id, &value); i++)
		must(strmap_get(wanted, id) != NULL);
}

static void
check_projection(struct scim_ctx *c, const json_t *res, struct strv list)
{
	const struct scim_project *p = NULL;
	struct err e = ERR_INIT;
	const char *names = arena_strndup(c->a, list.p, list.n);
	bool only = c->tolerate & 1;

	if (scim_project_parse(c, only ? names : NULL, only ? NULL : names, &p, &e) < 0)
		return;
	const struct scim_view *view = scim_tree_view(c->a, c->type, res);
	const char *text = scim_view_text(c->a, view, p).p;
	json_t *tree = json_keep(c->a, scim_view_tree(view));
	must(str_eq(text, json_text(c->a, json_keep(c->a, scim_tree_project(p, c->type, tree)))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned profiles[] = {SCIM_TOL_STRICT, SCIM_TOL_LENIENT, SCIM_TOL_ENTRA,
					    SCIM_TOL_REMOVE_VALUE | SCIM_TOL_CREATE_TARGET | SCIM_TOL_SHAPE};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct scim_ctx c = {.a = a, .type = type()};
	struct strv rest = strv_n((const char *)data, size);
	struct scim_patch patch;
	struct err e = ERR_INIT;
	json_t *after = NULL;

	if (size == 0)
		return 0;
	c.tolerate = profiles[data[0] % ARRAY_SIZE(profiles)];
	rest = strv_n(rest.p + 1, rest.n - 1);
	const json_t *before = normal_before(&c, next_line(&rest));
	check_normal(&c, before);
	json_t *copy = json_keep(a, json_deep_copy(before));
	const json_t *body = parse(a, next_line(&rest));
	if (!body || scim_patch_parse(&c, body, &patch, &e) < 0)
		return 0;
	int rc = scim_patch_apply(&c, &patch, before, &after, &e);
	must(json_equal(before, copy));
	must(rc == 0 || (after == NULL && e.code != ERR_OK && e.detail[0] != '\0'));
	if (rc < 0)
		return 0;
	check_normal(&c, after);
	check_members(&c, &patch, before, after);
	check_projection(&c, after, next_line(&rest));
	return 0;
}
