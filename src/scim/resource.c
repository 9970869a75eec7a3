/* SPDX-License-Identifier: Apache-2.0
 * A resource in normal form: where an attribute lives, "schemas", what the whole must fulfil, merging of values. */
#include "dirhinge/base/strmap.h"
#include "scim/normal.h"

const struct scim_attr *
scim_type_at(const struct scim_type *t, size_t i)
{
	if (i < t->n_common)
		return &t->common[i];
	i -= t->n_common;
	if (i < t->core->n_attrs)
		return &t->core->attrs[i];
	i -= t->core->n_attrs;
	for (size_t x = 0; x < t->n_extensions; x++) {
		if (i < t->extensions[x]->n_attrs)
			return &t->extensions[x]->attrs[i];
		i -= t->extensions[x]->n_attrs;
	}
	return NULL;
}

const struct scim_attr *
scim_attr_bare(const struct scim_type *t, struct strv name)
{
	const struct scim_attr *found = scim_type_attr(t, (struct strv){0}, name);
	bool core = found != NULL;

	for (size_t x = 0; !core && x < t->n_extensions; x++) {
		const struct scim_attr *attr = scim_type_attr(t, strv_of(t->extensions[x]->urn), name);
		if (attr && found)
			return NULL;
		found = attr ? attr : found;
	}
	return found;
}

const struct scim_attr *
scim_attr_find(struct scim_ctx *c, struct strv name)
{
	const struct scim_attr *attr = scim_attr_bare(c->type, name);

	if (attr && scim_attr_in_extension(c->type, attr) && !scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, attr->path))
		return NULL;
	return attr;
}

bool
scim_attr_kept(const struct scim_attr *attr)
{
	return attr->mutability == SCIM_READ_ONLY || (!attr->schema && str_eq(attr->name, "schemas"));
}

json_t *
scim_resource_holder(const struct scim_type *t, json_t *res, const struct scim_attr *attr, bool create)
{
	const struct scim_attr *top = scim_attr_top(attr);

	if (!scim_attr_in_extension(t, top))
		return res;
	json_t *ext = json_object_get(res, top->schema->urn);
	if (!json_is_object(ext) && create) {
		ext = json_object();
		json_object_set_new(res, top->schema->urn, ext);
	}
	return json_is_object(ext) ? ext : NULL;
}

json_t *
scim_resource_get(const struct scim_type *t, const json_t *res, const struct scim_attr *attr)
{
	const struct scim_attr *top = scim_attr_top(attr);

	if (scim_attr_in_extension(t, top))
		res = json_object_get(res, top->schema->urn);
	return json_object_get(res, top->name);
}

void
scim_resource_set(const struct scim_type *t, json_t *res, const struct scim_attr *attr, json_t *value)
{
	const struct scim_attr *top = scim_attr_top(attr);
	json_t *holder = scim_resource_holder(t, res, top, value != NULL);

	if (value) {
		json_object_set_new(holder, top->name, value);
		return;
	}
	if (!holder)
		return;
	json_object_del(holder, top->name);
	if (holder != res && json_object_size(holder) == 0)
		json_object_del(res, top->schema->urn);
}

void
scim_resource_set_schemas(const struct scim_type *t, json_t *res)
{
	json_t *list = json_array();

	json_array_append_new(list, json_string(t->core->urn));
	/* RFC 7643 3.3: an extension is listed as long as one of its attributes has a value. */
	for (size_t x = 0; x < t->n_extensions; x++) {
		const char *urn = t->extensions[x]->urn;
		const json_t *ext = json_object_get(res, urn);
		if (json_object_size(ext) > 0)
			json_array_append_new(list, json_string(urn));
		else if (ext)
			json_object_del(res, urn);
	}
	json_object_set_new(res, "schemas", list);
}

