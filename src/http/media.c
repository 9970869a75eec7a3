/* SPDX-License-Identifier: Apache-2.0
 * Media types of bodies. */
#include "media.h"

/* The part before the first separator, without blanks; *rest_r begins behind the separator. Quotes are respected. */
static struct strv
next_piece(struct strv s, char sep, struct strv *rest_r)
{
	bool quoted = false;
	size_t i = 0;
	for (; i < s.n; i++) {
		if (quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == sep && !quoted)
			break;
	}
	*rest_r = i < s.n ? strv_n(s.p + i + 1, s.n - i - 1) : strv_n(s.p + i, 0);
	return strv_trim(strv_n(s.p, i));
}

static bool
charset_is_utf8(struct strv params)
{
	static const struct strv key = {"charset=", 8};
	while (params.n) {
		struct strv p = next_piece(params, ';', &params);
		if (!strv_casestarts(p, key))
			continue;
		struct strv v = {p.p + key.n, p.n - key.n};
		if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
			v = strv_n(v.p + 1, v.n - 2);
		if (!strv_caseeq(v, STRV("utf-8")) && !strv_caseeq(v, STRV("utf8")) &&
		    !strv_caseeq(v, STRV("us-ascii")))
			return false;
	}
	return true;
}

bool
http_media_is_json(struct strv content_type)
{
	struct strv params;
	struct strv type = next_piece(content_type, ';', &params);
	return (strv_caseeq(type, STRV(MEDIA_SCIM)) || strv_caseeq(type, STRV(MEDIA_JSON))) && charset_is_utf8(params);
}

/* RFC 9110 12.4.2: q=0, q=0., q=0.000 mean "not acceptable". */
static bool
refused(struct strv params)
{
	while (params.n) {
		struct strv p = next_piece(params, ';', &params);
		if (!strv_casestarts(p, STRV("q=")))
			continue;
		bool zero = p.n > 2;
		for (size_t i = 2; i < p.n; i++)
			zero = zero && (p.p[i] == '0' || p.p[i] == '.');
		return zero;
	}
	return false;
}

const char *
http_media_choose(struct strv accept)
{
	bool scim = false, json = false, no_scim = false;
	while (accept.n) {
		struct strv params;
		struct strv type = next_piece(next_piece(accept, ',', &accept), ';', &params);
		bool no = refused(params);
		if (strv_caseeq(type, STRV(MEDIA_SCIM))) {
			scim = scim || !no;
			no_scim = no_scim || no;
		} else if (strv_caseeq(type, STRV(MEDIA_JSON))) {
			json = json || !no;
		} else if (strv_eq(type, STRV("*/*")) || strv_caseeq(type, STRV("application/*"))) {
			scim = scim || !no;
		}
	}
	/* the more specific range decides (RFC 9110 12.5.1) */
	return json && (!scim || no_scim) ? MEDIA_JSON : MEDIA_SCIM;
}
