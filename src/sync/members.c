/* SPDX-License-Identifier: Apache-2.0
 * Members of a group: what the directory lists against the rows known, by DN, and what that means by id. */
#include <stdlib.h>

#include "dirhinge/dir/dn.h"
#include "sync/tell.h"

#define SCRATCH 128 /* members between two scratch arenas */

void
sync_member_list_add(struct arena *a, struct member_list *l, const char *dn_key, const char *id)
{
	l->v = ARENA_GROW(a, l->v, l->n, &l->cap, 8);
	l->v[l->n++] = (struct member_row){dn_key ? arena_strdup(a, dn_key) : NULL, id ? arena_strdup(a, id) : NULL};
}

/* NULL for the placeholder and for what is no DN. */
static const char *
key_of(struct arena *a, struct strv dn)
{
	return dn.n ? dir_dn_normal(a, dn.p) : NULL;
}

/* Who has this DN: 1, 0, -1; in a. */
static int
look_up(struct seen *s, struct arena *a, const char *dn_key, struct met *met_r, struct err *e)
{
	struct store_state st;
	/* A group may be its own member; its row is not written yet. */
	if (s->id && str_eq(dn_key, s->dn_key)) {
		const char *name = sync_seen_text(s, "displayName");
		*met_r = (struct met){name, s->dn_key, {s->id, name, false}, 0};
		return 1;
	}
	int found = store_tx_state_by_dn(s->tx, a, dn_key, &st, e);
	if (found <= 0 || (st.kind != STORE_USER && st.kind != STORE_GROUP))
		return found < 0 ? -1 : 0;
	*met_r = (struct met){
		sync_stored_name(a, &st),
		st.dn_key,
		{st.id, sync_stored_text(a, &st, "displayName"), st.kind == STORE_USER},
		st.row,
	};
	return 1;
}

static int
owner(struct seen *s, struct arena *a, const char *dn_key, const char **id_r, struct err *e)
{
	struct met met;
	int found = look_up(s, a, dn_key, &met, e);
	if (found > 0)
		*id_r = met.ref.id;
	return found;
}

/* Kept until the group has been told of, as long as they are not too many. */
static void
meet(struct seen *s, const struct met *met)
{
	if (s->n_met == SEEN_MEMBERS_MET)
		s->met = NULL;
	if (!s->met)
		return;
	s->met[s->n_met++] = (struct met){
		.name = met->name ? arena_strdup(s->a, met->name) : NULL,
		.dn_key = arena_strdup(s->a, met->dn_key),
		.ref = {arena_strdup(s->a, met->ref.id), met->ref.display ? arena_strdup(s->a, met->ref.display) : NULL,
			met->ref.user},
		.row = met->row,
	};
}

static void
meet_row(struct seen *s, int64_t row)
{
	struct member_rows *l = &s->rows_met;
	l->v = ARENA_GROW(s->a, l->v, l->n, &l->cap, 128);
	l->v[l->n++] = row;
}

/* --- comparing: by DN -------------------------------------------------------------------------------------------- */

struct comparing {
	struct seen *s;
	struct member_change *c;
	struct strmap *keys; /* what the directory lists: to one of the marks; NULL: just what the rows say */
	char listed, matched, unlisted; /* marks: their addresses */
	struct member_list again;       /* rows to resolve anew */
	bool waits;                     /* for its second look */
	const char *group;
};

/* A row that is to go, and a member with it. */
static void
lose(struct comparing *cp, const struct store_member *row)
{
	sync_member_list_add(cp->s->a, &cp->c->drop, row->dn_key, row->member_id);
	if (row->member_id)
		sync_member_list_add(cp->s->a, &cp->c->lost, row->dn_key, row->member_id);
}

static int
put_resolved(struct comparing *cp, struct arena *scratch, const char *dn_key, struct err *e)
{
	const char *id = NULL;
	if (owner(cp->s, scratch, dn_key, &id, e) < 0)
		return -1;
	sync_member_list_add(cp->s->a, &cp->c->put, dn_key, id);
	if (id)
		sync_member_list_add(cp->s->a, &cp->c->gained, dn_key, id);
	cp->c->unresolved |= !id && map_may_hold(&cp->s->r->map, dn_key);
	return 0;
}

