/* SPDX-License-Identifier: Apache-2.0
 * Groups and accounts that rule the directory itself: a stolen token of an identity provider must not become an
 * administrator of the domain (reliability.md T-05). */
#include "gw/protect.h"

#include "dirhinge/base/strmap.h"

#define BATCH 50 /* groups looked at in one search */

static int
refuse(struct err *e, const char *what, const char *dn)
{
	err_set(e, ERR_FORBIDDEN, "%s belongs to the administration of the directory and is not changed by clients",
		what);
	return err_cause(e, "%s", dn);
}

int
gw_check_protected(struct gw_run *run, const struct dir_entry *en, struct err *e)
{
	const struct dir_flavour *f = run->m.caps->flavour;
	if (!f->is_protected || !f->is_protected(en))
		return 0;
	return refuse(e, arena_printf(run->m.a, "this %s", run->type->name), en->dn);
}

/* The groups above one, level by level. A search in chain (LDAP_MATCHING_RULE_IN_CHAIN) would have the directory walk
 * through all of its groups each time; most groups are in none. */
struct above {
	struct gw_run *run;
	struct strmap *seen; /* normal DNs */
	const char **todo;
	size_t n, cap, looked_at;
	size_t found;       /* of the last search */
	const char *ruling; /* the first protected group found */
};

static void
climb(struct above *ab, const struct dir_entry *en)
{
	struct arena *a = ab->run->m.a;
	const struct dir_attr *at = dir_entry_attr(en, ab->run->m.caps->flavour->member_of);
	for (size_t i = 0; at && i < at->n; i++) {
		char *key = dir_dn_normal(a, at->values[i].p);
		if (!key || strmap_put(ab->seen, strv_of(key), key))
			continue;
		ab->todo = ARENA_GROW(a, ab->todo, ab->n, &ab->cap, 16);
		ab->todo[ab->n++] = arena_strndup(a, at->values[i].p, at->values[i].n);
	}
}

static int
on_group(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct above *ab = ctx;
	ab->found++;
	if (ab->run->m.caps->flavour->is_protected(en))
		ab->ruling = arena_strdup(ab->run->m.a, en->dn);
	climb(ab, en);
	return ab->ruling != NULL;
}

static const char *const *
climb_attrs(const struct gw_run *run)
{
	const struct dir_flavour *f = run->m.caps->flavour;
	size_t n = 0;
	while (f->protect_attrs[n])
		n++;
	const char **attrs = ARENA_ARRAY(run->m.a, n + 2, const char *);
	memcpy(attrs, f->protect_attrs, n * sizeof(*attrs));
	attrs[n] = f->member_of;
	return attrs;
}

/* What cannot be looked at, as a group of another domain, may rule as well. */
static int
look_at_some(struct above *ab, const char *base, struct err *e)
{
	const struct gw_run *run = ab->run;
	const struct dir_filter *items[BATCH];
	size_t n = ab->n - ab->looked_at < BATCH ? ab->n - ab->looked_at : BATCH;
	for (size_t i = 0; i < n; i++)
		items[i] = dir_f_eq(run->m.a, run->m.caps->flavour->dn_attr, strv_of(ab->todo[ab->looked_at + i]));
	struct dir_search s = {
		.base = base,
		.scope = DIR_SUB,
		.filter = dir_f_or(run->m.a, items, n),
		.attrs = climb_attrs(run),
		.at_most = (int)n,
	};
	ab->found = 0;
	if (dir_search_run(run->m.dir, run->m.a, false, &s, run->m.until, on_group, ab, e) < 0)
		return -1;
	if (!ab->ruling && ab->found < n)
		ab->ruling = ab->todo[ab->looked_at];
	ab->looked_at += n;
	return 0;
}

int
gw_check_nesting(struct gw_run *run, const struct gw_group *group, struct err *e)
{
	const struct dir_caps *caps = run->m.caps;
	if (!caps->flavour->is_protected)
		return 0;
	struct strv domain = dir_entry_first(caps->root_dse, "defaultNamingContext");
	const char *base =
		domain.n ? arena_strndup(run->m.a, domain.p, domain.n) : map_type_options(run->m.set->groups)->base;
	struct above ab = {.run = run, .seen = strmap_new(run->m.a, false)};
	struct dir_search s = {
		.base = dir_address(run->m.a, caps, group->dn, group->id),
		.scope = DIR_BASE,
		.attrs = climb_attrs(run),
	};
	const struct dir_entry *en;
	int rc = dir_search_one(run->m.dir, run->m.a, &s, run->m.until, &en, e);
	if (rc == 0)
		return gw_moved(run, e);
	if (rc > 0)
		climb(&ab, en);
	while (rc >= 0 && !ab.ruling && ab.looked_at < ab.n)
		rc = look_at_some(&ab, base, e);
	if (rc < 0)
		return err_cause(e, "look for protected groups above %s", group->dn);
	return ab.ruling ? refuse(e, "a group that this Group is a member of", ab.ruling) : 0;
}
