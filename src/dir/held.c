/* SPDX-License-Identifier: Apache-2.0
 * Writes held to what was read, for servers that cannot do it themselves (389 DS, Active Directory). */
#include "dir/held.h"

#include "dir/filter_text.h"

#include <ldap.h>

int
dir_held_refuse(const char *dn, struct err *e)
{
	err_set(e, ERR_PRECONDITION, NULL);
	if (e)
		e->ldap_rc = LDAP_ASSERTION_FAILED;
	return err_cause(e, "write \"%s\": the entry is not as it was read", dn);
}

int
dir_held_ask(struct dir *d, struct arena *a, const char *base, const struct dir_filter *f, deadline_t until,
	     struct err *e)
{
	static const char *const none[] = {"1.1", NULL};
	const struct dir_search s = {.base = base, .scope = DIR_BASE, .filter = f, .attrs = none};
	const struct dir_entry *en;
	int rc = dir_search_one(d, a, &s, until, &en, e);

	if (rc < 0)
		return err_cause(e, "before a write");
	return rc == 1 ? 0 : dir_held_refuse(base, e);
}

const char *const *
dir_held_attrs(struct arena *a, const struct dir_filter *f, const struct dir_mods *mods)
{
	size_t max = dir_filter_attrs(f, NULL) + (mods ? mods->n : 0), n;
	const char **attrs = ARENA_ARRAY(a, max + 1, const char *);

	n = dir_filter_attrs(f, attrs);
	for (size_t i = 0; mods && i < mods->n; i++)
		if (mods->mods[i].n == 0 || mods->mods[i].op == DIR_MOD_REPLACE)
			attrs[n++] = mods->mods[i].attr;
	return attrs;
}

void
dir_held_inverse(struct arena *a, const struct dir_mods *mods, const struct dir_entry *before, struct dir_mods *back_r)
{
	dir_mods_init(back_r, a);
	for (size_t i = mods->n; i-- > 0;) {
		const struct dir_mod *m = &mods->mods[i];
		const struct dir_attr *old = dir_entry_attr(before, m->attr);

		if (m->n == 0 || m->op == DIR_MOD_REPLACE)
			dir_mods_replace(back_r, m->attr, old ? old->values : NULL, old ? old->n : 0);
		for (size_t v = 0; m->op != DIR_MOD_REPLACE && v < m->n; v++)
			dir_mods_value(back_r, m->op == DIR_MOD_ADD ? DIR_MOD_DELETE : DIR_MOD_ADD, m->attr,
				       m->values[v]);
	}
}
