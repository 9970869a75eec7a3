/* SPDX-License-Identifier: Apache-2.0
 * Plays the vectors about resources: normal form, PATCH, PUT, differences, equality, projection, members.
 *
 * Directives: @type NAME, @tolerate LIST, @before RESOURCE, @show all|own (own leaves out schemas, id and meta),
 * @detail on|off (the client's text of an error), @notes on|off (what was tolerated), @mode create|replace,
 * @check off (the resource before is not normal, so the one after need not be). */
#include <stdio.h>

#include "dirhinge/scim/diff.h"
#include "dirhinge/scim/patch.h"
#include "dirhinge/scim/project.h"
#include "scim_tree.h"
#include "scim_types.h"
#include "vectors.h"

struct play {
	const struct scim_types *types;
	struct scim_ctx c;
	const char *before;
	bool all, detail, notes, unchecked;
	enum scim_normal_mode mode;
};

static bool
switch_on(struct strv value, bool *on_r)
{
	*on_r = strv_eq(value, STRV("on")) || strv_eq(value, STRV("all"));
	return *on_r || strv_eq(value, STRV("off")) || strv_eq(value, STRV("own"));
}

static bool
directive(void *ctx, struct arena *a, const char *key, struct strv value)
{
	struct play *p = ctx;

	if (str_eq(key, "type"))
		return (p->c.type = scim_types_find(p->types, value)) != NULL;
	if (str_eq(key, "tolerate"))
		return scim_types_tolerance(value, &p->c.tolerate);
	if (str_eq(key, "before"))
		return (p->before = arena_strndup(a, value.p, value.n)) != NULL;
	if (str_eq(key, "show"))
		return switch_on(value, &p->all);
	if (str_eq(key, "detail"))
		return switch_on(value, &p->detail);
	if (str_eq(key, "notes"))
		return switch_on(value, &p->notes);
	if (str_eq(key, "check"))
		return (p->unchecked = strv_eq(value, STRV("off"))) || strv_eq(value, STRV("on"));
	p->mode = strv_eq(value, STRV("replace")) ? SCIM_FOR_REPLACE : SCIM_FOR_CREATE;
	return str_eq(key, "mode");
}

static json_t *
parse(struct arena *a, const char *text, struct err *e)
{
	json_t *j = NULL;

	return json_parse(a, strv_of(text), NULL, &j, e) < 0 ? NULL : j;
}

static void
show_notes(const struct play *p, struct buf *out)
{
	unsigned seen = 0;

	for (const struct scim_note *n = p->notes ? p->c.notes : NULL; n; n = n->next) {
		if ((seen & (unsigned)n->kind) == 0)
			buf_printf(out, " ~%s", scim_tolerance_name(n->kind));
		seen |= (unsigned)n->kind;
	}
}

static void
show_error(const struct play *p, struct buf *out, const struct err *e)
{
	vec_err(out, e);
	if (p->detail)
		buf_printf(out, ": %s", e->detail);
}

static void
show_resource(const struct play *p, struct buf *out, const json_t *res)
{
	json_t *copy = json_keep(p->c.a, json_deep_copy(res));

	if (!p->all) {
		json_object_del(copy, "schemas");
		json_object_del(copy, "id");
		json_object_del(copy, "meta");
	}
	buf_adds(out, json_text(p->c.a, copy));
	show_notes(p, out);
}

static struct play
begin(const struct play *p, const struct vec_case *v)
{
	struct play mine = *p;

	mine.c.a = v->a;
	mine.c.notes = NULL;
	return mine;
}

static void
run_normalise(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	json_t *body = parse(v->a, v->input.p, &e), *res = NULL;

	if (!body || scim_resource_normalise(&p.c, body, p.mode, &res, &e) < 0)
		show_error(&p, out, &e);
	else
		show_resource(&p, out, res);
}

/* Operations alone, or the whole body. */
static json_t *
patch_body(const struct vec_case *v, struct err *e)
{
	const char *text = v->input.p;

	if (text[0] == '[')
		text = arena_printf(v->a, "{\"schemas\":[\"%s\"],\"Operations\":%s}", SCIM_URN_PATCHOP, text);
	return parse(v->a, text, e);
}

/* What must hold for every result, whatever the case expects. */
static void
check_result(const struct play *p, const json_t *after, struct buf *out)
{
	struct play strict = *p;
	struct err e = ERR_INIT;
	json_t *again = NULL;

	if (p->unchecked)
		return;
	/* In normal form a result may be sent back; the server's own attributes and derived parts apart. */
	strict.c.tolerate = 0;
	if (scim_resource_normalise(&strict.c, after, SCIM_FOR_CREATE, &again, &e) < 0) {
		buf_printf(out, " NOT NORMAL: %s", e.detail);
		return;
	}
	struct scim_diff diff;
	scim_diff(p->c.a, p->c.type, after, again, &diff);
	for (size_t i = 0; i < diff.n; i++)
		if (scim_attr_top(diff.changes[i].attr)->mutability != SCIM_READ_ONLY)
			buf_printf(out, " NOT NORMAL: %s", diff.changes[i].attr->path);
}

static void
run_patch(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	struct scim_patch patch;
	json_t *body = patch_body(v, &e), *before = parse(v->a, p.before, &e), *after = NULL;
	json_t *copy = json_keep(v->a, json_deep_copy(before));

	if (!body || !before || scim_patch_parse(&p.c, body, &patch, &e) < 0 ||
	    scim_patch_apply(&p.c, &patch, before, &after, &e) < 0) {
		show_error(&p, out, &e);
	} else {
		show_resource(&p, out, after);
		check_result(&p, after, out);
	}
	if (!json_equal(before, copy))
		buf_adds(out, " BEFORE WAS CHANGED");
}

