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

/* RFC 7643 4.1.1, 4.2: a resource without userName or displayName is none; NULL if every entry of the class has it. */
static const char *
name_attr(const struct map *m)
{
	const char *attr = map_ldap_attr(m, m->users ? "userName" : "displayName");
	return attr && !dir_subschema_must(m->caps->schema, map_main_class(m), attr) ? attr : NULL;
}

const char *
map_deleted_attr(const struct map *m)
{
	return can_mark(m) ? MARK : NULL;
}

const struct dir_filter *
map_class_filter(struct map_run *r, const struct map *m)
{
	const char *name = name_attr(m), *deleted = map_deleted_attr(m);
	const struct dir_filter *f = dir_f_eq(r->a, "objectClass", strv_of(map_main_class(m)));

	if (name)
		f = dir_f_and2(r->a, f, dir_f_present(r->a, name));
	/* RFC 7644 3.6: a deleted resource is in no answer, whatever becomes of its entry. */
	return deleted ? dir_f_and2(r->a, f, dir_f_not(r->a, dir_f_present(r->a, deleted))) : f;
}

bool
map_entry_is(struct map_run *r, const struct map *m, const struct dir_entry *en)
{
	const char *name = name_attr(m), *deleted = map_deleted_attr(m);

	return dir_entry_is_a(en, map_main_class(m)) && (!name || dir_entry_attr(en, name)) &&
	       !(deleted && dir_entry_attr(en, deleted)) && dir_dn_under(r->a, en->dn, m->opts->base, false);
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
