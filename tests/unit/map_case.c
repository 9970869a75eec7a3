/* SPDX-License-Identifier: Apache-2.0
 * See map_case.h. */
#include "map_case.h"

#include <stdarg.h>

struct map_live l;
const struct map *users, *groups;
struct err e;

void
map_case_open(const char *active)
{
	e = ERR_INIT;
	map_live_open(&l, active);
	users = l.r.set->users;
	groups = l.r.set->groups;
}

void
map_case_close(void)
{
	map_live_close(&l);
}

static void
setup(void)
{
	map_case_open("auto");
}

TCase *
map_case_add(Suite *suite, const TTest *const *tests, size_t n)
{
	TCase *tcase = unit_add_case(suite, "slapd", setup, map_case_close, tests, n);

	tcase_set_timeout(tcase, 120);
	return tcase;
}

json_t *
map_case_json(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = arena_vprintf(l.a, fmt, ap);
	va_end(ap);
	json_t *j;
	ok(json_parse(l.a, strv_of(text), NULL, &j, &e));
	return j;
}

json_t *
map_case_with(const char *dn, const char *patch)
{
	json_t *res = json_keep(l.a, json_deep_copy(map_live_read(&l, users, dn)));
	json_object_update(res, map_case_json("%s", patch));
	return res;
}

const char *
map_case_id(const struct map *m, const char *dn)
{
	return json_string_value(json_object_get(map_live_read(&l, m, dn), "id"));
}
