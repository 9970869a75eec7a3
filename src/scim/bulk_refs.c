/* SPDX-License-Identifier: Apache-2.0
 * References between the operations of a Bulk request (RFC 7644 3.7.1, 3.7.2): any string value "bulkId:x", the target
 * of a path, and quoted values in the filter of a PATCH path. Depth is bounded by the JSON parser. */
#include "scim/bulk_refs.h"

#include "dirhinge/base/buf.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/scim/patch.h"
#include "scim/normal.h"

#define PREFIX "bulkId:"
#define QUOTED "\"" PREFIX

/* --- finding ------------------------------------------------------------------------------------------------------ */

/* Called with the name behind "bulkId:". */
typedef void (*ref_fn)(void *ctx, struct strv name);

static bool
ref_name(struct strv text, struct strv *name_r)
{
	if (!strv_starts(text, STRV(PREFIX)))
		return false;
	*name_r = strv_n(text.p + sizeof PREFIX - 1, text.n - (sizeof PREFIX - 1));
	return true;
}

static struct strv
json_view(const json_t *j)
{
	return strv_n(json_string_value(j), json_string_length(j));
}

/* Takes a quoted reference off the front part of a path: what stands before it and its name. */
static bool
next_quoted(struct strv *rest, struct strv *before_r, struct strv *name_r)
{
	const char *at = memmem(rest->p, rest->n, QUOTED, sizeof QUOTED - 1);
	if (!at)
		return false;
	const char *name = at + sizeof QUOTED - 1;
	size_t left = (size_t)(rest->p + rest->n - name);
	size_t n = strv_chr(strv_n(name, left), '"');
	*before_r = strv_n(rest->p, (size_t)(at - rest->p));
	*name_r = strv_n(name, n);
	*rest = strv_n(name + n, left - n); /* begins with the closing quote, if it is there */
	return true;
}

static void
visit(const char *key, const json_t *j, ref_fn fn, void *ctx)
{
	struct strv name, before, rest;
	const char *k;
	json_t *el;
	size_t i;
	if (json_is_object(j)) {
		json_object_foreach (scim_iterable(j), k, el)
			visit(k, el, fn, ctx);
	} else if (json_is_array(j)) {
		json_array_foreach (j, i, el)
			visit(key, el, fn, ctx);
	} else if (json_is_string(j)) {
		rest = json_view(j);
		if (ref_name(rest, &name))
			fn(ctx, name);
		else if (str_caseeq(key, "path"))
			while (next_quoted(&rest, &before, &name))
				fn(ctx, name);
	}
}

struct needs {
	struct scim_bulk *b;
	struct scim_bulk_op *op;
	bool *seen;
};

static void
add_need(void *ctx, struct strv name)
{
	struct needs *n = ctx;
	struct scim_bulk_op *made = strmap_get(n->b->posts, name);
	if (!made || n->seen[made - n->b->ops])
		return;
	n->seen[made - n->b->ops] = true;
	n->op->needs[n->op->n_needs++] = made;
}

