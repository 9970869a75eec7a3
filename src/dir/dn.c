/* SPDX-License-Identifier: Apache-2.0
 * Distinguished names through libldap's parser and printer; what was built is always parsed again and compared. */
#include "dirhinge/dir/dn.h"

#include <ldap.h>

#include "dir/attr.h"
#include "dir/cleanup.h"
#include "dirhinge/base/buf.h"

/* RFC 4514 3: one RDN of more than this is no name of anything; slapd's own limit on values is far above. */
#define DN_MAX 8192

static void
ldapdn_free(LDAPDN *dn)
{
	ldap_dnfree(*dn); /* accepts NULL */
}

static void
ldaprdn_free(LDAPRDN *rdn)
{
	if (*rdn)
		ldap_rdnfree(*rdn);
}

static size_t
dn_count(LDAPDN dn)
{
	size_t n = 0;

	while (dn && dn[n])
		n++;
	return n;
}

static size_t
rdn_count(LDAPRDN rdn)
{
	size_t n = 0;

	while (rdn && rdn[n])
		n++;
	return n;
}

static struct strv
bv_view(struct berval bv)
{
	return strv_n(bv.bv_val, bv.bv_len);
}

static bool
ava_is(const LDAPAVA *ava, const char *attr, struct strv value)
{
	return !(ava->la_flags & LDAP_AVA_BINARY) && strv_caseeq(bv_view(ava->la_attr), strv_of(attr)) &&
	       strv_eq(bv_view(ava->la_value), value);
}

static bool
rdn_same(LDAPRDN x, LDAPRDN y)
{
	size_t n = rdn_count(x);

	if (n != rdn_count(y))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((x[i]->la_flags & LDAP_AVA_BINARY) != (y[i]->la_flags & LDAP_AVA_BINARY) ||
		    !strv_caseeq(bv_view(x[i]->la_attr), bv_view(y[i]->la_attr)) ||
		    !strv_eq(bv_view(x[i]->la_value), bv_view(y[i]->la_value)))
			return false;
	return true;
}

/* 0 and the parsed name (NULL for the empty DN), else libldap's code. */
static int
dn_parse(const char *text, LDAPDN *dn_r)
{
	LDAPDN dn = NULL;
	int rc;

	if (text == NULL || strlen(text) > DN_MAX)
		return LDAP_DECODING_ERROR;
	rc = ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3);
	if (rc == LDAP_SUCCESS)
		*dn_r = dn;
	return rc;
}

/* The first RDN and what stands behind its separator ("" if nothing), by libldap's own scanner. */
static int
dn_split(const char *text, LDAPRDN *rdn_r, const char **rest_r)
{
	DH_CLEANUP(ldapdn_free) LDAPDN dn = NULL;
	char *next = NULL;

	if (dn_parse(text, &dn) != LDAP_SUCCESS || dn == NULL)
		return -1;
	if (ldap_str2rdn(text, rdn_r, &next, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return -1;
	if (*next == ',' || *next == ';')
		next++;
	while (*next == ' ')
		next++;
	*rest_r = next;
	return 0;
}

int
dir_rdn_build(struct arena *a, const char *attr, struct strv value, char **rdn_r, struct err *e)
{
	DH_CLEANUP(str_free) char *text = NULL;
	DH_CLEANUP(ldapdn_free) LDAPDN back = NULL;
	LDAPAVA ava = {.la_flags = LDAP_AVA_STRING};
	LDAPAVA *rdn[] = {&ava, NULL};

	if (!attr_name_valid(attr, false))
		return err_set(e, ERR_CONFIG, "\"%s\" is not the name of an attribute type", attr ? attr : "");
	if (value.n == 0)
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) is empty", attr);
	if (value.n > DN_MAX / 4)
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) is too long", attr);
	if (!utf8_valid(value, NULL))
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) is not valid UTF-8", attr);
	ava.la_attr = (struct berval){strlen(attr), arena_strdup(a, attr)};
	ava.la_value = (struct berval){value.n, arena_strndup(a, value.p, value.n)};
	if (ldap_rdn2str(rdn, &text, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY) != LDAP_SUCCESS || text == NULL)
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) cannot be written as a name", attr);

	/* reliability.md T-02: believe the parser, not the printer. */
	if (dn_parse(text, &back) != LDAP_SUCCESS || dn_count(back) != 1 || rdn_count(back[0]) != 1 ||
	    !ava_is(back[0][0], attr, value))
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) cannot be written as a name", attr);
	*rdn_r = arena_strdup(a, text);
	return 0;
}

