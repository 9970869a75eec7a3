/* SPDX-License-Identifier: Apache-2.0
 * From the values SCIM shows of an entry and those it shall have to the smallest modify. Values that SCIM does not show
 * are in neither list and stay. */
#include "map/plan.h"

static struct map_vals *
vals_of(struct map_state *st, const struct map_row *row)
{
	for (size_t i = 0; i < st->n; i++)
		if (str_caseeq(st->vals[i].row->ldap, row->ldap))
			return &st->vals[i];
	st->vals = ARENA_GROW(st->a, st->vals, st->n, &st->cap, 16);
	st->vals[st->n] = (struct map_vals){.row = row};
	return &st->vals[st->n++];
}

bool
map_vals_has(const struct map_vals *vals, struct strv value)
{
	for (size_t i = 0; vals && i < vals->n; i++)
		if (strv_eq(vals->v[i], value))
			return true;
	return false;
}

static void
push(struct arena *a, struct map_vals *vals, struct strv value)
{
	vals->v = ARENA_GROW(a, vals->v, vals->n, &vals->cap, 4);
	vals->v[vals->n++] = value;
}

void
map_state_add(struct map_state *st, const struct map_row *row, struct strv value)
{
	struct map_vals *vals = vals_of(st, row);
	if (!map_vals_has(vals, value))
		push(st->a, vals, value);
}

const struct map_vals *
map_state_of(const struct map_state *st, const char *ldap)
{
	for (size_t i = 0; i < st->n; i++)
		if (str_caseeq(st->vals[i].row->ldap, ldap))
			return &st->vals[i];
	return NULL;
}

/* --- one attribute ----------------------------------------------------------------------------------------------- */

struct diff {
	struct arena *a;
	const struct map_row *row;
	const struct map_vals *have, *want;
	const struct dir_attr *current; /* NULL if absent */
	struct map_vals del, add, stay; /* stay: values beside those that SCIM shows */
};

static bool
same_in(const struct map_row *row, const struct map_vals *vals, struct strv value)
{
	for (size_t i = 0; i < vals->n; i++)
		if (map_value_same(row->at, vals->v[i], value))
			return true;
	return false;
}

static void
take_out(const struct map_row *row, struct map_vals *vals, struct strv value)
{
	for (size_t i = 0; i < vals->n; i++)
		if (map_value_same(row->at, vals->v[i], value)) {
			memmove(&vals->v[i], &vals->v[i + 1], (--vals->n - i) * sizeof(struct strv));
			return;
		}
}

static void
compare(struct diff *d)
{
	struct map_vals kept = {0};
	for (size_t i = 0; d->current && i < d->current->n; i++) {
		struct strv v = d->current->values[i];
		if (map_vals_has(d->want, v))
			push(d->a, &kept, v);
		else if (map_vals_has(d->have, v))
			push(d->a, &d->del, v);
		else
			push(d->a, &d->stay, v);
	}
	for (size_t i = 0; d->want && i < d->want->n; i++) {
		struct strv v = d->want->v[i];
		/* A value that is there in another spelling and is none of ours cannot be added (20). */
		if (!map_vals_has(&kept, v) && !same_in(d->row, &d->stay, v) && !same_in(d->row, &kept, v) &&
		    !same_in(d->row, &d->add, v))
			push(d->a, &d->add, v);
	}
}

/* SCIM shows the first value of an attribute that has several. Deleting one and adding one would put the new value
 * behind the others; deleting and adding all keeps it in front and still fails if somebody changed one meanwhile. */
static void
keep_in_front(struct diff *d)
{
	if (!d->row->one || d->stay.n == 0 || d->add.n == 0 || !d->row->at->has_equality)
		return;
	for (size_t i = 0; i < d->stay.n; i++) {
		push(d->a, &d->del, d->stay.v[i]);
		push(d->a, &d->add, d->stay.v[i]);
	}
}

static void
emit(struct diff *d, struct dir_mods *mods)
{
	if (d->del.n == 0 && d->add.n == 0)
		return;
	if (d->row->at->has_equality) {
		keep_in_front(d);
		for (size_t i = 0; i < d->del.n; i++)
			dir_mods_value(mods, DIR_MOD_DELETE, d->row->ldap, d->del.v[i]);
		for (size_t i = 0; i < d->add.n; i++)
			dir_mods_value(mods, DIR_MOD_ADD, d->row->ldap, d->add.v[i]);
		return;
	}
	/* Without equality rule single values cannot be deleted (RFC 4511 4.6): fax, jpegPhoto. */
	struct map_vals all = {0};
	for (size_t i = 0; d->want && i < d->want->n; i++)
		push(d->a, &all, d->want->v[i]);
	for (size_t i = 0; i < d->stay.n; i++)
		push(d->a, &all, d->stay.v[i]);
	dir_mods_replace(mods, d->row->ldap, all.v, all.n);
}

/* --- naming attribute -------------------------------------------------------------------------------------------- */

