/* SPDX-License-Identifier: Apache-2.0
 * Booleans, numbers and instants (RFC 7643 2.3). In an attribute of the fitting LDAP syntax the directory compares as
 * SCIM does; in one that holds text it only finds who has a value, and the resource decides. */
#include "map/typed.h"

#include <math.h>
#include <stdlib.h>

#include "dirhinge/base/codec.h"

/* RFC 4517 3.3 */
#define SYNTAX_BOOLEAN "1.3.6.1.4.1.1466.115.121.1.7"
#define SYNTAX_TIME    "1.3.6.1.4.1.1466.115.121.1.24"
#define SYNTAX_INTEGER "1.3.6.1.4.1.1466.115.121.1.27"
#define SYNTAX_LARGE   "1.2.840.113556.1.4.906" /* Active Directory */
#define NUMBER_MAX     64                       /* bytes of a number, in the directory too */

static const struct kind_row {
	enum scim_kind kind;
	const char *codec;
	const char *native[2]; /* syntaxes */
} kinds[] = {
	{SCIM_BOOLEAN, "boolean", {SYNTAX_BOOLEAN}},
	{SCIM_INTEGER, "integer", {SYNTAX_INTEGER, SYNTAX_LARGE}},
	{SCIM_DECIMAL, "decimal", {NULL}}, /* LDAP has no such syntax */
	{SCIM_DATETIME, "generalized-time", {SYNTAX_TIME}},
};

static const struct kind_row *
kind_of(enum scim_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

bool
map_row_typed(const struct map_row *row)
{
	return row->codec->role == ROW_VALUE && kind_of(row->leaf->kind) != NULL;
}

const char *
map_typed_codec(enum scim_kind kind)
{
	const struct kind_row *k = kind_of(kind);
	return k ? k->codec : "string";
}

/* The directory compares values of the attribute as SCIM does. */
static bool
is_native(const struct map_row *row)
{
	const struct kind_row *k = kind_of(row->leaf->kind);
	for (size_t i = 0; k && i < ARRAY_SIZE(k->native) && k->native[i]; i++)
		if (str_eq(row->at->syntax, k->native[i]))
			return true;
	return false;
}

static bool
holds_text(const struct map_row *row)
{
	static const char *const texts[] = {
		"1.3.6.1.4.1.1466.115.121.1.15", "1.3.6.1.4.1.1466.115.121.1.26", "1.3.6.1.4.1.1466.115.121.1.44",
		"1.2.840.113556.1.4.905", /* Active Directory: case-insensitive string */
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (str_eq(row->at->syntax, texts[i]))
			return true;
	return false;
}

int
map_typed_check(const struct map_row *row, struct err *e)
{
	if (row->attr->multi && row->leaf == row->attr && row->at->single)
		return err_set(e, ERR_CONFIG, "%s: %s holds one value, but the SCIM attribute is multi-valued",
			       row->path, row->ldap);
	if (!map_row_typed(row) || is_native(row) || holds_text(row))
		return 0;
	return err_set(e, ERR_CONFIG, "%s: codec %s needs an attribute of its own syntax or of text; %s has syntax %s",
		       row->path, row->codec->name, row->ldap, row->at->syntax);
}

static int
wrong_type(const struct map_row *row, struct err *e)
{
	return err_set(e, ERR_VALUE, "%s: a value of type %s is needed", row->leaf->path,
		       scim_kind_name(row->leaf->kind));
}

/* --- boolean ----------------------------------------------------------------------------------------------------- */

/* RFC 4517 3.3.3 */
int
map_boolean_encode(struct arena *a DH_UNUSED, const struct map_row *row, const json_t *value, struct strv *out_r,
		   struct err *e)
{
	if (!json_is_boolean(value))
		return wrong_type(row, e);
	*out_r = json_is_true(value) ? STRV("TRUE") : STRV("FALSE");
	return 0;
}

bool
map_boolean_decode(struct arena *a DH_UNUSED, const struct map_row *row DH_UNUSED, struct strv value,
		   struct scim_scalar *out_r)
{
	bool yes = strv_caseeq(value, STRV("TRUE"));
	*out_r = scim_bool(yes);
	return yes || strv_caseeq(value, STRV("FALSE"));
}

/* --- integer ----------------------------------------------------------------------------------------------------- */

static struct strv
integer_text(struct arena *a, json_int_t n)
{
	return strv_of(arena_printf(a, "%lld", (long long)n));
}

int
map_integer_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	if (!json_is_integer(value))
		return wrong_type(row, e);
	*out_r = integer_text(a, json_integer_value(value));
	return 0;
}

/* RFC 4517 3.3.16; in an attribute of text, with zeros in front as well. */
bool
map_integer_decode(struct arena *a DH_UNUSED, const struct map_row *row DH_UNUSED, struct strv value,
		   struct scim_scalar *out_r)
{
	bool minus = value.n > 0 && value.p[0] == '-';
	json_int_t n = 0;
	if (value.n == minus)
		return false;
	for (size_t i = minus; i < value.n; i++) {
		int digit = value.p[i] - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, digit, &n)) /* negative: has one value more */
			return false;
	}
	if (!minus && __builtin_mul_overflow(n, -1, &n))
		return false;
	*out_r = (struct scim_scalar){.type = JSON_INTEGER, .integer = n};
	return true;
}

