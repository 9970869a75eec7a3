/* SPDX-License-Identifier: Apache-2.0
 * Filters as typed nodes, and the one writer that turns them into RFC 4515 text. */
#include "dir/filter_text.h"

#include "dir/attr.h"
#include "dir/ms.h"
#include "dirhinge/base/buf.h"

#define TEXT_MAX (64 * 1024)

enum kind { F_AND, F_OR, F_NOT, F_EQ, F_GE, F_LE, F_PRESENT, F_SUB, F_EXT };

struct dir_filter {
	enum kind kind;
	unsigned depth; /* 1 for a leaf; known when the node is made, so that the writer's recursion is bounded */
	const char *attr;
	const char *rule;
	struct strv value; /* equality, order, extensible; initial part of a substring */
	struct strv any, final;
	const struct dir_filter **kids;
	size_t n_kids;
};

static struct strv
copy(struct arena *a, struct strv v)
{
	return v.n ? strv_n(arena_strndup(a, v.p, v.n), v.n) : STRV("");
}

static struct dir_filter *
leaf(struct arena *a, enum kind kind, const char *attr, struct strv value)
{
	struct dir_filter *f = ARENA_NEW(a, struct dir_filter);

	*f = (struct dir_filter){.kind = kind, .depth = 1, .attr = attr, .value = copy(a, value)};
	return f;
}

const struct dir_filter *
dir_f_true(struct arena *a)
{
	/* RFC 4526's (&) and (|) are not known everywhere. */
	return dir_f_present(a, "objectClass");
}

const struct dir_filter *
dir_f_false(struct arena *a)
{
	return dir_f_not(a, dir_f_true(a));
}

/* A node of the same kind is taken apart: chains made by and2/or2 do not grow deep. */
static const struct dir_filter *
join(struct arena *a, enum kind kind, const struct dir_filter *const *nodes, size_t n)
{
	struct dir_filter *f = ARENA_NEW(a, struct dir_filter);
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		if (nodes[i])
			total += nodes[i]->kind == kind ? nodes[i]->n_kids : 1;
	if (total == 0)
		return kind == F_AND ? dir_f_true(a) : dir_f_false(a);

	*f = (struct dir_filter){.kind = kind, .depth = 1, .kids = ARENA_ARRAY(a, total, const struct dir_filter *)};
	for (size_t i = 0; i < n; i++) {
		if (nodes[i] == NULL)
			continue;
		if (nodes[i]->kind != kind) {
			f->kids[f->n_kids++] = nodes[i];
		} else {
			memcpy(&f->kids[f->n_kids], nodes[i]->kids, nodes[i]->n_kids * sizeof(struct dir_filter *));
			f->n_kids += nodes[i]->n_kids;
		}
	}
	if (total == 1)
		return f->kids[0];
	for (size_t i = 0; i < f->n_kids; i++)
		if (f->kids[i]->depth >= f->depth)
			f->depth = f->kids[i]->depth + 1;
	return f;
}

const struct dir_filter *
dir_f_and(struct arena *a, const struct dir_filter *const *nodes, size_t n)
{
	return join(a, F_AND, nodes, n);
}

const struct dir_filter *
dir_f_or(struct arena *a, const struct dir_filter *const *nodes, size_t n)
{
	return join(a, F_OR, nodes, n);
}

const struct dir_filter *
dir_f_and2(struct arena *a, const struct dir_filter *x, const struct dir_filter *y)
{
	return join(a, F_AND, (const struct dir_filter *const[]){x, y}, 2);
}

const struct dir_filter *
dir_f_or2(struct arena *a, const struct dir_filter *x, const struct dir_filter *y)
{
	return join(a, F_OR, (const struct dir_filter *const[]){x, y}, 2);
}

const struct dir_filter *
dir_f_not(struct arena *a, const struct dir_filter *x)
{
	struct dir_filter *f = ARENA_NEW(a, struct dir_filter);

	must(x);
	*f = (struct dir_filter){.kind = F_NOT, .depth = x->depth + 1, .n_kids = 1};
	f->kids = ARENA_ARRAY(a, 1, const struct dir_filter *);
	f->kids[0] = x;
	return f;
}

const struct dir_filter *
dir_f_tested(struct arena *a, const struct dir_filter *x)
{
	return dir_f_not(a, dir_f_not(a, x));
}

const struct dir_filter *
dir_f_eq(struct arena *a, const char *attr, struct strv value)
{
	return leaf(a, F_EQ, attr, value);
}

