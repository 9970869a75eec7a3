/* SPDX-License-Identifier: Apache-2.0
 * Which entries are resources: of the type's class, with a name, and not deleted. Users that SCIM deleted and whose
 * entry is kept (users.delete: disable) are marked, and invisible from then on. */
#include "dirhinge/base/codec.h"
#include "map/map_priv.h"

#define MARK "dirhingeDeleted"

static bool
can_mark(const struct map *m)
{
	return m->users && m->aux_class && dir_subschema_may(m->caps->schema, m->aux_class, MARK);
}

const char *
map_main_class(const struct map *m)
{
	return m->opts->object_classes[0];
}

static const struct dir_filter *
class_filter(struct arena *a, const struct map *m)
{
	const struct dir_filter *f = dir_f_eq(a, "objectClass", strv_of(map_main_class(m)));

	if (m->not_class)
		f = dir_f_and2(a, f, dir_f_not(a, dir_f_eq(a, "objectClass", strv_of(m->not_class))));
	if (m->name_attr)
		f = dir_f_and2(a, f, dir_f_present(a, m->name_attr));
	/* RFC 7644 3.6: a deleted resource is in no answer, whatever becomes of its entry. */
	return m->deleted_attr ? dir_f_and2(a, f, dir_f_not(a, dir_f_present(a, m->deleted_attr))) : f;
}

void
map_kind_prepare(struct arena *a, struct map *m)
{
	const char *attr = map_ldap_attr(m, m->users ? "userName" : "displayName");

	/* RFC 7643 4.1.1, 4.2: a resource without userName or displayName is none. */
	m->name_attr = attr && !dir_subschema_must(m->caps->schema, map_main_class(m), attr) ? attr : NULL;
	m->deleted_attr = can_mark(m) ? MARK : NULL;
	m->base_key = dir_dn_normal(a, m->opts->base);
	m->class_filter = class_filter(a, m);
	m->class_test = dir_f_tested(a, m->class_filter);
}

const char *
map_deleted_attr(const struct map *m)
{
	return m->deleted_attr;
}

const struct dir_filter *
map_class_filter(struct map_run *r DH_UNUSED, const struct map *m)
{
	return m->class_filter;
}

const struct dir_filter *
map_class_test(const struct map *m)
{
	return m->class_test;
}

/* In a key a plain comma only ever separates RDNs. */
static bool
key_below(const char *key, const char *base)
{
	size_t n = strlen(key), m = base ? strlen(base) : n;

	return m == 0 || (n > m && key[n - m - 1] == ',' && memcmp(key + n - m, base, m) == 0);
}

static bool
is_kind(const struct map *m, const struct dir_entry *en, const char *dn_key)
{
	return dir_entry_is_a(en, map_main_class(m)) && !(m->not_class && dir_entry_is_a(en, m->not_class)) &&
	       (!m->name_attr || dir_entry_attr(en, m->name_attr)) &&
	       !(m->deleted_attr && dir_entry_attr(en, m->deleted_attr)) && key_below(dn_key, m->base_key);
}

bool
map_entry_is(struct map_run *r, const struct map *m, const struct dir_entry *en)
{
	const char *key = dir_dn_normal(r->a, en->dn);

	return key && is_kind(m, en, key);
}

const struct map *
map_of_entry(struct map_run *r, const struct dir_entry *en, const char *dn_key)
{
	if (is_kind(r->set->users, en, dn_key))
		return r->set->users;
	return is_kind(r->set->groups, en, dn_key) ? r->set->groups : NULL;
}

bool
map_sees(const struct map_run *r, const char *dn)
{
	const char *key = r->sees ? dir_dn_normal(r->a, dn) : NULL;
	return !r->sees || (key && r->sees(r->sees_ctx, key));
}

bool
map_may_hold(struct map_run *r, const char *dn_key)
{
	return key_below(dn_key, r->set->users->base_key) || key_below(dn_key, r->set->groups->base_key);
}

int
map_mark_deleted(struct map_run *r, const struct map *m, const struct dir_entry *en, struct dir_mods *mods,
		 struct err *e)
{
	char now[24];
	if (!can_mark(m))
		return err_set(e, ERR_NOT_IMPLEMENTED,
			       "the directory cannot mark a deleted user; load dirhinge.schema or change users.delete");
	time_to_generalized(r->now_us - r->now_us % 1000000, now);
	if (!dir_entry_is_a(en, m->aux_class))
		dir_mods_value(mods, DIR_MOD_ADD, "objectClass", strv_of(m->aux_class));
	dir_mods_replace(mods, MARK, &(struct strv){now, strlen(now)}, 1);
	return 0;
}
