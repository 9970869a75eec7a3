/* SPDX-License-Identifier: Apache-2.0
 * Builds the maps for what one directory can hold. */
#include "map/active.h"
#include "map/derive.h"
#include "map/schemas.h"
#include "map/typed.h"

#include "dirhinge/base/buf.h"

struct load {
	struct arena *a;
	const struct dir_caps *caps;
	struct map *m;
	const struct scim_type *full;
	struct map_rows rows; /* after drop_rows: what the directory can hold */
	struct strmap *keep;  /* SCIM paths with a home */
};

/* --- resource types ---------------------------------------------------------------------------------------------- */

enum { BUILT_IN = 3 };

static int
load_docs(struct arena *a, const json_t **docs, struct err *e)
{
	static const char *const names[BUILT_IN] = {"schema/scim/user.json", "schema/scim/enterprise.json",
						    "schema/scim/group.json"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct strv text;
		json_t *doc;
		must(map_asset(names[i], &text));
		if (json_parse(a, text, NULL, &doc, e) < 0)
			return err_cause(e, "%s", names[i]);
		docs[i] = doc;
	}
	return 0;
}

/* own: the extensions of the operator. */
static int
build_type(struct arena *a, bool users, const struct map_schemas *own, scim_keep_fn keep, void *ctx,
	   const struct scim_type **t_r, struct err *e)
{
	const json_t **docs = ARENA_ARRAY(a, BUILT_IN + own->n, const json_t *);
	const char **urns = ARENA_ARRAY(a, own->n + 1, const char *);
	struct scim_type_spec spec = {
		.name = users ? "User" : "Group",
		.endpoint = users ? "/Users" : "/Groups",
		.description = users ? "User account" : "Group",
		.core_urn = users ? SCIM_URN_USER : SCIM_URN_GROUP,
		.extension_urns = urns,
	};
	if (load_docs(a, docs, e) < 0)
		return -1;
	if (users)
		urns[spec.n_extensions++] = SCIM_URN_ENTERPRISE;
	for (size_t i = 0; i < own->n; i++) {
		docs[BUILT_IN + i] = own->docs[i];
		urns[spec.n_extensions++] = own->urns[i];
	}
	return scim_type_build(a, &spec, docs, BUILT_IN + own->n, keep, ctx, t_r, e);
}

/* --- rows that this directory can hold --------------------------------------------------------------------------- */

static bool
class_allows(const struct load *l, const char *oc, const char *attr)
{
	const struct dir_subschema *s = l->caps->schema;
	return dir_subschema_must(s, oc, attr) || dir_subschema_may(s, oc, attr);
}

static bool
any_class_allows(const struct load *l, const char *attr)
{
	for (const char *const *oc = l->m->opts->object_classes; *oc; oc++)
		if (class_allows(l, *oc, attr))
			return true;
	return l->m->aux_class && class_allows(l, l->m->aux_class, attr);
}

static bool
row_available(const struct load *l, struct map_row *row)
{
	struct strv base = map_attr_base(row->ldap);
	const char *name = arena_strndup(l->a, base.p, base.n);
	row->at = dir_subschema_attr(l->caps->schema, name);
	if (!row->at || row->at->no_user_mod)
		return false;
	return any_class_allows(l, row->at->name);
}

static bool
is_mapped(const struct load *l, const char *ldap)
{
	for (size_t i = 0; i < l->rows.n; i++)
		if (str_caseeq(l->rows.v[i]->ldap, ldap) && !l->rows.v[i]->arg)
			return true;
	return false;
}

/* A derived attribute that the directory does not know, or that the operator has mapped, is left out: its row has no
 * type then. */
static void
drop_derived(struct load *l)
{
	for (size_t i = 0; i < l->rows.n_derived; i++) {
		struct map_row *row = &l->rows.derived[i].row;
		if (!row_available(l, row) || is_mapped(l, row->ldap))
			row->at = NULL;
		row->chars = map_charset_of(row->at);
		row->names = row->at && str_caseeq(row->ldap, l->m->opts->rdn);
		row->required = row->names;
	}
}

