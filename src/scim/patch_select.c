/* SPDX-License-Identifier: Apache-2.0
 * Operations on selected elements: attr[filter], attr[filter].sub, attr.sub of a list, remove with values. */
#include "dirhinge/base/strmap.h"
#include "scim/patch_apply.h"

void
scim_targets_find(const struct step *s, struct targets *t_r)
{
	const struct scim_path *p = s->op->path;
	json_t *v = scim_resource_get(s->c->type, s->res, p->attr);
	struct targets t = {.list = json_is_array(v) ? v : NULL};
	size_t n = t.list ? json_array_size(v) : 1;

	t.v = ARENA_ARRAY(s->tmp, n + 1, json_t *);
	t.index = ARENA_ARRAY(s->tmp, n + 1, size_t);
	for (size_t i = 0; v && i < n; i++) {
		json_t *el = t.list ? json_array_get(v, i) : v;
		/* The elements of a simple attribute are the values themselves. */
		if (json_is_object(el) != (p->attr->kind == SCIM_COMPLEX) ||
		    (p->filter && !scim_filter_match_element(p->filter, el)))
			continue;
		t.v[t.n] = el;
		t.index[t.n++] = i;
	}
	*t_r = t;
}

/* --- add and replace ---------------------------------------------------------------------------------------------- */

/* The equality terms of a filter say what an element that matches looks like; anything else does not. */
static bool
from_filter(const struct scim_filter *f, json_t *element)
{
	if (f->kind == SCIM_AND)
		return from_filter(f->left, element) && from_filter(f->right, element);
	if (f->kind != SCIM_COMPARE || f->op != SCIM_EQ || !f->ref.attr || f->ref.sub || json_unassigned(f->value))
		return false;
	json_object_set_new(element, f->ref.attr->name, json_deep_copy(f->value));
	return true;
}

/* Merges the operation's value into one element. */
static int
put_into(const struct step *s, json_t *element, struct err *e)
{
	const struct scim_path *p = s->op->path;
	json_auto_t *more = NULL;

	if (p->sub)
		return scim_step_put_sub(s, element, s->op->value, e);
	if (scim_normal(s->c, p->attr, true, true, s->op->value, s->at, &more, e) < 0)
		return -1;
	if (more && s->op->kind == SCIM_ADD)
		scim_drop_nulls(more);
	return more ? scim_complex_merge(s->c, p->attr, element, more, s->at, e) : 0;
}

static int
no_target(const struct step *s, struct err *e)
{
	/* RFC 7644 3.5.2.3: a selection that matches nothing is noTarget. */
	return err_set(e, ERR_NO_TARGET, "Operations[%u].path: no element of %s matches", s->op->index,
		       s->op->path->attr->path);
}

/* Entra adds and replaces emails[type eq "work"].value whether or not there is a work address (erratum 8097). */
static int
create_target(const struct step *s, struct err *e)
{
	const struct scim_path *p = s->op->path;
	json_auto_t *terms = json_object();
	json_auto_t *element = NULL;
	json_t *list = scim_resource_get(s->c->type, s->res, p->attr);

	if ((s->c->tolerate & SCIM_TOL_CREATE_TARGET) == 0 || p->attr->kind != SCIM_COMPLEX ||
	    (p->filter && !from_filter(p->filter, terms)))
		return no_target(s, e);
	/* A filter may compare with "" or with what only the server sets. */
	if (scim_normal(s->c, p->attr, true, true, terms, s->at, &element, e) < 0)
		return -1;
	scim_drop_nulls(element);
	scim_tolerates(s->c, SCIM_TOL_CREATE_TARGET, p->attr->path);
	if (put_into(s, element, e) < 0)
		return -1;
	if (scim_complex_is_empty(p->attr, element))
		return 0;
	if (!p->attr->multi) {
		scim_resource_set(s->c->type, s->res, p->attr, TAKE(element));
		return 0;
	}
	if (json_is_true(json_object_get(element, "primary")))
		scim_list_clear_primary(list);
	if (!list) {
		list = json_array();
		scim_resource_set(s->c->type, s->res, p->attr, list);
	}
	json_array_append_new(list, TAKE(element));
	return 0;
}

/* True if the operation's value is there to say that nothing is wanted. */
static bool
clears(const struct step *s)
{
	const json_t *v = s->op->value;

	return json_unassigned(v) || (json_is_string(v) && json_string_length(v) == 0);
}

/* Each selected value of a simple attribute becomes the new one. */
static int
put_values(const struct step *s, const struct targets *t, struct err *e)
{
	json_auto_t *value = NULL;

	if (scim_normal(s->c, s->op->path->attr, true, false, s->op->value, s->at, &value, e) < 0)
		return -1;
	for (size_t i = 0; value && t->list && i < t->n; i++)
		json_array_set(t->list, t->index[i], value);
	return 0;
}

