/* SPDX-License-Identifier: Apache-2.0
 * Who refers to whom: members of groups and managers of users, as rows of the store. A name in the directory is a
 * reference to whatever has that name; here it is turned into an id and followed when names move. */
#include "dirhinge/dir/dn.h"
#include "sync/tell.h"

/* --- from a name to a resource ----------------------------------------------------------------------------------- */

static struct map_ref
self(const struct seen *s)
{
	return (struct map_ref){
		.id = s->id,
		.display = sync_seen_text(s, "displayName"),
		.user = s->kind == STORE_USER,
	};
}

static int
ref_of(struct arena *a, const struct store_state *st, struct map_ref *ref_r)
{
	if (st->kind != STORE_USER && st->kind != STORE_GROUP)
		return 0;
	*ref_r = (struct map_ref){
		.id = st->id,
		.display = sync_stored_text(a, st, "displayName"),
		.user = st->kind == STORE_USER,
	};
	return 1;
}

int
sync_members_ref(void *ctx, const char *dn_key, struct map_ref *ref_r, struct err *e)
{
	struct seen *s = ctx;
	struct store_state st;
	/* Their own manager; the row is not written yet. */
	if (str_eq(dn_key, s->dn_key)) {
		*ref_r = self(s);
		return 1;
	}
	int found = store_tx_state_by_dn(s->tx, s->a, dn_key, &st, e);
	return found > 0 ? ref_of(s->a, &st, ref_r) : found;
}

/* --- members of a group in the data of its event ----------------------------------------------------------------- */

struct showing {
	struct seen *s;
	struct member_list ids;
};

static int
on_shown(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct showing *sh = ctx;
	if (row->member_id)
		sync_member_list_add(sh->s->a, &sh->ids, NULL, row->member_id);
	return sh->ids.n > SEEN_MEMBERS_SHOWN;
}

static int
show_one(struct seen *s, const char *id, json_t *list, struct err *e)
{
	struct store_state st;
	struct map_ref ref;
	int found = 1;
	if (str_eq(id, s->id)) {
		ref = self(s);
	} else {
		found = store_tx_state_by_id(s->tx, s->a, id, &st, e);
		found = found > 0 ? ref_of(s->a, &st, &ref) : found;
	}
	json_t *member = found > 0 ? map_member_of(&s->r->map, &ref) : NULL;
	if (member)
		json_array_append_new(list, member);
	return found < 0 ? -1 : 0;
}

static void
show_met(struct seen *s, json_t *res)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->n_met; i++) {
		json_t *member = map_member_of(&s->r->map, &s->met[i].ref);
		if (member)
			json_array_append_new(list, member);
	}
	if (json_array_size(list))
		json_object_set(res, "members", list);
	json_decref(list);
}

int
sync_members_show(struct seen *s, const char *group, json_t *res, bool *left_out_r, struct err *e)
{
	struct showing sh = {.s = s};
	*left_out_r = s->met && s->n_met > SEEN_MEMBERS_SHOWN;
	if (s->met && !*left_out_r)
		show_met(s, res);
	if (s->met)
		return 0;
	if (store_tx_members(s->tx, group, on_shown, &sh, e) < 0)
		return -1;
	if (sh.ids.n > SEEN_MEMBERS_SHOWN) {
		*left_out_r = true;
		return 0;
	}
	json_t *list = json_keep(s->a, json_array());
	for (size_t i = 0; i < sh.ids.n; i++)
		if (show_one(s, sh.ids.v[i].id, list, e) < 0)
			return -1;
	if (json_array_size(list))
		json_object_set(res, "members", list);
	return 0;
}

/* --- rows that refer to one entry -------------------------------------------------------------------------------- */

struct holders { /* who refers to somebody, and by which name */
	struct seen *s;
	const char *id, *dn_key; /* rows of this id under this name are right; NULL = none is */
	struct member_list rows; /* .dn_key, and the holder's id as .id */
};

static int
on_holder(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct holders *h = ctx;
	if (!h->id || !str_eq(row->member_id, h->id) || !str_eq(row->dn_key, h->dn_key))
		sync_member_list_add(h->s->a, &h->rows, row->dn_key, row->group);
	return 0;
}

static int
recheck_holders(struct seen *s, const struct holders *h, bool at_once, struct err *e)
{
	for (size_t i = 0; i < h->rows.n; i++) {
		struct store_state st;
		int found = store_tx_state_by_id(s->tx, s->a, h->rows.v[i].id, &st, e);
		if (found < 0)
			return -1;
		if (found)
			sync_recheck(s->r, st.sync_id, at_once);
	}
	return 0;
}

