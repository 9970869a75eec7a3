/* SPDX-License-Identifier: Apache-2.0
 * Groups and accounts that rule the directory itself: a stolen token of an identity provider must not become an
 * administrator of the domain (reliability.md T-05). */
#include "gw/protect.h"

/* LDAP_MATCHING_RULE_IN_CHAIN: over any number of groups. */
#define IN_CHAIN "1.2.840.113556.1.4.1941"

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

struct above {
	struct gw_run *run;
	const char *dn; /* the first protected group found */
};

static int
on_group(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct above *above = ctx;
	if (!above->run->m.caps->flavour->is_protected(en))
		return 0;
	above->dn = arena_strdup(above->run->m.a, en->dn);
	return 1;
}

int
gw_check_nesting(struct gw_run *run, const char *dn, struct err *e)
{
	const struct dir_flavour *f = run->m.caps->flavour;
	struct arena *a = run->m.a;
	struct above above = {.run = run};
	if (!f->is_protected)
		return 0;
	struct strv domain = dir_entry_first(run->m.caps->root_dse, "defaultNamingContext");
	struct dir_search s = {
		.base = domain.n ? arena_strndup(a, domain.p, domain.n) : map_type_options(run->m.set->groups)->base,
		.scope = DIR_SUB,
		.filter = dir_f_ext(a, map_type_options(run->m.set->groups)->member_attribute, IN_CHAIN, strv_of(dn)),
		.attrs = f->protect_attrs,
	};
	if (dir_search_run(run->m.dir, a, false, &s, run->m.until, on_group, &above, e) < 0)
		return err_cause(e, "look for protected groups above %s", dn);
	return above.dn ? refuse(e, "a group that this Group is a member of", above.dn) : 0;
}
