/* SPDX-License-Identifier: Apache-2.0
 * Properties of the map on random resources: what is written reads back, a modify turns the entry of one resource into
 * the entry of another, and it says nothing when nothing changes. The directory is played by the rules that a real one
 * enforces: no value twice by its matching rule, no delete of what is not there, one value where only one may be. */
#include <check.h>
#include <stdlib.h>

#include "../vectors/map_fixture.h"
#include "../vectors/map_tree.h"
#include "dirhinge/dir/dn.h"
#include "map_random.h"

#define ROUNDS 600

static uint64_t rng;

/* --- a directory in miniature ------------------------------------------------------------------------------------ */

struct world {
	struct arena *a;
	const struct dir_caps *caps;
	struct map_run r;
	const struct map *m;
	struct map_opts opts;
};

/* RFC 4518 as far as the values of this test need it. */
static char *
folded(struct arena *a, const struct dir_attr_type *at, struct strv v)
{
	bool telephone = str_caseeq(at->equality, "telephoneNumberMatch");
	bool lower = telephone || strv_casestarts(strv_of(at->equality), STRV("caseIgnore"));
	char *out = arena_alloc(a, v.n + 1);
	size_t n = 0;
	v = strv_trim(v);
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		if ((telephone && (c == ' ' || c == '-')) || (c == ' ' && n && out[n - 1] == ' '))
			continue;
		out[n++] = lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return out;
}

static bool
rule_equal(struct world *w, const char *attr, struct strv x, struct strv y)
{
	size_t n = strcspn(attr, ";");
	const struct dir_attr_type *at = dir_subschema_attr(w->caps->schema, arena_strndup(w->a, attr, n));
	ck_assert_msg(at != NULL, "%s is unknown", attr);
	if (!at->has_equality || str_caseeq(attr, "userCertificate;binary"))
		return strv_eq(x, y);
	return str_eq(folded(w->a, at, x), folded(w->a, at, y));
}

static struct dir_attr *
attr_of(struct world *w, struct dir_entry *en, const char *name)
{
	for (size_t i = 0; i < en->n_attrs; i++)
		if (str_caseeq(en->attrs[i].name, name))
			return &en->attrs[i];
	struct dir_attr *attrs = ARENA_ARRAY(w->a, en->n_attrs + 1, struct dir_attr);
	if (en->n_attrs)
		memcpy(attrs, en->attrs, en->n_attrs * sizeof(*attrs));
	en->attrs = attrs;
	attrs[en->n_attrs] = (struct dir_attr){.name = name};
	return &attrs[en->n_attrs++];
}

static void
add_value(struct world *w, struct dir_entry *en, const char *name, struct strv v)
{
	struct dir_attr *at = attr_of(w, en, name);
	for (size_t i = 0; i < at->n; i++)
		ck_assert_msg(!rule_equal(w, name, at->values[i], v), "20: %s has %s already", name, v.p);
	const struct dir_attr_type *type =
		dir_subschema_attr(w->caps->schema, arena_strndup(w->a, name, strcspn(name, ";")));
	ck_assert_msg(!type->single || at->n == 0, "19: %s is single-valued", name);
	struct strv *values = ARENA_ARRAY(w->a, at->n + 1, struct strv);
	if (at->n)
		memcpy(values, at->values, at->n * sizeof(*values));
	at->values = values;
	values[at->n++] = v;
}

static void
delete_value(struct world *w, struct dir_entry *en, const char *name, struct strv v)
{
	struct dir_attr *at = attr_of(w, en, name);
	for (size_t i = 0; i < at->n; i++)
		if (rule_equal(w, name, at->values[i], v)) {
			memmove(&at->values[i], &at->values[i + 1], (--at->n - i) * sizeof(struct strv));
			return;
		}
	ck_abort_msg("16: %s has no %s", name, v.p);
}

static void
drop_empty(struct dir_entry *en)
{
	size_t kept = 0;
	for (size_t i = 0; i < en->n_attrs; i++)
		if (en->attrs[i].n)
			en->attrs[kept++] = en->attrs[i];
	en->n_attrs = kept;
}