int
dir_rdn_change(struct arena *a, const char *dn, const char *attr, struct strv value, char **rdn_r, struct err *e)
{
	DH_CLEANUP(ldaprdn_free) LDAPRDN old = NULL;
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(DN_MAX);
	const char *rest;
	char *changed;

	if (dir_rdn_build(a, attr, value, &changed, e) < 0)
		return -1;
	if (dn_split(dn, &old, &rest))
		return err_set(e, ERR_INTERNAL, "the directory returned a name that cannot be read");
	for (size_t i = 0; i < rdn_count(old); i++) {
		DH_CLEANUP(str_free) char *kept = NULL;
		LDAPAVA *one[] = {old[i], NULL};
		bool named = strv_caseeq(bv_view(old[i]->la_attr), strv_of(attr));

		if (!named && ldap_rdn2str(one, &kept, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY) != LDAP_SUCCESS)
			return err_set(e, ERR_INTERNAL, "the directory returned a name that cannot be written");
		if (i)
			buf_addc(&b, '+');
		buf_adds(&b, named ? changed : kept);
	}
	if (b.full)
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) is too long", attr);
	*rdn_r = arena_strndup(a, buf_str(&b), b.n);
	return 0;
}

int
dir_dn_child(struct arena *a, const char *attr, struct strv value, const char *base, char **dn_r, struct err *e)
{
	DH_CLEANUP(ldapdn_free) LDAPDN child = NULL;
	DH_CLEANUP(ldapdn_free) LDAPDN parent = NULL;
	char *rdn;
	char *dn;
	size_t n;

	if (dn_parse(base, &parent) != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG, "the base \"%s\" is not a DN", base ? base : "");
	if (dir_rdn_build(a, attr, value, &rdn, e))
		return -1;
	n = dn_count(parent);
	dn = dir_dn_join(a, rdn, n ? base : "");

	if (dn_parse(dn, &child) != LDAP_SUCCESS || dn_count(child) != n + 1 || rdn_count(child[0]) != 1 ||
	    !ava_is(child[0][0], attr, value))
		return err_set(e, ERR_VALUE, "the value that names the entry (%s) cannot be written as a name", attr);
	for (size_t i = 0; i < n; i++)
		if (!rdn_same(child[i + 1], parent[i]))
			return err_set(e, ERR_VALUE, "the value that names the entry (%s) changes its place", attr);
	*dn_r = dn;
	return 0;
}

int
dir_dn_check(const char *dn, struct err *e)
{
	DH_CLEANUP(ldapdn_free) LDAPDN parsed = NULL;

	if (dn == NULL || *dn == '\0')
		return err_set(e, ERR_CONFIG, "the DN is empty; write it like \"ou=people,dc=example,dc=com\"");
	if (strlen(dn) > DN_MAX)
		return err_set(e, ERR_CONFIG, "the DN is longer than %d bytes", DN_MAX);
	if (dn_parse(dn, &parsed) != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG,
			       "\"%s\" is not a DN; write it like \"ou=people,dc=example,dc=com\" and a comma inside a "
			       "value as \"\\,\"",
			       dn);
	for (size_t i = 0; i < dn_count(parsed); i++)
		for (size_t k = 0; k < rdn_count(parsed[i]); k++)
			if (parsed[i][k]->la_value.bv_len == 0)
				return err_set(e, ERR_CONFIG, "\"%s\" is not a DN: the value of %.*s is empty", dn,
					       (int)parsed[i][k]->la_attr.bv_len, parsed[i][k]->la_attr.bv_val);
	return 0;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void
put_hex(struct buf *b, char c)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char u = (unsigned char)c;

	buf_addc(b, '\\');
	buf_addc(b, digits[u >> 4]);
	buf_addc(b, digits[u & 15]);
}

/* One spelling of an AVA: what libldap can spell in two ways is always a hex pair, so that a plain comma, plus or
 * equals sign in the key is always structure. */
static void
ava_key(struct buf *b, const LDAPAVA *ava)
{
	struct strv v = bv_view(ava->la_value);
	bool binary = ava->la_flags & LDAP_AVA_BINARY;
	bool blank = false;
	bool begun = false;

	for (size_t i = 0; i < ava->la_attr.bv_len; i++)
		buf_addc(b, lower(ava->la_attr.bv_val[i]));
	buf_addc(b, '=');
	if (binary)
		buf_addc(b, '#'); /* a '#' of a string is escaped below */
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (binary) {
			put_hex(b, c);
			continue;
		}
		/* RFC 4518 2.6.1: insignificant blanks, as caseIgnoreMatch sees them. */
		if (c == ' ') {
			blank = begun;
			continue;
		}
		if (blank)
			buf_addc(b, ' ');
		blank = false;
		begun = true;
		if (strchr(",+=\\#;\"<>", c) || (unsigned char)c < 0x20 || c == 0x7f) /* strchr finds the NUL too */
			put_hex(b, c);
		else
			buf_addc(b, lower(c));
	}
}

static int
ava_cmp(struct strv x, struct strv y)
{
	return strv_cmp(x, y);
}