int
sync_members_came(struct seen *s, struct err *e)
{
	const char *id = s->id;
	struct holders h = {.s = s, .id = id, .dn_key = s->dn_key};
	/* The rows may be older than what overlays have done since: the directory is asked before anybody is told. */
	if (store_tx_members_of_dn(s->tx, s->dn_key, on_holder, &h, e) < 0)
		return -1;
	return recheck_holders(s, &h, true, e);
}

int
sync_members_moved(struct seen *s, struct err *e)
{
	const char *id = s->id;
	struct holders h = {.s = s, .id = id, .dn_key = s->dn_key};
	if (store_tx_members_of_id(s->tx, id, on_holder, &h, e) < 0)
		return -1;
	return recheck_holders(s, &h, false, e);
}

/* Is it a member by a row of its own already? */
static int
on_own_row(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct holders *h = ctx;
	if (!str_eq(row->group, h->id))
		return 0;
	h->id = NULL;
	return 1;
}

int
sync_members_joined(struct seen *s, struct err *e)
{
	const struct dir_attr *groups = s->apart.groups;

	for (size_t i = 0; groups && i < groups->n; i++) {
		const char *key = dir_dn_normal(s->a, groups->values[i].p);
		struct store_state group;
		int found = key ? store_tx_state_by_dn(s->tx, s->a, key, &group, e) : 0;
		if (found < 0)
			return -1;
		if (found == 0 || group.kind != STORE_GROUP)
			continue;
		struct holders h = {.s = s, .id = group.id};
		if (store_tx_members_of_id(s->tx, s->id, on_own_row, &h, e) < 0)
			return -1;
		if (h.id)
			sync_recheck(s->r, group.sync_id, true);
	}
	return 0;
}

static int
tell_removed(struct seen *s, const struct store_state *group, const struct told_member *m, struct err *e)
{
	struct subject sub = {
		.id = group->id,
		.name = sync_stored_name(s->a, group),
		.incarnation = group->incarnation,
		.dn_key = group->dn_key,
		.old_dn_key = group->dn_key,
		.data = group->resource,
		.members_left_out = true,
	};
	return sync_seen_tell(s, &(struct telling){.type = EVENT_USER_REMOVED, .subject = &sub, .member = m}, e);
}

int
sync_members_leave_all(struct seen *s, struct err *e)
{
	struct holders h = {.s = s};
	struct strmap *told = strmap_new(s->a, false);
	bool user = s->was.kind == STORE_USER;
	struct told_member m = {s->was.id, user ? "User" : "Group", sync_stored_name(s->a, &s->was), s->was.dn_key};
	if (store_tx_members_of_id(s->tx, s->was.id, on_holder, &h, e) < 0)
		return -1;
	for (size_t i = 0; i < h.rows.n; i++) {
		const struct store_member row = {h.rows.v[i].id, h.rows.v[i].dn_key, NULL};
		struct store_state st;
		if (store_tx_member_put(s->tx, &row, e) < 0)
			return -1;
		int found = store_tx_state_by_id(s->tx, s->a, row.group, &st, e);
		if (found < 0)
			return -1;
		if (!found || strmap_put(told, strv_of(row.group), s) || str_eq(row.group, s->was.id))
			continue;
		if (st.kind == STORE_USER)
			sync_recheck(s->r, st.sync_id, false);
		else if (tell_removed(s, &st, &m, e) < 0)
			return -1;
	}
	return 0;
}

/* --- managers ---------------------------------------------------------------------------------------------------- */

struct referred {
	struct seen *s;
	const struct member_list *refs;
	struct member_list stale;
	bool *kept; /* refs that have their row */
};

static int
on_ref_row(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct referred *rf = ctx;
	for (size_t i = 0; i < rf->refs->n; i++)
		if (str_eq(row->dn_key, rf->refs->v[i].dn_key)) {
			rf->kept[i] = str_eq(row->member_id, rf->refs->v[i].id);
			return 0;
		}
	sync_member_list_add(rf->s->a, &rf->stale, row->dn_key, NULL);
	return 0;
}

int
sync_members_refer(struct seen *s, const struct member_list *refs, struct err *e)
{
	const char *id = s->id;
	struct referred rf = {.s = s, .refs = refs, .kept = ARENA_ARRAY(s->a, refs->n + 1, bool)};
	if (s->live && store_tx_members(s->tx, id, on_ref_row, &rf, e) < 0)
		return -1;
	for (size_t i = 0; i < rf.stale.n; i++)
		if (store_tx_member_drop(s->tx, id, rf.stale.v[i].dn_key, e) < 0)
			return -1;
	for (size_t i = 0; i < refs->n; i++) {
		const struct store_member row = {id, refs->v[i].dn_key, refs->v[i].id};
		if (rf.kept[i])
			continue;
		if (store_tx_member_put(s->tx, &row, e) < 0)
			return -1;
		if (s->unresolved && !s->o->initial && !s->o->reresolve)
			sync_recheck(s->r, s->o->sync_id, false);
	}
	return 0;
}
