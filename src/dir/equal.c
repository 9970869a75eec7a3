/* SPDX-License-Identifier: Apache-2.0
 * Keys for comparing values, by the equality rule that the subschema names (RFC 4517 4.2, RFC 4518). */
#include "dir/equal.h"

#include "dirhinge/base/unicode.h"
#include "dirhinge/dir/dn.h"

typedef struct strv (*key_fn)(struct arena *a, struct strv v);

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* RFC 4518 2.6.1: no blanks at the ends, one between words. skip: characters that do not count at all. */
static struct strv
squeeze(struct arena *a, struct strv v, bool fold, const char *skip)
{
	char *out = arena_alloc(a, v.n + 1);
	size_t n = 0;
	bool blank = false;

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c && strchr(skip, c))
			continue;
		if (c == ' ') {
			blank = n > 0;
			continue;
		}
		if (blank)
			out[n++] = ' ';
		blank = false;
		out[n++] = fold ? lower(c) : c;
	}
	return strv_n(out, n);
}

static struct strv
composed(struct arena *a, struct strv v)
{
	struct strv nfc = v;

	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] >= 0x80)
			return unicode_nfc(a, v, &nfc, NULL) ? v : nfc;
	return v;
}

static struct strv
ignore_case(struct arena *a, struct strv v)
{
	return squeeze(a, composed(a, v), true, "");
}

static struct strv
exact_case(struct arena *a, struct strv v)
{
	return squeeze(a, composed(a, v), false, "");
}

static struct strv
telephone(struct arena *a, struct strv v)
{
	return squeeze(a, v, true, " -");
}

static struct strv
numeric(struct arena *a, struct strv v)
{
	return squeeze(a, v, false, " ");
}

static struct strv
name(struct arena *a, struct strv v)
{
	char *key = strlen(v.p) == v.n ? dir_dn_normal(a, v.p) : NULL;

	return key ? strv_of(key) : v;
}

static const struct {
	const char *rule, *oid;
	key_fn key;
} rules[] = {
	{"caseIgnoreMatch", "2.5.13.2", ignore_case},
	{"caseIgnoreIA5Match", "1.3.6.1.4.1.1466.109.114.2", ignore_case},
	{"caseIgnoreListMatch", "2.5.13.11", ignore_case},
	{"caseExactMatch", "2.5.13.5", exact_case},
	{"caseExactIA5Match", "1.3.6.1.4.1.1466.109.114.1", exact_case},
	{"objectIdentifierMatch", "2.5.13.0", ignore_case},
	{"booleanMatch", "2.5.13.13", ignore_case},
	{"UUIDMatch", "1.3.6.1.1.16.2", ignore_case},
	{"telephoneNumberMatch", "2.5.13.20", telephone},
	{"numericStringMatch", "2.5.13.8", numeric},
	{"distinguishedNameMatch", "2.5.13.1", name},
	{"uniqueMemberMatch", "2.5.13.23", name},
};

struct strv
dir_equal_key(struct arena *a, const struct dir_subschema *s, const char *attr, struct strv value)
{
	const struct dir_attr_type *type = s ? dir_subschema_attr(s, attr) : NULL;

	for (size_t i = 0; type && i < ARRAY_SIZE(rules); i++)
		if (str_caseeq(type->equality, rules[i].rule) || str_eq(type->equality, rules[i].oid))
			return rules[i].key(a, value);
	return value;
}

bool
dir_equal_attr(const struct dir_subschema *s, const char *x, const char *y)
{
	const struct dir_attr_type *type;

	if (str_caseeq(x, y))
		return true;
	/* Options make another description of the same type. */
	if (s == NULL || strchr(x, ';') || strchr(y, ';'))
		return false;
	type = dir_subschema_attr(s, x);
	return type && type == dir_subschema_attr(s, y);
}
