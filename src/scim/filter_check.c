/* SPDX-License-Identifier: Apache-2.0
 * Which operators and values fit which attribute (RFC 7644 3.4.2.2, table 3). */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/unicode.h"
#include "filter_parse.h"
#include "name.h"

static const char *const op_names[] = {
	[SCIM_EQ] = "eq", [SCIM_NE] = "ne", [SCIM_CO] = "co", [SCIM_SW] = "sw", [SCIM_EW] = "ew",
	[SCIM_PR] = "pr", [SCIM_GT] = "gt", [SCIM_GE] = "ge", [SCIM_LT] = "lt", [SCIM_LE] = "le",
};

#define OP(op)       (1u << (op))
#define OPS_EQUALITY (OP(SCIM_EQ) | OP(SCIM_NE) | OP(SCIM_PR))
#define OPS_TEXT     (OP(SCIM_CO) | OP(SCIM_SW) | OP(SCIM_EW))
#define OPS_ORDER    (OP(SCIM_GT) | OP(SCIM_GE) | OP(SCIM_LT) | OP(SCIM_LE))

/* RFC 7644 3.4.2.2: booleans and binaries have no order. Parts of a number, an instant or a base64 text mean nothing,
 * and no directory could search for them. */
static const unsigned ops_of_kind[] = {
	[SCIM_STRING] = OPS_EQUALITY | OPS_TEXT | OPS_ORDER,
	[SCIM_REFERENCE] = OPS_EQUALITY | OPS_TEXT | OPS_ORDER,
	[SCIM_BOOLEAN] = OPS_EQUALITY,
	[SCIM_BINARY] = OPS_EQUALITY,
	[SCIM_DECIMAL] = OPS_EQUALITY | OPS_ORDER,
	[SCIM_INTEGER] = OPS_EQUALITY | OPS_ORDER,
	[SCIM_DATETIME] = OPS_EQUALITY | OPS_ORDER,
	[SCIM_COMPLEX] = OPS_EQUALITY,
};

bool
scim_filter_op_parse(struct strv word, enum scim_op *op_r)
{
	for (size_t i = 0; i < ARRAY_SIZE(op_names); i++)
		if (strv_caseeq(word, strv_of(op_names[i]))) {
			*op_r = (enum scim_op)i;
			return true;
		}
	return false;
}

const char *
scim_filter_op_name(enum scim_op op)
{
	return op_names[op];
}

int
scim_filter_check_op(const struct scim_attr *attr, enum scim_op op, uint32_t offset, enum err_code code, struct err *e)
{
	if (ops_of_kind[attr->kind] & OP(op))
		return 0;
	return err_at(e, offset, code, "\"%s\" does not apply to \"%s\", which is of type %s", op_names[op], attr->path,
		      scim_kind_name(attr->kind));
}

static struct strv
json_text_view(const json_t *text)
{
	return strv_n(json_string_value(text), json_string_length(text));
}

static int
check_text(struct scim_ctx *c, const struct scim_attr *attr, const struct scim_lex_value *v, enum err_code code,
	   const json_t **value_r, struct err *e)
{
	const json_t *value = v->value;
	struct strv name;
	if (v->kind != SCIM_LEX_QUOTED) {
		if (!scim_tolerates(c, SCIM_TOL_UNQUOTED, attr->path))
			return err_at(e, v->offset, code, "\"%s\" is compared with a string in double quotes",
				      attr->path);
		value = json_keep(c->a, json_stringn(v->text.p, v->text.n));
	}
	/* A name is compared in the form it is written in (gw/name.c). */
	if (str_eq(attr->path, "userName") && unicode_nfc(c->a, json_text_view(value), &name, NULL) == 0)
		value = json_keep(c->a, json_stringn(name.p, name.n));
	int64_t us;
	struct strv text = json_text_view(value);
	if (attr->kind == SCIM_DATETIME && time_from_rfc3339(text, &us, NULL))
		return err_at(e, v->offset, code,
			      "\"%s\" is compared with a date and time with zone, as in \"2026-01-31T09:00:00Z\"",
			      attr->path);
	*value_r = value;
	return 0;
}

static int
check_boolean(struct scim_ctx *c, const struct scim_attr *attr, const struct scim_lex_value *v, enum err_code code,
	      const json_t **value_r, struct err *e)
{
	if (v->kind == SCIM_LEX_LITERAL && json_is_boolean(v->value)) {
		*value_r = v->value;
		return 0;
	}
	struct strv word = v->kind == SCIM_LEX_QUOTED ? strv_of(json_string_value(v->value)) : v->text;
	bool yes = strv_caseeq(word, STRV("true"));
	if ((yes || strv_caseeq(word, STRV("false"))) && scim_tolerates(c, SCIM_TOL_STRING_BOOL, attr->path)) {
		*value_r = json_boolean(yes);
		return 0;
	}
	return err_at(e, v->offset, code, "\"%s\" is compared with true or false", attr->path);
}

static int
check_number(const struct scim_attr *attr, const struct scim_lex_value *v, enum err_code code, const json_t **value_r,
	     struct err *e)
{
	if (v->kind != SCIM_LEX_LITERAL || !json_is_number(v->value))
		return err_at(e, v->offset, code, "\"%s\" is compared with a number", attr->path);
	*value_r = v->value;
	return 0;
}

/* Without a type there is nothing to check but the form. */
static int
check_form(struct scim_ctx *c, const struct scim_lex_value *v, enum err_code code, const json_t **value_r,
	   struct err *e)
{
	const json_t *value = v->value;
	if (v->kind == SCIM_LEX_BARE) {
		if (!scim_tolerates(c, SCIM_TOL_UNQUOTED, "value"))
			return err_at(e, v->offset, code,
				      "expected a string in double quotes, a number, true, false or null");
		value = json_keep(c->a, json_stringn(v->text.p, v->text.n));
	}
	*value_r = value;
	return 0;
}

int
scim_filter_check_value(struct scim_ctx *c, const struct scim_attr *attr, const struct scim_lex_value *v,
			enum err_code code, const json_t **value_r, struct err *e)
{
	if (!attr)
		return check_form(c, v, code, value_r, e);
	switch (attr->kind) {
	case SCIM_STRING:
	case SCIM_REFERENCE:
	case SCIM_BINARY:
	case SCIM_DATETIME:
		return check_text(c, attr, v, code, value_r, e);
	case SCIM_BOOLEAN:
		return check_boolean(c, attr, v, code, value_r, e);
	case SCIM_INTEGER:
	case SCIM_DECIMAL:
		return check_number(attr, v, code, value_r, e);
	case SCIM_COMPLEX:
		break;
	}
	return err_at(e, v->offset, code, "\"%s\" is complex: compare one of its sub-attributes", attr->path);
}