static int
drop_rows(struct load *l, struct err *e)
{
	size_t kept = 0;
	drop_derived(l);
	for (size_t i = 0; i < l->rows.n; i++) {
		struct map_row *row = l->rows.v[i];
		if (!row_available(l, row)) {
			if (row->codec->role == ROW_MEMBER)
				return err_set(e, ERR_CONFIG,
					       "groups.member_attribute: the directory has no %s in the configured "
					       "object classes",
					       row->ldap);
			row->at = NULL;
			continue;
		}
		/* An alias (surname for sn) must not get round the deny list. */
		if (row->codec->role != ROW_MEMBER && map_denied(strv_of(row->at->name)))
			return err_set(e, ERR_CONFIG, "%s: %s must not be mapped (it is %s)", row->path, row->ldap,
				       row->at->name);
		if (row->codec->role == ROW_VALUE && map_typed_check(row, e) < 0)
			return -1;
		row->chars = map_charset_of(row->at);
		row->fraction = l->caps->flavour->time_fraction;
		l->rows.v[kept++] = row;
	}
	l->rows.n = kept;
	return 0;
}

/* --- the SCIM attributes that have a home ------------------------------------------------------------------------ */

static void
keep_path(struct load *l, const char *path)
{
	strmap_put(l->keep, strv_of(path), l->keep);
}

static void
keep_sub(struct load *l, const struct scim_attr *attr, const char *sub)
{
	const struct scim_attr *s = scim_attr_sub(attr, strv_of(sub));
	if (s)
		keep_path(l, s->path);
}

static void
keep_subs(struct load *l, const struct scim_attr *attr)
{
	for (size_t i = 0; i < attr->n_subs; i++)
		keep_path(l, attr->subs[i].path);
}

static void
keep_own(struct load *l, const char *name)
{
	const struct scim_attr *attr = scim_type_attr(l->full, STRV(""), strv_of(name));
	if (!attr)
		return;
	keep_path(l, attr->path);
	keep_subs(l, attr);
}

static void
collect_keep(struct load *l)
{
	l->keep = strmap_new(l->a, false);
	if (l->m->users) {
		keep_own(l, "active");
		keep_own(l, "groups");
		if (l->caps->password_modify)
			keep_own(l, "password");
	}
	for (size_t i = 0; i < l->rows.n; i++) {
		const struct map_row *row = l->rows.v[i];
		if (row->codec->role == ROW_VALUE || row->codec->role == ROW_CLIENT)
			keep_path(l, row->leaf->path);
		else
			keep_subs(l, row->attr);
		if (row->slot && row->type)
			keep_sub(l, row->attr, "type");
	}
}

static bool
is_kept(void *ctx, const char *path)
{
	const struct load *l = ctx;
	return strmap_get(l->keep, strv_of(path)) != NULL;
}

/* A lost sub-attribute is named only if its attribute is not lost as a whole. */
static size_t
list_lost(const struct load *l, const struct scim_schema *s, const char **lost, size_t n)
{
	for (size_t i = 0; i < s->n_attrs; i++) {
		const struct scim_attr *attr = &s->attrs[i];
		size_t kept = 0, from = n;
		for (size_t k = 0; k < attr->n_subs; k++) {
			if (strmap_get(l->keep, strv_of(attr->subs[k].path)))
				kept++;
			else
				lost[n++] = attr->subs[k].path;
		}
		if (kept == 0 && !strmap_get(l->keep, strv_of(attr->path))) {
			n = from;
			lost[n++] = attr->path;
		}
	}
	return n;
}

static const char *const *
lost_paths(const struct load *l)
{
	size_t max = 2;
	for (size_t i = 0; i <= l->full->n_extensions; i++) {
		const struct scim_schema *s = i ? l->full->extensions[i - 1] : l->full->core;
		for (size_t k = 0; k < s->n_attrs; k++)
			max += 1 + s->attrs[k].n_subs;
	}
	const char **lost = ARENA_ARRAY(l->a, max, const char *);
	size_t n = 0;
	if (!strmap_get(l->keep, STRV("externalId")))
		lost[n++] = "externalId";
	n = list_lost(l, l->full->core, lost, n);
	for (size_t i = 0; i < l->full->n_extensions; i++)
		n = list_lost(l, l->full->extensions[i], lost, n);
	return lost;
}

/* --- checks that need all rows ----------------------------------------------------------------------------------- */

