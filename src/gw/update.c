/* SPDX-License-Identifier: Apache-2.0
 * What PUT and PATCH share: read the entry, compute the wanted resource, write the difference, read again and repeat
 * when somebody else was faster. */
#include "gw/update.h"
#include "dirhinge/map/watch.h"
#include "gw/fence.h"
#include "gw/places.h"
#include "gw/protect.h"
#include "gw/turns.h"

#include "gw/execute.h"

/* Members of a group, needed only when the request says something about the whole list. */
static int
load_members(struct gw_run *run, const struct dir_entry *en, json_t *before, struct err *e)
{
	const char *attr = map_type_options(run->map)->member_attribute;
	const struct dir_entry *full;
	struct dir_search s = {
		.base = en->dn,
		.scope = DIR_BASE,
		.filter = gw_is_id(run, map_id(&run->m, en)),
		.attrs = (const char *const[]){attr, "objectClass", run->m.caps->flavour->id_attr, NULL},
	};
	json_t *res;
	int rc = dir_search_one(run->m.dir, run->m.a, &s, run->m.until, &full, e);
	if (rc <= 0)
		return rc < 0 ? -1 : gw_moved(run, e);
	if (gw_decode(run, full, &res, e) < 0)
		return -1;
	json_t *members = json_object_get(res, "members");
	if (members)
		json_object_set(before, "members", members);
	return 0;
}

static int
ids_to_known_dns(struct gw_run *run, const char *const *ids, size_t n, const char ***dns_r, size_t *n_r, struct err *e)
{
	const char **dns;
	size_t kept = 0;
	if (map_ids_to_dns(&run->m, ids, n, &dns, e) < 0)
		return err_cause(e, "look members up");
	for (size_t i = 0; i < n; i++)
		if (dns[i])
			dns[kept++] = dns[i];
	*dns_r = dns;
	*n_r = kept;
	return 0;
}

/* The whole list: of what is there and not wanted goes what the client can mean (map_refs_replaced); only that is
 * looked up. */
static int
replace_list(struct gw_run *run, const struct dir_entry *en, const char *const *want, size_t n_want,
	     struct gw_members *mm, struct err *e)
{
	const char **have;
	size_t n_have;
	if (gw_read_members(run, en->dn, map_id(&run->m, en), &have, &n_have, e) < 0)
		return -1;
	gw_members_diff(run, have, n_have, want, n_want, mm);
	if (map_refs_replaced(&run->m, mm->del, &mm->n_del, e) < 0)
		return err_cause(e, "look members up");
	mm->clear = n_want == 0 && n_have > 0 && mm->n_del == n_have;
	if (mm->clear)
		mm->n_del = 0;
	return 0;
}

/* The delta of a PATCH in DNs. Removing an id that nobody has is no change (RFC 7644 3.5.2.2, standards.md P39). */
static int
delta_to_dns(struct gw_run *run, const struct dir_entry *en, const struct scim_member_delta *d, struct gw_members *mm,
	     struct err *e)
{
	const char **add;
	size_t n_add = 0;
	*mm = (struct gw_members){0};
	if (!d->touched)
		return 0;
	if (gw_member_dns(run, d->add, d->n_add, &add, &n_add, e) < 0)
		return -1;
	if (d->clear)
		return replace_list(run, en, add, n_add, mm, e);
	mm->add = add;
	mm->n_add = n_add;
	return ids_to_known_dns(run, d->remove, d->n_remove, &mm->del, &mm->n_del, e);
}

static int
put_to_dns(struct gw_run *run, const struct dir_entry *en, const json_t *after, struct gw_members *mm, struct err *e)
{
	const char **ids, **want;
	size_t n_want;
	if (gw_member_ids(run, after, &ids, &n_want, e) < 0 || gw_member_dns(run, ids, n_want, &want, &n_want, e) < 0)
		return -1;
	return replace_list(run, en, want, n_want, mm, e);
}

/* PATCH with a selection that only the values can decide. */
static int
lists_to_dns(struct gw_run *run, const json_t *before, const json_t *after, struct gw_members *mm, struct err *e)
{
	const char **have_ids, **want_ids, **have, **want;
	size_t n_have, n_want;
	if (gw_member_ids(run, before, &have_ids, &n_have, e) < 0 ||
	    gw_member_ids(run, after, &want_ids, &n_want, e) < 0 ||
	    ids_to_known_dns(run, have_ids, n_have, &have, &n_have, e) < 0 ||
	    gw_member_dns(run, want_ids, n_want, &want, &n_want, e) < 0)
		return -1;
	gw_members_diff(run, have, n_have, want, n_want, mm);
	return 0;
}

