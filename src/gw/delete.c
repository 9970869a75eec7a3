/* SPDX-License-Identifier: Apache-2.0
 * DELETE (RFC 7644 3.6) by the configured policy. References go first: a repeated request finishes what a crash left.
 */
#include "gw/cause.h"
#include "gw/protect.h"
#include "gw/rate.h"
#include "gw/turns.h"

/* Turns the account off before anything else, so that a leaver is out even if a later step fails. The first write
 * carries the condition of If-Match: *only_if is NULL afterwards. */
static int
disable(struct gw_run *run, const struct dir_entry *en, const char *id, const struct dir_filter **only_if,
	struct err *e)
{
	json_t *before;
	struct map_change c;
	if (gw_decode(run, en, &before, e) < 0)
		return -1;
	json_t *after = json_keep(run->m.a, json_deep_copy(before));
	json_object_set_new(after, "active", json_false());
	if (map_to_mods(&run->m, run->map, before, after, en, &c, e) < 0)
		return err_cause(e, "disable before the delete");
	if (c.mods.n == 0)
		return 0;
	struct dir_write w = {.assertion = gw_guard(run, en->dn, id, *only_if), .id = id};
	if (gw_write_modify(run, en->dn, &c.mods, &w, e) < 0)
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
	if (gw_write_rename(run, en->dn, rdn, to, w, run->m.until, e) == 0)
		return 0;
	if (e->code != ERR_UNIQUE)
		return err_cause(e, "move to %s", to);
	/* A namesake left before: the name there is made unique by the id, which never changes. */
	err_clear(e);
	const char *unique = arena_printf(run->m.a, "%.*s-%.8s", (int)name.n, name.p, id);
	if (dir_rdn_build(run->m.a, opts->rdn, strv_of(unique), &rdn, e) < 0)
		return -1;
	return gw_write_rename(run, en->dn, rdn, to, w, run->m.until, e);
}

/* The entry stays, disabled and out of every group, and SCIM does not see it any more (RFC 7644 3.6). */
static int
mark_deleted(struct gw_run *run, const struct dir_entry *en, const struct dir_write *w, struct err *e)
{
	struct dir_mods mods;
	dir_mods_init(&mods, run->m.a);
	if (map_mark_deleted(&run->m, run->map, en, &mods, e) < 0)
		return -1;
	return gw_write_modify(run, en->dn, &mods, w, e);
}

static int
end_entry(struct gw_run *run, const struct dir_entry *en, const char *id, enum gw_delete how,
	  const struct dir_filter *only_if, struct err *e)
{
	struct dir_write w = {.assertion = gw_guard(run, en->dn, id, only_if), .id = id};
	if (how == GW_DELETE_MOVE)
		return move_away(run, en, id, &w, e);
	if (how == GW_DELETE_DISABLE)
		return mark_deleted(run, en, &w, e);
	return gw_write_delete(run, en->dn, &w, run->m.until, e);
}

/* The directory keeps an entry that has others below it (a mailbox's devices in Active Directory): the provider will
 * not stop asking, and the leaver must be out all the same. */
static int
stays(struct gw_run *run, const struct dir_entry *en, const char *id, enum gw_delete how, struct err *e)
{
	struct err why = *e, failed = ERR_INIT;
	const struct dir_filter *any = NULL;
	if (why.code != ERR_CONFLICT || how != GW_DELETE_HARD || run->q->type != GW_USERS || !map_active(run->map))
		return -1;
	if (disable(run, en, id, &any, &failed) < 0)
		return err_cause(e, "and it was not disabled: %s", failed.cause);
	err_set(e, why.code, "%s; the account is disabled all the same", why.detail);
	e->ldap_rc = why.ldap_rc;
	return err_cause(e, "%s", why.cause);
}

static int
check_policy(struct gw_run *run, enum gw_delete how, struct err *e)
{
	if (how == GW_DELETE_DISABLE && !map_active(run->map))
		return err_set(e, ERR_NOT_IMPLEMENTED,
			       "users.delete is \"disable\" and no strategy for users.active is available in this "
			       "directory");
	if (how == GW_DELETE_DISABLE && !run->m.set->extended)
		return err_set(
			e, ERR_NOT_IMPLEMENTED,
			"users.delete is \"disable\" and dirhinge.schema, which marks such users, is not loaded");
	return 0;
}

/* References go before the entry, so that a repeated request finishes what a crash left, and again behind it, when
 * nobody is left who looked the entry up while it was there: a DN that stays in a group would wait for its next owner.
 */
static int
delete_by_policy(struct gw_run *run, const struct dir_entry *en, const char *id, enum gw_delete how, struct err *e)
{
	const struct dir_filter *only_if = gw_version_condition(run, en);
	if (how != GW_DELETE_HARD && map_active(run->map) && disable(run, en, id, &only_if, e) < 0)
		return -1;
	/* Where references go with their entry they are left to it: an undelete brings them back. */
	if (how == GW_DELETE_HARD && run->m.caps->flavour->links_follow)
		return end_entry(run, en, id, how, only_if, e) < 0 ? stays(run, en, id, how, e) : 0;
	/* Whoever loses the race of If-Match must not have taken anybody out of a group: the entry goes first then. */
	bool entry_first = only_if != NULL;
	if (!entry_first && gw_refs_remove(run, en->dn, e) < 0)
		return -1;
	if (end_entry(run, en, id, how, only_if, e) < 0)
		return stays(run, en, id, how, e);
	gw_writers_wait(run);
	if ((entry_first ? gw_refs_remove(run, en->dn, e) : gw_refs_remove_member(run, en->dn, e)) < 0)
		return err_cause(e, "%s is deleted, but not every membership", en->dn);
	return 0;
}

static int
attempt(struct gw_run *run, const char *id, enum gw_delete how, struct err *e)
{
	const struct dir_entry *en;
	if (gw_turn_take(run, id, e) < 0 || gw_fetch(run, id, map_attrs_change(&run->m, run->map), &en, e) < 0 ||
	    gw_if_match(run, en, e) < 0 || gw_none_match_write(run, en, e) < 0 || gw_check_protected(run, en, e) < 0)
		return -1;
	return delete_by_policy(run, en, id, how, e);
}

static int delete (struct gw_run *run, const char *id, struct err *e)
{
	enum gw_delete how = run->q->type == GW_USERS ? gw_options(run->g)->user_delete : GW_DELETE_HARD;
	struct gw_rate *rate = gw_rate_of(run->g);
	if (check_policy(run, how, e) < 0 || gw_rate_take(rate, run->q->who, clock_mono_ms(), e) < 0)
		return -1;
	for (int i = 1; attempt(run, id, how, e) < 0; i++) {
		gw_turn_end(run);
		if (gw_retry(run, i, e) < 0) {
			gw_rate_give(rate, run->q->who);
			return err_cause(e, "delete %s %.64s", run->type->name, id);
		}
	}
	return 0;
}

int
gw_delete(struct gw *g, struct gw_req *q, const char *id, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	int rc = delete (&run, id, e);
	gw_written(&run);
	return gw_end(&run, rc, e);
}
