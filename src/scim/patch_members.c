/* SPDX-License-Identifier: Apache-2.0
 * Member operations folded without the current members: the cost of a change never depends on the size of a group. */
#include "dirhinge/base/strmap.h"
#include "dirhinge/scim/patch.h"
#include "scim/normal.h"

enum member_state { MEMBER_UNTOUCHED, MEMBER_ADD, MEMBER_REMOVE };

struct member {
	const char *id;
	enum member_state state;
};

struct fold {
	struct scim_ctx *c;
	const struct scim_attr *attr;
	struct strmap *members; /* by id without case: ids are UUIDs */
	bool clear;
};

static void
set_state(struct fold *f, const char *id, enum member_state state)
{
	struct member *m = strmap_get(f->members, strv_of(id));

	if (!m) {
		m = ARENA_NEW(f->c->a, struct member);
		m->id = id;
		strmap_put(f->members, strv_of(id), m);
	}
	/* After a clear there is nothing left to remove. */
	m->state = state == MEMBER_REMOVE && f->clear ? MEMBER_UNTOUCHED : state;
}

static void
clear_all(struct fold *f)
{
	f->members = strmap_new(f->c->a, true);
	f->clear = true;
}

/* Every comparison is value eq "…", joined by or. */
static bool
is_selection(const struct scim_filter *filter)
{
	if (filter->kind == SCIM_OR)
		return is_selection(filter->left) && is_selection(filter->right);
	return filter->kind == SCIM_COMPARE && filter->op == SCIM_EQ && filter->ref.attr && !filter->ref.sub &&
	       str_eq(filter->ref.attr->name, "value") && json_is_string(filter->value);
}

static void
remove_selected(struct fold *f, const struct scim_filter *filter)
{
	if (filter->kind == SCIM_OR) {
		remove_selected(f, filter->left);
		remove_selected(f, filter->right);
	} else {
		set_state(f, json_string_value(filter->value), MEMBER_REMOVE);
	}
}

static int
each_member(struct fold *f, const struct scim_patch_op *op, enum member_state state, struct err *e)
{
	const json_t *one = json_is_array(op->value) ? NULL : op->value;
	size_t n = one ? 1 : json_array_size(op->value);
	const struct scim_place root = {.name = arena_printf(f->c->a, "Operations[%u].value", op->index)};
	const struct scim_place here = {.up = &root, .name = f->attr->name};

	if (one && !scim_tolerates(f->c, SCIM_TOL_SHAPE, f->attr->path))
		return err_set(e, ERR_VALUE, "Operations[%u].value: %s: expected an array, got %s", op->index,
			       f->attr->name, json_kind(one));
	for (size_t i = 0; i < n; i++) {
		const struct scim_place at = {.up = &here, .index = i};
		const json_t *el = one ? one : json_array_get(op->value, i);
		json_t *member = NULL;
		if (scim_normal(f->c, f->attr, true, false, el, one ? &here : &at, &member, e) < 0)
			return -1;
		const char *id = json_string_value(json_object_get(json_keep(f->c->a, member), "value"));
		if (!id)
			return err_set(e, ERR_VALUE, "Operations[%u].value: %s[%zu] has no value", op->index,
				       f->attr->name, i);
		set_state(f, id, state);
	}
	return 0;
}

static bool
needs_current(const struct scim_patch_op *op)
{
	const struct scim_path *p = op->path;

	/* remove members[value eq "x"].value takes the whole element, as nothing of it would be left. */
	if (p->sub && !(op->kind == SCIM_REMOVE && p->filter && str_eq(p->sub->name, "value")))
		return true;
	return p->filter && (op->kind != SCIM_REMOVE || !is_selection(p->filter));
}

static int
fold_op(struct fold *f, const struct scim_patch_op *op, struct err *e)
{
	bool none = !op->value || json_is_null(op->value);

	if (op->kind == SCIM_ADD)
		return none ? 0 : each_member(f, op, MEMBER_ADD, e);
	if (op->kind == SCIM_REPLACE) {
		clear_all(f);
		return none ? 0 : each_member(f, op, MEMBER_ADD, e);
	}
	if (op->path->filter) {
		remove_selected(f, op->path->filter);
		return 0;
	}
	/* RFC 7644 3.5.2.2: without selection all values go. A list of values in the operation is Microsoft's way to
	 * select: read by the letter, it would throw everybody out. */
	if (!none && scim_tolerates(f->c, SCIM_TOL_REMOVE_VALUE, f->attr->path))
		return each_member(f, op, MEMBER_REMOVE, e);
	clear_all(f);
	return 0;
}

static void
collect(const struct fold *f, enum member_state state, const char ***ids_r, size_t *n_r)
{
	size_t n = 0;
	struct strv key;
	void *m;
	const char **ids = ARENA_ARRAY(f->c->a, strmap_count(f->members) + 1, const char *);

	for (size_t i = 0; strmap_at(f->members, i, &key, &m); i++)
		if (((struct member *)m)->state == state)
			ids[n++] = ((struct member *)m)->id;
	*ids_r = ids;
	*n_r = n;
}

int
scim_patch_take_members(struct scim_ctx *c, struct scim_patch *patch, const struct scim_attr *attr,
			struct scim_member_delta *delta_r, struct err *e)
{
	struct fold f = {.c = c, .attr = attr, .members = strmap_new(c->a, true)};
	struct scim_member_delta delta = {0};
	size_t left = 0;

	for (size_t i = 0; i < patch->n; i++)
		if (patch->ops[i].path->attr == attr) {
			delta.touched = true;
			delta.needs_current = delta.needs_current || needs_current(&patch->ops[i]);
		}
	if (delta.needs_current || !delta.touched) {
		*delta_r = delta;
		return 0;
	}
	for (size_t i = 0; i < patch->n; i++)
		if (patch->ops[i].path->attr == attr && fold_op(&f, &patch->ops[i], e) < 0)
			return -1;
	for (size_t i = 0; i < patch->n; i++)
		if (patch->ops[i].path->attr != attr)
			patch->ops[left++] = patch->ops[i];
	patch->n = left;
	delta.clear = f.clear;
	collect(&f, MEMBER_ADD, &delta.add, &delta.n_add);
	collect(&f, MEMBER_REMOVE, &delta.remove, &delta.n_remove);
	*delta_r = delta;
	return 0;
}
