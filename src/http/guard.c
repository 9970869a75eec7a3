/* SPDX-License-Identifier: Apache-2.0
 * The framing guard. The shapes refused here were accepted by libmicrohttpd 0.9.75, several by 1.0.1 (dependencies.md
 * 1.5). */
#include "guard.h"

enum repeat { ONCE, JOINED, FIRST };

static const struct known_field {
	struct strv name;
	enum repeat repeat;
	size_t offset; /* of a struct strv in struct header_facts; SIZE_MAX: looked at by http_guard_check itself */
} known[] = {
	{{"Host", 4}, ONCE, offsetof(struct header_facts, host)},
	{{"Content-Length", 14}, ONCE, SIZE_MAX},
	{{"Transfer-Encoding", 17}, ONCE, SIZE_MAX},
	{{"Authorization", 13}, ONCE, offsetof(struct header_facts, authorization)},
	{{"Content-Type", 12}, ONCE, offsetof(struct header_facts, content_type)},
	{{"Content-Encoding", 16}, JOINED, offsetof(struct header_facts, content_encoding)},
	{{"Expect", 6}, ONCE, offsetof(struct header_facts, expect)},
	{{"Accept", 6}, JOINED, offsetof(struct header_facts, accept)},
	{{"If-Match", 8}, JOINED, offsetof(struct header_facts, if_match)},
	{{"If-None-Match", 13}, JOINED, offsetof(struct header_facts, if_none_match)},
	{{"Last-Event-ID", 13}, ONCE, offsetof(struct header_facts, last_event_id)},
	{{"X-Request-Id", 12}, FIRST, offsetof(struct header_facts, request_id)},
};

/* RFC 9110 5.6.2: a bit for each character that is a tchar. */
static bool
is_tchar(unsigned char c)
{
	static const uint32_t sets[] = {
		0, 0x03ff6cfa, /* ! # $ % & ' * + - . 0-9 */
		0xc7fffffe,    /* A-Z ^ _ */
		0x57ffffff,    /* ` a-z | ~ */
	};
	return c < 0x80 && (sets[c / 32] >> c % 32 & 1);
}

static bool
is_token(struct strv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

/* RFC 9110 5.5: no control byte but tab; NUL, CR and LF could end the field for somebody else. */
static bool
is_field_value(struct strv s)
{
	for (size_t i = strv_plain(s); i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool
http_guard_host_valid(struct strv host)
{
	static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	if (host.n == 0 || host.n > 255)
		return false;
	size_t i = 0;
	if (host.p[0] == '[') {
		for (i = 1; i < host.n && host.p[i] != ']'; i++)
			if (!strchr("0123456789abcdefABCDEF:.", host.p[i]) || host.p[i] == '\0')
				return false;
		if (i < 3 || i == host.n)
			return false;
		i++;
	} else {
		while (i < host.n && host.p[i] != '\0' && strchr(name_chars, host.p[i]))
			i++;
		if (i == 0)
			return false;
	}
	if (i == host.n)
		return true;
	if (host.p[i] != ':' || host.n - i > 6)
		return false;
	for (i++; i < host.n; i++)
		if (host.p[i] < '0' || host.p[i] > '9')
			return false;
	return true;
}

static int
parse_length(struct strv s, int64_t *n_r, struct err *e)
{
	int64_t n = 0;
	if (s.n == 0 || s.n > 18)
		return err_set(e, ERR_REQUEST, "Content-Length is not a number of bytes");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return err_set(e, ERR_REQUEST, "Content-Length is not a number of bytes");
		n = n * 10 + (s.p[i] - '0');
	}
	*n_r = n;
	return 0;
}

static int
take_field(struct arena *a, const struct known_field *k, struct strv value, unsigned seen, struct header_facts *facts,
	   struct err *e)
{
	if (seen && k->repeat == ONCE)
		return err_set(e, ERR_REQUEST, "the header field %s is given more than once", k->name.p);
	if (k->offset == SIZE_MAX || (seen && k->repeat == FIRST))
		return 0;
	struct strv *slot = (struct strv *)(void *)((char *)facts + k->offset);
	if (seen && slot->n)
		value = strv_of(arena_printf(a, "%.*s, %.*s", (int)slot->n, slot->p, (int)value.n, value.p));
	*slot = strv_n(value.p ? value.p : "", value.n);
	return 0;
}

/* Walks all fields once; lengths and encodings are returned as text because their rules need both. */
static int
collect(struct arena *a, const struct header_field *fields, size_t n, struct header_facts *facts, struct strv *length,
	struct strv *encoding, struct err *e)
{
	unsigned seen[ARRAY_SIZE(known)] = {0};
	for (size_t i = 0; i < n; i++) {
		if (!is_token(fields[i].name))
			return err_set(e, ERR_REQUEST, "a header field name has a character that is not allowed");
		if (!is_field_value(fields[i].value))
			return err_set(e, ERR_REQUEST, "a header field value has a control character");
		for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
			if (!strv_caseeq(fields[i].name, known[k].name))
				continue;
			struct strv value = strv_trim(fields[i].value);
			if (take_field(a, &known[k], value, seen[k]++, facts, e) < 0)
				return -1;
			if (strv_eq(known[k].name, STRV("Content-Length")))
				*length = strv_n(value.p ? value.p : "", value.n);
			if (strv_eq(known[k].name, STRV("Transfer-Encoding")))
				*encoding = strv_n(value.p ? value.p : "", value.n);
		}
	}
	return 0;
}

int
http_guard_check(struct arena *a, const char *version, const struct header_field *fields, size_t n,
		 struct header_facts *facts_r, struct err *e)
{
	struct header_facts facts = {.content_length = -1};
	struct strv length = {NULL, 0}, encoding = {NULL, 0};
	bool http10 = str_eq(version, "HTTP/1.0");
	if (!http10 && !str_eq(version, "HTTP/1.1"))
		return err_set(e, ERR_REQUEST, "the protocol must be HTTP/1.1 or HTTP/1.0");
	if (n > GUARD_FIELDS_MAX)
		return err_set(e, ERR_REQUEST, "there are more than %d header fields", GUARD_FIELDS_MAX);
	if (collect(a, fields, n, &facts, &length, &encoding, e) < 0)
		return -1;
	if (!facts.host.p)
		return err_set(e, ERR_REQUEST, "the header field Host is missing");
	if (!http_guard_host_valid(facts.host))
		return err_set(e, ERR_REQUEST, "the header field Host is not a host name");
	/* RFC 9112 6.3: both is an attempt at request smuggling */
	if (length.p && encoding.p)
		return err_set(e, ERR_REQUEST, "Content-Length and Transfer-Encoding must not be given together");
	if (encoding.p && (http10 || !strv_caseeq(encoding, STRV("chunked"))))
		return err_set(e, ERR_REQUEST, "the only Transfer-Encoding is chunked, in HTTP/1.1");
	if (length.p && parse_length(length, &facts.content_length, e) < 0)
		return -1;
	facts.chunked = encoding.p != NULL;
	*facts_r = facts;
	return 0;
}
