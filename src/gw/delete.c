/* SPDX-License-Identifier: Apache-2.0
 * DELETE (RFC 7644 3.6) by the configured policy. References go first: a repeated request finishes what a crash left.
 */
#include "gw/gw_priv.h"

/* Turns the account off before anything else, so that a leaver is out even if a later step fails. The first write
 * carries the assertion of If-Match: *only_if is NULL afterwards. */
static int
disable(struct gw_run *run, const struct dir_entry *en, const struct dir_filter **only_if, struct err *e)
{
	json_t *before;
	struct map_change c;
	if (gw_decode(run, en, false, &before, e) < 0)
		return -1;
	json_t *after = json_keep(run->m.a, json_deep_copy(before));
	json_object_set_new(after, "active", json_false());
	if (map_to_mods(&run->m, run->map, before, after, en, &c, e) < 0)
		return err_cause(e, "disable before the delete");
	if (c.mods.n == 0)
		return 0;
	struct dir_write w = {.assertion = *only_if};
	if (dir_modify(run->m.dir, run->m.a, en->dn, &c.mods, &w, run->m.until, e) < 0)
		return -1;
	*only_if = NULL;
	return 0;
}

static int
move_away(struct gw_run *run, const struct dir_entry *en, const char *id, const struct dir_write *w, struct err *e)
{
	const struct map_type_opts *opts = map_type_options(run->map);
	const char *to = gw_options(run->g)->leavers_base;
	struct strv name;
	char *rdn;
	int rc = dir_dn_rdn_value(run->m.a, en->dn, opts->rdn, &name, e);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_CONFLICT, "the entry is not named by users.rdn; move it by hand");
	if (dir_rdn_build(run->m.a, opts->rdn, name, &rdn, e) < 0)
		return -1;
	if (dir_rename(run->m.dir, run->m.a, en->dn, rdn, to, w, run->m.until, e) == 0)
		return 0;
	if (e->code != ERR_UNIQUE)
		return err_cause(e, "move to %s", to);
	/* A namesake left before: the name there is made unique by the id, which never changes. */
	err_clear(e);
	const char *unique = arena_printf(run->m.a, "%.*s-%.8s", (int)name.n, name.p, id);
	if (dir_rdn_build(run->m.a, opts->rdn, strv_of(unique), &rdn, e) < 0)
		return -1;
	return dir_rename(run->m.dir, run->m.a, en->dn, rdn, to, w, run->m.until, e);
}

/* The entry stays, disabled and out of every group, and SCIM does not see it any more (RFC 7644 3.6). */
static int
mark_deleted(struct gw_run *run, const struct dir_entry *en, const struct dir_write *w, struct err *e)
{
	struct dir_mods mods;
	dir_mods_init(&mods, run->m.a);
	if (map_mark_deleted(&run->m, run->map, en, &mods, e) < 0)
		return -1;
	return dir_modify(run->m.dir, run->m.a, en->dn, &mods, w, run->m.until, e);
}

static int
end_entry(struct gw_run *run, const struct dir_entry *en, const char *id, enum gw_delete how,
	  const struct dir_filter *only_if, struct err *e)
{
	struct dir_write w = {.assertion = only_if};
	if (how == GW_DELETE_MOVE)
		return move_away(run, en, id, &w, e);
	if (how == GW_DELETE_DISABLE)
		return mark_deleted(run, en, &w, e);
	return dir_delete(run->m.dir, run->m.a, en->dn, &w, run->m.until, e);
}

static int
delete_by_policy(struct gw_run *run, const struct dir_entry *en, const char *id, enum gw_delete how, struct err *e)
{
	if (how == GW_DELETE_DISABLE && !map_active(run->map))
		return err_set(e, ERR_NOT_IMPLEMENTED,
			       "users.delete is \"disable\" and no strategy for users.active is "
			       "available in this directory");
	if (how == GW_DELETE_DISABLE && !run->m.set->extended)
		return err_set(
			e, ERR_NOT_IMPLEMENTED,
			"users.delete is \"disable\" and dirhinge.schema, which marks such users, is not loaded");
	const struct dir_filter *only_if = gw_version_assertion(run, en);
	if (how != GW_DELETE_HARD && map_active(run->map) && disable(run, en, &only_if, e) < 0)
		return -1;
	/* Whoever loses the race of If-Match must not have taken anybody out of a group: the entry goes first then. */
	bool entry_first = only_if != NULL;
	if (!entry_first && gw_refs_remove(run, en->dn, e) < 0)
		return -1;
	if (end_entry(run, en, id, how, only_if, e) < 0)
		return -1;
	if (entry_first && gw_refs_remove(run, en->dn, e) < 0)
		return err_cause(e, "%s is deleted, but not every reference to it", en->dn);
	return 0;
}

static int
attempt(struct gw_run *run, const char *id, bool *moved_r, struct err *e)
{
	const struct dir_entry *en;
	enum gw_delete how = run->q->type == GW_USERS ? gw_options(run->g)->user_delete : GW_DELETE_HARD;
	if (gw_fetch(run, id, map_attrs_change(&run->m, run->map), &en, e) < 0 || gw_if_match(run, en, e) < 0 ||
	    gw_none_match_write(run, en, e) < 0)
		return -1;
	if (delete_by_policy(run, en, id, how, e) == 0)
		return 0;
	*moved_r = e->code == ERR_NOT_FOUND;
	return err_cause(e, "delete %s %.64s", run->type->name, id);
}

/* Found by its id and a moment later not by its DN: renamed meanwhile, or deleted by somebody else. To answer 404 on
 * the strength of the DN would leave a leaver in. */
static int delete (struct gw_run *run, const char *id, struct err *e)
{
	bool moved;
	for (int i = 1;; i++) {
		moved = false;
		if (attempt(run, id, &moved, e) == 0)
			return 0;
		if (!moved)
			return -1;
		if (i >= GW_TRIES)
			return err_set(e, ERR_BUSY, "the %s is being changed by others; try again", run->type->name);
		err_clear(e);
	}
}

int
gw_delete(struct gw *g, struct gw_req *q, const char *id, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	return gw_end(&run, delete (&run, id, e));
}
