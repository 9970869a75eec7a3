/* SPDX-License-Identifier: Apache-2.0
 * Views: their text is what the tree would be printed as, whatever a client asks to see. */
#include "../vectors/scim_tree.h"
#include "../vectors/scim_types.h"
#include "dirhinge/base/codec.h"
#include "unit.h"

#define ROUNDS 4000

struct world {
	struct arena *a;
	struct scim_types types;
	uint64_t rng;
};

static unsigned
pick(struct world *w, unsigned n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (unsigned)((w->rng >> 11) % n);
}

/* --- views out of nothing ---------------------------------------------------------------------------------------- */

static struct scim_scalar
random_value(struct world *w)
{
	static const struct strv texts[] = {
		{"", 0},
		{"x", 1},
		{"plain text of some length, longer than a word", 45},
		{"\"\\/\b\f\n\r\t\x01\x1f\x7f", 11},
		{"12345678\"", 9},
		{"1234567\n89012345\x02", 17},
		{"a\0b", 3},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
		{"<\xe2\x80\xa8>", 5},
	};
	static const double reals[] = {0.0, -0.0, 1.5, 0.1, 1e300, -2.5e-300, 3.0, 12345678901234567.0};
	static const json_int_t integers[] = {0, -1, 42, INT64_MAX, INT64_MIN};

	switch (pick(w, 8)) {
	case 0:
		return scim_bool(true);
	case 1:
		return scim_bool(false);
	case 2:
		return (struct scim_scalar){.type = JSON_INTEGER, .integer = integers[pick(w, ARRAY_SIZE(integers))]};
	case 3:
		return (struct scim_scalar){.type = JSON_REAL, .real = reals[pick(w, ARRAY_SIZE(reals))]};
	default:
		return scim_text(texts[pick(w, ARRAY_SIZE(texts))]);
	}
}

static void
random_part(struct world *w, struct scim_view *v, const struct scim_attr *attr)
{
	for (unsigned n = attr->multi ? 1 + pick(w, 4) : 1; n > 0; n--) {
		struct scim_item *it = scim_view_item(v, attr);
		if (attr->kind != SCIM_COMPLEX)
			scim_item_set(it, attr, random_value(w));
		for (unsigned k = pick(w, 12); attr->n_subs > 0 && k > 0; k--)
			scim_item_set(it, &attr->subs[pick(w, (unsigned)attr->n_subs)], random_value(w));
	}
}

static const struct scim_attr *
random_attr(struct world *w, const struct scim_type *t)
{
	unsigned which = pick(w, 2 + (unsigned)t->n_extensions);

	if (which == 0)
		return &t->common[pick(w, (unsigned)t->n_common)];
	const struct scim_schema *s = which == 1 ? t->core : t->extensions[which - 2];
	return &s->attrs[pick(w, (unsigned)s->n_attrs)];
}

/* Attributes in any order, those of an extension among the others. */
static const struct scim_view *
random_view(struct world *w, const struct scim_type *t)
{
	struct scim_view *v = scim_view_new(w->a, t);

	for (unsigned n = pick(w, 50); n > 0; n--) {
		const struct scim_attr *attr = random_attr(w, t);
		if (!str_eq(attr->name, "schemas") && !scim_view_part(v, attr))
			random_part(w, v, attr);
	}
	return v;
}

/* --- projections ------------------------------------------------------------------------------------------------- */

static const char *
random_name(struct world *w, const struct scim_type *t)
{
	const struct scim_attr *attr = random_attr(w, t);

	switch (pick(w, 6)) {
	case 0:
		return "unheard.of";
	case 1:
		return t->n_extensions ? t->extensions[pick(w, (unsigned)t->n_extensions)]->urn : t->core->urn;
	case 2:
	case 3:
		return attr->n_subs ? attr->subs[pick(w, (unsigned)attr->n_subs)].path : attr->name;
	default:
		return attr->path;
	}
}

static const struct scim_project *
random_project(struct world *w, const struct scim_type *t)
{
	struct scim_ctx c = {.a = w->a, .type = t, .tolerate = SCIM_TOL_LENIENT};
	const struct scim_project *p = NULL;
	const char *list = "";
	struct err e = ERR_INIT;
	unsigned kind = pick(w, 3);

	for (unsigned n = kind == 2 ? 0 : pick(w, 6); n > 0; n--)
		list = arena_printf(w->a, "%s%s%s", list, *list ? "," : "", random_name(w, t));
	ck_assert_msg(scim_project_parse(&c, kind == 0 ? list : NULL, kind == 1 ? list : NULL, &p, &e) == 0, "%s",
		      list);
	return p;
}