bool
scim_complex_is_empty(const struct scim_attr *attr, const json_t *value)
{
	bool has_value = scim_attr_value(attr) != NULL;

	if (attr->multi && has_value)
		return json_object_get(value, "value") == NULL;
	for (size_t i = 0; i < attr->n_subs; i++) {
		const struct scim_attr *sub = &attr->subs[i];
		/* An address of which only the label is left says nothing. */
		bool label = attr->multi && (str_eq(sub->name, "type") || str_eq(sub->name, "primary") ||
					     str_eq(sub->name, "display"));
		if (!label && !scim_sub_is_derived(attr, sub) && json_object_get(value, sub->name))
			return false;
	}
	return true;
}

void
scim_list_drop(json_t *list, const bool *drop)
{
	json_auto_t *kept = json_array();
	size_t i;
	json_t *el;

	json_array_foreach (list, i, el)
		if (!drop[i])
			json_array_append(kept, el);
	json_array_clear(list);
	json_array_extend(list, kept);
}

static int
mutability_error(struct scim_ctx *c, const struct scim_place *at, const char *name, struct err *e)
{
	const struct scim_place sub = {.up = at, .name = name};

	return err_set(e, ERR_MUTABILITY, "%s: the value is immutable and already set",
		       scim_place_text(c->a, name ? &sub : at));
}

int
scim_complex_merge(struct scim_ctx *c, const struct scim_attr *attr, json_t *target, const json_t *more,
		   const struct scim_place *at, struct err *e)
{
	for (size_t i = 0; i < attr->n_subs; i++) {
		const struct scim_attr *sub = &attr->subs[i];
		json_t *v = json_object_get(more, sub->name);
		const json_t *old = json_object_get(target, sub->name);
		if (!v || scim_value_same(sub, old, v))
			continue;
		if (sub->mutability == SCIM_IMMUTABLE && old && !scim_value_equal(sub, old, v))
			return mutability_error(c, at, sub->name, e);
		/* What follows from the old value ($ref, display name) is not true of the new one. */
		if (str_eq(sub->name, "value"))
			for (size_t k = 0; k < attr->n_subs; k++)
				if (scim_sub_is_derived(attr, &attr->subs[k]))
					json_object_del(target, attr->subs[k].name);
		if (json_is_null(v))
			json_object_del(target, sub->name);
		else
			json_object_set(target, sub->name, v);
	}
	return 0;
}

void
scim_links_adopt(const struct scim_attr *attr, json_t *list, const json_t *old)
{
	if (!scim_attr_is_links(attr) || json_array_size(old) == 0)
		return;
	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct strmap *known = strmap_new(tmp, false);
	size_t i;
	json_t *el;

	json_array_foreach (old, i, el) {
		buf_reset(&key);
		scim_identity_key(&key, attr, el);
		strmap_put(known, buf_view(&key), el);
	}
	json_array_foreach (list, i, el) {
		buf_reset(&key);
		scim_identity_key(&key, attr, el);
		json_t *same = strmap_get(known, buf_view(&key));
		if (same)
			json_array_set(list, i, same);
	}
}

int
scim_resource_keep_immutable(const struct scim_type *t, json_t *res, const struct scim_attr *attr, json_t *was,
			     struct err *e)
{
	json_auto_t *old = was;

	if (!old)
		return 0;
	if (!scim_value_equal(attr, old, scim_resource_get(t, res, attr)))
		return err_set(e, ERR_MUTABILITY, "%s is immutable and already set", attr->path);
	scim_resource_set(t, res, attr, TAKE(old));
	return 0;
}

/* RFC 7643 2.4: primary is true at most once. The last one wins where that is tolerated. */
static int
check_primary(struct scim_ctx *c, const struct scim_attr *attr, json_t *list, struct err *e)
{
	size_t i, count = 0, last = 0;
	json_t *el;

	json_array_foreach (list, i, el)
		if (json_is_true(json_object_get(el, "primary"))) {
			count++;
			last = i;
		}
	if (count <= 1)
		return 0;
	if (!scim_tolerates(c, SCIM_TOL_DUPLICATES, attr->path))
		return err_set(e, ERR_VALUE, "%s: %zu elements are primary, one may be", attr->path, count);
	json_array_foreach (list, i, el)
		if (i != last && json_is_true(json_object_get(el, "primary")))
			json_object_set_new(el, "primary", json_false());
	return 0;
}

