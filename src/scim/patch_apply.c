/* SPDX-License-Identifier: Apache-2.0
 * Operations of a PATCH onto a copy of the resource, in order, all or none (RFC 7644 3.5.2). */
#include "scim/patch_apply.h"

#include "dirhinge/base/strmap.h"

/* Elements looked at by all operations of one PATCH. */
#define MAX_WORK 2000000

static int
immutable(const struct step *s, const char *path, struct err *e)
{
	return err_set(e, ERR_MUTABILITY, "Operations[%u]: %s is immutable and already set", s->op->index, path);
}

void
scim_list_clear_primary(json_t *list)
{
	size_t i;
	json_t *el;

	json_array_foreach (list, i, el)
		if (json_is_true(json_object_get(el, "primary")))
			json_object_set_new(el, "primary", json_false());
}

void
scim_step_tidy(const struct step *s)
{
	const struct scim_attr *attr = s->op->path->attr;
	json_t *v = scim_resource_get(s->c->type, s->res, attr);
	size_t i, n = json_array_size(v);
	json_t *el;

	if (json_is_object(v) && scim_complex_is_empty(attr, v)) {
		scim_resource_set(s->c->type, s->res, attr, NULL);
	} else if (json_is_array(v)) {
		bool *drop = ARENA_ARRAY(s->tmp, n + 1, bool);
		json_array_foreach (v, i, el)
			drop[i] = json_is_object(el) && scim_complex_is_empty(attr, el);
		scim_list_drop(v, drop);
		if (json_array_size(v) == 0)
			scim_resource_set(s->c->type, s->res, attr, NULL);
	}
}

void
scim_drop_nulls(json_t *obj)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe (obj, next, key, v)
		if (json_is_null(v))
			json_object_del(obj, key);
}

int
scim_step_put_sub(const struct step *s, json_t *obj, const json_t *value, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr, *sub = s->op->path->sub;
	const struct scim_place here = {.name = sub->name, .up = s->at};
	json_auto_t *more = json_object();
	json_t *out = NULL;

	if (scim_normal(s->c, sub, false, false, value, &here, &out, e) < 0)
		return -1;
	if (!out && s->op->kind == SCIM_ADD)
		return 0;
	json_t *old = json_object_get(obj, sub->name);
	if (sub->multi && s->op->kind == SCIM_ADD && json_is_array(old)) {
		json_t *joined = json_copy(old);
		json_array_extend(joined, out);
		json_decref(out);
		out = joined;
	}
	json_object_set_new(more, sub->name, out ? out : json_null());
	return scim_complex_merge(s->c, attr, obj, more, s->at, e);
}

int
scim_step_remove_sub(const struct step *s, json_t *obj, struct err *e)
{
	const struct scim_attr *sub = s->op->path->sub;

	if (!json_object_get(obj, sub->name))
		return 0;
	/* Without its value an element goes as a whole, which is how a member is removed. */
	if (sub->mutability == SCIM_IMMUTABLE && !(s->op->path->attr->multi && str_eq(sub->name, "value")))
		return immutable(s, sub->path, e);
	json_object_del(obj, sub->name);
	return 0;
}

/* RFC 7644 3.5.2.2: a required attribute cannot be removed. */
static int
refuse_removal(const struct step *s, struct err *e)
{
	return err_set(e, ERR_MUTABILITY, "Operations[%u]: %s is required and cannot be removed%s", s->op->index,
		       s->op->path->attr->path, s->op->path->attr->filled ? ": replace it with another value" : "");
}

/* --- attr, attr.sub of a single-valued attribute ------------------------------------------------------------------ */

static int
remove_attr(const struct step *s)
{
	scim_resource_set(s->c->type, s->res, s->op->path->attr, NULL);
	return 0;
}

/* RFC 7644 3.5.2.1: values are appended; one that is there already changes nothing. Equal value and type are one
 * element, whose other sub-attributes are merged. */
static int
append(const struct step *s, json_t *list, const json_t *more, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr;
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct strmap *known = strmap_new(s->tmp, false);
	size_t i;
	json_t *el;
	bool primary = false;

	json_array_foreach (more, i, el)
		primary = primary || json_is_true(json_object_get(el, "primary"));
	if (primary)
		scim_list_clear_primary(list);
	json_array_foreach (list, i, el) {
		buf_reset(&key);
		scim_identity_key(&key, attr, el);
		strmap_put(known, buf_view(&key), el);
	}
	json_array_foreach (more, i, el) {
		buf_reset(&key);
		scim_identity_key(&key, attr, el);
		json_t *same = strmap_get(known, buf_view(&key));
		if (!same)
			json_array_append(list, el);
		else if (!scim_value_equal(attr, same, el) && scim_complex_merge(s->c, attr, same, el, s->at, e) < 0)
			return -1;
	}
	return 0;
}

static int
put_list(const struct step *s, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr;
	json_t *old = scim_resource_get(s->c->type, s->res, attr);
	json_auto_t *list = NULL;

	if (scim_normal(s->c, attr, false, false, s->op->value, s->at, &list, e) < 0)
		return -1;
	if (s->op->kind == SCIM_ADD) {
		if (!list)
			return 0;
		if (!old) {
			old = json_array();
			scim_resource_set(s->c->type, s->res, attr, old);
		}
		return append(s, old, list, e);
	}
	if (!list)
		return remove_attr(s);
	scim_links_adopt(attr, list, old);
	scim_resource_set(s->c->type, s->res, attr, TAKE(list));
	return 0;
}

