/* SPDX-License-Identifier: Apache-2.0
 * Plays Bulk requests through the resolution of references: which operation is run when, and with what.
 *
 * Input: the Operations, or a whole body. Expected: one word group an operation in the order of running,
 * "INDEX TARGET DATA", "INDEX+" for the second step of a circle, "INDEX ! CODE" for an error; "POST x" is made with the
 * id "#x". Directives: @fail BULKIDS (their POST fails; "-" none), @tolerate LIST, @detail on|off, @limit N. */
#include <stdlib.h>

#include "dirhinge/scim/bulk.h"
#include "scim_types.h"
#include "vectors.h"

struct play {
	const struct scim_types *types;
	const char *fail;
	unsigned tolerate;
	bool detail;
	size_t limit;
};

static bool
directive(void *ctx, struct arena *a, const char *key, struct strv value)
{
	struct play *p = ctx;
	const char *text = arena_strndup(a, value.p, value.n);

	if (str_eq(key, "tolerate"))
		return scim_types_tolerance(value, &p->tolerate);
	if (str_eq(key, "fail"))
		return (p->fail = arena_printf(a, " %s ", text)) != NULL;
	if (str_eq(key, "limit"))
		return (p->limit = strtoul(text, NULL, 10)) > 0;
	p->detail = str_eq(text, "on");
	return str_eq(key, "detail");
}

static void
show_error(const struct play *p, struct buf *out, const struct err *e)
{
	vec_err(out, e);
	if (p->detail)
		buf_printf(out, ": %s", e->detail);
}

static bool
is_to_fail(const struct play *p, struct arena *a, const struct scim_bulk_op *op)
{
	return op->bulk_id && op->state == SCIM_BULK_WAITING && op->method == SCIM_BULK_POST &&
	       strstr(p->fail, arena_printf(a, " %s ", op->bulk_id));
}

static void
run_op(const struct play *p, struct arena *a, struct scim_bulk *b, struct scim_bulk_op *op, struct buf *out)
{
	struct err e = ERR_INIT;
	struct scim_bulk_step s;

	buf_printf(out, "%s%zu%s ", out->n ? "; " : "", (size_t)(op - b->ops), op->state == SCIM_BULK_HALF ? "+" : "");
	if (scim_bulk_step(b, op, &s, &e) < 0) {
		show_error(p, out, &e);
		scim_bulk_failed(op);
		return;
	}
	buf_printf(out, "%s%s%s", s.target ? s.target : op->type->endpoint, s.data ? " " : "",
		   s.data ? json_text(a, s.data) : "");
	if (is_to_fail(p, a, op)) {
		buf_adds(out, " fails");
		scim_bulk_failed(op);
		return;
	}
	scim_bulk_done(op, s.target ? s.target : arena_printf(a, "#%s", op->bulk_id));
}

static void
run(void *ctx, const struct vec_case *v, struct buf *out)
{
	const struct play *p = ctx;
	const struct scim_type *const types[] = {p->types->user, p->types->group};
	const struct scim_bulk_opts opts = {types, 2, "https://h.example/scim/v2", p->limit};
	struct scim_ctx c = {.a = v->a, .tolerate = p->tolerate};
	struct err e = ERR_INIT;
	struct scim_bulk b;
	struct scim_bulk_op *op;
	const char *text = v->input.p;
	json_t *body = NULL;

	if (text[0] == '[')
		text = arena_printf(v->a, "{\"schemas\":[\"%s\"],\"Operations\":%s}", SCIM_URN_BULK_REQUEST, text);
	if (json_parse(v->a, strv_of(text), NULL, &body, &e) < 0 || scim_bulk_parse(&c, body, &opts, &b, &e) < 0) {
		show_error(p, out, &e);
		return;
	}
	json_t *before = json_keep(v->a, json_deep_copy(body));
	if (b.fail_on_errors > 0)
		buf_printf(out, "failOnErrors=%lld", (long long)b.fail_on_errors);
	/* A circle makes an operation run twice, nothing more than that. */
	for (size_t i = 0; (op = scim_bulk_next(&b)); i++) {
		must(i < 2 * b.n);
		run_op(p, v->a, &b, op, out);
	}
	if (!json_equal(before, body))
		buf_adds(out, " BODY WAS CHANGED");
}

int
main(void)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct scim_types types;
	struct play p = {.types = &types, .fail = "", .limit = 20};
	struct vec_runner r = {.directive = directive, .run = run, .ctx = &p};

	scim_types_load(a, &types);
	vec_play(&r, "tests/vectors/scim/bulk.txt");
	return vec_summary(&r, "bulk");
}
