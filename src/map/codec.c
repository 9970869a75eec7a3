/* SPDX-License-Identifier: Apache-2.0
 * Forms of values: a codec is one row of the table below. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/buf.h"
#include "map/country.h"
#include "map/typed.h"

#define VALUE_MAX ((size_t)16 << 20) /* bodies are limited long before */

/* --- what a syntax can hold -------------------------------------------------------------------------------------- */

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 4517 3.3.29. slapd validates telephone numbers by the same set. */
static bool
is_printable(unsigned char c)
{
	return is_alnum(c) || (c && strchr("'()+,-./:=? ", c));
}

static bool
fits(enum map_charset chars, unsigned char c)
{
	switch (chars) {
	case CHARS_UTF8:
		return c != 0;
	case CHARS_IA5:
		return c != 0 && c < 0x80;
	case CHARS_PRINTABLE:
	case CHARS_FAX: /* "$" would begin fax parameters and is not printable anyway */
		return is_printable(c);
	case CHARS_NUMERIC:
		return (c >= '0' && c <= '9') || c == ' ';
	}
	return false;
}

enum map_charset
map_charset_of(const struct dir_attr_type *at)
{
	static const struct {
		const char *oid;
		enum map_charset chars;
	} table[] = {
		{"1.3.6.1.4.1.1466.115.121.1.22", CHARS_FAX},       {"1.3.6.1.4.1.1466.115.121.1.26", CHARS_IA5},
		{"1.3.6.1.4.1.1466.115.121.1.36", CHARS_NUMERIC},   {"1.3.6.1.4.1.1466.115.121.1.44", CHARS_PRINTABLE},
		{"1.3.6.1.4.1.1466.115.121.1.50", CHARS_PRINTABLE}, {"1.3.6.1.4.1.1466.115.121.1.11", CHARS_PRINTABLE},
	};
	for (size_t i = 0; at && i < ARRAY_SIZE(table); i++)
		if (str_eq(at->syntax, table[i].oid))
			return table[i].chars;
	return CHARS_UTF8;
}

/* Code point at off of valid UTF-8, for messages. */
static unsigned
code_point(struct strv s, size_t off)
{
	unsigned char c = (unsigned char)s.p[off];
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	unsigned cp = more ? c & (0x3fu >> more) : c;
	for (size_t i = 1; i <= more && off + i < s.n; i++)
		cp = cp << 6 | ((unsigned char)s.p[off + i] & 0x3fu);
	return cp;
}

static int
check_chars(const struct map_row *row, struct strv s, struct err *e)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (fits(row->chars, c))
			continue;
		if (c > ' ' && c < 0x7f)
			return err_set(e, ERR_VALUE, "%s: the directory's %s cannot hold the character '%c'",
				       row->leaf->path, row->ldap, c);
		return err_set(e, ERR_VALUE, "%s: the directory's %s cannot hold the character U+%04X", row->leaf->path,
			       row->ldap, code_point(s, i));
	}
	return 0;
}

static int
text_of(const struct map_row *row, const json_t *value, struct strv *s_r, struct err *e)
{
	if (!json_is_string(value) || json_string_length(value) == 0)
		return err_set(e, ERR_VALUE, "%s: a string is needed", row->leaf->path);
	*s_r = strv_n(json_string_value(value), json_string_length(value));
	return 0;
}

static bool
show_text(struct strv s, struct scim_scalar *out_r)
{
	if (s.n == 0 || memchr(s.p, 0, s.n) || !utf8_valid(s, NULL))
		return false;
	*out_r = scim_text(s);
	return true;
}

/* --- string ------------------------------------------------------------------------------------------------------ */

static int
string_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e) || check_chars(row, s, e))
		return -1;
	*out_r = strv_n(arena_strndup(a, s.p, s.n), s.n);
	return 0;
}

static bool
string_decode(struct arena *a DH_UNUSED, const struct map_row *row DH_UNUSED, struct strv value,
	      struct scim_scalar *out_r)
{
	return show_text(value, out_r);
}

/* --- postal ------------------------------------------------------------------------------------------------------ */

/* RFC 4517 3.3.28: lines joined by "$"; "$" and "\" inside a line become \24 and \5C. */
static int
postal_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e) || check_chars(row, s, e))
		return -1;
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(VALUE_MAX);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_addc(&b, '$');
		else if (s.p[i] == '$')
			buf_adds(&b, "\\24");
		else if (s.p[i] == '\\')
			buf_adds(&b, "\\5C");
		else
			buf_addc(&b, s.p[i]);
	}
	if (b.full)
		return err_set(e, ERR_TOO_LARGE, "%s is too large", row->leaf->path);
	*out_r = strv_n(arena_strndup(a, buf_str(&b), b.n), b.n);
	return 0;
}

