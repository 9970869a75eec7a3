/* SPDX-License-Identifier: Apache-2.0
 * Groups to be read again because something changed their members without a message. */
#include "dirhinge/base/strmap.h"
#include "sync/sync_priv.h"

#define LATER_MS 1000 /* refint works asynchronously, some ms behind the write (directories.md 2.2) */

struct sync_ids {
	struct arena *own; /* of the struct */
	struct arena *a;   /* of the set */
	struct strmap *set;
	deadline_t due; /* while the set is not empty */
};

struct sync_ids *
sync_ids_new(void)
{
	struct arena *own = arena_new(sizeof(struct sync_ids));
	struct sync_ids *ids = ARENA_NEW(own, struct sync_ids);

	ids->own = own;
	sync_ids_clear(ids);
	return ids;
}

void
sync_ids_free(struct sync_ids **ids)
{
	if (!*ids)
		return;
	struct arena *own = (*ids)->own;

	arena_free(&(*ids)->a);
	*ids = NULL;
	arena_free(&own); /* holds the struct itself */
}

void
sync_ids_clear(struct sync_ids *ids)
{
	arena_free(&ids->a);
	ids->a = arena_new(1024);
	ids->set = strmap_new(ids->a, false);
}

void
sync_recheck(struct sync_run *r, const char *sync_id, bool at_once)
{
	struct sync_ids *ids = r->recheck;
	deadline_t due = deadline_in(at_once ? 0 : LATER_MS);

	ids->due = strmap_count(ids->set) == 0 ? due : deadline_min(ids->due, due);
	strmap_put(ids->set, strv_of(sync_id), ids);
}

size_t
sync_ids_count(const struct sync_ids *ids)
{
	return strmap_count(ids->set);
}

const char *const *
sync_ids_list(const struct sync_ids *ids, struct arena *a)
{
	size_t n = strmap_count(ids->set);
	const char **list = ARENA_ARRAY(a, n + 1, const char *);

	for (size_t i = 0; i < n; i++) {
		struct strv key;
		void *value;
		if (strmap_at(ids->set, i, &key, &value))
			list[i] = arena_strndup(a, key.p, key.n);
	}
	return list;
}

deadline_t
sync_ids_due(const struct sync_ids *ids)
{
	return ids->due;
}