const struct dir_filter *
dir_f_present(struct arena *a, const char *attr)
{
	return leaf(a, F_PRESENT, attr, STRV(""));
}

const struct dir_filter *
dir_f_ge(struct arena *a, const char *attr, struct strv value)
{
	return leaf(a, F_GE, attr, value);
}

const struct dir_filter *
dir_f_le(struct arena *a, const char *attr, struct strv value)
{
	return leaf(a, F_LE, attr, value);
}

const struct dir_filter *
dir_f_sub(struct arena *a, const char *attr, struct strv initial, struct strv any, struct strv final)
{
	struct dir_filter *f = leaf(a, F_SUB, attr, initial);

	must(initial.n || any.n || final.n);
	f->any = copy(a, any);
	f->final = copy(a, final);
	return f;
}

const struct dir_filter *
dir_f_ext(struct arena *a, const char *attr, const char *rule, struct strv value)
{
	struct dir_filter *f = leaf(a, F_EXT, attr, value);

	f->rule = rule;
	return f;
}

/* Length of the well-formed UTF-8 sequence at the start of v, 0 if there is none. */
static size_t
utf8_len(struct strv v)
{
	unsigned char c = (unsigned char)v.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return n <= v.n && utf8_valid(strv_n(v.p, n), NULL) ? n : 0;
}

/* RFC 4515 3: NUL ( ) * \ must be escaped, and so must every byte that is not part of valid UTF-8. Control characters
 * are escaped as well, to keep one filter one line in the server's log. */
static void
put_value(struct buf *b, struct strv v)
{
	size_t from = 0; /* of what needs no escape */

	for (size_t i = 0; i < v.n;) {
		unsigned char c = (unsigned char)v.p[i];
		size_t n = c < 0x80 ? 1 : utf8_len(strv_n(v.p + i, v.n - i));

		if (n == 0 || c < 0x20 || c == 0x7f || c == '*' || c == '(' || c == ')' || c == '\\') {
			buf_add(b, v.p + from, i - from);
			buf_printf(b, "\\%02x", c);
			from = ++i;
		} else {
			i += n;
		}
	}
	buf_add(b, v.p + from, v.n - from);
}

static void
put_leaf(struct buf *b, const struct dir_filter *f, const char *op)
{
	buf_addc(b, '(');
	buf_adds(b, f->attr);
	buf_adds(b, op);
	put_value(b, f->value);
	buf_addc(b, ')');
}

static void
put_sub(struct buf *b, const struct dir_filter *f)
{
	buf_addc(b, '(');
	buf_adds(b, f->attr);
	buf_addc(b, '=');
	put_value(b, f->value);
	buf_addc(b, '*');
	if (f->any.n) {
		put_value(b, f->any);
		buf_addc(b, '*');
	}
	put_value(b, f->final);
	buf_addc(b, ')');
}

static void
put_ext(struct buf *b, const struct dir_filter *f)
{
	buf_addc(b, '(');
	buf_adds(b, f->attr);
	buf_addc(b, ':');
	buf_adds(b, f->rule);
	buf_adds(b, ":=");
	put_value(b, f->value);
	buf_addc(b, ')');
}

static int put(struct buf *b, const struct dir_filter *f, struct err *e);

static int
put_kids(struct buf *b, const struct dir_filter *f, char op, struct err *e)
{
	buf_addc(b, '(');
	buf_addc(b, op);
	for (size_t i = 0; i < f->n_kids && !b->full; i++)
		if (put(b, f->kids[i], e))
			return -1;
	buf_addc(b, ')');
	return 0;
}

static int
check_names(const struct dir_filter *f, struct err *e)
{
	if (!attr_name_valid(f->attr, true))
		return err_set(e, ERR_CONFIG, "\"%s\" is not the name of an attribute", f->attr ? f->attr : "");
	if (f->kind == F_EXT && !attr_name_valid(f->rule, false))
		return err_set(e, ERR_CONFIG, "\"%s\" is not the name of a matching rule", f->rule ? f->rule : "");
	return 0;
}