static int
on_row(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct comparing *cp = ctx;
	const struct seen *s = cp->s;
	struct strv key = strv_of(row->dn_key);
	const char *mark = cp->keys ? strmap_get(cp->keys, key) : &cp->listed;
	if (!mark || mark == &cp->unlisted) {
		lose(cp, row);
		return 0;
	}
	if (cp->keys)
		strmap_put(cp->keys, key, &cp->matched);
	if (s->o->reresolve || s->known_members || !row->member_id)
		sync_member_list_add(s->a, &cp->again, row->dn_key, row->member_id);
	return 0;
}

static int
resolve_again(struct comparing *cp, struct arena *scratch, const struct member_row *row, struct err *e)
{
	const char *id = NULL;
	struct arena *a = cp->s->a;
	if (owner(cp->s, scratch, row->dn_key, &id, e) < 0)
		return -1;
	cp->c->unresolved |= !id && !row->id && cp->waits && map_may_hold(&cp->s->r->map, row->dn_key);
	if (str_eq(id, row->id))
		return 0;
	sync_member_list_add(a, &cp->c->put, row->dn_key, id);
	if (row->id)
		sync_member_list_add(a, &cp->c->lost, row->dn_key, row->id);
	if (id)
		sync_member_list_add(a, &cp->c->gained, row->dn_key, id);
	return 0;
}

static int
compare_list(struct comparing *cp, struct err *e)
{
	struct strv key;
	void *mark;
	if (store_tx_members(cp->s->tx, cp->group, on_row, cp, e) < 0)
		return -1;
	size_t n = cp->keys ? strmap_count(cp->keys) : 0;
	/* Whoever is missing may be there by a name that was unknown when the group was read last. */
	if (!cp->s->o->reresolve && !cp->s->known_members && cp->c->lost.n == 0)
		cp->again.n = 0;
	for (size_t i = 0; i < n || i < cp->again.n;) {
		DH_CLEANUP(arena_free) struct arena *scratch = arena_new(16384);
		for (size_t k = 0; k < SCRATCH; k++, i++) {
			if (i < cp->again.n && resolve_again(cp, scratch, &cp->again.v[i], e) < 0)
				return -1;
			if (cp->keys && strmap_at(cp->keys, i, &key, &mark) && mark == &cp->listed &&
			    put_resolved(cp, scratch, key.p, e) < 0)
				return -1;
		}
	}
	return 0;
}

static void
list_values(struct comparing *cp, const struct strv *values, size_t n, char *mark)
{
	for (size_t i = 0; i < n;) {
		DH_CLEANUP(arena_free) struct arena *scratch = arena_new(16384);
		for (size_t k = 0; k < SCRATCH && i < n; k++, i++) {
			const char *key = key_of(scratch, values[i]);
			if (key)
				strmap_put(cp->keys, strv_of(key), mark);
		}
	}
}

/* --- operations of the history ----------------------------------------------------------------------------------- */

struct finding_row {
	const char *group, *dn_key;
	struct arena *a;
	const char *found_key, *found_id;
	bool found;
};

static int
on_same_group(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct finding_row *f = ctx;
	if (!str_eq(row->group, f->group))
		return 0;
	f->found = true;
	f->found_key = arena_strdup(f->a, row->dn_key);
	f->found_id = row->member_id ? arena_strdup(f->a, row->member_id) : NULL;
	return 1;
}

/* The row of the member with this DN, under that name or a former one. */
static int
find_row(struct comparing *cp, const char *dn_key, struct finding_row *f, struct err *e)
{
	struct seen *s = cp->s;
	const char *id;
	*f = (struct finding_row){.group = cp->group, .dn_key = dn_key, .a = s->a};
	if (store_tx_members_of_dn(s->tx, dn_key, on_same_group, f, e) < 0)
		return -1;
	if (f->found)
		return 1;
	int known = owner(s, s->a, dn_key, &id, e);
	if (known <= 0)
		return known;
	if (store_tx_members_of_id(s->tx, id, on_same_group, f, e) < 0)
		return -1;
	return f->found;
}

