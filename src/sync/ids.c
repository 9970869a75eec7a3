/* SPDX-License-Identifier: Apache-2.0
 * Entries to be read again because something changed their references without a message. They are kept in the store as
 * well: overlays leave no trace that a later comparison could find. */
#include "dirhinge/base/strmap.h"
#include "sync/sync_priv.h"

#define LATER_MS  1000 /* refint works asynchronously, some ms behind the write (directories.md 2.2) */
#define LATEST_MS 5000 /* whatever else happens to it meanwhile */
#define LIST_MAX  ((size_t)64 << 20)

struct item {
	deadline_t due, latest;
};

struct sync_ids {
	struct arena *own; /* of the struct */
	struct arena *a;   /* of the set */
	struct strmap *set;
	bool changed; /* since it was kept in the store */
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
	ids->changed = false;
}

static void
add(struct sync_ids *ids, struct strv id, deadline_t due)
{
	struct item *it = strmap_get(ids->set, id);

	/* Later rather than sooner: what was asked for last must not find the entry before the overlay is through. */
	if (it) {
		it->due = deadline_min(it->due > due ? it->due : due, it->latest);
		return;
	}
	it = ARENA_NEW(ids->a, struct item);
	*it = (struct item){.due = due, .latest = deadline_in(LATEST_MS)};
	strmap_put(ids->set, id, it);
	ids->changed = true;
}

void
sync_recheck(struct sync_run *r, const char *sync_id, bool at_once)
{
	add(r->recheck, strv_of(sync_id), deadline_in(at_once ? 0 : LATER_MS));
}

bool
sync_rechecks(const struct sync_run *r, const char *sync_id)
{
	return strmap_get(r->recheck->set, strv_of(sync_id));
}

size_t
sync_ids_count(const struct sync_ids *ids)
{
	return strmap_count(ids->set);
}

deadline_t
sync_ids_due(const struct sync_ids *ids)
{
	deadline_t due = INT64_MAX;
	struct strv id;
	void *it;

	for (size_t i = 0; strmap_at(ids->set, i, &id, &it); i++)
		due = deadline_min(due, ((const struct item *)it)->due);
	return due;
}

const char *const *
sync_ids_take(struct sync_ids *ids, struct arena *a, bool all, size_t *n_r)
{
	struct arena *old = ids->a;
	const struct strmap *set = ids->set;
	const char **list = ARENA_ARRAY(a, strmap_count(set) + 1, const char *);
	struct strv id;
	void *it;
	size_t n = 0;

	ids->a = arena_new(1024);
	ids->set = strmap_new(ids->a, false);
	for (size_t i = 0; strmap_at(set, i, &id, &it); i++) {
		const struct item *old_item = it;
		if (all || deadline_left(old_item->due) == 0) {
			list[n++] = arena_strndup(a, id.p, id.n);
			continue;
		}
		struct item *kept = ARENA_NEW(ids->a, struct item);
		*kept = *old_item;
		strmap_put(ids->set, id, kept);
	}
	arena_free(&old);
	ids->changed |= n > 0;
	*n_r = n;
	return list;
}

int
sync_ids_keep(struct sync_ids *ids, struct store_tx *tx, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(LIST_MAX);
	struct strv id;
	void *it;

	if (!ids->changed)
		return 0;
	for (size_t i = 0; strmap_at(ids->set, i, &id, &it); i++) {
		buf_addv(&text, id);
		buf_addc(&text, ' ');
	}
	if (store_tx_meta_put(tx, META_RECHECK, strv_n(buf_str(&text), text.n), e) < 0)
		return -1;
	ids->changed = false;
	return 0;
}

int
sync_ids_load(struct sync_ids *ids, struct store *s, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv text = {0};

	sync_ids_clear(ids);
	if (store_meta_get(s, a, META_RECHECK, &text, e) < 0)
		return err_cause(e, "read what is to be looked at again");
	while (text.n) {
		size_t n = strv_chr(text, ' ');
		add(ids, strv_n(text.p, n), deadline_in(LATER_MS));
		text = n < text.n ? strv_n(text.p + n + 1, text.n - n - 1) : STRV("");
	}
	ids->changed = false;
	return 0;
}