static int
members_change(struct gw_run *run, struct gw_update *u, const struct dir_entry *en, const json_t *before,
	       const json_t *after, struct gw_members *mm, struct err *e)
{
	*mm = (struct gw_members){0};
	if (run->q->type != GW_GROUPS)
		return 0;
	if (u->put_members)
		return put_to_dns(run, en, after, mm, e);
	return u->whole_list ? lists_to_dns(run, before, after, mm, e) : delta_to_dns(run, en, &u->delta, mm, e);
}

static bool
active_in(const json_t *res)
{
	const json_t *v = json_object_get(res, "active");
	return !v || json_is_true(v);
}

static bool
name_changes(struct gw_run *run, const json_t *before, const json_t *after)
{
	const char *path = gw_unique_path(run);
	return !json_equal(json_object_get(before, path), json_object_get(after, path));
}

/* --- members alone ---------------------------------------------------------------------------------------------------
 * Most changes of groups name members and nothing else. Then nothing that the group holds decides what is written, and
 * a read of it would only tell that it exists, and where. */

static bool
members_alone(const struct gw_run *run, const struct gw_update *u)
{
	return run->q->type == GW_GROUPS && u->delta.touched && !u->whole_list && u->patch.n == 0;
}

/* there: what has to hold for the group where it is written; NULL: it was read. */
static int
write_members(struct gw_run *run, struct gw_update *u, const struct dir_entry *en, const char *id,
	      const struct dir_filter *there, const struct dir_entry **post_r, struct err *e)
{
	const struct dir_filter *version = there ? NULL : gw_version_condition(run, en);
	const struct gw_group group = {.dn = en->dn, .id = id, .condition = there ? there : version};
	struct gw_members mm;
	if (delta_to_dns(run, en, &u->delta, &mm, e) < 0)
		return -1;
	return gw_modify_group(run, &group, NULL, &mm, post_r, e);
}

/* What shows that the group is there, in which version, and that it may be changed. */
static const char *const *
head_attrs(struct gw_run *run)
{
	const char *const *version = gw_version_attrs(run), *const *more = run->m.caps->flavour->protect_attrs;
	size_t n = 0, k = 0;
	while (version[n])
		n++;
	while (more && more[k])
		k++;
	const char **attrs = ARENA_ARRAY(run->m.a, n + k + 1, const char *);
	memcpy(attrs, version, n * sizeof(*attrs));
	if (k > 0)
		memcpy(attrs + n, more, k * sizeof(*attrs));
	return attrs;
}

static int
read_head(struct gw_run *run, const char *id, const struct dir_entry **en_r, struct err *e)
{
	const struct dir_entry *en;
	if (gw_fetch(run, id, head_attrs(run), &en, e) < 0 || gw_if_match(run, en, e) < 0 ||
	    gw_none_match_write(run, en, e) < 0 || gw_check_protected(run, en, e) < 0)
		return -1;
	*en_r = en;
	return 0;
}

/* Where the group stood last, if the write can prove it and no precondition wants to see the group first. */
static const char *
place_of(struct gw_run *run, const struct gw_update *u, const char *id)
{
	const struct dir_caps *caps = run->m.caps;
	if (!caps->assertion || caps->flavour->is_protected || run->q->if_match || run->q->if_none_match ||
	    u->delta.clear)
		return NULL;
	const char *dn = gw_places_get(gw_places_of(run->g), run->m.a, id);
	return dn && gw_fence_sees(run, dn) ? dn : NULL;
}

/* The write goes where the group stood last, and asserts what the search for it would have found: this id, of this
 * class, at this place. 1 done; 0 it may be elsewhere by now, or the directory refused for what only a read explains;
 * -1 failed. */
static int
try_place(struct gw_run *run, struct gw_update *u, const char *id, struct err *e)
{
	const char *dn = place_of(run, u, id);
	const struct dir_entry *post = NULL;
	if (!dn)
		return 0;
	const struct dir_entry en = {.dn = dn};
	if (write_members(run, u, &en, id, map_class_filter(&run->m, run->map), &post, e) < 0) {
		if (e->code == ERR_UNKNOWN_OUTCOME || e->code == ERR_UNAVAILABLE || e->code == ERR_BUSY)
			return -1;
		gw_places_forget(gw_places_of(run->g), id, dn);
		err_clear(e);
		return 0;
	}
	/* Without a write nothing has shown that the group exists. */
	if (!post && read_head(run, id, &post, e) < 0)
		return -1;
	u->version = map_version(&run->m, post);
	return 1;
}

