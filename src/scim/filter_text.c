/* SPDX-License-Identifier: Apache-2.0
 * Filters back to text, and the walk over their leaves. */
#include "dirhinge/base/buf.h"
#include "filter_parse.h"

/* 50 comparisons of 4 KiB in all, plus names out of the schema. */
#define MAX_TEXT (1u << 20)

struct print {
	struct buf out;
	struct arena *a;
	bool redact;
	bool brackets;
};

static void
print_name(struct print *p, const struct scim_ref *ref)
{
	const struct scim_attr *attr = ref->sub ? ref->sub : ref->attr;
	if (!attr)
		buf_adds(&p->out, "?");
	else if (p->brackets)
		buf_adds(&p->out, attr->parent ? attr->name : "value");
	else
		buf_adds(&p->out, attr->path);
}

static void
print_compare(struct print *p, const struct scim_filter *f)
{
	print_name(p, &f->ref);
	buf_printf(&p->out, " %s", scim_filter_op_name(f->op));
	if (f->op == SCIM_PR)
		return;
	/* true, false and null tell nothing about a person that the attribute's name does not. */
	bool hide = p->redact && (json_is_string(f->value) || json_is_number(f->value));
	buf_printf(&p->out, " %s", hide ? "\"***\"" : json_text(p->a, f->value));
}

static void print(struct print *p, const struct scim_filter *f, bool bare);

/* "(a and b and c)": a chain from left to right needs one pair of parentheses, so that the text of every filter nests
 * little deeper than the filter did. */
static void
print_chain(struct print *p, const struct scim_filter *f, bool bare)
{
	if (!bare)
		buf_addc(&p->out, '(');
	print(p, f->left, f->left->kind == f->kind);
	buf_adds(&p->out, f->kind == SCIM_AND ? " and " : " or ");
	print(p, f->right, false);
	if (!bare)
		buf_addc(&p->out, ')');
}

/* bare: the surroundings already group. */
static void
print(struct print *p, const struct scim_filter *f, bool bare)
{
	switch (f->kind) {
	case SCIM_AND:
	case SCIM_OR:
		print_chain(p, f, bare);
		break;
	case SCIM_NOT:
		buf_adds(&p->out, "not (");
		print(p, f->left, true);
		buf_addc(&p->out, ')');
		break;
	case SCIM_COMPARE:
		print_compare(p, f);
		break;
	case SCIM_VALUE_PATH:
		print_name(p, &f->ref);
		buf_addc(&p->out, '[');
		p->brackets = true;
		print(p, f->left, true);
		p->brackets = false;
		buf_addc(&p->out, ']');
		break;
	}
}

static char *
text_of(struct arena *a, const struct scim_filter *f, bool redact, bool brackets)
{
	struct print p = {.out = BUF_INIT(MAX_TEXT), .a = a, .redact = redact, .brackets = brackets};
	print(&p, f, brackets);
	must(!p.out.full);
	char *text = arena_strndup(a, buf_str(&p.out), p.out.n);
	buf_done(&p.out);
	return text;
}

char *
scim_filter_text(struct arena *a, const struct scim_filter *f, bool redact)
{
	return text_of(a, f, redact, false);
}

char *
scim_filter_text_in(struct arena *a, const struct scim_filter *f)
{
	return text_of(a, f, false, true);
}

bool
scim_filter_visit(const struct scim_filter *f, scim_filter_visit_fn fn, void *ctx)
{
	switch (f->kind) {
	case SCIM_AND:
	case SCIM_OR:
		return scim_filter_visit(f->left, fn, ctx) && scim_filter_visit(f->right, fn, ctx);
	case SCIM_NOT:
		return scim_filter_visit(f->left, fn, ctx);
	case SCIM_VALUE_PATH:
		return fn(ctx, f) && scim_filter_visit(f->left, fn, ctx);
	case SCIM_COMPARE:
		break;
	}
	return fn(ctx, f);
}
