/* SPDX-License-Identifier: Apache-2.0
 * PATCH paths: the canonical text of what is parsed parses to itself; what is valid without tolerance is valid with it
 * and means the same; only a tolerant parser calls a path unknown; errors point into the input. */
#include "dirhinge/scim/path.h"
#include "fuzz.h"
#include "fuzz_scim.h"

static int
parse(struct arena *a, unsigned tolerate, struct strv text, const struct scim_path **p_r)
{
	struct scim_ctx c = {.a = a, .type = fuzz_scim()->type, .tolerate = tolerate};
	struct err e = ERR_INIT;
	*p_r = NULL;
	int rc = scim_path_parse(&c, text, p_r, &e);
	must((rc == 1) == (*p_r != NULL));
	must(rc != 0 || (tolerate && c.notes));
	must(rc != -1 || (e.code == ERR_PATH && e.offset <= text.n));
	must(tolerate || !c.notes);
	return rc;
}

static void
check(const struct scim_path *p)
{
	const struct fuzz_scim *s = fuzz_scim();
	must(!p->extension || (!p->attr && !p->filter && !p->sub));
	must(!p->sub || p->sub->parent == p->attr);
	if (!p->filter)
		return;
	size_t i;
	json_t *element;
	json_array_foreach (json_object_get(s->resource, p->attr->name), i, element)
		(void)scim_filter_match_element(p->filter, element);
}

/* The text of brackets may have gained parentheses or bytes beyond the limits. */
static bool
small(const char *text)
{
	size_t open = 0;
	for (const char *c = text; *c; c++)
		open += *c == '(' || *c == '[';
	return strlen(text) <= SCIM_FILTER_MAX_BYTES && open <= SCIM_FILTER_MAX_DEPTH / 2;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct strv text = strv_n((const char *)data, size);
	const struct scim_path *strict, *lenient, *again;
	int strict_rc = parse(a, SCIM_TOL_STRICT, text, &strict);
	int lenient_rc = parse(a, SCIM_TOL_LENIENT, text, &lenient);
	if (strict_rc == 1)
		must(lenient_rc == 1 && str_eq(scim_path_text(a, strict), scim_path_text(a, lenient)));
	if (lenient_rc != 1)
		return 0;
	check(lenient);
	const char *canonical = scim_path_text(a, lenient);
	if (small(canonical))
		must(parse(a, SCIM_TOL_STRICT, strv_of(canonical), &again) == 1 &&
		     str_eq(scim_path_text(a, again), canonical));
	return 0;
}
