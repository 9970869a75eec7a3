/* SPDX-License-Identifier: Apache-2.0
 * Users that SCIM deleted and whose entry is kept (users.delete: disable): marked, and invisible from then on. */
#include "dirhinge/base/codec.h"
#include "map/map_priv.h"

#define MARK "dirhingeDeleted"

static bool
can_mark(const struct map *m)
{
	return m->users && m->aux_class && dir_subschema_may(m->caps->schema, m->aux_class, MARK);
}

const char *
map_deleted_attr(const struct map *m)
{
	return can_mark(m) ? MARK : NULL;
}

const struct dir_filter *
map_class_filter(struct map_run *r, const struct map *m)
{
	const struct dir_filter *class = dir_f_eq(r->a, "objectClass", strv_of(map_main_class(m)));
	/* RFC 7644 3.6: a deleted resource is in no answer, whatever becomes of its entry. */
	return can_mark(m) ? dir_f_and2(r->a, class, dir_f_not(r->a, dir_f_present(r->a, MARK))) : class;
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
