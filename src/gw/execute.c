/* SPDX-License-Identifier: Apache-2.0
 * Carries one planned change out. Rename goes first: it is the step that another entry can refuse, and it is undone by
 * one rename back. Everything else is one modify; only a password is an operation of its own (RFC 3062). */
#include "gw/execute.h"

#include "gw/cause.h"

bool
gw_raced(const struct err *e)
{
	bool from_directory = e->ldap_rc != 0; /* else the read by id said so */
	return e->code == ERR_DIR_MISSING_VALUE || e->code == ERR_DIR_HAS_VALUE ||
	       (from_directory && (e->code == ERR_PRECONDITION || e->code == ERR_NOT_FOUND));
}

int
gw_moved(const struct gw_run *run, struct err *e)
{
	return err_set(e, ERR_DIR_MISSING_VALUE, "the %s is not where it was", run->type->name);
}

int
gw_retry(struct gw_run *run, int tries, struct err *e)
{
	if (!gw_raced(e))
		return -1;
	/* Retries end while there is still time for one answer from the directory. */
	if (tries >= GW_TRIES || deadline_left(run->m.until) < gw_options(run->g)->timeout_ms / 2)
		return err_set(e, ERR_BUSY, "the %s is being changed by others; try again", run->type->name);
	/* Spread by chance, so that clients of one entry do not meet again at once. */
	clock_pause((clock_mono_us() ^ (int64_t)(uintptr_t)run) % (4 * tries) + 1, run->m.until);
	err_clear(e);
	return 0;
}

static int
rename_entry(struct gw_run *run, struct gw_step *st, const char **dn_r, struct err *e)
{
	const struct dir_entry *en = st->before;
	struct dir_write w = {
		.assertion = gw_guard(run, en->dn, map_id(&run->m, en), gw_version_condition(run, en)),
		.id = map_id(&run->m, en),
		.post_attrs = st->post_attrs,
		.post_r = &st->post,
	};
	if (gw_write_rename(run, en->dn, st->change->new_rdn, NULL, &w, run->m.until, e) < 0)
		return err_cause(e, "rename");
	*dn_r = dir_dn_with_rdn(run->m.a, en->dn, st->change->new_rdn);
	return *dn_r ? 0 : err_set(e, ERR_INTERNAL, "the directory's name of the entry cannot be read");
}

static int
rename_back(struct gw_run *run, const struct dir_entry *en, const char *dn, struct err *e)
{
	struct err undo = ERR_INIT;
	const char *rdn = dir_dn_rdn(run->m.a, en->dn);
	const struct dir_write w = {.id = map_id(&run->m, en)};
	if (gw_write_rename(run, dn, rdn, NULL, &w, deadline_in(2000), &undo) < 0)
		return err_cause(e, "the entry stays renamed to %s (%s), because", dn, undo.cause);
	return -1;
}

/* What must still be so when the modify arrives: the version of If-Match, after a rename the one that the rename has
 * made, unless it is claimed; and that an attribute of which SCIM shows one value has not got one meanwhile. */
static const struct dir_filter *
condition(struct gw_run *run, const struct gw_step *st)
{
	const struct map_change *c = st->change;
	const struct dir_entry *as_read = c->new_rdn && st->post ? st->post : st->before;
	const struct dir_filter *all = st->claimed ? NULL : gw_version_condition(run, as_read);
	for (size_t i = 0; i < c->n_absent; i++) {
		const struct dir_filter *none = dir_f_not(run->m.a, dir_f_present(run->m.a, c->absent[i]));
		all = all ? dir_f_and2(run->m.a, all, none) : none;
	}
	return all;
}

static int
modify(struct gw_run *run, struct gw_step *st, const char *dn, struct err *e)
{
	const struct map_change *c = st->change;
	const char *id = map_id(&run->m, st->before);
	if (st->members) {
		struct gw_group group = {.dn = dn, .id = id, .condition = condition(run, st)};
		return gw_modify_group(run, &group, &c->mods, st->members, &st->post, e);
	}
	/* A password alone: its operation cannot carry the condition, so that it is asked before. */
	if (c->mods.n == 0 && !(c->password.p && run->q->if_match))
		return 0;
	struct dir_write w = {
		.assertion = gw_guard(run, dn, id, condition(run, st)),
		.id = id,
		.post_attrs = st->post_attrs,
		.post_r = &st->post,
	};
	return gw_write_modify(run, dn, &c->mods, &w, e);
}

/* A leaver is disabled before the password is touched, a returner gets the password before being enabled: whatever
 * fails in between, nobody can bind who should not. Otherwise the order is free, and with If-Match the modify goes
 * first: it carries the assertion, which the password operation cannot (RFC 3062). */
static bool
modify_goes_first(const struct gw_run *run, const struct gw_step *st)
{
	bool returns = st->was_disabled && !st->change->disabled;
	return st->change->disabled || (run->q->if_match && !returns);
}

/* Of those who bring a returner back with the same If-Match one may go on to the password, which makes a version of its
 * own. A rename has decided already who that is. */
static int
claim(struct gw_run *run, struct gw_step *st, const char *dn, struct err *e)
{
	const struct map_change *c = st->change;
	const struct dir_filter *version = gw_version_condition(run, st->before);
	if (!version)
		return 0;
	st->claimed = true;
	if (c->new_rdn || c->claim.n == 0)
		return 0;
	const char *id = map_id(&run->m, st->before);
	struct dir_write w = {.assertion = gw_guard(run, dn, id, version), .id = id};
	return gw_write_modify(run, dn, &c->claim, &w, e);
}

static int
modify_and_password(struct gw_run *run, struct gw_step *st, const char *dn, struct err *e)
{
	const struct map_change *c = st->change;
	if (!c->password.p)
		return modify(run, st, dn, e);
	bool first = modify_goes_first(run, st);
	if ((first ? modify(run, st, dn, e) : claim(run, st, dn, e)) < 0)
		return -1;
	const char *id = map_id(&run->m, st->before);
	if (gw_write_password(run, dn, id, c->password, c->disabled || st->was_disabled, e) < 0) {
		struct err why = *e;
		if (c->disabled && c->active_changed)
			err_set(e, why.code, "%s; the account is disabled all the same", why.detail);
		e->ldap_rc = why.ldap_rc;
		return err_cause(e, "set the password: %s", why.cause);
	}
	st->post = NULL;
	return first ? 0 : modify(run, st, dn, e);
}

int
gw_execute(struct gw_run *run, struct gw_step *st, struct err *e)
{
	const struct dir_entry *en = st->before;
	const char *dn = en->dn;
	st->post = NULL;
	if (st->change->new_rdn && rename_entry(run, st, &dn, e) < 0)
		return -1;
	if (modify_and_password(run, st, dn, e) < 0) {
		if (st->change->new_rdn)
			rename_back(run, en, dn, e);
		return -1;
	}
	/* Others may have looked the old DN up and not written it yet; ours is written. */
	gw_writer_end(run);
	if (st->change->new_rdn)
		gw_writers_wait(run);
	if (st->change->new_rdn && gw_refs_rename(run, en->dn, dn, e) < 0)
		return err_cause(e, "%s was renamed to %s, but not every reference to it was", en->dn, dn);
	return 0;
}
