/* SPDX-License-Identifier: Apache-2.0
 * From what the directory said of an entry to events, in order: what is taken away first, then the entry, then who
 * comes. See seen.h for the parts. */
#include "dirhinge/dir/blob.h"
#include "dirhinge/dir/dn.h"
#include "sync/ready.h"
#include "sync/tell.h"

static bool
is_resource(enum store_kind k)
{
	return k == STORE_USER || k == STORE_GROUP;
}

/* --- what it is, and when ---------------------------------------------------------------------------------------- */

static int
find_kind(struct seen *s, struct err *e)
{
	if (!s->entry)
		return 0;
	if (s->o->ready) {
		s->dn_key = s->o->ready->dn_key;
		s->map = s->o->ready->map;
		s->kind = s->o->ready->kind;
		s->entry = s->kind ? s->entry : NULL;
		return 0;
	}
	bool same_name = s->was.sync_id && str_eq(s->entry->dn, s->was.dn);
	s->dn_key = same_name ? s->was.dn_key : dir_dn_normal(s->a, s->entry->dn);
	if (!s->dn_key) {
		err_set(e, ERR_INTERNAL, NULL);
		return err_cause(e, "the directory returned a name that cannot be read: %s", s->entry->dn);
	}
	s->kind = sync_kind_of(&s->r->map, s->entry, s->dn_key, &s->map);
	if (s->kind == 0)
		s->entry = NULL;
	return 0;
}