static bool
row_fills(const struct map *m, const struct map_row *row, const char *ldap)
{
	return str_caseeq(row->at->name, ldap) || str_caseeq(row->ldap, ldap) ||
	       dir_subschema_attr(m->caps->schema, ldap) == row->at;
}

/* By the directory itself, or by what is made from other attributes. */
static bool
filled_otherwise(struct load *l, const char *ldap)
{
	const char *const *own = l->caps->flavour->server_fills;
	bool filled = str_caseeq(ldap, "objectClass");
	for (; own && *own; own++)
		filled |= str_caseeq(ldap, *own);
	for (size_t i = 0; i < l->rows.n_derived; i++) {
		struct map_row *row = &l->rows.derived[i].row;
		if (row->at && row_fills(l->m, row, ldap))
			filled = row->required = true;
	}
	return filled;
}

static int
check_required(struct load *l, struct err *e)
{
	const struct map *m = l->m;
	DH_CLEANUP(buf_done) struct buf missing = BUF_INIT(200);
	for (const char *const *oc = m->opts->object_classes; *oc; oc++) {
		const char *const *names;
		if (!dir_subschema_class(m->caps->schema, *oc))
			return err_set(e, ERR_CONFIG, "%s.object_classes: the directory does not know %s",
				       m->users ? "users" : "groups", *oc);
		size_t n = dir_subschema_must_list(l->a, m->caps->schema, *oc, &names);
		for (size_t i = 0; i < n; i++) {
			bool filled = filled_otherwise(l, names[i]);
			for (size_t k = 0; k < l->rows.n; k++)
				if (row_fills(m, l->rows.v[k], names[i])) {
					filled = true;
					l->rows.v[k]->required = true;
				}
			if (!filled)
				buf_printf(&missing, "%s%s (%s)", missing.n ? ", " : "", names[i], *oc);
		}
	}
	if (missing.n)
		return err_set(e, ERR_CONFIG, "%s: no row of the map can fill what the object classes require: %s",
			       m->users ? "users" : "groups", buf_str(&missing));
	return 0;
}

static int
check_naming(struct load *l, struct err *e)
{
	const struct map *m = l->m;
	const char *section = m->users ? "users" : "groups";
	for (size_t i = 0; i < l->rows.n; i++) {
		struct map_row *row = l->rows.v[i];
		if (row->codec->role != ROW_VALUE || !row_fills(m, row, m->opts->rdn))
			continue;
		bool list = row->attr->multi && !row->slot;
		if (!row->codec->text || list)
			return err_set(e, ERR_CONFIG, "%s.rdn: %s is mapped by codec %s%s and cannot name entries",
				       section, row->ldap, row->codec->name, list ? " to a list" : "");
		row->names = row->required = true;
		return 0;
	}
	for (size_t i = 0; i < l->rows.n_derived; i++)
		if (l->rows.derived[i].row.names)
			return 0;
	return err_set(e, ERR_CONFIG, "%s.rdn: no row of the map fills %s", section, m->opts->rdn);
}

/* Two rows that write one attribute would undo each other's work; labels keep apart what shares labeledURI. */
static int
check_shared(struct load *l, struct err *e)
{
	for (size_t i = 0; i < l->rows.n; i++)
		for (size_t k = i + 1; k < l->rows.n; k++) {
			const struct map_row *x = l->rows.v[i], *y = l->rows.v[k];
			if (x->at != y->at || (x->arg && y->arg && !str_eq(x->arg, y->arg)))
				continue;
			return err_set(e, ERR_CONFIG,
				       "%s is mapped twice: by %s and by %s (ldap: none takes a row "
				       "away)",
				       x->ldap, x->path, y->path);
		}
	return 0;
}

/* --- homes ------------------------------------------------------------------------------------------------------- */

/* attr and leaf point into the full type so far. */
static void
rebind(struct load *l, struct map_row *row)
{
	struct strv urn = scim_attr_in_extension(l->full, row->attr) ? strv_of(row->attr->schema->urn) : STRV("");
	const struct scim_attr *attr = scim_type_attr(l->m->type, urn, strv_of(row->attr->name));
	must(attr);
	if (row->leaf != row->attr) {
		row->leaf = scim_attr_sub(attr, strv_of(row->leaf->name));
		must(row->leaf);
	} else {
		row->leaf = attr;
	}
	row->attr = attr;
}