static bool
postal_decode(struct arena *a, const struct map_row *row DH_UNUSED, struct strv value, struct scim_scalar *out_r)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(VALUE_MAX);
	for (size_t i = 0; i < value.n; i++) {
		struct strv rest = strv_n(value.p + i, value.n - i);
		if (value.p[i] == '$')
			buf_addc(&b, '\n');
		else if (strv_starts(rest, STRV("\\24")))
			buf_addc(&b, '$');
		else if (strv_casestarts(rest, STRV("\\5c")))
			buf_addc(&b, '\\');
		else
			buf_addc(&b, value.p[i]);
		if (strv_starts(rest, STRV("\\24")) || strv_casestarts(rest, STRV("\\5c")))
			i += 2;
	}
	return !b.full && show_text(strv_n(arena_strndup(a, buf_str(&b), b.n), b.n), out_r);
}

/* --- labeled-uri ------------------------------------------------------------------------------------------------- */

/* RFC 2079: the URI, a blank, the label. The label tells our value from others in the same attribute. */
static int
uri_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e) || check_chars(row, s, e))
		return -1;
	if (strv_chr(s, ' ') < s.n)
		return err_set(e, ERR_VALUE, "%s: the directory's %s cannot hold a URI with a blank (use %%20)",
			       row->leaf->path, row->ldap);
	*out_r = strv_of(arena_printf(a, "%.*s %s", (int)s.n, s.p, row->arg));
	return 0;
}

static bool
uri_decode(struct arena *a DH_UNUSED, const struct map_row *row, struct strv value, struct scim_scalar *out_r)
{
	size_t blank = strv_chr(value, ' ');
	if (blank == value.n || !strv_eq(strv_n(value.p + blank + 1, value.n - blank - 1), strv_of(row->arg)))
		return false;
	return show_text(strv_n(value.p, blank), out_r);
}

/* --- prefixed, country ------------------------------------------------------------------------------------------- */

/* Several kinds of addresses in one attribute: "smtp:" is told from "SMTP:" and "sip:" by its letters. */
static int
prefixed_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e) || check_chars(row, s, e))
		return -1;
	*out_r = strv_of(arena_printf(a, "%s%.*s", row->arg, (int)s.n, s.p));
	return 0;
}

static bool
prefixed_decode(struct arena *a DH_UNUSED, const struct map_row *row, struct strv value, struct scim_scalar *out_r)
{
	struct strv prefix = strv_of(row->arg);
	return strv_starts(value, prefix) && show_text(strv_n(value.p + prefix.n, value.n - prefix.n), out_r);
}

/* RFC 7643 4.1.2: two letters of ISO 3166-1. Clients send names as well. */
static int
country_encode(struct arena *a DH_UNUSED, const struct map_row *row, const json_t *value, struct strv *out_r,
	       struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e))
		return -1;
	const struct map_country *c = map_country_find(strv_trim(s));
	if (!c)
		return err_set(e, ERR_VALUE, "%s: a two-letter code of ISO 3166-1 is needed", row->leaf->path);
	*out_r = strv_of(c->code);
	return 0;
}

/* --- binary, jpeg ------------------------------------------------------------------------------------------------ */

static int
decode_base64(struct arena *a, const struct map_row *row, struct strv s, struct strv *out_r, struct err *e)
{
	struct err why = ERR_INIT;
	if (base64_decode(a, s, out_r, &why) < 0 || out_r->n == 0)
		return err_set(e, ERR_VALUE, "%s: not base64 (RFC 4648 section 4)", row->leaf->path);
	return 0;
}

static int
binary_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	return text_of(row, value, &s, e) ? -1 : decode_base64(a, row, s, out_r, e);
}

static bool
binary_decode(struct arena *a, const struct map_row *row DH_UNUSED, struct strv value, struct scim_scalar *out_r)
{
	if (value.n)
		*out_r = scim_text(strv_of(base64_encode(a, value)));
	return value.n > 0;
}

static const struct strv jpeg_prefix = {"data:image/jpeg;base64,", 23};

static int
jpeg_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r, struct err *e)
{
	struct strv s;
	if (text_of(row, value, &s, e))
		return -1;
	if (!strv_casestarts(s, jpeg_prefix))
		return err_set(e, ERR_VALUE, "%s: only a data:image/jpeg;base64 URI can be held", row->leaf->path);
	return decode_base64(a, row, strv_n(s.p + jpeg_prefix.n, s.n - jpeg_prefix.n), out_r, e);
}