int
scim_step_put_selected(const struct step *s, struct err *e)
{
	const struct scim_path *p = s->op->path;
	struct targets t;
	bool primary = false;

	scim_targets_find(s, &t);
	if (t.n == 0)
		return create_target(s, e);
	/* A selection replaced by null is a selection removed. */
	if (!p->sub && clears(s))
		return s->op->kind == SCIM_ADD ? 0 : scim_step_remove_selected(s, e);
	if (p->attr->kind != SCIM_COMPLEX)
		return put_values(s, &t, e);
	for (size_t i = 0; i < t.n; i++) {
		bool was = json_is_true(json_object_get(t.v[i], "primary"));
		if (put_into(s, t.v[i], e) < 0)
			return -1;
		primary = primary || (!was && json_is_true(json_object_get(t.v[i], "primary")));
	}
	if (primary && t.list) {
		for (size_t i = 0, k = 0; i < json_array_size(t.list); i++) {
			json_t *el = json_array_get(t.list, i);
			if (k < t.n && t.index[k] == i)
				k++;
			else if (json_is_true(json_object_get(el, "primary")))
				json_object_set_new(el, "primary", json_false());
		}
	}
	scim_step_tidy(s);
	return 0;
}

/* --- remove ------------------------------------------------------------------------------------------------------- */

static void
listed_key(const struct step *s, struct buf *key, const json_t *element, bool with_type)
{
	const struct scim_attr *attr = s->op->path->attr;
	const struct scim_attr *value = attr->kind == SCIM_COMPLEX ? scim_attr_value(attr) : NULL;

	buf_reset(key);
	if (with_type || !value)
		scim_identity_key(key, attr, element);
	else
		scim_value_key(key, value, json_object_get(element, "value"), false);
	buf_addc(key, with_type ? '2' : '1');
}

/* Marks the elements that the operation's value lists: same value and, where one is given, same type. */
static int
mark_listed(const struct step *s, const json_t *list, bool *drop, size_t *n_r, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct strmap *listed = strmap_new(s->tmp, false);
	json_auto_t *values = NULL;
	size_t i, n = 0;
	json_t *el;

	if (scim_normal(s->c, s->op->path->attr, false, false, s->op->value, s->at, &values, e) < 0)
		return -1;
	json_array_foreach (values, i, el) {
		listed_key(s, &key, el, json_is_string(json_object_get(el, "type")));
		strmap_put(listed, buf_view(&key), el);
	}
	json_array_foreach (list, i, el) {
		for (int with_type = 0; with_type < 2 && !drop[i]; with_type++) {
			listed_key(s, &key, el, with_type);
			drop[i] = strmap_get(listed, buf_view(&key)) != NULL;
		}
		n += drop[i];
	}
	*n_r = n;
	return 0;
}

static void
drop_elements(const struct step *s, json_t *list, const bool *drop)
{
	scim_list_drop(list, drop);
	if (json_array_size(list) == 0)
		scim_resource_set(s->c->type, s->res, s->op->path->attr, NULL);
}

int
scim_step_remove_listed(const struct step *s, struct err *e)
{
	json_t *list = scim_resource_get(s->c->type, s->res, s->op->path->attr);
	size_t n = 0;

	if (!json_is_array(list))
		return 0;
	bool *drop = ARENA_ARRAY(s->tmp, json_array_size(list) + 1, bool);
	if (mark_listed(s, list, drop, &n, e) < 0)
		return -1;
	drop_elements(s, list, drop);
	return 0;
}

/* A value beside a selection: where it names some of the selected elements, only those are meant. */
static void
narrow(const struct step *s, struct targets *t)
{
	const struct scim_attr *attr = s->op->path->attr, *sub = s->op->path->sub;
	bool *hit = ARENA_ARRAY(s->tmp, (t->list ? json_array_size(t->list) : 0) + 1, bool);
	struct err why = ERR_INIT;
	json_auto_t *value = NULL;
	size_t n = 0;

	if (!t->list || clears(s) || (s->c->tolerate & SCIM_TOL_REMOVE_VALUE) == 0)
		return;
	if (!sub) {
		if (mark_listed(s, t->list, hit, &n, &why) < 0)
			return;
	} else {
		if (scim_normal(s->c, sub, false, false, s->op->value, s->at, &value, &why) < 0 || !value)
			return;
		for (size_t i = 0; i < t->n; i++)
			hit[t->index[i]] = scim_value_equal(sub, json_object_get(t->v[i], sub->name), value);
	}
	n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += hit[t->index[i]];
	if (n == 0)
		return;
	n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (hit[t->index[i]]) {
			t->v[n] = t->v[i];
			t->index[n++] = t->index[i];
		}
	t->n = n;
	scim_tolerates(s->c, SCIM_TOL_REMOVE_VALUE, attr->path);
}

int
scim_step_remove_selected(const struct step *s, struct err *e)
{
	const struct scim_path *p = s->op->path;
	struct targets t;

	scim_targets_find(s, &t);
	if (p->filter)
		narrow(s, &t);
	if (p->sub) {
		if (p->sub->required && t.n > 0)
			return err_set(e, ERR_MUTABILITY, "Operations[%u]: %s is required and cannot be removed",
				       s->op->index, p->sub->path);
		for (size_t i = 0; i < t.n; i++)
			if (scim_step_remove_sub(s, t.v[i], e) < 0)
				return -1;
		scim_step_tidy(s);
		return 0;
	}
	if (!t.list) {
		if (t.n > 0)
			scim_resource_set(s->c->type, s->res, p->attr, NULL);
		return 0;
	}
	bool *drop = ARENA_ARRAY(s->tmp, json_array_size(t.list) + 1, bool);
	for (size_t i = 0; i < t.n; i++)
		drop[t.index[i]] = true;
	drop_elements(s, t.list, drop);
	return 0;
}