static void
same_text(struct world *w, const char *text, const json_t *tree)
{
	json_t *back = NULL;
	struct err e = ERR_INIT;

	ck_assert_str_eq(text, json_text(w->a, tree));
	if (!strstr(text, "\\u0000")) /* which nothing that comes from outside may hold */
		ck_assert_msg(json_parse(w->a, strv_of(text), NULL, &back, &e) == 0, "%s: %s", e.detail, text);
}

START_TEST(text_is_the_tree_printed)
{
	struct world w = {.rng = 0x9e3779b97f4a7c15};
	DH_CLEANUP(arena_free) struct arena *types = arena_new(65536);
	scim_types_load(types, &w.types);
	const struct scim_type *const all[] = {w.types.user, w.types.group, w.types.thing, w.types.gadget};

	for (int i = 0; i < ROUNDS; i++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
		const struct scim_type *t = all[pick(&w, ARRAY_SIZE(all))];
		w.a = a;
		const struct scim_view *v = random_view(&w, t);
		json_t *tree = json_keep(a, scim_view_tree(v));
		same_text(&w, scim_view_text(a, v, NULL).p, tree);
		const struct scim_project *p = random_project(&w, t);
		same_text(&w, scim_view_text(a, v, p).p, json_keep(a, scim_tree_project(p, t, tree)));
		same_text(&w, scim_view_text(a, scim_tree_view(a, t, tree), NULL).p, tree);
	}
}
END_TEST

/* --- by hand ----------------------------------------------------------------------------------------------------- */

static const struct scim_attr *
attr_of(const struct scim_type *t, const char *urn, const char *name)
{
	const struct scim_attr *attr = scim_type_attr(t, strv_of(urn), strv_of(name));

	ck_assert_ptr_nonnull(attr);
	return attr;
}

START_TEST(where_things_stand)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct scim_types types;
	scim_types_load(a, &types);
	const struct scim_type *t = types.user;
	const struct scim_attr *name = attr_of(t, "", "name"), *family = scim_attr_sub(name, STRV("familyName"));
	const struct scim_attr *department = attr_of(t, SCIM_URN_ENTERPRISE, "department");
	struct scim_view *v = scim_view_new(a, t);

	scim_view_set(v, attr_of(t, "", "id"), scim_text(STRV("1")));
	scim_view_set(v, department, scim_text(STRV("D")));
	scim_view_set(v, family, scim_text(STRV("F")));
	scim_view_set(v, attr_of(t, SCIM_URN_ENTERPRISE, "division"), scim_text(STRV("E")));
	ck_assert_str_eq(scim_view_text(a, v, NULL).p,
			 "{\"schemas\":[\"" SCIM_URN_USER "\",\"" SCIM_URN_ENTERPRISE "\"],\"id\":\"1\","
			 "\"" SCIM_URN_ENTERPRISE "\":{\"department\":\"D\",\"division\":\"E\"},"
			 "\"name\":{\"familyName\":\"F\"}}");

	scim_view_set(v, family, scim_text(STRV("G"))); /* the last one counts */
	ck_assert_uint_eq(scim_view_part(v, name)->n, 1);
	ck_assert(strv_eq(scim_view_get(v, family)->text, STRV("G")));
	ck_assert(strv_eq(scim_view_get(v, department)->text, STRV("D")));
	ck_assert_ptr_null(scim_view_get(v, scim_attr_sub(name, STRV("givenName"))));
	ck_assert_ptr_null(scim_view_get(v, attr_of(t, "", "title")));
	ck_assert_ptr_null(scim_view_get(v, NULL));
}
END_TEST

START_TEST(equal_items)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct scim_types types;
	scim_types_load(a, &types);
	const struct scim_attr *emails = attr_of(types.user, "", "emails");
	const struct scim_attr *value = scim_attr_sub(emails, STRV("value")),
			       *type = scim_attr_sub(emails, STRV("type"));
	struct scim_item x = scim_item_new(a, emails), y = scim_item_new(a, emails);

	ck_assert(scim_item_equal(&x, &y));
	scim_item_set(&x, value, scim_text(STRV("v")));
	ck_assert(!scim_item_equal(&x, &y) && !scim_item_equal(&y, &x));
	scim_item_set(&x, type, scim_text(STRV("t")));
	scim_item_set(&y, type, scim_text(STRV("t")));
	scim_item_set(&y, value, scim_text(STRV("v")));
	ck_assert(scim_item_equal(&x, &y));
	scim_item_set(&y, value, scim_text(STRV("V")));
	ck_assert(!scim_item_equal(&x, &y));
	scim_item_set(&y, value, scim_bool(true));
	ck_assert(!scim_item_equal(&x, &y));
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"text", text_is_the_tree_printed, 0},
		{"text", where_things_stand, 0},
		{"items", equal_items, 0},
	};

	return unit_run("scim view", tests, ARRAY_SIZE(tests));
}
