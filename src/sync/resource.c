/* SPDX-License-Identifier: Apache-2.0
 * The entry after what was observed, and the resource that it shows. */
#include "sync/ready.h"

#include "dirhinge/dir/blob.h"
#include "dirhinge/dir/dn.h"

#define TEXT_MAX ((size_t)16 << 20)

/* What directories use to sort entries into; a class that a directory does not know matches nothing there. */
const char *const sync_containers[] = {"organizationalUnit", "organization", "domain",
				       "dcObject",           "locality",     "country",
				       "container",          "nsContainer",  NULL};

/* --- what outlives an observation -------------------------------------------------------------------------------- */

static void
keep_attr(struct memory *m, const struct dir_caps *caps, const char *attr)
{
	const struct dir_attr_type *at = dir_subschema_attr(caps->schema, attr);
	strmap_put(m->attrs, strv_of(attr), m);
	/* The history has the schema's first name, whatever the map calls it. */
	if (at)
		strmap_put(m->attrs, strv_of(at->name), m);
}

int
sync_memory_ready(struct sync_run *r, struct err *e DH_UNUSED)
{
	if (r->memory && r->memory->set == r->map.set)
		return 0;
	sync_run_done(r);
	struct arena *a = arena_new(16384);
	struct memory *m = ARENA_NEW(a, struct memory);
	struct map_run run = r->map;
	run.a = a;
	*m = (struct memory){.a = a,
			     .set = run.set,
			     .attrs = strmap_new(a, true),
			     .text = BUF_INIT(TEXT_MAX),
			     .resource = BUF_INIT(TEXT_MAX)};
	m->groups = run.caps->flavour->member_of;
	m->member = map_type_options(run.set->groups)->member_attribute;
	const struct map *both[] = {run.set->users, run.set->groups};
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		for (const char *const *attr = map_attrs_change_names(both[i]); *attr; attr++)
			keep_attr(m, run.caps, *attr);
	r->memory = m;
	return 0;
}