static bool
jpeg_decode(struct arena *a, const struct map_row *row DH_UNUSED, struct strv value, struct scim_scalar *out_r)
{
	if (value.n)
		*out_r = scim_text(strv_of(arena_printf(a, "%s%s", jpeg_prefix.p, base64_encode(a, value))));
	return value.n > 0;
}

/* --- table ------------------------------------------------------------------------------------------------------- */

#define TEXTS (1u << SCIM_STRING | 1u << SCIM_REFERENCE)

const struct map_codec map_codecs[] = {
	{.name = "string",
	 .kinds = TEXTS,
	 .text = true,
	 .equal = true,
	 .encode = string_encode,
	 .decode = string_decode},
	{.name = "postal", .kinds = TEXTS, .encode = postal_encode, .decode = postal_decode},
	{.name = "labeled-uri",
	 .kinds = TEXTS,
	 .arg = "LABEL",
	 .equal = true,
	 .encode = uri_encode,
	 .decode = uri_decode},
	{.name = "prefixed",
	 .kinds = TEXTS,
	 .arg = "PREFIX",
	 .equal = true,
	 .encode = prefixed_encode,
	 .decode = prefixed_decode},
	{.name = "country", .kinds = TEXTS, .equal = true, .encode = country_encode, .decode = string_decode},
	{.name = "binary", .kinds = 1u << SCIM_BINARY, .encode = binary_encode, .decode = binary_decode},
	{.name = "jpeg", .kinds = TEXTS, .encode = jpeg_encode, .decode = jpeg_decode},
	{.name = "boolean", .kinds = 1u << SCIM_BOOLEAN, .encode = map_boolean_encode, .decode = map_boolean_decode},
	{.name = "integer", .kinds = 1u << SCIM_INTEGER, .encode = map_integer_encode, .decode = map_integer_decode},
	{.name = "decimal", .kinds = 1u << SCIM_DECIMAL, .encode = map_decimal_encode, .decode = map_decimal_decode},
	{.name = "generalized-time",
	 .kinds = 1u << SCIM_DATETIME,
	 .encode = map_time_encode,
	 .decode = map_time_decode},
	{.name = "element", .role = ROW_ELEMENT, .kinds = 1u << SCIM_COMPLEX},
	{.name = "dn", .role = ROW_DN, .kinds = 1u << SCIM_COMPLEX},
	{.name = "unresolved", .role = ROW_UNRESOLVED, .kinds = 1u << SCIM_COMPLEX},
	{.name = "member", .role = ROW_MEMBER, .kinds = 1u << SCIM_COMPLEX},
	{.name = "client", .role = ROW_CLIENT, .kinds = 1u << SCIM_STRING},
};
const size_t map_codecs_n = ARRAY_SIZE(map_codecs);

/* --- equality ---------------------------------------------------------------------------------------------------- */

struct fold {
	bool lower, squeeze, drop_blank, drop_hyphen;
};

static struct fold
fold_of(const struct dir_attr_type *at)
{
	const char *rule = at ? at->equality : "";
	if (str_caseeq(rule, "telephoneNumberMatch"))
		return (struct fold){.lower = true, .drop_blank = true, .drop_hyphen = true};
	if (str_caseeq(rule, "numericStringMatch"))
		return (struct fold){.drop_blank = true};
	bool ignore = strv_casestarts(strv_of(rule), STRV("caseIgnore"));
	return (struct fold){.lower = ignore, .squeeze = ignore || strv_casestarts(strv_of(rule), STRV("caseExact"))};
}

/* Next byte of the folded form, -1 at the end. RFC 4518 2.6: blanks at the ends and repeated ones do not count. */
static int
fold_next(struct strv s, size_t *i, const struct fold *f)
{
	while (*i < s.n) {
		unsigned char c = (unsigned char)s.p[(*i)++];
		if ((c == ' ' && f->drop_blank) || (c == '-' && f->drop_hyphen))
			continue;
		if (c == ' ' && f->squeeze && *i < s.n && s.p[*i] == ' ')
			continue;
		return f->lower && c >= 'A' && c <= 'Z' ? c + 32 : c;
	}
	return -1;
}

bool
map_value_same(const struct dir_attr_type *at, struct strv x, struct strv y)
{
	const struct fold f = fold_of(at);
	if (f.squeeze) {
		x = strv_trim(x);
		y = strv_trim(y);
	}
	for (size_t i = 0, k = 0;;) {
		int cx = fold_next(x, &i, &f), cy = fold_next(y, &k, &f);
		if (cx != cy)
			return false;
		if (cx < 0)
			return true;
	}
}