static void
apply(struct world *w, struct dir_entry *en, const struct map_change *c)
{
	for (size_t i = 0; i < c->mods.n; i++) {
		const struct dir_mod *mod = &c->mods.mods[i];
		if (mod->op == DIR_MOD_REPLACE || (mod->op == DIR_MOD_DELETE && mod->n == 0))
			attr_of(w, en, mod->attr)->n = 0;
		for (size_t k = 0; k < mod->n; k++) {
			if (mod->op == DIR_MOD_DELETE)
				delete_value(w, en, mod->attr, mod->values[k]);
			else
				add_value(w, en, mod->attr, mod->values[k]);
		}
	}
	if (c->new_rdn) {
		struct strv old, new;
		const char *attr = w->opts.users.rdn;
		ck_assert_int_eq(dir_dn_rdn_value(w->a, en->dn, attr, &old, NULL), 1);
		en->dn = arena_printf(w->a, "%s,%s", c->new_rdn, w->opts.users.base);
		ck_assert_int_eq(dir_dn_rdn_value(w->a, en->dn, attr, &new, NULL), 1);
		delete_value(w, en, attr, old);
		bool there = false;
		struct dir_attr *at = attr_of(w, en, attr);
		for (size_t i = 0; i < at->n; i++)
			there |= rule_equal(w, attr, at->values[i], new);
		if (!there)
			add_value(w, en, attr, new);
	}
	drop_empty(en);
	for (size_t i = 0; i < en->n_attrs; i++) {
		const char *name = en->attrs[i].name;
		bool allowed = str_eq(name, "objectClass") || strv_starts(strv_of(name), STRV("pwd"));
		const struct dir_attr *oc = dir_entry_attr(en, "objectClass");
		const char *base = arena_strndup(w->a, name, strcspn(name, ";"));
		for (size_t k = 0; oc && k < oc->n; k++)
			allowed |= dir_subschema_may(w->caps->schema, oc->values[k].p, base) ||
				   dir_subschema_must(w->caps->schema, oc->values[k].p, base);
		ck_assert_msg(allowed || dir_subschema_attr(w->caps->schema, base)->no_user_mod,
			      "65: no class allows %s", name);
	}
	ck_assert(dir_entry_first(en, "sn").n && dir_entry_first(en, "cn").n && dir_entry_first(en, "uid").n);
}

static struct dir_entry *
new_entry(struct world *w, const char *dn, const struct map_change *c)
{
	static const char *const operational[][2] = {
		{"entryUUID", "01900000-0000-7000-8000-000000000001"},
		{"createTimestamp", "20260101000000Z"},
		{"modifyTimestamp", "20260101000000Z"},
	};
	struct dir_entry *en = ARENA_NEW(w->a, struct dir_entry);
	en->dn = dn;
	for (size_t i = 0; i < ARRAY_SIZE(operational); i++)
		add_value(w, en, operational[i][0], strv_of(operational[i][1]));
	apply(w, en, c);
	return en;
}

/* --- through the map */

static json_t *
shown(struct world *w, const struct dir_entry *en)
{
	json_t *res;
	struct err e = ERR_INIT;
	ck_assert_msg(map_tree(&w->r, w->m, en, &res, &e) == 0, "%s", e.detail);
	return res;
}

