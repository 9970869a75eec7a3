/* SPDX-License-Identifier: Apache-2.0
 * manager: a DN in the directory, an id in SCIM. A value that is no user here is kept as text where the schema has room
 * for it, so that the client gets back what it sent (standards.md 5.2). */
#include "map/plan.h"

static struct strv
shown_dn(const struct map_home *h, const struct dir_entry *en)
{
	struct strv v = h->dn ? dir_entry_first(en, h->dn->ldap) : (struct strv){0};
	return v.n ? v : (struct strv){0};
}

static struct strv
shown_text(const struct map_home *h, const struct dir_entry *en)
{
	struct strv v = h->unresolved ? dir_entry_first(en, h->unresolved->ldap) : (struct strv){0};
	return v.n && utf8_valid(v, NULL) ? v : (struct strv){0};
}

void
map_manager_read(struct map_run *r, const struct map_home *h, const struct dir_entry *en, struct map_refs *refs,
		 struct scim_view *res)
{
	struct strv dn = shown_dn(h, en), text = shown_text(h, en);
	const char *fallback = text.p ? arena_strndup(r->a, text.p, text.n) : NULL;
	if (dn.p && refs)
		map_refs_add(refs, res, h->attr, arena_strndup(r->a, dn.p, dn.n), fallback);
	else if (fallback && !dn.p)
		map_refs_fallback(res, h->attr, fallback);
}

static const char *
manager_id(const struct map_plan *p, const struct map_home *h, const json_t *res)
{
	const struct scim_attr *value = scim_attr_sub(h->attr, STRV("value"));
	return value ? json_string_value(map_leaf_get(p->m, res, value)) : NULL;
}

int
map_manager_plan(struct map_plan *p, const struct map_home *h, struct err *e)
{
	const char *old = manager_id(p, h, p->before), *new = manager_id(p, h, p->after);
	if (str_eq(old, new))
		return 0;
	struct strv dn = p->current ? shown_dn(h, p->current) : (struct strv){0};
	struct strv text = p->current ? shown_text(h, p->current) : (struct strv){0};
	if (dn.p)
		map_state_add(&p->have, h->dn, dn);
	if (text.p)
		map_state_add(&p->have, h->unresolved, text);
	if (!new)
		return 0;
	const char **dns;
	const char *const ids[] = {new};
	if (map_users_to_dns(p->r, ids, 1, &dns, e) < 0)
		return err_cause(e, "look for the manager");
	if (dns[0] && h->dn)
		map_state_add(&p->want, h->dn, strv_of(dns[0]));
	else if (h->unresolved)
		map_state_add(&p->want, h->unresolved, strv_of(arena_strdup(p->r->a, new)));
	else
		return err_set(e, ERR_VALUE, "manager.value: there is no user with the id \"%.64s\"", new);
	return 0;
}
