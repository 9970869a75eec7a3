/* SPDX-License-Identifier: Apache-2.0
 * Where groups stood: the last place told, never one of another group, in a table that does not grow. */
#include "gw/places.h"
#include "unit.h"

#define GROUPS 5000

struct table {
	struct arena *a;
	struct gw_places *p;
};

static struct table
open_table(void)
{
	struct arena *a = arena_new(1024);
	return (struct table){a, gw_places_new(a)};
}

static void
close_table(struct table *t)
{
	gw_places_done(t->p);
	arena_free(&t->a);
}

static const char *
id_of(struct arena *a, unsigned i)
{
	return arena_printf(a, "%08x-0000-4000-8000-%012x", i, i * 7);
}

static const char *
dn_of(struct arena *a, unsigned i)
{
	return arena_printf(a, "cn=%u,ou=groups", i);
}

START_TEST(the_last_place_is_told)
{
	struct table t = open_table();
	const char *id = id_of(t.a, 1);
	ck_assert_ptr_null(gw_places_get(t.p, t.a, id));
	ck_assert_ptr_null(gw_places_get(t.p, t.a, ""));
	gw_places_put(t.p, id, "cn=a");
	gw_places_put(t.p, id, "cn=b,ou=longer");
	gw_places_put(t.p, id, "cn=c");
	ck_assert_str_eq(gw_places_get(t.p, t.a, id), "cn=c");
	gw_places_forget(t.p, id, "cn=a"); /* somebody was late */
	ck_assert_str_eq(gw_places_get(t.p, t.a, id), "cn=c");
	gw_places_forget(t.p, id, "cn=c");
	ck_assert_ptr_null(gw_places_get(t.p, t.a, id));
	close_table(&t);
}
END_TEST

START_TEST(one_group_never_has_the_place_of_another)
{
	struct table t = open_table();
	size_t known = 0, used = arena_used(t.a);
	struct arena *a = arena_new(4096);
	for (unsigned i = 0; i < GROUPS; i++)
		gw_places_put(t.p, id_of(a, i), dn_of(a, i));
	ck_assert_uint_eq(arena_used(t.a), used);
	for (unsigned i = 0; i < GROUPS; i++) {
		const char *dn = gw_places_get(t.p, a, id_of(a, i));
		known += dn != NULL;
		if (dn)
			ck_assert_str_eq(dn, dn_of(a, i));
	}
	ck_assert_uint_gt(known, 256);
	ck_assert_uint_le(known, 512);
	for (unsigned i = 0; i < GROUPS; i++)
		gw_places_forget(t.p, id_of(a, i), dn_of(a, i));
	for (unsigned i = 0; i < GROUPS; i++)
		ck_assert_ptr_null(gw_places_get(t.p, a, id_of(a, i)));
	arena_free(&a);
	close_table(&t);
}
END_TEST

START_TEST(what_is_too_long_is_not_kept)
{
	struct table t = open_table();
	const char *id = id_of(t.a, 1), *known = NULL;
	char dn[400];
	memset(dn, 'x', sizeof(dn));
	dn[sizeof(dn) - 1] = '\0';
	for (size_t n = 0; n < sizeof(dn); n++) {
		const char *tail = dn + sizeof(dn) - 1 - n;
		gw_places_put(t.p, id, "cn=before");
		gw_places_put(t.p, id, tail);
		known = gw_places_get(t.p, t.a, id);
		if (known)
			ck_assert_str_eq(known, tail);
		ck_assert(known || n > 200);
	}
	ck_assert_ptr_null(known);
	gw_places_put(t.p, dn, "cn=a");
	ck_assert_ptr_null(gw_places_get(t.p, t.a, dn));
	close_table(&t);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"last", the_last_place_is_told, 0},
		{"apart", one_group_never_has_the_place_of_another, 0},
		{"long", what_is_too_long_is_not_kept, 0},
	};

	return unit_run("places", tests, ARRAY_SIZE(tests));
}