/* AVAs of one RDN are a set (RFC 4514 2.2): in the key they are sorted. */
static void
rdn_key(struct arena *a, struct buf *b, LDAPRDN rdn)
{
	size_t n = rdn_count(rdn);
	struct strv *keys = ARENA_ARRAY(a, n ? n : 1, struct strv);

	for (size_t i = 0; i < n; i++) {
		DH_CLEANUP(buf_done) struct buf one = BUF_INIT(DN_MAX * 4);
		size_t at = i;

		ava_key(&one, rdn[i]);
		struct strv key = strv_n(arena_strndup(a, buf_str(&one), one.n), one.n);

		for (; at > 0 && ava_cmp(keys[at - 1], key) > 0; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(b, '+');
		buf_addv(b, keys[i]);
	}
}

/* A blank between two other characters is one in the key as well. */
static bool
plain_in_value(const char *dn, size_t i, size_t from)
{
	char c = lower(dn[i]);

	if (c == ' ')
		return i > from && dn[i - 1] != ' ' && dn[i + 1] != ' ' && dn[i + 1] != ',' && dn[i + 1];
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._@", c));
}

/* Almost every name of every directory: RDNs of one type and a value of letters, digits and a few signs that have no
 * other spelling. Its key is the same text in lower case; NULL: it takes a parser to tell. */
static char *
plain_key(struct arena *a, const char *dn)
{
	size_t n = dn ? strnlen(dn, DN_MAX + 1) : 0, from = 0;
	bool in_value = false;

	if (n == 0 || n > DN_MAX)
		return NULL;
	for (size_t i = 0; i <= n; i++) {
		char c = lower(dn[i]);
		bool letter = c >= 'a' && c <= 'z';
		bool fits = letter || (i > from && ((c >= '0' && c <= '9') || c == '-'));

		if (in_value && (c == ',' || c == '\0')) {
			if (i == from)
				return NULL;
			from = i + 1;
			in_value = false;
		} else if (!in_value && c == '=' && i > from) {
			from = i + 1;
			in_value = true;
		} else if (in_value ? !plain_in_value(dn, i, from) : !fits) {
			return NULL;
		}
	}
	char *key = arena_strndup(a, dn, n);

	for (size_t i = 0; i < n; i++)
		key[i] = lower(key[i]);
	return key;
}

char *
dir_dn_normal(struct arena *a, const char *dn)
{
	DH_CLEANUP(ldapdn_free) LDAPDN parsed = NULL;
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(DN_MAX * 4);
	char *plain = plain_key(a, dn);

	if (plain)
		return plain;
	if (dn_parse(dn, &parsed) != LDAP_SUCCESS)
		return NULL;
	for (size_t i = 0; i < dn_count(parsed); i++) {
		if (i)
			buf_addc(&b, ',');
		rdn_key(a, &b, parsed[i]);
	}
	return b.full ? NULL : arena_strndup(a, buf_str(&b), b.n);
}

bool
dir_dn_under(struct arena *a, const char *dn, const char *base, bool self)
{
	const char *key = dir_dn_normal(a, dn);
	const char *under = dir_dn_normal(a, base);

	if (key == NULL || under == NULL)
		return false;

	size_t n = strlen(key), m = strlen(under);

	if (n == m)
		return self && memcmp(key, under, n) == 0;
	if (m == 0)
		return true;
	/* In a key a plain comma only ever separates RDNs, so a suffix behind one is a real ancestor. */
	return n > m && key[n - m - 1] == ',' && memcmp(key + n - m, under, m) == 0;
}

char *
dir_dn_parent(struct arena *a, const char *dn)
{
	DH_CLEANUP(ldaprdn_free) LDAPRDN rdn = NULL;
	const char *rest;

	return dn_split(dn, &rdn, &rest) ? NULL : arena_strdup(a, rest);
}

char *
dir_dn_rdn(struct arena *a, const char *dn)
{
	DH_CLEANUP(ldaprdn_free) LDAPRDN rdn = NULL;
	const char *rest;

	if (dn_split(dn, &rdn, &rest))
		return NULL;

	size_t n = (size_t)(rest - dn);

	/* Back over what dn_split went over: blanks, then one separator; an escaped comma before it belongs to the RDN.
	 */
	while (*rest && n > 0 && dn[n - 1] == ' ')
		n--;
	if (*rest && n > 0)
		n--;
	return arena_strndup(a, dn, n);
}

char *
dir_dn_join(struct arena *a, const char *rdn, const char *parent)
{
	return *parent ? arena_printf(a, "%s,%s", rdn, parent) /* paste: ok, both parts are DN text */
		       : arena_strdup(a, rdn);
}

char *
dir_dn_with_rdn(struct arena *a, const char *dn, const char *rdn)
{
	const char *parent = dir_dn_parent(a, dn);

	return parent ? dir_dn_join(a, rdn, parent) : NULL;
}

int
dir_dn_rdn_value(struct arena *a, const char *dn, const char *attr, struct strv *value_r, struct err *e)
{
	DH_CLEANUP(ldaprdn_free) LDAPRDN rdn = NULL;
	const char *rest;

	if (dn_split(dn, &rdn, &rest)) {
		err_set(e, ERR_INTERNAL, "the directory returned a name that cannot be read");
		return err_cause(e, "DN \"%s\"", dn ? dn : "");
	}
	for (size_t i = 0; i < rdn_count(rdn); i++) {
		struct strv v = bv_view(rdn[i]->la_value);

		if (!strv_caseeq(bv_view(rdn[i]->la_attr), strv_of(attr)))
			continue;
		*value_r = strv_n(arena_strndup(a, v.n ? v.p : "", v.n), v.n);
		return 1;
	}
	return 0;
}
