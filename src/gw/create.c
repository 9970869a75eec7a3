/* SPDX-License-Identifier: Apache-2.0
 * POST (RFC 7644 3.3): one LDAP add, then the password if there is one. */
#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"
#include "gw/cause.h"
#include "gw/fence.h"

/* What could not be completed must not stay behind: the client was told that nothing was created. */
static int
take_back(struct gw_run *run, const char *dn, const char *id, struct err *e)
{
	struct err undo = ERR_INIT;
	const struct dir_write w = {.id = id};
	if (gw_write_delete(run, dn, &w, deadline_in(2000), &undo) < 0)
		return err_cause(e, "the incomplete entry %s could not be taken back (%s), delete it by hand", dn,
				 undo.cause);
	return err_cause(e, "entry taken back");
}

/* For an account that is to be active in a directory that enables none without a password: one that nobody knows, so
 * that nobody can bind until it is reset, as in the directories that allow to have none. All kinds of characters, for
 * any rule of complexity. */
static struct strv
unknown_password(struct gw_run *run)
{
	unsigned char random[24];
	crypto_random(random, sizeof(random));
	const char *text = base64url_encode(run->m.a, strv_n((const char *)random, sizeof(random)));
	return strv_of(arena_printf(run->m.a, "%s-aA1", text));
}

/* What one add cannot do: members past the first chunk, the password, and then enabling the account. */
static int
complete(struct gw_run *run, const char *dn, const char *id, const struct map_change *c, const struct gw_members *rest,
	 struct err *e)
{
	struct strv password = c->activate && !c->password.p ? unknown_password(run) : c->password;
	const struct dir_entry *en;
	if (password.p && gw_write_password(run, dn, id, password, c->disabled, e) < 0)
		return -1;
	if (rest->n_add > 0 && gw_modify_group(run, &(struct gw_group){.dn = dn, .id = id}, NULL, rest, NULL, e) < 0)
		return -1;
	if (!c->activate)
		return 0;
	return gw_fetch(run, id, map_attrs_change(&run->m, run->map), &en, e) < 0
		       ? -1
		       : map_activate(&run->m, run->map, en, e);
}

static int
add_entry(struct gw_run *run, const char *dn, const struct map_change *c, const struct gw_members *rest,
	  const struct dir_entry **en_r, struct err *e)
{
	struct dir_write w = {.post_attrs = map_attrs_post(&run->m, run->map, run->project), .post_r = en_r};
	if (gw_write_add(run, dn, &c->mods, &w, e) < 0)
		return -1;
	if (!c->password.p && rest->n_add == 0 && !c->activate)
		return 0;
	const char *id = map_id(&run->m, *en_r);
	if (complete(run, dn, id, c, rest, e) < 0)
		return take_back(run, dn, id, e);
	return gw_fetch(run, id, w.post_attrs, en_r, e);
}

struct members {
	const char **dns;
	size_t n;
};

static int
attempt(struct gw_run *run, const json_t *res, const struct members *m, const struct dir_entry **en_r, struct err *e)
{
	char *dn;
	struct map_change c;
	size_t at_once = m->n < GW_MEMBER_CHUNK ? m->n : GW_MEMBER_CHUNK;
	struct gw_members rest = {.add = m->dns + at_once, .n_add = m->n - at_once};
	if (map_to_entry(&run->m, run->map, res, m->dns, at_once, &dn, &c, e) < 0)
		return -1;
	run->q->ignored = c.ignored;
	if (gw_check_unique(run, gw_unique_path(run), res, NULL, e) < 0)
		return -1;
	/* Groups that still name this DN meant an entry that is gone: if the add succeeds there was none. */
	const struct gw_found *stale;
	if (gw_refs_find(run, dn, &stale, e) < 0 || add_entry(run, dn, &c, &rest, en_r, e) < 0)
		return err_cause(e, "create %s", run->type->name);
	if (gw_refs_drop(run, dn, stale, e) < 0)
		return take_back(run, dn, map_id(&run->m, *en_r), e);
	return 0;
}

/* A name that was free when it was chosen, and taken when the add came: 0 to choose again, -1 to give up. */
static int
again(struct gw_run *run, int tries, struct err *e)
{
	if (e->code != ERR_UNIQUE || e->ldap_rc == 0 || !map_numbers_names(run->map) || tries >= GW_TRIES ||
	    deadline_left(run->m.until) < gw_options(run->g)->timeout_ms / 2)
		return -1;
	err_clear(e);
	return 0;
}

static int
create(struct gw_run *run, const json_t *body, struct gw_result *r, struct err *e)
{
	json_t *res;
	const char **ids = NULL;
	struct members m = {.dns = ARENA_NEW(run->m.a, const char *)};
	size_t n_ids = 0;
	const struct dir_entry *en;
	gw_writer_begin(run);
	if (gw_if_match_new(run, e) < 0 || scim_resource_normalise(&run->ctx, body, SCIM_FOR_CREATE, &res, e) < 0 ||
	    scim_resource_check(&run->ctx, res, e) < 0)
		return -1;
	gw_name_form_c(run, NULL, res);
	if (run->q->type == GW_GROUPS &&
	    (gw_member_ids(run, res, &ids, &n_ids, e) < 0 || gw_member_dns(run, ids, n_ids, &m.dns, &m.n, e) < 0))
		return -1;
	if (gw_fence_new(run, e) < 0)
		return -1;
	for (int i = 1; attempt(run, res, &m, &en, e) < 0; i++)
		if (again(run, i, e) < 0)
			return -1;
	return gw_show_new(run, en, r, e);
}

int
gw_create(struct gw *g, struct gw_req *q, const json_t *body, struct gw_result *r, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	int rc = create(&run, body, r, e);
	gw_written(&run);
	return gw_end(&run, rc, e);
}
