/* SPDX-License-Identifier: Apache-2.0
 * Filters: the normal form of what is parsed parses to itself and means the same; what is valid without tolerance is
 * valid with it and means the same; errors point into the input. */
#include "dirhinge/scim/filter.h"
#include "fuzz.h"
#include "fuzz_scim.h"

/* Levels of nesting of a text in normal form: the parser's limit may refuse it ("a or b and c" gains parentheses). */
static unsigned
depth_of(struct strv s)
{
	unsigned char steps[SCIM_FILTER_MAX_BYTES] = {0};
	unsigned depth = 0, deepest = 0;
	size_t open = 0;
	bool string = false;
	for (size_t i = 0; i < s.n; i++) {
		if (string && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			string = !string;
		else if (!string && (s.p[i] == '(' || s.p[i] == '[')) {
			bool negated = s.p[i] == '(' && i >= 4 && strv_eq(strv_n(s.p + i - 4, 4), STRV("not "));
			steps[open] = negated ? 2 : 1;
			depth += steps[open++];
			deepest = depth > deepest ? depth : deepest;
		} else if (!string && (s.p[i] == ')' || s.p[i] == ']'))
			depth -= steps[--open];
	}
	return deepest;
}

static const struct scim_filter *
parse(struct arena *a, const struct scim_type *type, unsigned tolerate, struct strv text)
{
	struct scim_ctx c = {.a = a, .type = type, .tolerate = tolerate};
	const struct scim_filter *f = NULL;
	struct err e = ERR_INIT;
	if (scim_filter_parse(&c, text, &f, &e) == 0) {
		must(f != NULL && (tolerate || !c.notes));
		return f;
	}
	must(f == NULL && e.code == ERR_FILTER && e.offset <= text.n);
	return NULL;
}

static bool
count(void *ctx, const struct scim_filter *node)
{
	unsigned *n = ctx;
	must(node->kind == SCIM_COMPARE || node->kind == SCIM_VALUE_PATH);
	*n += node->kind == SCIM_COMPARE;
	return true;
}

static void
check(struct arena *a, const struct fuzz_scim *s, const struct scim_filter *f)
{
	const struct scim_filter negated = {.kind = SCIM_NOT, .left = f};
	bool matches = scim_filter_match(s->type, f, s->resource);
	must(scim_filter_match(s->type, &negated, s->resource) == !matches);
	unsigned n = 0;
	must(scim_filter_visit(f, count, &n) && n >= 1 && n <= SCIM_FILTER_MAX_COMPARISONS);
	must(scim_filter_text(a, f, true) != NULL);
	struct strv text = strv_of(scim_filter_text(a, f, false));
	if (text.n > SCIM_FILTER_MAX_BYTES || depth_of(text) > SCIM_FILTER_MAX_DEPTH)
		return;
	const struct scim_filter *again = parse(a, s->type, SCIM_TOL_STRICT, text);
	must(again != NULL && strv_eq(strv_of(scim_filter_text(a, again, false)), text));
	must(scim_filter_match(s->type, again, s->resource) == matches);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_scim *s = fuzz_scim();
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct strv text = strv_n((const char *)data, size);
	const struct scim_filter *strict = parse(a, s->type, SCIM_TOL_STRICT, text);
	const struct scim_filter *lenient = parse(a, s->type, SCIM_TOL_LENIENT, text);
	const struct scim_filter *unresolved = parse(a, NULL, SCIM_TOL_LENIENT, text);
	must(!strict || lenient);
	must(!lenient || unresolved);
	if (strict)
		must(str_eq(scim_filter_text(a, strict, false), scim_filter_text(a, lenient, false)));
	if (lenient)
		check(a, s, lenient);
	if (unresolved)
		must(scim_filter_text(a, unresolved, false) != NULL);
	return 0;
}