/* The value in the DN changes by a rename, which deletes the old and adds the new value itself. */
static int
rename_to(struct map_run *r, struct diff *d, const char *dn, struct map_change *c, struct err *e)
{
	struct strv old;
	/* The DN and the attribute may spell one value in two ways. */
	if (dir_dn_rdn_value(r->a, dn, d->row->ldap, &old, e) != 1 || map_vals_has(d->want, old) || !d->have ||
	    !same_in(d->row, d->have, old))
		return 0;
	if (!d->want || d->want->n == 0)
		return err_set(e, ERR_VALUE, "%s names the entry in the directory and cannot be removed",
			       d->row->leaf->path);
	/* A change of case only: the old spelling is no longer wanted, the new one is not "add" but the same value. */
	struct strv new = d->add.n ? d->add.v[0] : d->want->v[0];
	for (size_t i = 0; i < d->want->n; i++)
		if (map_value_same(d->row->at, d->want->v[i], old))
			new = d->want->v[i];
	char *rdn;
	if (map_rdn(r, d->row, dn, new, &rdn, e) < 0)
		return -1;
	c->new_rdn = rdn;
	take_out(d->row, &d->del, old);
	take_out(d->row, &d->add, new);
	return 0;
}

/* A presence test matches attribute options too (RFC 4512 2.5.2): title;lang-de counts. */
static bool
is_absent(const struct dir_entry *current, const char *ldap)
{
	for (size_t i = 0; i < current->n_attrs; i++)
		if (strv_caseeq(map_attr_base(current->attrs[i].name), map_attr_base(ldap)))
			return false;
	return true;
}

int
map_state_diff(struct map_run *r, const struct map_state *have, const struct map_state *want,
	       const struct dir_entry *current, struct map_change *c, struct err *e)
{
	const struct map_state *both[] = {have, want};
	c->absent = ARENA_ARRAY(r->a, have->n + want->n + 1, const char *);
	for (size_t s = 0; s < ARRAY_SIZE(both); s++)
		for (size_t i = 0; i < both[s]->n; i++) {
			const struct map_row *row = both[s]->vals[i].row;
			if (s == 1 && map_state_of(have, row->ldap))
				continue;
			struct diff d = {
				.a = r->a,
				.row = row,
				.have = map_state_of(have, row->ldap),
				.want = map_state_of(want, row->ldap),
				.current = dir_entry_attr(current, row->ldap),
			};
			compare(&d);
			if (row->names && rename_to(r, &d, current->dn, c, e) < 0)
				return -1;
			emit(&d, &c->mods);
			if (row->one && d.add.n > 0 && is_absent(current, row->ldap))
				c->absent[c->n_absent++] = row->ldap;
		}
	return 0;
}

/* --- object classes ---------------------------------------------------------------------------------------------- */

static bool
allowed(const struct map *m, const struct dir_entry *current, const char *attr)
{
	const struct dir_attr *oc = dir_entry_attr(current, "objectClass");
	for (size_t i = 0; oc && i < oc->n; i++)
		if (dir_subschema_may(m->caps->schema, oc->values[i].p, attr) ||
		    dir_subschema_must(m->caps->schema, oc->values[i].p, attr))
			return true;
	return false;
}

static bool
mods_have(const struct dir_mods *mods, const char *attr, const char *value)
{
	for (size_t i = 0; i < mods->n; i++)
		for (size_t k = 0; str_caseeq(mods->mods[i].attr, attr) && k < mods->mods[i].n; k++)
			if (strv_caseeq(mods->mods[i].values[k], strv_of(value)))
				return true;
	return false;
}

static bool
class_holds(const struct map *m, const char *oc, const char *attr)
{
	return dir_subschema_may(m->caps->schema, oc, attr) || dir_subschema_must(m->caps->schema, oc, attr);
}

/* The class of the map or of the configuration that allows the attribute; NULL if none does. */
static const char *
class_for(const struct map *m, const char *attr)
{
	if (m->aux_class && class_holds(m, m->aux_class, attr))
		return m->aux_class;
	/* Behind the first one, which makes the entry a resource: every entry has it. */
	for (const char *const *oc = m->opts->object_classes + 1; *oc; oc++)
		if (class_holds(m, *oc, attr))
			return *oc;
	return NULL;
}

void
map_add_class(struct map_run *r, const struct map *m, const struct dir_entry *current, struct dir_mods *mods)
{
	size_t n = mods->n;
	for (size_t i = 0; i < n; i++) {
		if (mods->mods[i].op == DIR_MOD_DELETE || mods->mods[i].n == 0)
			continue;
		struct strv base = map_attr_base(mods->mods[i].attr);
		const char *attr = arena_strndup(r->a, base.p, base.n);
		const char *oc = allowed(m, current, attr) ? NULL : class_for(m, attr);
		if (oc && !dir_entry_is_a(current, oc) && !mods_have(mods, "objectClass", oc))
			dir_mods_value(mods, DIR_MOD_ADD, "objectClass", strv_of(oc));
	}
}