static int
check_duplicates(struct scim_ctx *c, const struct scim_attr *attr, json_t *list, struct err *e)
{
	size_t i, n = json_array_size(list), dropped = 0;
	json_t *el;

	if (n < 2)
		return 0;
	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct strmap *seen = strmap_new(tmp, false);
	bool *drop = ARENA_ARRAY(tmp, n, bool);
	json_array_foreach (list, i, el) {
		buf_reset(&key);
		scim_identity_key(&key, attr, el);
		json_t *first = strmap_get(seen, buf_view(&key));
		if (!first) {
			strmap_put(seen, buf_view(&key), el);
			continue;
		}
		if (dropped++ == 0 && !scim_tolerates(c, SCIM_TOL_DUPLICATES, attr->path))
			return err_set(e, ERR_VALUE, "%s[%zu]: the same value is there twice", attr->path, i);
		drop[i] = true;
		if (json_is_true(json_object_get(el, "primary")))
			json_object_set_new(first, "primary", json_true());
	}
	if (dropped)
		scim_list_drop(list, drop);
	return 0;
}

static int
check_required_subs(const struct scim_attr *attr, const json_t *value, struct err *e)
{
	for (size_t i = 0; i < attr->n_subs; i++)
		if (attr->subs[i].required && !scim_sub_is_derived(attr, &attr->subs[i]) &&
		    attr->subs[i].mutability != SCIM_READ_ONLY && !json_object_get(value, attr->subs[i].name))
			return err_set(e, ERR_VALUE, "%s is required", attr->subs[i].path);
	return 0;
}

static bool
is_blank(const json_t *v)
{
	return json_is_string(v) && strv_trim(strv_n(json_string_value(v), json_string_length(v))).n == 0;
}

static int
check_attr(struct scim_ctx *c, const struct scim_attr *attr, json_t *res, bool partial, struct err *e)
{
	json_t *v = scim_resource_get(c->type, res, attr);
	bool here = !scim_attr_in_extension(c->type, attr) || json_object_get(res, attr->schema->urn);
	size_t i;
	const json_t *el;

	/* RFC 7643 4.1.1: userName is not empty; a name of blanks is none either. */
	if (attr->required && !attr->filled && here && (json_unassigned(v) || is_blank(v)))
		return err_set(e, ERR_VALUE, "%s is required and must not be empty", attr->path);
	if (json_is_object(v) && !partial)
		return check_required_subs(attr, v, e);
	if (!json_is_array(v))
		return 0;
	/* The primaries come first: of two equal elements the last may be the one that holds it. */
	if (check_primary(c, attr, v, e) < 0 || check_duplicates(c, attr, v, e) < 0)
		return -1;
	json_array_foreach (v, i, el)
		if (check_required_subs(attr, el, e) < 0)
			return -1;
	return 0;
}

int
scim_resource_check_parts(struct scim_ctx *c, json_t *res, const json_t *before, bool partial, struct err *e)
{
	const struct scim_attr *attr;

	for (size_t i = 0; (attr = scim_type_at(c->type, i)) != NULL; i++) {
		if (scim_attr_kept(attr))
			continue;
		bool had = before &&
			   (!scim_attr_in_extension(c->type, attr) || json_object_get(before, attr->schema->urn));
		if (had && scim_value_same(attr, scim_resource_get(c->type, before, attr),
					   scim_resource_get(c->type, res, attr)))
			continue;
		if (check_attr(c, attr, res, partial, e) < 0)
			return -1;
	}
	return 0;
}

int
scim_resource_check(struct scim_ctx *c, json_t *res, struct err *e)
{
	return scim_resource_check_parts(c, res, NULL, false, e);
}