/* --- decimal ----------------------------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number, with digits on both sides of the point (RFC 7643 2.3.3). */
int
map_decimal_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	char text[NUMBER_MAX];
	double d = json_number_value(value);
	if (!json_is_number(value))
		return wrong_type(row, e);
	if (json_is_integer(value) && (d >= 0x1p63 || (json_int_t)d != json_integer_value(value)))
		return err_set(e, ERR_VALUE, "%s: the number has more digits than can be kept", row->leaf->path);
	json_auto_t *real = json_real(d);
	for (int precision = 15; precision <= 17; precision++) {
		size_t n = json_dumpb(real, text, sizeof(text) - 1,
				      JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)precision));
		if (n == 0 || n >= sizeof(text))
			return wrong_type(row, e);
		text[n] = 0;
		double back = strtod(text, NULL);
		if (!(back < d) && !(back > d))
			break;
	}
	*out_r = strv_of(arena_strdup(a, text));
	return 0;
}

bool
map_decimal_decode(struct arena *a, const struct map_row *row DH_UNUSED, struct strv value, struct scim_scalar *out_r)
{
	const char *end = value.p + value.n;
	char *stop;
	if (value.n == 0 || value.n > NUMBER_MAX)
		return false;
	for (const char *p = value.p; p < end; p++)
		if (!strchr("+-.0123456789eE", *p) || !*p) /* neither hexadecimal nor a word */
			return false;
	const char *text = arena_strndup(a, value.p, value.n);
	double d = strtod(text, &stop);
	*out_r = (struct scim_scalar){.type = JSON_REAL, .real = d};
	return !*stop && isfinite(d);
}

/* --- dateTime ---------------------------------------------------------------------------------------------------- */

int
map_time_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	char text[24];
	int64_t us;
	struct strv s = strv_n(json_string_value(value), json_string_length(value));
	if (!json_is_string(value) || time_from_rfc3339(s, &us, NULL) < 0)
		return wrong_type(row, e);
	time_to_generalized(us, text);
	size_t n = strcspn(text, ".Z");
	*out_r = strv_of(
		arena_printf(a, "%.*s%s%s", (int)n, text, row->fraction && text[n] == 'Z' ? ".0" : "", text + n));
	return 0;
}

bool
map_time_decode(struct arena *a, const struct map_row *row DH_UNUSED, struct strv value, struct scim_scalar *out_r)
{
	char text[32];
	int64_t us;
	if (time_from_generalized(value, &us, NULL) < 0)
		return false;
	time_to_rfc3339(us, text);
	*out_r = scim_text(strv_of(arena_strdup(a, text)));
	return true;
}

/* --- filters ----------------------------------------------------------------------------------------------------- */