static int
attempt_members(struct gw_run *run, struct gw_update *u, const char *id, struct err *e)
{
	const struct dir_entry *en, *post = NULL;
	int done = try_place(run, u, id, e);
	if (done != 0)
		return done < 0 ? -1 : 0;
	if (read_head(run, id, &en, e) < 0 || write_members(run, u, en, id, NULL, &post, e) < 0)
		return -1;
	gw_places_put(gw_places_of(run->g), id, en->dn);
	u->version = map_version(&run->m, post ? post : en);
	return 0;
}

static int
attempt_all(struct gw_run *run, struct gw_update *u, const char *id, const struct dir_entry **en_r, struct err *e)
{
	bool group = run->q->type == GW_GROUPS;
	const struct dir_entry *en;
	json_t *before, *after;
	if (gw_fetch(run, id, map_attrs_change(&run->m, run->map), &en, e) < 0 || gw_if_match(run, en, e) < 0 ||
	    gw_none_match_write(run, en, e) < 0 || gw_check_protected(run, en, e) < 0 ||
	    gw_decode(run, en, &before, e) < 0)
		return -1;
	if (group && u->whole_list && load_members(run, en, before, e) < 0)
		return -1;
	if (u->wanted(run, u, before, &after, e) < 0)
		return -1;
	gw_name_form_c(run, before, after);
	struct map_change c;
	struct gw_members mm;
	if (map_to_mods(&run->m, run->map, before, after, en, &c, e) < 0)
		return -1;
	if (members_change(run, u, en, before, after, &mm, e) < 0)
		return -1;
	run->q->ignored = c.ignored;
	if (gw_fence_rename(run, en->dn, c.new_rdn, e) < 0)
		return -1;
	if (name_changes(run, before, after) && gw_check_unique(run, gw_unique_path(run), after, id, e) < 0)
		return -1;
	struct gw_step st = {
		.before = en,
		.change = &c,
		.members = group ? &mm : NULL,
		.was_disabled = !active_in(before),
		.post_attrs = group ? gw_version_attrs(run) : map_attrs_post(&run->m, run->map, run->project),
	};
	if (gw_execute(run, &st, e) < 0)
		return -1;
	u->version = map_version(&run->m, st.post ? st.post : en);
	*en_r = group ? NULL : st.post;
	return 0;
}

/* Members alone are not shown, or read afterwards: *en_r stays NULL. */
static int
attempt(struct gw_run *run, struct gw_update *u, const char *id, const struct dir_entry **en_r, struct err *e)
{
	gw_writer_begin(run); /* from here on DNs are looked up */
	return members_alone(run, u) ? attempt_members(run, u, id, e) : attempt_all(run, u, id, en_r, e);
}

static int
attempt_in_turn(struct gw_run *run, struct gw_update *u, const char *id, const struct dir_entry **en_r, struct err *e)
{
	gw_writer_end(run);
	if (gw_turn_take(run, id, e) < 0)
		return -1;
	int rc = attempt(run, u, id, en_r, e);
	gw_turn_end(run);
	return rc;
}

/* A PATCH may be answered with 204 (RFC 7644 3.5.2), and naming every member of a large group for a new displayName
 * would cost more than the change. */
static bool
too_large(const struct gw_run *run, const struct gw_update *u, const struct dir_entry *en)
{
	const char *attr = map_type_options(run->map)->member_attribute;
	const struct dir_attr *at = u->short_answer && attr ? dir_entry_attr(en, attr) : NULL;
	return at && at->n > GW_SHOWN_MEMBERS;
}

int
gw_update(struct gw_run *run, struct gw_update *u, const char *id, struct gw_result *r, struct err *e)
{
	const struct dir_entry *en = NULL;
	for (int i = 1; attempt_in_turn(run, u, id, &en, e) < 0; i++)
		if (gw_retry(run, i, e) < 0)
			return err_cause(e, "%s %s %.64s", u->verb, run->type->name, id);
	if (!u->no_answer && !en && gw_fetch(run, id, map_attrs(&run->m, run->map, run->project, NULL), &en, e) < 0)
		return err_cause(e, "read the %s back", run->type->name);
	if (!u->no_answer && !too_large(run, u, en))
		return gw_show(run, en, r, e);
	*r = (struct gw_result){
		.id = id,
		.location = map_location(&run->m, run->map, id),
		.version = u->version,
	};
	return 0;
}