void
sync_run_done(struct sync_run *r)
{
	struct memory *m = r->memory;
	if (!m)
		return;
	r->memory = NULL;
	buf_done(&m->text);
	buf_done(&m->resource);
	struct arena *a = m->a;
	arena_free(&a);
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

/* How the change stands to what is known: < 0 older, 0 the same, > 0 newer. */
static int
age(const struct seen *s, bool *same_sid_r)
{
	*same_sid_r = true;
	if (!s->o->csn || !s->was.sync_id || dir_csn_us(s->was.csn) < 0)
		return 1;

	int order = dir_csn_compare(s->o->csn, s->was.csn, same_sid_r);

	/* A clock that ran ahead and was set right: what comes after it is newer all the same (reliability.md F-28). */
	if (order < 0 && dir_csn_us(s->was.csn) > s->r->now_us + CSN_AHEAD_US)
		return 1;
	return order;
}

/* The operation without what is not mapped and without members. */
static struct dir_op
kept_op(struct seen *s)
{
	struct dir_op op = *s->o->op;
	size_t n = op.mods ? op.mods->n : 0, n_members = 0;
	struct dir_mods *mods = ARENA_NEW(s->a, struct dir_mods);
	const struct dir_mod **members = ARENA_ARRAY(s->a, n + 1, const struct dir_mod *);
	*mods = (struct dir_mods){.a = s->a, .mods = ARENA_ARRAY(s->a, n + 1, struct dir_mod), .cap = n + 1};
	for (size_t i = 0; i < n; i++) {
		const struct dir_mod *mod = &op.mods->mods[i];
		if (str_caseeq(mod->attr, s->m->member))
			members[n_members++] = mod;
		else if (sync_memory_keeps(s->m, mod->attr))
			mods->mods[mods->n++] = *mod;
	}
	s->member_ops = members;
	s->n_member_ops = n_members;
	op.mods = mods;
	return op;
}

static int
apply(struct seen *s, bool *need_fetch_r, struct err *e)
{
	const struct dir_entry *before;
	if (dir_blob_read(s->a, s->was.entry, &before, e) < 0)
		return err_cause(e, "last known state of %s", s->was.dn);
	struct dir_op op = kept_op(s);
	if (dir_op_apply(s->a, s->r->map.caps->schema, before, &op, &s->entry, e) == 0)
		return 1;
	if (e->code != ERR_CONFLICT)
		return -1;
	err_clear(e);
	*need_fetch_r = true;
	return 0;
}

static int
after_op(struct seen *s, bool *need_fetch_r, struct err *e)
{
	const struct dir_op *op = s->o->op;
	bool same_sid;
	int how = age(s, &same_sid);
	/* Known already: the entry was read after this operation. */
	if (same_sid && how <= 0)
		return 0;
	switch (op->kind) {
	case DIR_OP_ADD:
		s->entry = sync_kept_of(s->a, s->m, op->added, false, &s->apart);
		s->all_members = true;
		return 1;
	case DIR_OP_DELETE:
		return s->live;
	case DIR_OP_MODIFY:
	case DIR_OP_RENAME:
		/* Concurrent changes on two servers: only the directory knows what became of them. */
		if (s->live && how > 0)
			return apply(s, need_fetch_r, e);
		*need_fetch_r = true;
		return 0;
	}
	return 0;
}

int
sync_seen_entry(struct seen *s, bool *need_fetch_r, struct err *e)
{
	bool same_sid;
	if (s->o->op)
		return after_op(s, need_fetch_r, e);
	if (!s->o->entry)
		return s->live;
	/* A message that was on its way while the entry was read; but a directory that went back is to be followed. */
	if (!s->o->coalesced && age(s, &same_sid) < 0 && same_sid)
		return 0;
	if (s->o->ready) {
		s->entry = s->o->ready->entry;
		s->apart = s->o->ready->apart;
	} else {
		s->entry = sync_kept_of(s->a, s->m, s->o->entry, true, &s->apart);
	}
	s->all_members = !s->known_members;
	return 1;
}

/* --- resources --------------------------------------------------------------------------------------------------- */

struct referring {
	struct seen *s;
	struct member_list refs;
};

static int
on_ref(void *ctx, const char *dn_key, struct map_ref *ref_r, struct err *e)
{
	struct referring *rf = ctx;
	int found = sync_members_ref(rf->s, dn_key, ref_r, e);
	if (found < 0)
		return -1;
	sync_member_list_add(rf->s->a, &rf->refs, dn_key, found ? ref_r->id : NULL);
	rf->s->unresolved |= !found && map_may_hold(&rf->s->r->map, dn_key);
	return found;
}

const char *
sync_seen_text(const struct seen *s, const char *name)
{
	const struct scim_attr *attr = scim_type_attr(map_type(s->map), STRV(""), strv_of(name));
	const struct scim_scalar *value = attr ? scim_view_get(s->view, attr) : NULL;
	return value && value->type == JSON_STRING ? arena_strndup(s->a, value->text.p, value->text.n) : NULL;
}

static int
make_view(struct seen *s, struct err *e)
{
	if (s->o->ready) {
		s->view = s->o->ready->view;
		s->refs = s->o->ready->refs;
		return 0;
	}
	s->refs = map_refs_new(&s->r->map);
	return map_to_scim(&s->r->map, s->map, s->entry, s->refs, &s->view, e);
}

int
sync_seen_resource(struct seen *s, struct err *e)
{
	struct referring rf = {.s = s};
	if (make_view(s, e) < 0)
		return -1;
	s->id = sync_seen_text(s, "id");
	if (map_refs_resolve_by(&s->r->map, s->refs, on_ref, &rf, e) < 0)
		return -1;
	if (s->o->ready && s->o->ready->text.p) {
		s->text = s->o->ready->text;
	} else {
		buf_reset(&s->m->resource);
		scim_view_print(&s->m->resource, s->view, NULL);
		s->text = buf_view(&s->m->resource);
	}
	/* The rows of a group are its members. */
	return s->kind == STORE_USER && (s->live || rf.refs.n) ? sync_members_refer(s, &rf.refs, e) : 0;
}

int
sync_seen_old(struct seen *s, json_t **res_r, struct err *e)
{
	const struct json_limits limits = {.max_bytes = TEXT_MAX};
	if (!s->old && s->was.resource.n > 0 && json_parse(s->a, s->was.resource, &limits, &s->old, e) < 0)
		return err_cause(e, "last known state of %s", s->was.dn);
	*res_r = s->old;
	return 0;
}

json_t *
sync_seen_new(struct seen *s)
{
	if (!s->new)
		s->new = json_keep(s->a, scim_view_tree(s->view));
	return s->new;
}

/* Where the string that begins at i ends. */
static size_t
string_end(struct strv text, size_t i)
{
	for (i++; i < text.n && text.p[i] != '"'; i++)
		if (text.p[i] == '\\')
			i++;
	return i;
}

static const char *
string_value(struct arena *a, struct strv quoted)
{
	if (!memchr(quoted.p, '\\', quoted.n))
		return arena_strndup(a, quoted.p + 1, quoted.n - 2);
	json_t *list;
	const char *array = arena_printf(a, "[%.*s]", (int)quoted.n, quoted.p);
	if (json_parse(a, strv_of(array), &(struct json_limits){.max_bytes = TEXT_MAX}, &list, NULL) < 0)
		return NULL;
	return json_string_value(json_array_get(list, 0));
}

const char *
sync_stored_text(struct arena *a, const struct store_state *st, const char *key)
{
	struct strv t = st->resource, wanted = strv_of(key);
	int depth = 0;
	for (size_t i = 0; i < t.n; i++) {
		depth += (t.p[i] == '{' || t.p[i] == '[') - (t.p[i] == '}' || t.p[i] == ']');
		if (t.p[i] != '"')
			continue;
		size_t end = string_end(t, i);
		/* Only a key has a colon behind it. */
		bool here = depth == 1 && end + 2 < t.n && t.p[end + 1] == ':' && t.p[end + 2] == '"' &&
			    strv_eq(strv_n(t.p + i + 1, end - i - 1), wanted);
		i = end;
		if (!here)
			continue;
		size_t last = string_end(t, end + 2);
		return last < t.n ? string_value(a, strv_n(t.p + end + 2, last - end - 1)) : NULL;
	}
	return NULL;
}

const char *
sync_stored_name(struct arena *a, const struct store_state *st)
{
	return sync_stored_text(a, st, st->kind == STORE_USER ? "userName" : "displayName");
}

const char *
sync_seen_name(const json_t *res, bool user)
{
	return json_string_value(json_object_get(res, user ? "userName" : "displayName"));
}
