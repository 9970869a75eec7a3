/* SPDX-License-Identifier: Apache-2.0
 * Plays filters, paths and evaluations. Directives:
 *   @type User|Group|Thing     the resource type; "none": names are not looked up
 *   @tolerate strict|lenient|… see scim_types_tolerance()
 *   @redact on|off             filters are printed with their values hidden
 *   @resource JSON             what filters are evaluated on, in normal form */
#include "dirhinge/scim/path.h"
#include "scim_types.h"
#include "vectors.h"

struct state {
	struct arena *a;
	struct scim_types types;
	const struct scim_type *type;
	unsigned tolerate;
	bool redact;
	json_t *resource;
};

static bool
directive(void *ctx, struct arena *a, const char *key, struct strv value)
{
	struct state *s = ctx;
	struct err e;
	if (str_eq(key, "type")) {
		s->type = scim_types_find(&s->types, value);
		return s->type || strv_eq(value, STRV("none"));
	}
	if (str_eq(key, "tolerate"))
		return scim_types_tolerance(value, &s->tolerate);
	if (str_eq(key, "redact")) {
		s->redact = strv_eq(value, STRV("on"));
		return true;
	}
	if (str_eq(key, "resource"))
		return json_parse(a, value, NULL, &s->resource, &e) == 0;
	return false;
}

/* The normal form must parse to itself, strictly. */
static void
check_stable(struct state *s, struct arena *a, const char *text, struct buf *out)
{
	struct scim_ctx c = {.a = a, .type = s->type};
	struct err e = ERR_INIT;
	const struct scim_filter *f = NULL;
	if (scim_filter_parse(&c, strv_of(text), &f, &e)) {
		buf_printf(out, " (not parsed again: %s)", e.detail);
		return;
	}
	const char *again = scim_filter_text(a, f, false);
	if (!str_eq(text, again))
		buf_printf(out, " (parsed again: %s)", again);
}

static void
run_filter(void *ctx, const struct vec_case *vc, struct buf *out)
{
	struct state *s = ctx;
	struct scim_ctx c = {.a = vc->a, .type = s->type, .tolerate = s->tolerate};
	struct err e = ERR_INIT;
	const struct scim_filter *f = NULL;
	if (scim_filter_parse(&c, vc->input, &f, &e)) {
		vec_err(out, &e);
		return;
	}
	const char *text = scim_filter_text(vc->a, f, s->redact);
	buf_adds(out, text);
	if (s->type && !s->redact)
		check_stable(s, vc->a, text, out);
	scim_types_notes(out, &c);
}

static void
run_path(void *ctx, const struct vec_case *vc, struct buf *out)
{
	struct state *s = ctx;
	struct scim_ctx c = {.a = vc->a, .type = s->type, .tolerate = s->tolerate};
	struct err e = ERR_INIT;
	const struct scim_path *p = NULL;
	int rc = scim_path_parse(&c, vc->input, &p, &e);
	if (rc < 0)
		vec_err(out, &e);
	else
		buf_adds(out, rc ? scim_path_text(vc->a, p) : "unknown");
	if (rc >= 0)
		scim_types_notes(out, &c);
}

static void
run_eval(void *ctx, const struct vec_case *vc, struct buf *out)
{
	struct state *s = ctx;
	struct scim_ctx c = {.a = vc->a, .type = s->type, .tolerate = s->tolerate};
	struct err e = ERR_INIT;
	const struct scim_filter *f = NULL;
	if (scim_filter_parse(&c, vc->input, &f, &e))
		vec_err(out, &e);
	else
		buf_adds(out, scim_filter_match(s->type, f, s->resource) ? "true" : "false");
}

int
main(void)
{
	static const struct {
		const char *file;
		void (*run)(void *ctx, const struct vec_case *c, struct buf *out);
	} files[] = {
		{"tests/vectors/scim/filter.txt", run_filter},
		{"tests/vectors/scim/filter_strict.txt", run_filter},
		{"tests/vectors/scim/filter_tolerant.txt", run_filter},
		{"tests/vectors/scim/filter_eval.txt", run_eval},
		{"tests/vectors/scim/path.txt", run_path},
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct state s = {.a = a};
	struct vec_runner r = {.directive = directive, .ctx = &s};
	scim_types_load(a, &s.types);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		s.type = s.types.user;
		s.tolerate = 0;
		s.redact = false;
		r.run = files[i].run;
		vec_play(&r, files[i].file);
	}
	return vec_summary(&r, "filter");
}