static void
run_replace(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	json_t *before = parse(v->a, p.before, &e), *body = parse(v->a, v->input.p, &e), *asked = NULL, *after = NULL;
	json_t *copy = json_keep(v->a, json_deep_copy(before));

	if (!before || !body || scim_resource_normalise(&p.c, body, SCIM_FOR_REPLACE, &asked, &e) < 0 ||
	    scim_replace(&p.c, before, asked, &after, &e) < 0) {
		show_error(&p, out, &e);
	} else {
		show_resource(&p, out, after);
		check_result(&p, after, out);
	}
	if (!json_equal(before, copy))
		buf_adds(out, " BEFORE WAS CHANGED");
}

static const char *
value_text(struct arena *a, const json_t *j)
{
	return j ? arena_strdup(a, json_text(a, json_keep(a, json_pack("[O]", j)))) : "-";
}

/* Two resources on two lines. */
static void
run_diff(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	struct scim_diff diff;
	size_t nl = strv_chr(v->input, '\n');
	json_t *before = parse(v->a, arena_strndup(v->a, v->input.p, nl), &e);
	json_t *after = nl < v->input.n ? parse(v->a, v->input.p + nl + 1, &e) : NULL;

	if (!before || !after) {
		show_error(&p, out, &e);
		return;
	}
	scim_diff(v->a, p.c.type, before, after, &diff);
	for (size_t i = 0; i < diff.n; i++)
		buf_printf(out, "%s%s %s %s", i ? "; " : "", diff.changes[i].attr->path,
			   value_text(v->a, diff.changes[i].before), value_text(v->a, diff.changes[i].after));
}

/* The path of an attribute, then two values in one array. */
static void
run_equal(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	size_t blank = strv_chr(v->input, ' '), dot;
	struct strv urn, rest;
	json_t *pair = parse(v->a, v->input.p + blank, &e);

	scim_split_urn(p.c.type, strv_n(v->input.p, blank), &urn, &rest);
	dot = strv_chr(rest, '.');
	const struct scim_attr *attr = scim_type_attr(p.c.type, urn, strv_n(rest.p, dot));
	if (attr && dot < rest.n)
		attr = scim_attr_sub(attr, strv_n(rest.p + dot + 1, rest.n - dot - 1));
	if (!attr || json_array_size(pair) != 2) {
		buf_adds(out, "NOT A CASE");
		return;
	}
	bool same = scim_value_equal(attr, json_array_get(pair, 0), json_array_get(pair, 1));
	buf_adds(out, same ? "equal" : "differ");
	if (same != scim_value_equal(attr, json_array_get(pair, 1), json_array_get(pair, 0)))
		buf_adds(out, " BUT NOT BACK");
}

/* "attributes LIST", "excluded LIST", "both LIST" or "none". */
static void
run_project(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	const struct scim_project *project = NULL;
	size_t blank = strv_chr(v->input, ' ');
	struct strv word = strv_n(v->input.p, blank);
	const char *list = blank < v->input.n ? v->input.p + blank + 1 : "";
	bool both = strv_eq(word, STRV("both"));
	json_t *res = parse(v->a, p.before, &e);

	if (!res || scim_project_parse(&p.c, both || strv_eq(word, STRV("attributes")) ? list : NULL,
				       both || strv_eq(word, STRV("excluded")) ? list : NULL, &project, &e) < 0) {
		show_error(&p, out, &e);
		return;
	}
	const struct scim_view *view = scim_tree_view(v->a, p.c.type, res);
	show_resource(&p, out, parse(v->a, scim_view_text(v->a, view, project).p, &e));
	if (p.detail)
		buf_adds(out, scim_project_given(project) ? " given" : " open");
}

static void
show_ids(struct buf *out, const char *word, const char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? "," : word, ids[i]);
}

static void
run_members(void *ctx, const struct vec_case *v, struct buf *out)
{
	struct play p = begin(ctx, v);
	struct err e = ERR_INIT;
	struct scim_patch patch;
	struct scim_member_delta d;
	const struct scim_attr *attr = scim_type_attr(p.c.type, (struct strv){0}, STRV("members"));
	json_t *body = patch_body(v, &e);

	if (!body || scim_patch_parse(&p.c, body, &patch, &e) < 0 ||
	    scim_patch_take_members(&p.c, &patch, attr, &d, &e) < 0) {
		show_error(&p, out, &e);
		return;
	}
	buf_printf(out, "left=%zu%s%s%s", patch.n, d.touched ? " touched" : "", d.clear ? " clear" : "",
		   d.needs_current ? " needs_current" : "");
	show_ids(out, " +", d.add, d.n_add);
	show_ids(out, " -", d.remove, d.n_remove);
	show_notes(&p, out);
}

int
main(void)
{
	static const struct {
		const char *file;
		void (*run)(void *ctx, const struct vec_case *v, struct buf *out);
	} files[] = {
		{"tests/vectors/scim/normalise.txt", run_normalise}, {"tests/vectors/scim/patch.txt", run_patch},
		{"tests/vectors/scim/patch_wire.txt", run_patch},    {"tests/vectors/scim/replace.txt", run_replace},
		{"tests/vectors/scim/diff.txt", run_diff},           {"tests/vectors/scim/equal.txt", run_equal},
		{"tests/vectors/scim/project.txt", run_project},     {"tests/vectors/scim/members.txt", run_members},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct scim_types types;
	struct vec_runner r = {.directive = directive};

	scim_types_load(a, &types);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct play p = {.types = &types, .before = "{}"};
		r.ctx = &p;
		r.run = files[i].run;
		vec_play(&r, files[i].file);
	}
	return vec_summary(&r, "resource");
}
