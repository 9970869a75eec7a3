/* SPDX-License-Identifier: Apache-2.0
 * Parser of filters: recursive descent over RFC 7644 figure 1. Recursion ends at SCIM_FILTER_MAX_DEPTH; chains of "and"
 * and "or" are loops. Blanks are needed only where two words would run together ("eq"x"" is the RFC's own spelling). */
#include "filter_parse.h"
#include "name.h"

static int parse_or(struct parse *p, const struct scim_filter **f_r, struct err *e);

static struct scim_filter *
new_node(struct parse *p, enum scim_filter_kind kind, uint32_t offset, const struct scim_filter *left,
	 const struct scim_filter *right)
{
	struct scim_filter *f = ARENA_NEW(p->c->a, struct scim_filter);
	*f = (struct scim_filter){.kind = kind, .offset = offset, .left = left, .right = right};
	return f;
}

/* Parentheses, not and brackets count; the caller gives the level back. */
static int
enter(struct parse *p, uint32_t offset, struct err *e)
{
	if (++p->depth > SCIM_FILTER_MAX_DEPTH)
		return err_at(e, offset, p->l.code, "nested deeper than %d levels", SCIM_FILTER_MAX_DEPTH);
	return 0;
}

/* At '('. */
static int
parse_group(struct parse *p, const struct scim_filter **f_r, struct err *e)
{
	uint32_t open = scim_lex_offset(&p->l);
	if (!scim_lex_take(&p->l, '('))
		return err_at(e, open, p->l.code, "expected \"(\" behind \"not\"");
	if (enter(p, open, e) || parse_or(p, f_r, e))
		return -1;
	scim_lex_blanks(&p->l);
	if (!scim_lex_take(&p->l, ')'))
		return err_at(e, scim_lex_offset(&p->l), p->l.code, "expected \"and\", \"or\" or \")\"");
	p->depth--;
	return 0;
}