/* RFC 7644 3.5.2.1, 3.5.2.3: sub-attributes that are not mentioned stay as they are. */
static int
put_complex(const struct step *s, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr;
	json_t *old = scim_resource_get(s->c->type, s->res, attr);
	json_auto_t *more = NULL;

	if (scim_normal(s->c, attr, false, true, s->op->value, s->at, &more, e) < 0)
		return -1;
	if (!more)
		return s->op->kind == SCIM_ADD ? 0 : remove_attr(s);
	if (s->op->kind == SCIM_ADD)
		scim_drop_nulls(more);
	if (!old) {
		old = json_object();
		scim_resource_set(s->c->type, s->res, attr, old);
	}
	if (scim_complex_merge(s->c, attr, old, more, s->at, e) < 0)
		return -1;
	scim_step_tidy(s);
	return 0;
}

static int
put_simple(const struct step *s, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr;
	json_auto_t *value = NULL;

	if (scim_normal(s->c, attr, false, false, s->op->value, s->at, &value, e) < 0)
		return -1;
	if (!value && attr->filled && s->op->kind == SCIM_REPLACE)
		return refuse_removal(s, e);
	if (!value)
		return s->op->kind == SCIM_ADD ? 0 : remove_attr(s);
	scim_resource_set(s->c->type, s->res, attr, TAKE(value));
	return 0;
}

static int
put_single_sub(const struct step *s, struct err *e)
{
	const struct scim_attr *attr = s->op->path->attr;
	json_t *obj = scim_resource_get(s->c->type, s->res, attr);

	if (!obj) {
		obj = json_object();
		scim_resource_set(s->c->type, s->res, attr, obj);
	}
	if (scim_step_put_sub(s, obj, s->op->value, e) < 0)
		return -1;
	scim_step_tidy(s);
	return 0;
}

static int
put(const struct step *s, struct err *e)
{
	const struct scim_path *p = s->op->path;

	if (p->filter || (p->sub && p->attr->multi))
		return scim_step_put_selected(s, e);
	if (p->sub)
		return put_single_sub(s, e);
	if (p->attr->multi)
		return put_list(s, e);
	return p->attr->kind == SCIM_COMPLEX ? put_complex(s, e) : put_simple(s, e);
}

static int
take(const struct step *s, struct err *e)
{
	const struct scim_path *p = s->op->path;
	const json_t *value = s->op->value;

	if (p->filter || p->sub)
		return scim_step_remove_selected(s, e);
	if (p->attr->required)
		return refuse_removal(s, e);
	/* Microsoft's way to select; by the letter of the RFC the value is ignored and everything goes. */
	if (p->attr->multi && value && !json_is_null(value) &&
	    scim_tolerates(s->c, SCIM_TOL_REMOVE_VALUE, p->attr->path))
		return scim_step_remove_listed(s, e);
	return remove_attr(s);
}

static int
apply_op(struct scim_ctx *c, const struct scim_patch_op *op, json_t *res, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(1024);
	const struct scim_attr *shown = op->path->attr;
	const struct scim_place at = {.name = arena_printf(tmp, "Operations[%u]: %s", op->index, shown->path)};
	const struct step s = {.c = c, .tmp = tmp, .res = res, .op = op, .at = &at};

	json_auto_t *was = NULL;

	if (shown->mutability == SCIM_IMMUTABLE)
		was = json_deep_copy(scim_resource_get(c->type, res, shown));
	if ((op->kind == SCIM_REMOVE ? take(&s, e) : put(&s, e)) < 0)
		return -1;
	return scim_resource_keep_immutable(c->type, res, shown, TAKE(was), e);
}

/* What an operation changes is its attribute, which until then is before's: taken apart from it now. */
static void
own(const struct scim_type *type, json_t *after, const json_t *before, const struct scim_attr *attr)
{
	const char *urn = scim_attr_in_extension(type, attr) ? attr->schema->urn : NULL;
	json_t *holder = urn ? json_object_get(after, urn) : NULL;

	if (holder && holder == json_object_get(before, urn))
		json_object_set_new(after, urn, json_copy(holder));
	json_t *value = scim_resource_get(type, after, attr);
	if ((json_is_object(value) || json_is_array(value)) && value == scim_resource_get(type, before, attr))
		scim_resource_set(type, after, attr, json_deep_copy(value));
}

int
scim_patch_apply(struct scim_ctx *c, const struct scim_patch *patch, const json_t *before, json_t **after_r,
		 struct err *e)
{
	json_auto_t *after = json_copy(scim_iterable(before));
	size_t work = 0;

	for (size_t i = 0; i < patch->n; i++) {
		/* Each operation looks at every element: many operations on a long list would keep a thread for
		 * minutes. */
		work += json_array_size(scim_resource_get(c->type, after, patch->ops[i].path->attr));
		if (work > MAX_WORK)
			return err_set(
				e, ERR_TOO_LARGE,
				"Operations[%u]: too many operations on a list as long as %s; send fewer at once",
				patch->ops[i].index, patch->ops[i].path->attr->path);
		own(c->type, after, before, patch->ops[i].path->attr);
		if (apply_op(c, &patch->ops[i], after, e) < 0)
			return -1;
	}
	if (scim_resource_check_parts(c, after, before, false, e) < 0)
		return -1;
	scim_resource_set_schemas(c->type, after);
	*after_r = json_keep(c->a, TAKE(after));
	return 0;
}