static enum map_home_kind
home_kind(const struct map_row *row)
{
	switch (row->codec->role) {
	case ROW_VALUE:
		return row->slot ? HOME_MULTI : HOME_PLAIN;
	case ROW_ELEMENT:
		return HOME_MULTI;
	case ROW_DN:
	case ROW_UNRESOLVED:
		return HOME_MANAGER;
	case ROW_MEMBER:
		return HOME_MEMBERS;
	case ROW_CLIENT:
		return HOME_CLIENT;
	}
	return HOME_PLAIN;
}

static bool
same_slot(const struct map_row *x, const struct map_row *y)
{
	return (!x->type && !y->type) || (x->type && y->type && str_caseeq(x->type, y->type));
}

static void
build_slots(struct load *l, struct map_home *h)
{
	struct map_slot *slots = ARENA_ARRAY(l->a, h->n_rows + 1, struct map_slot);
	for (size_t i = 0; i < h->n_rows; i++) {
		const struct map_row *row = h->rows[i];
		struct map_slot *slot = NULL;
		if (!row->slot)
			continue;
		for (size_t k = 0; k < h->n_slots && !slot; k++)
			if (same_slot(slots[k].rows[0], row))
				slot = &slots[k];
		if (!slot) {
			slot = &slots[h->n_slots++];
			slot->rows = ARENA_ARRAY(l->a, h->n_rows, const struct map_row *);
			slot->type = row->type;
			slot->key = row->ldap;
		}
		slot->rows[slot->n_rows++] = row;
		slot->untyped |= row->untyped;
		slot->group |= !str_eq(row->leaf->name, "value");
	}
	h->slots = slots;
}

static void
build_homes(struct load *l)
{
	struct map *m = l->m;
	struct map_home *homes = ARENA_ARRAY(l->a, l->rows.n + 1, struct map_home);
	for (size_t i = 0; i < l->rows.n; i++) {
		struct map_row *row = l->rows.v[i];
		struct map_home *h = NULL;
		for (size_t k = 0; k < m->n_homes && !h; k++)
			if (homes[k].attr == row->attr)
				h = &homes[k];
		if (!h) {
			h = &homes[m->n_homes++];
			*h = (struct map_home){.attr = row->attr, .kind = home_kind(row)};
			h->rows = ARENA_ARRAY(l->a, l->rows.n, const struct map_row *);
		}
		h->rows[h->n_rows++] = row;
		if (row->codec->role == ROW_ELEMENT)
			h->element = row;
		if (row->codec->role == ROW_DN)
			h->dn = row;
		if (row->codec->role == ROW_UNRESOLVED)
			h->unresolved = row;
	}
	for (size_t i = 0; i < m->n_homes; i++)
		if (homes[i].kind == HOME_MULTI)
			build_slots(l, &homes[i]);
	for (size_t i = 0; i < l->rows.n; i++) {
		struct map_row *row = l->rows.v[i];
		bool plain = home_kind(row) == HOME_PLAIN && !row->attr->multi;
		row->one = !row->arg &&
			   (plain || row->codec->role == ROW_DN || (row->slot && !str_eq(row->leaf->name, "value")));
	}
	m->homes = homes;
}

/* --- the maps ---------------------------------------------------------------------------------------------------- */

static void
find_extras(struct load *l)
{
	const struct dir_subschema *s = l->caps->schema;
	struct map *m = l->m;
	if (l->rows.aux_class && dir_subschema_class(s, l->rows.aux_class))
		m->aux_class = l->rows.aux_class;
	if (m->aux_class && l->rows.marks && dir_subschema_may(s, m->aux_class, l->rows.marks)) {
		struct map_row *row = ARENA_NEW(l->a, struct map_row);
		*row = (struct map_row){.path = l->rows.marks,
					.ldap = l->rows.marks,
					.codec = &map_codecs[0],
					.at = dir_subschema_attr(s, l->rows.marks)};
		m->marks = row->at ? row : NULL;
	}
}

