/* SPDX-License-Identifier: Apache-2.0
 * An operation of the history applied to an entry, as the server did it (RFC 4511 4.6 to 4.9). The result shares values
 * with the entry before and with the operation. */
#include "dir/equal.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/dir/feed.h"

struct work {
	struct arena *a;
	const struct dir_subschema *s;
	struct dir_entry *en;
	bool lenient; /* values may be there or gone already */
};

static int
unfit(const char *attr, const char *what, struct err *e)
{
	err_set(e, ERR_CONFLICT, NULL);
	return err_cause(e, "the operation does not fit the entry: %s: %s", attr, what);
}

/* A copy whose attributes can be changed; more: room for that many new ones. */
static struct dir_entry *
thaw(struct arena *a, const struct dir_entry *en, size_t more)
{
	struct dir_entry *copy = ARENA_NEW(a, struct dir_entry);

	*copy = (struct dir_entry){.dn = en->dn, .n_attrs = en->n_attrs};
	copy->attrs = ARENA_ARRAY(a, en->n_attrs + more + 1, struct dir_attr);
	if (en->n_attrs)
		memcpy(copy->attrs, en->attrs, en->n_attrs * sizeof(*copy->attrs));
	return copy;
}

static struct dir_attr *
find(struct work *w, const char *name)
{
	for (size_t i = 0; i < w->en->n_attrs; i++)
		if (dir_equal_attr(w->s, w->en->attrs[i].name, name))
			return &w->en->attrs[i];
	return NULL;
}

static void
drop(struct work *w, struct dir_attr *at)
{
	size_t i = (size_t)(at - w->en->attrs);

	memmove(at, at + 1, (w->en->n_attrs - i - 1) * sizeof(*at));
	w->en->n_attrs--;
}

/* Value keys of the attribute -> their place in values. */
static struct strmap *
index_values(struct work *w, const struct dir_attr *at, struct strv *values)
{
	struct strmap *m = strmap_new(w->a, false);

	for (size_t i = 0; i < at->n; i++) {
		values[i] = at->values[i];
		strmap_put(m, dir_equal_key(w->a, w->s, at->name, values[i]), &values[i]);
	}
	return m;
}

static int
add_values(struct work *w, const struct dir_mod *mod)
{
	struct dir_attr *at = find(w, mod->attr);
	struct strmap *there;
	struct strv *values;
	size_t n;

	if (at == NULL) {
		at = &w->en->attrs[w->en->n_attrs++];
		*at = (struct dir_attr){.name = mod->attr};
	}
	values = ARENA_ARRAY(w->a, at->n + mod->n + 1, struct strv);
	there = index_values(w, at, values);
	n = at->n;
	for (size_t i = 0; i < mod->n; i++) {
		struct strv key = dir_equal_key(w->a, w->s, at->name, mod->values[i]);

		/* The server took it (permissive modify), so it was there. */
		if (strmap_get(there, key))
			continue;
		values[n] = mod->values[i];
		strmap_put(there, key, &values[n]);
		n++;
	}
	at->values = values;
	at->n = n;
	return 0;
}

static int
delete_values(struct work *w, const struct dir_mod *mod, struct err *e)
{
	struct dir_attr *at = find(w, mod->attr);
	struct strmap *there;
	struct strv *values;
	size_t kept = 0;

	if (at == NULL)
		return w->lenient ? 0 : unfit(mod->attr, "there is none to delete", e);
	values = ARENA_ARRAY(w->a, at->n + 1, struct strv);
	there = index_values(w, at, values);
	for (size_t i = 0; i < mod->n; i++) {
		struct strv *v = strmap_get(there, dir_equal_key(w->a, w->s, at->name, mod->values[i]));

		if (v && v->p)
			*v = strv_n(NULL, 0);
		else if (!w->lenient)
			return unfit(mod->attr, "the value to delete is not there", e);
	}
	for (size_t i = 0; i < at->n; i++)
		if (values[i].p)
			values[kept++] = values[i];
	at->values = values;
	at->n = mod->n ? kept : 0;
	if (at->n == 0)
		drop(w, at);
	return 0;
}

static int
replace_values(struct work *w, const struct dir_mod *mod)
{
	struct dir_attr *at = find(w, mod->attr);

	if (at == NULL && mod->n == 0)
		return 0;
	if (at == NULL) {
		at = &w->en->attrs[w->en->n_attrs++];
		*at = (struct dir_attr){.name = mod->attr};
	}
	at->values = mod->values;
	at->n = mod->n;
	if (mod->n == 0)
		drop(w, at);
	return 0;
}

static int
apply_mods(struct work *w, const struct dir_mods *mods, struct err *e)
{
	for (size_t i = 0; mods && i < mods->n; i++) {
		const struct dir_mod *mod = &mods->mods[i];
		int rc = mod->op == DIR_MOD_ADD      ? add_values(w, mod)
			 : mod->op == DIR_MOD_DELETE ? delete_values(w, mod, e)
						     : replace_values(w, mod);

		if (rc)
			return -1;
	}
	return 0;
}

int
dir_op_apply(struct arena *a, const struct dir_subschema *s, const struct dir_entry *before, const struct dir_op *op,
	     const struct dir_entry **after_r, struct err *e)
{
	/* What a rename did to its attributes is worked out from names: it may be so already. */
	struct work w = {.a = a, .s = s, .lenient = op->kind == DIR_OP_RENAME};

	if (op->kind == DIR_OP_ADD) {
		if (op->added == NULL)
			return unfit("add", "the history does not tell the entry", e);
		*after_r = op->added;
		return 0;
	}
	if (op->kind == DIR_OP_DELETE) {
		*after_r = NULL;
		return 0;
	}
	if (op->incomplete)
		return unfit("entry", "the history does not tell everything", e);
	if (before == NULL)
		return unfit("entry", "not known", e);
	w.en = thaw(a, before, op->mods ? op->mods->n : 0);
	if (op->kind == DIR_OP_RENAME)
		w.en->dn = op->new_dn;
	if (apply_mods(&w, op->mods, e))
		return -1;
	*after_r = w.en;
	return 0;
}