/* Where a directory has no CSNs, changes of an entry are counted. */
static const char *
next_number(struct seen *s)
{
	long long n = 0;
	for (const char *p = s->live && *s->was.csn == '~' ? s->was.csn + 1 : ""; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (*p - '0');
	return arena_printf(s->a, "~%lld", n + 1);
}

/* What an event's id is made of. The directory's CSN, unless that has told of another change already: of one that an
 * overlay made silently, or by a directory that went back. */
static void
find_csn(struct seen *s)
{
	const char *csn = s->o->csn;
	if (!csn && s->entry && dir_entry_attr(s->entry, "entryCSN"))
		csn = dir_entry_first(s->entry, "entryCSN").p;
	int64_t us = csn ? dir_csn_us(csn) : -1;
	s->at_us = us < 0 ? s->r->now_us : us;
	if (!csn) {
		s->state_csn = s->entry ? next_number(s) : s->was.csn;
		s->csn = s->entry ? s->state_csn : arena_printf(s->a, "gone:%s", s->was.csn);
		return;
	}
	s->csn = s->state_csn = csn;
	/* Numbers of changes (Active Directory) are the same or not. */
	bool number = dir_csn_us(s->was.csn) < 0, same_sid = false;
	if (!s->live || !s->told || (number && !str_eq(csn, s->was.csn)))
		return;
	int order = number ? 0 : dir_csn_compare(csn, s->was.csn, &same_sid);
	if (order == 0 && s->entry) {
		s->csn = arena_printf(s->a, "%s@%lld", csn, (long long)s->r->now_us);
		s->at_us = s->r->now_us;
	} else if (order < 0 && same_sid) {
		s->csn = arena_printf(s->a, "%s<%s", csn, s->was.csn);
		s->at_us = s->r->now_us;
	}
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* A refresh without a resume point shows everything, and most of it is as it was. */
static bool
is_same_row(const struct store_state *was, const struct store_state *st)
{
	return was->sync_id && was->kind == st->kind && was->flags == st->flags &&
	       was->incarnation == st->incarnation && str_eq(was->id, st->id) && str_eq(was->dn, st->dn) &&
	       str_eq(was->dn_key, st->dn_key) && str_eq(was->csn, st->csn) && strv_eq(was->entry, st->entry) &&
	       strv_eq(was->resource, st->resource);
}

static int
put_row(struct seen *s, struct err *e)
{
	struct strv blob = s->o->ready ? s->o->ready->blob : (struct strv){0};
	if (!blob.p) {
		buf_reset(&s->m->text);
		dir_blob_write(&s->m->text, s->entry);
		blob = buf_view(&s->m->text);
	}
	const struct store_state st = {
		.sync_id = s->o->sync_id,
		.id = s->id ? s->id : s->o->sync_id,
		.kind = s->kind,
		.flags = s->late    ? STORE_UNTOLD
			 : s->first ? STORE_FIRST
				    : 0,
		.incarnation = s->incarnation,
		.dn = s->entry->dn,
		.dn_key = s->dn_key,
		.csn = s->state_csn,
		.entry = blob,
		.resource = s->text,
	};
	return is_same_row(&s->was, &st) ? 0 : store_tx_state_put(s->tx, &st, e);
}

static int
put_tombstone(struct seen *s, struct err *e)
{
	struct store_state st = s->was;
	st.flags = STORE_TOMBSTONE;
	st.entry = st.resource = (struct strv){0}; /* the store keeps them as long as the removal may be rejected */
	st.csn = s->state_csn;
	return store_tx_state_put(s->tx, &st, e);
}

/* --- subjects ---------------------------------------------------------------------------------------------------- */

/* data: the resource of a group with its members as long as they are few. */
static int
show_group(struct seen *s, const json_t *res, struct subject *sub, struct err *e)
{
	json_t *whole = json_keep(s->a, json_copy((json_t *)(uintptr_t)res));
	if (sync_members_show(s, sub->id, whole, &sub->members_left_out, e) < 0)
		return -1;
	if (!sub->members_left_out)
		sub->data = strv_of(json_text(s->a, whole));
	return 0;
}

static int
subject_now(struct seen *s, struct subject *sub_r, struct err *e)
{
	*sub_r = (struct subject){
		.id = s->id,
		.name = sync_seen_text(s, s->kind == STORE_GROUP ? "displayName" : "userName"),
		.incarnation = s->incarnation,
		.dn_key = s->dn_key,
		.old_dn_key = s->told ? s->was.dn_key : NULL,
		.data = s->text,
	};
	return s->kind == STORE_GROUP ? show_group(s, sync_seen_new(s), sub_r, e) : 0;
}

/* The same for what is told of members: a list of a hundred would be repeated for each of them. */
static struct subject
without_members(const struct seen *s, const struct subject *sub)
{
	struct subject group = *sub;
	group.data = s->text;
	group.members_left_out = true;
	if (!group.old_dn_key)
		group.old_dn_key = group.dn_key;
	return group;
}

/* --- it goes ----------------------------------------------------------------------------------------------------- */

static int
leave(struct seen *s, struct err *e)
{
	bool group = s->was.kind == STORE_GROUP;
	struct subject sub = {
		.id = s->was.id,
		.incarnation = s->was.incarnation,
		.name = sync_stored_name(s->a, &s->was),
		.old_dn_key = s->was.dn_key,
		.data = s->was.resource,
	};
	json_t *res;
	if (sync_members_leave_all(s, e) < 0)
		return -1;
	if (group && (sync_seen_old(s, &res, e) < 0 || show_group(s, res, &sub, e) < 0))
		return -1;
	const struct telling t = {.type = group ? EVENT_GROUP_DELETED : EVENT_USER_DELETED, .subject = &sub};
	if (sync_seen_tell(s, &t, e) < 0)
		return -1;
	return store_tx_member_drop_all(s->tx, s->was.id, e);
}

/* --- it comes ---------------------------------------------------------------------------------------------------- */

static void
remember_late(struct seen *s)
{
	struct memory *m = s->m;
	if (m->n_late == m->cap_late) {
		size_t cap = m->cap_late ? m->cap_late * 2 : 64;
		const char **v = ARENA_ARRAY(m->a, cap, const char *);
		if (m->n_late)
			memcpy(v, m->late, m->n_late * sizeof(*v));
		m->late = v;
		m->cap_late = cap;
	}
	m->late[m->n_late++] = arena_strdup(m->a, s->o->sync_id);
}

static int
write_members(struct seen *s, struct err *e)
{
	struct member_change c;
	bool need_fetch = false;
	if (s->known_members)
		return sync_members_compare(s, &c, &need_fetch, e) < 0 || sync_members_write(s, &c, e) < 0 ? -1 : 0;
	/* Seen before in this first refresh, and changed since. */
	if (s->live && store_tx_member_drop_all(s->tx, s->id, e) < 0)
		return -1;
	return sync_members_write_new(s, e);
}

static int
arrive(struct seen *s, struct err *e)
{
	bool group = s->kind == STORE_GROUP;
	struct subject sub;
	if (group && write_members(s, e) < 0)
		return -1;
	/* Whom it refers to may come behind it; until then nothing is told of it. */
	if (s->o->initial && s->unresolved && !s->known_members) {
		remember_late(s);
		s->late = true;
		return 0;
	}
	s->first = s->o->initial;
	if (s->first)
		return 0;
	if (subject_now(s, &sub, e) < 0)
		return -1;
	const struct telling t = {.type = group ? EVENT_GROUP_CREATED : EVENT_USER_CREATED, .subject = &sub};
	if (sync_seen_tell(s, &t, e) < 0)
		return -1;
	if (group) {
		const struct subject of_members = without_members(s, &sub);
		if (sync_members_tell_new(s, &of_members, e) < 0)
			return -1;
	}
	if (group && s->unresolved && !s->o->reresolve)
		sync_recheck(s->r, s->o->sync_id, false);
	return sync_members_came(s, e) < 0 ? -1 : sync_members_joined(s, e);
}

/* In a first refresh, once its row is there. Whoever refers to it and came before waits for the end. */
static int
arrived_first(struct seen *s, struct err *e)
{
	int64_t row = store_tx_row(s->tx);
	struct subject sub;
	if (s->kind == STORE_USER)
		return sync_seen_tell_first(s, EVENT_USER_CREATED, row, &(const int64_t){0}, 1, e);
	/* A group's members are not in its row. */
	if (subject_now(s, &sub, e) < 0)
		return -1;
	const struct telling t = {.type = EVENT_GROUP_CREATED, .subject = &sub};
	return sync_seen_tell(s, &t, e) < 0 ? -1 : sync_members_tell_first(s, sub.id, row, e);
}

/* --- it changes -------------------------------------------------------------------------------------------------- */

/* What has changed, in the two lists of an event. */
struct changes {
	const char **paths;
	json_t *previous;
	size_t n;
};

static void
set_before(struct seen *s, json_t *previous, const struct scim_change *c)
{
	const struct scim_type *t = map_type(s->map);
	if (!c->before)
		return;
	json_t *value = json_deep_copy(c->before);
	if (!c->attr->parent) {
		scim_resource_set(t, previous, c->attr, value);
		return;
	}
	json_t *top = scim_resource_get(t, previous, c->attr->parent);
	if (!top) {
		top = json_object();
		scim_resource_set(t, previous, c->attr->parent, top);
	}
	json_object_set_new(top, c->attr->name, value);
}

static struct changes
collect(struct seen *s, const struct scim_diff *diff, bool active)
{
	struct changes ch = {.paths = ARENA_ARRAY(s->a, diff->n + 1, const char *)};
	ch.previous = json_keep(s->a, json_object());
	for (size_t i = 0; i < diff->n; i++) {
		const struct scim_change *c = &diff->changes[i];
		if (str_eq(c->attr->path, "active") != active)
			continue;
		ch.paths[ch.n++] = c->attr->path;
		set_before(s, ch.previous, c);
	}
	return ch;
}

/* Between the two events of one change: of the first only "active" is new. Otherwise a reader whose filter names it and
 * something else would find neither before nor after one of them what it asked for, and miss that somebody left. */
static struct subject
between(struct seen *s, const struct subject *after)
{
	static const char *const new[] = {"active", "meta"};
	json_t *res = json_keep(s->a, json_deep_copy(s->old));
	struct subject sub = *after;
	for (size_t i = 0; i < ARRAY_SIZE(new); i++) {
		json_t *v = json_object_get(sync_seen_new(s), new[i]);
		if (v)
			(void)json_object_set(res, new[i], v);
		else
			(void)json_object_del(res, new[i]);
	}
	sub.data = strv_of(json_text(s->a, res));
	sub.name = sync_seen_name(res, true);
	sub.dn_key = sub.old_dn_key;
	return sub;
}

static int
tell_changes(struct seen *s, const struct subject *sub, struct err *e)
{
	struct scim_diff diff = {.n = 0};
	json_t *old;
	if (!strv_eq(s->text, s->was.resource)) {
		if (sync_seen_old(s, &old, e) < 0)
			return -1;
		scim_diff(s->a, map_type(s->map), old, sync_seen_new(s), &diff);
	}
	bool group = s->kind == STORE_GROUP;
	bool enabled = diff.n > 0 && json_is_true(json_object_get(sync_seen_new(s), "active"));
	const struct changes active = collect(s, &diff, true), rest = collect(s, &diff, false);
	const struct subject first = active.n && rest.n ? between(s, sub) : *sub;
	struct telling t = {.subject = &first, .changed = active.paths, .previous = active.previous};
	t.type = enabled ? EVENT_USER_ACTIVATED : EVENT_USER_DEACTIVATED;
	if (active.n && sync_seen_tell(s, &t, e) < 0)
		return -1;
	t.type = group ? EVENT_GROUP_UPDATED : EVENT_USER_UPDATED;
	t.subject = sub;
	t.changed = rest.paths;
	t.previous = rest.previous;
	/* Told to nobody but those whose fence it crosses. */
	t.moved = rest.n + active.n == 0 && !str_eq(s->dn_key, s->was.dn_key);
	return rest.n || t.moved ? sync_seen_tell(s, &t, e) : 0;
}

static int
change(struct seen *s, bool *need_fetch_r, struct err *e)
{
	bool group = s->kind == STORE_GROUP;
	struct member_change c = {0};
	struct subject sub;
	if (group && (sync_members_compare(s, &c, need_fetch_r, e) < 0 || *need_fetch_r))
		return *need_fetch_r ? 0 : -1;
	if (group && sync_members_write(s, &c, e) < 0)
		return -1;
	if (subject_now(s, &sub, e) < 0 || tell_changes(s, &sub, e) < 0)
		return -1;
	if (group) {
		const struct subject of_members = without_members(s, &sub);
		if (sync_members_tell(s, &of_members, &c, e) < 0)
			return -1;
	}
	if (str_eq(s->dn_key, s->was.dn_key))
		return 0;
	return sync_members_moved(s, e) < 0 || sync_members_came(s, e) < 0 ? -1 : 0;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

/* A subtree that is moved in or out is told by its container alone. */
static bool
polled(const struct seen *s)
{
	return s->r->map.caps->flavour->polled;
}

static int
is_gone(struct seen *s, struct err *e)
{
	if (s->told && leave(s, e) < 0)
		return -1;
	s->r->moved |= s->live && s->was.kind == STORE_OTHER && polled(s);
	return s->live ? put_tombstone(s, e) : 0;
}

static int
is_other(struct seen *s, struct err *e)
{
	if (s->told && leave(s, e) < 0)
		return -1;
	bool came = !s->live && !s->o->initial && polled(s) && dir_entry_is_a(s->entry, "organizationalUnit");
	if (came || (s->live && !str_eq(s->dn_key, s->was.dn_key)))
		s->r->moved = true;
	return put_row(s, e);
}

static int
is_there(struct seen *s, bool *need_fetch_r, struct err *e)
{
	if (s->told && s->was.kind != s->kind) {
		if (leave(s, e) < 0)
			return -1;
		s->told = false;
		s->incarnation++;
	}
	if (sync_seen_resource(s, e) < 0)
		return -1;
	if ((s->told ? change(s, need_fetch_r, e) : arrive(s, e)) < 0)
		return -1;
	if (*need_fetch_r)
		return 0;
	return put_row(s, e) < 0 ? -1 : s->first ? arrived_first(s, e) : 0;
}

static int
observe(struct sync_run *r, struct store_tx *tx, const struct observation *o, bool late, bool *need_fetch_r,
	struct err *e)
{
	struct seen s = {.r = r, .tx = tx, .o = o, .a = r->a, .known_members = late};
	*need_fetch_r = false;
	if (sync_memory_ready(r, e) < 0)
		return -1;
	s.m = r->memory;
	int found = store_tx_state(tx, s.a, o->sync_id, &s.was, e);
	if (found < 0)
		return -1;
	if (!found)
		s.was = (struct store_state){.incarnation = 0};
	s.live = found && !(s.was.flags & STORE_TOMBSTONE);
	s.told = s.live && is_resource(s.was.kind) && !(s.was.flags & STORE_UNTOLD);
	int go = sync_seen_entry(&s, need_fetch_r, e);
	if (go <= 0)
		return go;
	if (find_kind(&s, e) < 0)
		return -1;
	find_csn(&s);
	/* A row that nobody was told of keeps its number; what comes back, or becomes a resource, is a new one. */
	bool same = s.live && (s.told || is_resource(s.was.kind) == is_resource(s.kind));
	s.incarnation = s.was.incarnation + (same ? 0 : 1);
	if (!s.entry)
		return is_gone(&s, e);
	return s.kind == STORE_OTHER ? is_other(&s, e) : is_there(&s, need_fetch_r, e);
}

int
sync_observe(struct sync_run *r, struct store_tx *tx, const struct observation *o, bool *need_fetch_r, struct err *e)
{
	if (observe(r, tx, o, false, need_fetch_r, e) == 0)
		return 0;
	return err_cause(e, "observe %s", o->sync_id);
}

static int
tell_late(struct sync_run *r, struct store_tx *tx, const char *sync_id, enum store_kind kind, struct err *e)
{
	struct store_state st;
	const struct dir_entry *en;
	bool need_fetch;
	int found = store_tx_state(tx, r->a, sync_id, &st, e);
	/* Gone again, or told because it came a second time. */
	if (found <= 0 || st.kind != kind || !(st.flags & STORE_UNTOLD))
		return found < 0 ? -1 : 0;
	if (dir_blob_read(r->a, st.entry, &en, e) < 0)
		return -1;
	const struct observation o = {
		.sync_id = sync_id,
		.entry = en,
		.csn = dir_csn_us(st.csn) < 0 ? NULL : st.csn,
		.initial = true,
	};
	return observe(r, tx, &o, true, &need_fetch, e);
}

int
sync_observe_end(struct sync_run *r, struct store_tx *tx, struct err *e)
{
	/* Whoever is in a group is told of before the group. */
	static const enum store_kind kinds[] = {STORE_USER, STORE_GROUP};
	struct memory *m = r->memory;
	struct arena *a = r->a;
	size_t n = m ? m->n_late : 0;
	int rc = 0;
	for (size_t i = 0; i < n * ARRAY_SIZE(kinds) && rc == 0; i++) {
		DH_CLEANUP(arena_free) struct arena *one = arena_new(16384);
		r->a = r->map.a = one;
		rc = tell_late(r, tx, m->late[i % n], kinds[i / n], e);
	}
	r->a = r->map.a = a;
	if (m)
		m->n_late = 0;
	return rc == 0 ? 0 : err_cause(e, "tell of entries that refer to others");
}