/* Recursion is bounded by the depth that dir_filter_text() checked. */
static int
put(struct buf *b, const struct dir_filter *f, struct err *e)
{
	if (f->n_kids == 0 && check_names(f, e))
		return -1;
	switch (f->kind) {
	case F_AND:
		return put_kids(b, f, '&', e);
	case F_OR:
		return put_kids(b, f, '|', e);
	case F_NOT:
		return put_kids(b, f, '!', e);
	case F_EQ:
		put_leaf(b, f, "=");
		break;
	case F_GE:
		put_leaf(b, f, ">=");
		break;
	case F_LE:
		put_leaf(b, f, "<=");
		break;
	case F_PRESENT:
		put_leaf(b, f, "=*");
		break;
	case F_SUB:
		put_sub(b, f);
		break;
	case F_EXT:
		put_ext(b, f);
		break;
	}
	return 0;
}

static int
finish(struct arena *a, const struct buf *b, char **text_r, struct err *e)
{
	if (b->full)
		return err_set(e, ERR_FILTER, "the filter is longer than %d bytes", TEXT_MAX);
	*text_r = arena_strndup(a, buf_str(b), b->n);
	return 0;
}

int
dir_filter_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);

	if (f->depth > DIR_FILTER_MAX_DEPTH)
		return err_set(e, ERR_FILTER, "the filter is nested deeper than %d levels", DIR_FILTER_MAX_DEPTH);
	if (put(&b, f, e))
		return -1;
	return finish(a, &b, text_r, e);
}

/* Equality with an id, wherever it stands: a GUID instead of its text. */
static const struct dir_filter *
with_guids(struct arena *a, const char *attr, const struct dir_filter *f)
{
	struct strv guid;

	if (f->n_kids) {
		struct dir_filter *node = ARENA_NEW(a, struct dir_filter);
		const struct dir_filter **kids = ARENA_ARRAY(a, f->n_kids, const struct dir_filter *);

		for (size_t i = 0; i < f->n_kids; i++)
			kids[i] = with_guids(a, attr, f->kids[i]);
		*node = *f;
		node->kids = kids;
		return node;
	}
	if (f->kind != F_EQ || !str_caseeq(f->attr, attr) || dir_guid_bytes(a, f->value, &guid))
		return f;
	return dir_f_eq(a, f->attr, guid);
}

int
dir_filter_wire_text(struct arena *a, const struct dir_flavour *fl, const struct dir_filter *f, char **text_r,
		     struct err *e)
{
	if (fl && fl->guid_id && f->depth <= DIR_FILTER_MAX_DEPTH)
		f = with_guids(a, fl->id_attr, f);
	return dir_filter_text(a, f, text_r, e);
}

int
dir_filter_values_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
	size_t n = f->kind == F_OR ? f->n_kids : 1;

	buf_addc(&b, '(');
	for (size_t i = 0; i < n; i++) {
		const struct dir_filter *item = f->kind == F_OR ? f->kids[i] : f;

		/* RFC 3876 2: a SimpleFilterItem has no connectives. */
		if (item->n_kids)
			return err_set(e, ERR_INTERNAL, "a matched-values filter has only simple items");
		if (put(&b, item, e))
			return -1;
	}
	buf_addc(&b, ')');
	return finish(a, &b, text_r, e);
}

bool
dir_filter_key(const struct dir_filter *f, struct filter_key *key_r)
{
	if (f->kind != F_AND || f->n_kids != 2 || f->kids[0]->kind != F_EQ)
		return false;
	*key_r = (struct filter_key){f->kids[0]->attr, f->kids[0]->value, f->kids[1]};
	return true;
}

/* --- without a server --- */

static size_t
kids_that_hold(const struct dir_filter *f, const struct dir_entry *en)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_kids; i++)
		n += dir_filter_holds(f->kids[i], en);
	return n;
}

bool
dir_filter_holds(const struct dir_filter *f, const struct dir_entry *en)
{
	switch (f->kind) {
	case F_AND:
		return kids_that_hold(f, en) == f->n_kids;
	case F_OR:
		return kids_that_hold(f, en) > 0;
	case F_NOT:
		return kids_that_hold(f, en) == 0;
	case F_EQ:
		return dir_entry_has(en, f->attr, f->value);
	case F_PRESENT:
		return dir_entry_first(en, f->attr).p != NULL;
	case F_GE:
	case F_LE:
	case F_SUB:
	case F_EXT:
		return true;
	}
	return true;
}

size_t
dir_filter_attrs(const struct dir_filter *f, const char **attrs)
{
	size_t n = 0;

	if (f->attr) {
		if (attrs)
			*attrs = f->attr;
		n = 1;
	}
	for (size_t i = 0; i < f->n_kids; i++)
		n += dir_filter_attrs(f->kids[i], attrs ? attrs + n : NULL);
	return n;
}