static bool
in_list(const struct member_list *l, const char *dn_key)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].dn_key, dn_key))
			return true;
	return false;
}

static int
one_value(struct comparing *cp, enum dir_mod_op op, struct strv dn, bool *need_fetch_r, struct err *e)
{
	struct finding_row f;
	const char *key = key_of(cp->s->a, dn);
	if (!key)
		return 0;
	int found = find_row(cp, key, &f, e);
	if (found < 0)
		return -1;
	if (op == DIR_MOD_DELETE) {
		if (found)
			lose(cp, &(struct store_member){.dn_key = f.found_key, .member_id = f.found_id});
		else
			*need_fetch_r = true;
		return 0;
	}
	/* Under its former name it is about to be read again; under this one it is there, unless it has just gone. */
	if (found && str_eq(f.found_key, key) && !in_list(&cp->c->drop, key))
		return 0;
	return put_resolved(cp, cp->s->a, key, e);
}

static int
on_listed(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct comparing *cp = ctx;
	strmap_put(cp->keys, strv_of(row->dn_key), &cp->listed);
	return 0;
}

/* Replaced or deleted as a whole: the list is made from the rows, and compared. */
static int
compare_whole(struct comparing *cp, struct err *e)
{
	struct seen *s = cp->s;
	struct strv key;
	void *mark;
	cp->keys = strmap_new(s->a, false);
	if (store_tx_members(s->tx, cp->group, on_listed, cp, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_member_ops; i++) {
		const struct dir_mod *mod = s->member_ops[i];
		if (mod->op == DIR_MOD_REPLACE || (mod->op == DIR_MOD_DELETE && mod->n == 0))
			for (size_t k = 0; strmap_at(cp->keys, k, &key, &mark); k++)
				strmap_put(cp->keys, key, &cp->unlisted);
		list_values(cp, mod->values, mod->n, mod->op == DIR_MOD_DELETE ? &cp->unlisted : &cp->listed);
	}
	return compare_list(cp, e);
}

static int
compare_ops(struct comparing *cp, bool *need_fetch_r, struct err *e)
{
	struct seen *s = cp->s;
	for (size_t i = 0; i < s->n_member_ops; i++)
		if (s->member_ops[i]->op == DIR_MOD_REPLACE || s->member_ops[i]->n == 0)
			return compare_whole(cp, e);
	for (size_t i = 0; i < s->n_member_ops; i++)
		for (size_t k = 0; k < s->member_ops[i]->n; k++)
			if (one_value(cp, s->member_ops[i]->op, s->member_ops[i]->values[k], need_fetch_r, e) < 0)
				return -1;
	return 0;
}

/* --- by id ------------------------------------------------------------------------------------------------------- */

struct surviving {
	const char *group;
	const struct strmap *touched; /* keys of rows that go or change */
	bool yes;
};

static int
on_surviving(void *ctx, const struct store_member *row, struct err *e DH_UNUSED)
{
	struct surviving *sv = ctx;
	sv->yes = str_eq(row->group, sv->group) && !strmap_get(sv->touched, strv_of(row->dn_key));
	return sv->yes;
}

static struct strmap *
ids_of(struct comparing *cp, const struct member_list *l)
{
	struct strmap *ids = strmap_new(cp->s->a, false);
	for (size_t i = 0; i < l->n; i++)
		strmap_put(ids, strv_of(l->v[i].id), &cp->listed);
	return ids;
}

/* Takes out whom the other list has as well, whoever is a member by another row, and doubles. */
static int
settle(struct comparing *cp, struct member_list *l, const struct strmap *other, const struct strmap *touched,
       struct err *e)
{
	struct strmap *own = ids_of(cp, l);
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct surviving sv = {.group = cp->group, .touched = touched};
		struct strv id = strv_of(l->v[i].id);
		if (strmap_get(own, id) == &cp->matched || strmap_get(other, id))
			continue;
		strmap_put(own, id, &cp->matched);
		if (store_tx_members_of_id(cp->s->tx, id.p, on_surviving, &sv, e) < 0)
			return -1;
		if (!sv.yes)
			l->v[n++] = l->v[i];
	}
	l->n = n;
	return 0;
}