static struct map_narrow
some(const struct dir_filter *f, bool exact)
{
	return (struct map_narrow){.kind = NARROW_SOME, .f = f, .exact = exact};
}

static struct map_narrow
none(void)
{
	return (struct map_narrow){.kind = NARROW_NONE, .exact = true};
}

/* A number with a fraction compared with integers: the next one in the direction that the comparison looks. False: out
 * of the range of integers. */
static bool
whole(const json_t *value, enum scim_op *op, json_int_t *n_r)
{
	double d = json_number_value(value);
	if (json_is_integer(value)) {
		*n_r = json_integer_value(value);
		return true;
	}
	if (!(d > -0x1p63 && d < 0x1p63))
		return false;
	json_int_t down = (json_int_t)d;
	down -= (double)down > d; /* the cast goes towards zero */
	if ((double)down < d && *op == SCIM_GE)
		*op = SCIM_GT; /* at least 4.5 is more than 4 */
	else if ((double)down < d && *op == SCIM_LT)
		*op = SCIM_LE;
	*n_r = down;
	return true;
}

/* The value to compare with; p NULL: none can be told, and *never_r: no entry can have it. */
static struct strv
operand(struct map_run *r, const struct map_row *row, const struct scim_filter *f, enum scim_op *op, bool *never_r)
{
	struct strv v = {0};
	json_int_t n;
	*never_r = false;
	if (row->leaf->kind != SCIM_INTEGER) {
		*never_r = row->codec->encode(r->a, row, f->value, &v, NULL) < 0;
		return v;
	}
	if (!json_is_number(f->value) || !whole(f->value, op, &n))
		return v;
	*never_r = *op == SCIM_EQ && json_is_real(f->value) && (double)n < json_real_value(f->value);
	return integer_text(r->a, n);
}

/* LDAP has no "greater than": at least it, but not equal, which with several values is not the same. */
static struct map_narrow
beyond(struct map_run *r, const struct map_row *row, const struct dir_filter *at_least, struct strv v)
{
	if (!row->at->single || !row->at->has_equality)
		return some(at_least, false);
	return some(dir_f_and2(r->a, at_least, dir_f_not(r->a, dir_f_eq(r->a, row->ldap, v))), true);
}

static struct map_narrow
compared(struct map_run *r, const struct map_row *row, enum scim_op op, struct strv v)
{
	struct arena *a = r->a;
	/* Of several values SCIM shows one, unless the attribute has several there too. */
	bool all_shown = row->at->single || row->attr->multi;
	struct map_narrow n = some(dir_f_present(a, row->ldap), false);
	if (op == SCIM_EQ && row->at->has_equality)
		return some(dir_f_eq(a, row->ldap, v), all_shown);
	if (op == SCIM_EQ || !row->at->has_ordering)
		return n;
	switch (op) {
	case SCIM_GE:
		return some(dir_f_ge(a, row->ldap, v), all_shown);
	case SCIM_LE:
		return some(dir_f_le(a, row->ldap, v), all_shown);
	case SCIM_GT:
		return beyond(r, row, dir_f_ge(a, row->ldap, v), v);
	case SCIM_LT:
		return beyond(r, row, dir_f_le(a, row->ldap, v), v);
	case SCIM_EQ:
	case SCIM_NE:
	case SCIM_CO:
	case SCIM_SW:
	case SCIM_EW:
	case SCIM_PR:
		break;
	}
	return n;
}

struct map_narrow
map_typed_narrow(struct map_run *r, const struct map_row *row, const struct scim_filter *f)
{
	enum scim_op op = f->op == SCIM_NE ? SCIM_EQ : f->op;
	bool never, native = is_native(row);
	if (op == SCIM_PR || !native)
		return some(dir_f_present(r->a, row->ldap), op == SCIM_PR && native);
	struct strv v = operand(r, row, f, &op, &never);
	if (never)
		return none();
	return v.p ? compared(r, row, op, v) : some(dir_f_present(r->a, row->ldap), false);
}
