/* SPDX-License-Identifier: Apache-2.0
 * Groups that hold much of a page ("All staff"). Matched values would be the wrong question about them: the server
 * compares each value with each name that is asked for, 10,000,000 times for 100 users and a group of 100,000. */
#include "dirhinge/base/thread.h"
#include "map/reverse.h"

#define SAMPLES    8 /* users of the page, half from its first half */
#define USERS_MIN  50
#define FILTER_MAX (48 * 1024)
#define WIDE_MAX   8 /* any more are asked for like small ones: slower, not wrong */

struct found {
	struct map_run *r;
	struct {
		const char *dn, *id;
	} v[WIDE_MAX];
	size_t n;
};

static const struct dir_filter *
is_member(const struct reverse *rv, size_t i)
{
	return dir_f_eq(rv->r->a, rv->r->set->groups->opts->member_attribute, strv_of(rv->users[i].dn));
}

static int
on_sample(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct found *f = ctx;
	const char *id = map_id(f->r, en);
	if (!id || !map_sees(f->r, en->dn))
		return 0;
	f->v[f->n].dn = arena_strdup(f->r->a, en->dn);
	f->v[f->n].id = arena_strdup(f->r->a, id);
	return ++f->n == WIDE_MAX;
}

/* The groups that hold one of four users and one of four others: nine of ten of those that hold half of all. The four
 * come from the first quarter and the last, so that teams of colleagues who follow each other are not taken for more.
 */
static int
look(const struct reverse *rv, struct found *f, struct err *e)
{
	struct map_run *r = rv->r;
	const struct map *groups = r->set->groups;
	const struct dir_filter *some[SAMPLES];
	for (size_t i = 0; i < SAMPLES / 2; i++) {
		size_t at = i * (rv->n / 4) / (SAMPLES / 2 - 1);
		some[i] = is_member(rv, at);
		some[SAMPLES - 1 - i] = is_member(rv, rv->n - 1 - at);
	}
	const struct dir_filter *both = dir_f_and2(r->a, dir_f_or(r->a, some, SAMPLES / 2),
						   dir_f_or(r->a, some + SAMPLES / 2, SAMPLES - SAMPLES / 2));
	struct dir_search s = {
		.base = groups->opts->base,
		.scope = DIR_SUB,
		.filter = dir_f_and2(r->a, both, map_class_test(groups)),
		.attrs = (const char *const[]){r->caps->flavour->id_attr, NULL},
	};
	return dir_search_run(r->dir, r->a, false, &s, r->until, on_sample, f, e);
}

/* How many users from this one on fit into a filter, whatever has to be escaped in their names. */
static size_t
fitting(const struct reverse *rv, size_t from)
{
	size_t n = 0;
	for (size_t size = 0; from + n < rv->n; n++) {
		size += 3 * strlen(rv->users[from + n].dn) + 32;
		if (size > FILTER_MAX && n > 0)
			break;
	}
	return n;
}

/* 1: every user was in it, 0: not everybody, or it is no longer there. Told without a single value. */
static int
holds_all(const struct reverse *rv, const char *dn, const struct dir_filter *itself, struct map_ref *g_r, struct err *e)
{
	struct map_run *r = rv->r;
	const struct dir_filter **all = ARENA_ARRAY(r->a, rv->n + 1, const struct dir_filter *);
	for (size_t from = 0, n; from < rv->n; from += n) {
		const struct dir_entry *en;
		n = fitting(rv, from);
		all[0] = itself;
		for (size_t i = 0; i < n; i++)
			all[i + 1] = is_member(rv, from + i);
		struct dir_search s = {
			.base = dn,
			.scope = DIR_BASE,
			.filter = dir_f_and(r->a, all, n + 1),
			.attrs = map_group_attrs(r, false),
		};
		int rc = dir_search_one(r->dir, r->a, &s, r->until, &en, e);
		if (rc <= 0)
			return rc;
		*g_r = map_group_ref(r, en);
	}
	return g_r->id != NULL;
}

/* What matched values would find, for the whole page at once. 1: told, 0: it is no longer there. */
static int
read_all(struct reverse *rv, const char *dn, const struct dir_filter *itself, struct err *e)
{
	struct map_run *r = rv->r;
	struct dir_search s = {
		.base = dn,
		.scope = DIR_BASE,
		.filter = itself,
		.attrs = map_group_attrs(r, true),
	};
	size_t before = rv->told;
	if (r->lone) /* the list is in memory twice while it is taken apart */
		mutex_lock(r->lone);
	struct err why = ERR_INIT;
	int rc = dir_search_run(r->dir, r->a, false, &s, r->until, map_group_told, rv, &why);
	if (r->lone)
		mutex_unlock(r->lone);
	if (rc < 0 && why.code == ERR_NOT_FOUND)
		return 0;
	if (rc < 0 && e)
		*e = why;
	return rc < 0 ? -1 : rv->told > before;
}

static int
tell(struct reverse *rv, const char *dn, const struct dir_filter *itself, struct err *e)
{
	struct map_ref g = {0};
	int rc = holds_all(rv, dn, itself, &g, e);
	if (rc == 0)
		return read_all(rv, dn, itself, e);
	for (size_t i = 0; rc > 0 && i < rv->n; i++)
		map_group_add(rv, &rv->users[i], &g);
	return rc;
}

int
map_wide_groups(struct reverse *rv, const struct dir_filter **others_r, struct err *e)
{
	struct map_run *r = rv->r;
	struct found f = {.r = r};
	const struct dir_filter *told[WIDE_MAX];
	size_t n = 0;
	*others_r = NULL;
	if (rv->n < USERS_MIN)
		return 0;
	if (look(rv, &f, e) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		/* Its class as well: a group that is none any more is not excluded unseen. */
		const struct dir_filter *itself = map_id_filter(r, r->set->groups, f.v[i].id);
		int rc = tell(rv, f.v[i].dn, itself, e);
		if (rc < 0)
			return -1;
		if (rc > 0)
			told[n++] = itself;
	}
	if (n > 0)
		*others_r = dir_f_not(r->a, dir_f_or(r->a, told, n));
	return 0;
}