static int
by_id(struct comparing *cp, struct err *e)
{
	struct member_change *c = cp->c;
	struct strmap *touched = strmap_new(cp->s->a, false);
	const struct member_list *rows[] = {&c->drop, &c->put};
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		for (size_t i = 0; i < rows[k]->n; i++)
			strmap_put(touched, strv_of(rows[k]->v[i].dn_key), cp);
	const struct strmap *lost = ids_of(cp, &c->lost), *gained = ids_of(cp, &c->gained);
	return settle(cp, &c->lost, gained, touched, e) < 0 || settle(cp, &c->gained, lost, touched, e) < 0 ? -1 : 0;
}

/* Somebody's name is missing and an unknown one is there: it may be one person whose new name is not known yet. The
 * rows stay until the group has been read again. A name that is there and nobody's any more is no such case. */
static void
keep_lost(struct comparing *cp)
{
	struct member_change *c = cp->c;
	struct strmap *missing = strmap_new(cp->s->a, false);
	size_t n = 0, told = 0;
	for (size_t i = 0; i < c->drop.n; i++) {
		strmap_put(missing, strv_of(c->drop.v[i].dn_key), cp);
		if (!c->drop.v[i].id)
			c->drop.v[n++] = c->drop.v[i];
	}
	for (size_t i = 0; i < c->lost.n; i++)
		if (!strmap_get(missing, strv_of(c->lost.v[i].dn_key)))
			c->lost.v[told++] = c->lost.v[i];
	c->drop.n = n;
	c->lost.n = told;
}