/* Behind "not". */
static int
parse_not(struct parse *p, uint32_t offset, const struct scim_filter **f_r, struct err *e)
{
	const struct scim_filter *inner;
	/* Erratum 7319: the blank between "not" and "(" may be there or not. */
	scim_lex_blanks(&p->l);
	if (enter(p, offset, e) || parse_group(p, &inner, e))
		return -1;
	p->depth--;
	*f_r = new_node(p, SCIM_NOT, offset, inner, NULL);
	return 0;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* Inside brackets a name is a sub-attribute; the elements of a simple multi-valued attribute are called "value". */
static const struct scim_attr *
find_inside(const struct parse *p, struct strv name)
{
	if (p->in->kind != SCIM_COMPLEX)
		return strv_caseeq(name, STRV("value")) ? p->in : NULL;
	return scim_attr_sub(p->in, name);
}

/* RFC 7644 3.4.2.1: in a query over several types a name needs to be known in one of them. */
static int
resolve_top(struct parse *p, struct scim_lex_word w, struct scim_name *name_r, struct err *e)
{
	int rc = scim_name_resolve(p->c, w, p->l.code, name_r, e);
	if (rc != 0 || !p->c->also)
		return rc == 1 ? 0 : -1;
	struct scim_ctx other = *p->c;
	other.type = p->c->also;
	rc = scim_name_resolve(&other, w, p->l.code, name_r, e);
	p->c->notes = other.notes;
	return rc == 1 ? 0 : -1;
}

/* *ref_r stays empty where names are not looked up. */
static int
resolve(struct parse *p, struct scim_lex_word w, struct scim_ref *ref_r, struct err *e)
{
	struct scim_name name = {0};
	if (scim_name_check(w, p->l.code, e))
		return -1;
	if (!p->resolve)
		return 0;
	if (p->in) {
		name.ref.attr = find_inside(p, w.text);
		if (!name.ref.attr && p->pass_unknown) {
			p->unknown = true;
			return 0;
		}
		if (!name.ref.attr)
			return err_at(e, w.offset, p->l.code, "\"%s\" has no sub-attribute \"%.*s\"", p->in->path,
				      NAME_SHOWN(w.text));
	} else if (resolve_top(p, w, &name, e)) {
		return -1;
	}
	if (name.extension)
		return err_at(e, w.offset, p->l.code, "expected an attribute behind the schema URN");
	const struct scim_attr *attr = name.ref.sub ? name.ref.sub : name.ref.attr;
	/* RFC 7643 7 leaves it open; answering would let a client find a password out by guessing. */
	if (attr->returned == SCIM_RETURNED_NEVER)
		return err_at(e, w.offset, p->l.code, "\"%s\" cannot be used in a filter", attr->path);
	*ref_r = name.ref;
	return 0;
}

/* --- comparisons ------------------------------------------------------------------------------------------------ */

/* standards P16: a complex attribute compared as a whole means its value; present or not it stays itself. */
static int
settle(struct parse *p, struct scim_filter *f, struct scim_lex_word op, struct err *e)
{
	const struct scim_attr *attr = f->ref.sub ? f->ref.sub : f->ref.attr;
	bool presence = f->op == SCIM_PR || json_is_null(f->value);
	if (!presence && attr->kind == SCIM_COMPLEX) {
		f->ref.sub = scim_attr_sub(attr, STRV("value"));
		if (!f->ref.sub)
			return err_at(e, f->offset, p->l.code, "\"%s\" is complex: compare one of its sub-attributes",
				      attr->path);
		attr = f->ref.sub;
	}
	return scim_filter_check_op(attr, f->op, op.offset, p->l.code, e);
}

/* Behind the name that f->ref holds: the operator and the value. */
static int
parse_op(struct parse *p, struct scim_filter *f, struct err *e)
{
	scim_lex_blanks(&p->l);
	struct scim_lex_word op = scim_lex_word(&p->l);
	if (op.text.n == 0)
		return err_at(e, op.offset, p->l.code, "expected an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le)");
	if (!scim_filter_op_parse(op.text, &f->op))
		return err_at(e, op.offset, p->l.code, "unknown operator \"%.*s\"", NAME_SHOWN(op.text));
	if (++p->comparisons > SCIM_FILTER_MAX_COMPARISONS)
		return err_at(e, f->offset, p->l.code, "more than %d comparisons", SCIM_FILTER_MAX_COMPARISONS);
	struct scim_lex_value v = {0};
	if (f->op != SCIM_PR) {
		scim_lex_blanks(&p->l);
		if (scim_lex_value(&p->l, &v, e))
			return -1;
		f->value = v.value;
	}
	if (f->ref.attr && settle(p, f, op, e))
		return -1;
	if (f->op == SCIM_PR)
		return 0;
	if (json_is_null(v.value)) {
		if (f->op == SCIM_EQ || f->op == SCIM_NE)
			return 0;
		return err_at(e, v.offset, p->l.code, "null can only be compared with eq and ne");
	}
	return scim_filter_check_value(p->c, f->ref.sub ? f->ref.sub : f->ref.attr, &v, p->l.code, &f->value, e);
}

/* At ".sub op value" behind the brackets of f: Entra's spelling of a condition that belongs inside (wire-cases A5). */
static int
parse_suffix(struct parse *p, struct scim_filter *f, struct err *e)
{
	uint32_t dot = scim_lex_offset(&p->l);
	if (!scim_tolerates(p->c, SCIM_TOL_FILTER_SUFFIX, f->ref.attr ? f->ref.attr->path : "value path"))
		return err_at(e, dot, p->l.code, "expected the end of the condition behind \"]\"");
	scim_lex_take(&p->l, '.');
	struct scim_lex_word sub = scim_lex_word(&p->l);
	struct scim_filter *cmp = new_node(p, SCIM_COMPARE, sub.offset, NULL, NULL);
	p->in = f->ref.attr;
	int rc = resolve(p, sub, &cmp->ref, e) || parse_op(p, cmp, e);
	p->in = NULL;
	if (rc)
		return -1;
	f->left = new_node(p, SCIM_AND, dot, f->left, cmp);
	return 0;
}

static bool
has_elements(const struct scim_attr *attr)
{
	return attr->multi || attr->kind == SCIM_COMPLEX;
}

int
scim_filter_brackets(struct parse *p, const struct scim_attr *attr, const struct scim_filter **f_r, struct err *e)
{
	uint32_t open = scim_lex_offset(&p->l);
	bool resolving = p->resolve;
	scim_lex_take(&p->l, '[');
	if (p->brackets)
		return err_at(e, open, p->l.code, "brackets cannot be nested");
	if (attr && !has_elements(attr))
		return err_at(e, open, p->l.code, "\"%s\" has no elements to select from", attr->path);
	if (enter(p, open, e))
		return -1;
	p->brackets = true;
	p->in = attr;
	p->resolve = attr != NULL;
	if (parse_or(p, f_r, e))
		return -1;
	scim_lex_blanks(&p->l);
	if (!scim_lex_take(&p->l, ']'))
		return err_at(e, scim_lex_offset(&p->l), p->l.code, "expected \"and\", \"or\" or \"]\"");
	p->depth--;
	p->brackets = false;
	p->in = NULL;
	p->resolve = resolving;
	return 0;
}

/* An attribute and what is asked of it: "attr op value", "attr pr", "attr[filter]". */
static int
parse_condition(struct parse *p, struct scim_lex_word w, const struct scim_filter **f_r, struct err *e)
{
	struct scim_filter *f = new_node(p, SCIM_COMPARE, w.offset, NULL, NULL);
	if (resolve(p, w, &f->ref, e))
		return -1;
	if (scim_lex_peek(&p->l) != '[') {
		if (parse_op(p, f, e))
			return -1;
		*f_r = f;
		return 0;
	}
	f->kind = SCIM_VALUE_PATH;
	if (f->ref.sub)
		return err_at(e, scim_lex_offset(&p->l), p->l.code, "brackets belong behind \"%s\"", f->ref.attr->path);
	if (scim_filter_brackets(p, f->ref.attr, &f->left, e))
		return -1;
	if (scim_lex_peek(&p->l) == '.' && parse_suffix(p, f, e))
		return -1;
	*f_r = f;
	return 0;
}

/* --- and, or ---------------------------------------------------------------------------------------------------- */

static int
parse_unary(struct parse *p, const struct scim_filter **f_r, struct err *e)
{
	scim_lex_blanks(&p->l);
	if (scim_lex_peek(&p->l) == '(')
		return parse_group(p, f_r, e);
	struct scim_lex_word w = scim_lex_word(&p->l);
	if (w.text.n == 0)
		return err_at(e, w.offset, p->l.code, "expected an attribute name, \"not\" or \"(\"");
	if (strv_caseeq(w.text, STRV("not")))
		return parse_not(p, w.offset, f_r, e);
	return parse_condition(p, w, f_r, e);
}

/* RFC 7644 3.4.2.2: grouping, then not, then and, then or; equal operators from left to right. */
static int
parse_and(struct parse *p, const struct scim_filter **f_r, struct err *e)
{
	const struct scim_filter *left, *right;
	if (parse_unary(p, &left, e))
		return -1;
	for (;;) {
		scim_lex_blanks(&p->l);
		uint32_t offset = scim_lex_offset(&p->l);
		if (!scim_lex_keyword(&p->l, "and"))
			break;
		if (parse_unary(p, &right, e))
			return -1;
		left = new_node(p, SCIM_AND, offset, left, right);
	}
	*f_r = left;
	return 0;
}

static int
parse_or(struct parse *p, const struct scim_filter **f_r, struct err *e)
{
	const struct scim_filter *left, *right;
	if (parse_and(p, &left, e))
		return -1;
	for (;;) {
		scim_lex_blanks(&p->l);
		uint32_t offset = scim_lex_offset(&p->l);
		if (!scim_lex_keyword(&p->l, "or"))
			break;
		if (parse_and(p, &right, e))
			return -1;
		left = new_node(p, SCIM_OR, offset, left, right);
	}
	*f_r = left;
	return 0;
}

int
scim_filter_parse(struct scim_ctx *c, struct strv text, const struct scim_filter **f_r, struct err *e)
{
	struct parse p = {.c = c, .resolve = c->type != NULL};
	const struct scim_filter *f;
	if (scim_lex_init(&p.l, c->a, text, SCIM_FILTER_MAX_BYTES, ERR_FILTER, e) || parse_or(&p, &f, e))
		return -1;
	if (!scim_lex_end(&p.l))
		return err_at(e, scim_lex_offset(&p.l), ERR_FILTER,
			      "expected \"and\", \"or\" or the end of the filter");
	*f_r = f;
	return 0;
}