void
scim_bulk_find_refs(struct scim_bulk *b, struct scim_bulk_op *op)
{
	struct needs n = {b, op, ARENA_ARRAY(b->a, b->n, bool)};
	struct strv name;
	if (op->bad.code != ERR_OK)
		return;
	op->needs = ARENA_ARRAY(b->a, strmap_count(b->posts) + 1, struct scim_bulk_op *);
	if (op->target && ref_name(strv_of(op->target), &name))
		add_need(&n, name);
	visit("", op->data, add_need, &n);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static bool
undecided(const struct scim_bulk_op *made)
{
	return !made->id && made->state == SCIM_BULK_WAITING;
}

struct open {
	const struct scim_bulk *b;
	size_t n;
};

static void
count_open(void *ctx, struct strv name)
{
	struct open *o = ctx;
	const struct scim_bulk_op *made = strmap_get(o->b->posts, name);
	o->n += made && undecided(made);
}

static bool
all_decided(const struct scim_bulk *b, const json_t *data)
{
	struct open o = {.b = b};
	visit("", data, count_open, &o);
	return o.n == 0;
}

static bool
ready(const struct scim_bulk *b, const struct scim_bulk_op *op)
{
	if (op->state == SCIM_BULK_HALF)
		return all_decided(b, op->later);
	if (op->state != SCIM_BULK_WAITING || (op->after && op->after->state == SCIM_BULK_WAITING))
		return false;
	for (size_t i = 0; i < op->n_needs; i++)
		if (undecided(op->needs[i]))
			return false;
	return true;
}

/* --- circles ------------------------------------------------------------------------------------------------------ */

static void
add_later(json_t *ops, const char *path, json_t *value)
{
	json_array_append_new(ops, json_pack("{s:s, s:s, s:o}", "op", "add", "path", path, "value", value));
}

static void
cut_members(const struct scim_bulk *b, json_t *data, json_t *ops)
{
	const char *key = NULL;
	const json_t *members = json_get_ci(data, "members", &key), *el;
	size_t i;
	if (!json_is_array(members))
		return;
	json_t *stay = json_array(), *moved = json_array();
	json_array_foreach (members, i, el)
		json_array_append(all_decided(b, el) ? stay : moved, scim_iterable(el));
	if (json_array_size(moved) > 0)
		add_later(ops, "members", moved);
	else
		json_decref(moved);
	json_object_set_new(data, key, stay);
}

static void
cut_manager(const struct scim_bulk *b, json_t *data, json_t *ops)
{
	const char *key = NULL;
	json_t *ext = json_get_ci(data, SCIM_URN_ENTERPRISE, NULL);
	const json_t *manager = json_get_ci(ext, "manager", &key);
	if (!manager || all_decided(b, manager))
		return;
	add_later(ops, SCIM_URN_ENTERPRISE ":manager", json_deep_copy(manager));
	json_object_del(ext, key);
}

/* A copy of data without the references that cannot be resolved yet; they become operations. NULL if some stand where
 * they cannot be added later. */
static json_t *
cut(const struct scim_bulk *b, const json_t *data, json_t *ops)
{
	json_t *copy = json_deep_copy(data);
	cut_members(b, copy, ops);
	cut_manager(b, copy, ops);
	if (all_decided(b, copy))
		return copy;
	json_decref(copy);
	return NULL;
}

static bool
can_defer(const struct scim_bulk *b, const struct scim_bulk_op *op)
{
	if (op->state != SCIM_BULK_WAITING || op->method != SCIM_BULK_POST)
		return false;
	json_auto_t *ops = json_array();
	json_auto_t *rest = cut(b, op->data, ops);
	return rest != NULL;
}

struct scim_bulk_op *
scim_bulk_next(struct scim_bulk *b)
{
	struct scim_bulk_op *stuck = NULL;
	for (size_t i = 0; i < b->n; i++) {
		if (ready(b, &b->ops[i]))
			return &b->ops[i];
		if (!stuck && b->ops[i].state == SCIM_BULK_WAITING)
			stuck = &b->ops[i];
	}
	/* Only POSTs are referred to, so a circle holds nothing else. */
	for (size_t i = 0; stuck && i < b->n; i++)
		if (can_defer(b, &b->ops[i])) {
			b->ops[i].defer = true;
			return &b->ops[i];
		}
	return stuck;
}

/* --- resolving ---------------------------------------------------------------------------------------------------- */

static int
resolve_ref(const struct scim_bulk *b, struct strv name, const char **id_r, struct err *e)
{
	const struct scim_bulk_op *made = strmap_get(b->posts, name);
	int n = name.n < 64 ? (int)name.n : 64;
	if (!made)
		return err_set(e, ERR_CONFLICT, "no POST of this request has the bulkId \"%.*s\"", n, name.p);
	if (!made->id)
		return err_set(e, ERR_CONFLICT, "the resource with the bulkId \"%.*s\" %s", n, name.p,
			       made->state == SCIM_BULK_FAILED ? "could not be created" : "is part of a circle");
	*id_r = made->id;
	return 0;
}

static int
resolve_text(const struct scim_bulk *b, const char *key, const json_t *in, json_t **out_r, struct err *e)
{
	struct strv rest = json_view(in), name, before;
	const char *id;
	if (ref_name(rest, &name)) {
		if (resolve_ref(b, name, &id, e) < 0)
			return -1;
		*out_r = json_string(id);
		return 0;
	}
	if (!str_caseeq(key, "path") || !memmem(rest.p, rest.n, QUOTED, sizeof QUOTED - 1)) {
		*out_r = json_incref(scim_iterable(in));
		return 0;
	}
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(rest.n + b->n * 64);
	while (next_quoted(&rest, &before, &name)) {
		if (resolve_ref(b, name, &id, e) < 0)
			return -1;
		buf_addv(&text, before);
		buf_printf(&text, "\"%s", id);
	}
	buf_addv(&text, rest);
	if (text.full)
		return err_set(e, ERR_TOO_LARGE, "path: too many references");
	*out_r = json_stringn(text.p, text.n);
	return 0;
}

/* A new tree with every reference replaced. */
static int
resolve(const struct scim_bulk *b, const char *key, const json_t *in, json_t **out_r, struct err *e)
{
	json_auto_t *out = json_is_object(in) ? json_object() : json_array();
	json_t *el, *made = NULL;
	const char *k;
	size_t i;
	if (json_is_string(in))
		return resolve_text(b, key, in, out_r, e);
	if (!json_is_object(in) && !json_is_array(in)) {
		*out_r = json_incref(scim_iterable(in));
		return 0;
	}
	json_object_foreach (scim_iterable(in), k, el) {
		if (resolve(b, k, el, &made, e) < 0)
			return -1;
		json_object_set_new(out, k, made);
	}
	json_array_foreach (in, i, el) {
		if (resolve(b, key, el, &made, e) < 0)
			return -1;
		json_array_append_new(out, made);
	}
	*out_r = TAKE(out);
	return 0;
}

/* What of a circle can be said now; the rest is kept for the second step. */
static const json_t *
defer(struct scim_bulk *b, struct scim_bulk_op *op)
{
	json_t *ops = json_array();
	json_t *now = cut(b, op->data, ops);
	must(now);
	op->later = json_keep(b->a, json_pack("{s:[s], s:o}", "schemas", SCIM_URN_PATCHOP, "Operations", ops));
	return json_keep(b->a, now);
}

int
scim_bulk_step(struct scim_bulk *b, struct scim_bulk_op *op, struct scim_bulk_step *s_r, struct err *e)
{
	struct scim_bulk_step s = {.target = op->target};
	const json_t *data = op->data;
	json_t *out = NULL;
	struct strv name;
	if (op->bad.code != ERR_OK) {
		*e = op->bad;
		return -1;
	}
	if (op->state == SCIM_BULK_HALF) {
		s.target = op->id;
		data = op->later;
	} else if (op->defer) {
		data = defer(b, op);
	}
	if (s.target && ref_name(strv_of(s.target), &name) && resolve_ref(b, name, &s.target, e) < 0)
		return -1;
	if (op->method != SCIM_BULK_DELETE && resolve(b, "", data, &out, e) < 0)
		return -1;
	s.data = out ? json_keep(b->a, out) : NULL;
	*s_r = s;
	return 0;
}

void
scim_bulk_done(struct scim_bulk_op *op, const char *id)
{
	op->id = id;
	op->state = op->state == SCIM_BULK_WAITING && op->defer ? SCIM_BULK_HALF : SCIM_BULK_DONE;
}

void
scim_bulk_failed(struct scim_bulk_op *op)
{
	op->state = SCIM_BULK_FAILED;
	op->id = NULL;
}