int
sync_members_compare(struct seen *s, struct member_change *c, bool *need_fetch_r, struct err *e)
{
	struct comparing cp = {.s = s, .c = c, .group = s->id};
	int rc;
	cp.waits = !s->o->reresolve && sync_rechecks(s->r, s->o->sync_id);
	*c = (struct member_change){0};
	if (s->all_members) {
		cp.keys = strmap_new(s->a, false);
		if (s->apart.members)
			list_values(&cp, s->apart.members->values, s->apart.members->n, &cp.listed);
		rc = compare_list(&cp, e);
	} else if (s->known_members || s->o->reresolve) {
		rc = compare_list(&cp, e);
	} else {
		rc = compare_ops(&cp, need_fetch_r, e);
	}
	if (rc < 0 || *need_fetch_r || (c->put.n == 0 && c->drop.n == 0))
		return rc;
	if (by_id(&cp, e) < 0)
		return -1;
	if (!c->unresolved || s->known_members)
		return 0;
	/* An overlay may put another name in its place before the entry of that name is known; in a second look, too,
	 * which sees what the directory holds now and the feed has still to tell. A name is new only once. */
	sync_recheck(s->r, s->o->sync_id, false);
	if (c->lost.n)
		keep_lost(&cp);
	return 0;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

int
sync_members_write(struct seen *s, const struct member_change *c, struct err *e)
{
	const char *group = s->id;
	for (size_t i = 0; i < c->drop.n; i++)
		if (store_tx_member_drop(s->tx, group, c->drop.v[i].dn_key, e) < 0)
			return -1;
	for (size_t i = 0; i < c->put.n; i++) {
		const struct store_member row = {group, c->put.v[i].dn_key, c->put.v[i].id};
		if (store_tx_member_put(s->tx, &row, e) < 0)
			return -1;
	}
	return 0;
}

int
sync_members_write_new(struct seen *s, struct err *e)
{
	const char *group = s->id;
	size_t n = s->apart.members ? s->apart.members->n : 0;
	s->met = ARENA_ARRAY(s->a, n < SEEN_MEMBERS_MET ? n + 1 : SEEN_MEMBERS_MET, struct met);
	for (size_t i = 0; i < n;) {
		DH_CLEANUP(arena_free) struct arena *scratch = arena_new(16384);
		struct store_member rows[SCRATCH];
		size_t n_rows = 0;
		for (size_t k = 0; k < SCRATCH && i < n; k++, i++) {
			struct store_member row = {group, key_of(scratch, s->apart.members->values[i]), NULL};
			if (!row.dn_key)
				continue;
			struct met met;
			int found = look_up(s, scratch, row.dn_key, &met, e);
			if (found < 0)
				return -1;
			if (found > 0) {
				row.member_id = met.ref.id;
				meet(s, &met);
				meet_row(s, met.row);
			}
			rows[n_rows++] = row;
			s->unresolved |= !found && map_may_hold(&s->r->map, row.dn_key);
		}
		if (store_tx_member_put_many(s->tx, rows, n_rows, e) < 0)
			return -1;
	}
	return 0;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static int
tell_met(struct seen *s, const struct subject *group, enum event_type type, const struct met *met, struct err *e)
{
	const struct told_member m = {met->ref.id, met->ref.user ? "User" : "Group", met->name, met->dn_key};
	return sync_seen_tell(s, &(struct telling){.type = type, .subject = group, .member = &m}, e);
}

static int
tell_one(struct seen *s, const struct subject *group, enum event_type type, const char *id, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *scratch = arena_new(4096);
	struct met met = {.ref = {.id = id, .user = true}};
	struct store_state st;
	if (str_eq(id, group->id)) {
		met.name = group->name;
		met.dn_key = group->dn_key;
		met.ref.user = false;
		return tell_met(s, group, type, &met, e);
	}
	int found = store_tx_state_by_id(s->tx, scratch, id, &st, e);
	if (found < 0)
		return -1;
	if (found) {
		met.name = sync_stored_name(scratch, &st);
		met.dn_key = st.dn_key;
		met.ref.user = st.kind == STORE_USER;
	}
	return tell_met(s, group, type, &met, e);
}

int
sync_members_tell(struct seen *s, const struct subject *group, const struct member_change *c, struct err *e)
{
	for (size_t i = 0; i < c->lost.n; i++)
		if (tell_one(s, group, EVENT_USER_REMOVED, c->lost.v[i].id, e) < 0)
			return -1;
	for (size_t i = 0; i < c->gained.n; i++)
		if (tell_one(s, group, EVENT_USER_ADDED, c->gained.v[i].id, e) < 0)
			return -1;
	return 0;
}

struct telling_all {
	struct seen *s;
	const struct subject *group;
};

static int
on_new_member(void *ctx, const struct store_member *row, struct err *e)
{
	struct telling_all *t = ctx;
	return row->member_id ? tell_one(t->s, t->group, EVENT_USER_ADDED, row->member_id, e) : 0;
}

int
sync_members_tell_new(struct seen *s, const struct subject *group, struct err *e)
{
	struct telling_all t = {s, group};
	for (size_t i = 0; s->met && i < s->n_met; i++)
		if (tell_met(s, group, EVENT_USER_ADDED, &s->met[i], e) < 0)
			return -1;
	if (s->met)
		return 0;
	return store_tx_members(s->tx, group->id, on_new_member, &t, e);
}

/* --- the first refresh: from rows -------------------------------------------------------------------------------- */

static int
on_first_member(void *ctx, const struct store_member *m, struct err *e)
{
	struct seen *s = ctx;
	DH_CLEANUP(arena_free) struct arena *scratch = arena_new(4096);
	struct store_state st = {.row = 0};
	if (!m->member_id)
		return 0;
	int found = store_tx_state_by_id(s->tx, scratch, m->member_id, &st, e);
	if (found > 0)
		meet_row(s, st.row);
	return found < 0 ? -1 : 0;
}

static int
by_number(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return (a > b) - (a < b);
}

int
sync_members_tell_first(struct seen *s, const char *group, int64_t row, struct err *e)
{
	struct member_rows *l = &s->rows_met;
	/* Told late: by the rows, which have been resolved since. */
	if (s->known_members && store_tx_members(s->tx, group, on_first_member, s, e) < 0)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		l->v[i] = l->v[i] ? l->v[i] : row;
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_number);
	/* Somebody may be listed under two spellings of one name. */
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || l->v[i] != l->v[n - 1])
			l->v[n++] = l->v[i];
	l->n = n;
	return sync_seen_tell_first(s, EVENT_USER_ADDED, row, l->v, n, e);
}