static struct dir_entry *
created(struct world *w, const json_t *res)
{
	struct map_change c;
	struct err e = ERR_INIT;
	char *dn;
	ck_assert_msg(map_to_entry(&w->r, w->m, res, NULL, 0, &dn, &c, &e) == 0, "%s: %s", e.detail,
		      json_text(w->a, res));
	ck_assert_msg(!c.ignored, "ignored %s of %s", c.ignored ? c.ignored[0] : "", json_text(w->a, res));
	return new_entry(w, dn, &c);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static struct world
begin(struct arena *a, struct map_opts *opts)
{
	struct world w = {.a = a, .caps = map_fixture_caps(a, NULL)};
	const struct map_set *set;
	struct err e = ERR_INIT;
	*opts = map_fixture_opts();
	ck_assert_msg(map_load(a, opts, w.caps, &set, &e) == 0, "%s", e.detail);
	w.m = set->users;
	w.opts = *opts;
	w.r = (struct map_run){
		.a = a, .caps = w.caps, .set = set, .client = "okta", .now_us = INT64_C(1795176000) * 1000000};
	return w;
}

/* Plays so many rounds with random numbers of their own, each in a fresh arena. */
static void
play(uint64_t seed, int rounds, void (*turn)(struct world *w))
{
	rng = seed;
	DH_CLEANUP(arena_free) struct arena *base = arena_new(65536);
	struct map_opts opts;
	struct world w = begin(base, &opts);
	for (int i = 0; i < rounds; i++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
		w.a = w.r.a = a;
		turn(&w);
	}
}

static void
read_back(struct world *w)
{
	json_t *res = map_random_user(w->a, w->m, &rng, NULL);
	ck_assert_str_eq(map_random_normal(w->a, shown(w, created(w, res))), map_random_normal(w->a, res));
}

START_TEST(reads_back)
{
	play(UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i, ROUNDS / 10, read_back);
}
END_TEST

static void
modify(struct world *w)
{
	struct dir_entry *en = created(w, map_random_user(w->a, w->m, &rng, NULL));
	/* several changes of one entry: what one leaves behind, the next must cope with */
	for (int step = 0; step < 4; step++) {
		json_t *before = shown(w, en), *after = map_random_user(w->a, w->m, &rng, NULL);
		struct map_change c;
		struct err e = ERR_INIT;
		ck_assert_msg(map_to_mods(&w->r, w->m, before, after, en, &c, &e) == 0, "%s", e.detail);
		apply(w, en, &c);
		json_t *now = shown(w, en);
		if (!json_object_get(after, "active"))
			json_object_set(after, "active", json_object_get(before, "active"));
		ck_assert_str_eq(map_random_normal(w->a, now), map_random_normal(w->a, after));
		ck_assert_int_eq(map_to_mods(&w->r, w->m, now, now, en, &c, &e), 0);
		ck_assert_uint_eq(c.mods.n, 0);
		ck_assert_ptr_null(c.new_rdn);
	}
}

START_TEST(modify_leads_there)
{
	play(UINT64_C(0xd1b54a32d192ed03) + (uint64_t)_i, ROUNDS / 10, modify);
}
END_TEST

/* Values in the entry that SCIM does not show survive every change. */
static void
keep_foreign(struct world *w)
{
	static const char *const foreign[][2] = {
		{"labeledURI", "https://elsewhere.example/ home"},
		{"dirhingeExternalId", "entra:1"},
		{"dirhingeEmail", "not json"},
		{"description", "by hand"},
		{"title", "a second title"},
		{"o", "a second o"},
	};
	struct dir_entry *en = created(w, json_keep(w->a, json_pack("{s:s,s:s,s:s,s:s}", "userName", "b", "title",
								    "first", "nickName", "n", "externalId", "1")));
	add_value(w, en, "o", STRV("first o"));
	for (size_t k = 0; k < ARRAY_SIZE(foreign); k++)
		add_value(w, en, foreign[k][0], strv_of(foreign[k][1]));
	json_t *after = map_random_user(w->a, w->m, &rng, NULL);
	struct map_change c;
	struct err e = ERR_INIT;
	ck_assert_int_eq(map_to_mods(&w->r, w->m, shown(w, en), after, en, &c, &e), 0);
	apply(w, en, &c);
	for (size_t k = 0; k < ARRAY_SIZE(foreign); k++)
		ck_assert_msg(dir_entry_has(en, foreign[k][0], strv_of(foreign[k][1])), "%s is gone", foreign[k][1]);
}

START_TEST(foreign_values_stay)
{
	play(UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)_i, ROUNDS / 30, keep_foreign);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("map_roundtrip");
	TCase *tc = tcase_create("random");
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, reads_back, 0, 10);
	tcase_add_loop_test(tc, modify_leads_there, 0, 10);
	tcase_add_loop_test(tc, foreign_values_stay, 0, 10);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