static int
load_type(struct arena *a, const struct dir_caps *caps, bool users, const struct map_type_opts *opts,
	  const struct map **m_r, struct err *e)
{
	struct map *m = ARENA_NEW(a, struct map);
	struct load l = {.a = a, .caps = caps, .m = m};
	*m = (struct map){.opts = opts, .caps = caps, .users = users};
	struct map_schemas own;
	if (map_schemas_load(a, opts, &own, e) < 0 || build_type(a, users, &own, NULL, NULL, &l.full, e) < 0 ||
	    map_rows_load(a, caps->flavour->map, users, opts, l.full, &l.rows, e) < 0)
		return -1;
	find_extras(&l);
	if (drop_rows(&l, e) < 0)
		return -1;
	if (users && map_strategy_find(opts->active ? opts->active : "auto", caps, &m->active, e) < 0)
		return -1;
	collect_keep(&l);
	m->lost = lost_paths(&l);
	if (build_type(a, users, &own, is_kept, &l, &m->type, e) < 0)
		return -1;
	m->id = scim_type_attr(m->type, STRV(""), STRV("id"));
	m->meta = scim_type_attr(m->type, STRV(""), STRV("meta"));
	m->shows_active = scim_type_attr(m->type, STRV(""), STRV("active"));
	m->groups = scim_type_attr(m->type, STRV(""), STRV("groups"));
	for (size_t i = 0; i < l.rows.n; i++)
		rebind(&l, l.rows.v[i]);
	m->rows = l.rows.v;
	m->n_rows = l.rows.n;
	m->derived = l.rows.derived;
	m->n_derived = l.rows.n_derived;
	m->not_class = l.rows.not_class;
	map_kind_prepare(a, m);
	if (check_required(&l, e) < 0 || check_naming(&l, e) < 0 || check_shared(&l, e) < 0)
		return -1;
	build_homes(&l);
	for (size_t i = 0; i < m->n_rows; i++)
		m->placeholder |= m->rows[i]->codec->role == ROW_MEMBER && m->rows[i]->required;
	map_attrs_prepare(a, m);
	*m_r = m;
	return 0;
}

int
map_load(struct arena *a, const struct map_opts *opts, const struct dir_caps *caps, const struct map_set **set_r,
	 struct err *e)
{
	struct map_set *set = ARENA_NEW(a, struct map_set);
	set->opts = opts;
	if (load_type(a, caps, true, &opts->users, &set->users, e) < 0 ||
	    load_type(a, caps, false, &opts->groups, &set->groups, e) < 0)
		return err_cause(e, "load the attribute map");
	set->extended = set->users->aux_class && set->groups->aux_class;
	size_t n = 0, from = 0;
	const char *const *part[] = {set->users->lost, set->groups->lost};
	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		for (size_t k = 0; part[i][k]; k++)
			n++;
	const char **lost = ARENA_ARRAY(a, n + 1, const char *);
	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		for (size_t k = 0; part[i][k]; k++)
			lost[from++] = arena_printf(a, "%s.%s", i ? "Group" : "User", part[i][k]);
	set->lost = lost;
	*set_r = set;
	return 0;
}

/* /Schemas shows one document for a URN. */
static int
check_both(const struct map_schemas *users, const struct map_schemas *groups, struct err *e)
{
	for (size_t i = 0; i < users->n; i++)
		for (size_t k = 0; k < groups->n; k++)
			if (str_caseeq(users->urns[i], groups->urns[k]))
				return err_set(
					e, ERR_CONFIG,
					"groups.map: the schema %s is defined in users.map already; give the one "
					"of groups a URN of its own",
					groups->urns[k]);
	return 0;
}

int
map_check(const char *flavour_map, const struct map_opts *opts, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	const struct map_type_opts *type[] = {&opts->users, &opts->groups};
	struct map_schemas own[ARRAY_SIZE(type)];
	for (size_t i = 0; i < ARRAY_SIZE(type); i++) {
		const struct scim_type *full;
		struct map_rows rows;
		if (map_schemas_load(a, type[i], &own[i], e) < 0 ||
		    build_type(a, i == 0, &own[i], NULL, NULL, &full, e) < 0 ||
		    map_rows_load(a, flavour_map, i == 0, type[i], full, &rows, e) < 0)
			return -1;
	}
	if (check_both(&own[0], &own[1], e) < 0)
		return -1;
	if (opts->users.active && !str_eq(opts->users.active, "auto") && !map_strategy_known(opts->users.active))
		return err_set(e, ERR_CONFIG, "users.active: there is no strategy %.40s", opts->users.active);
	return 0;
}
