/* SPDX-License-Identifier: Apache-2.0
 * Request targets. libmicrohttpd decodes before routing and cuts at %00; its callback for that is disarmed and this is
 * the only decoder (reliability.md T-10). */
#include "uri.h"

#include "dirhinge/base/codec.h"

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

int
http_uri_decode(struct arena *a, struct strv in, bool plus, char **out_r, struct err *e)
{
	if (strv_plain(in) == in.n && strv_chr(in, '%') == in.n && (!plus || strv_chr(in, '+') == in.n)) {
		*out_r = arena_strndup(a, in.p, in.n);
		return 0;
	}
	char *out = arena_alloc(a, in.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (c == '%') {
			bool whole = in.n - i > 2;
			int hi = whole ? hex_value(in.p[i + 1]) : -1;
			int lo = whole ? hex_value(in.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return err_set(e, ERR_REQUEST, "the request target has a broken percent-encoding");
			c = (unsigned char)(hi * 16 + lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (is_control(c))
			return err_set(e, ERR_REQUEST, "the request target has a control character");
		out[n++] = (char)c;
	}
	if (!utf8_valid(strv_n(out, n), NULL))
		return err_set(e, ERR_REQUEST, "the request target is not UTF-8");
	*out_r = out;
	return 0;
}

/* A slash that was encoded must not become a separator, and a proxy in front may see "." segments differently. */
static int
add_segment(struct arena *a, struct strv raw, struct uri *u, struct err *e)
{
	char *text = NULL;
	if (http_uri_decode(a, raw, false, &text, e) < 0)
		return -1;
	if (strchr(text, '/') || strchr(text, '\\'))
		return err_set(e, ERR_REQUEST, "the request path has an encoded slash or a backslash");
	if (str_eq(text, ".") || str_eq(text, ".."))
		return err_set(e, ERR_REQUEST, "the request path has a \".\" or \"..\" segment");
	if (u->n_segments == URI_SEGMENTS_MAX)
		return err_set(e, ERR_NOT_FOUND, "there is nothing at this path");
	u->segments[u->n_segments++] = text;
	return 0;
}

static int
parse_path(struct arena *a, struct strv path, struct uri *u, struct err *e)
{
	if (path.n == 0 || path.p[0] != '/')
		return err_set(e, ERR_REQUEST, "the request target must be a path that begins with a slash");
	for (size_t i = 1; path.n > 1 && i <= path.n;) {
		struct strv rest = {path.p + i, path.n - i};
		size_t n = strv_chr(rest, '/');
		if (add_segment(a, strv_n(rest.p, n), u, e) < 0)
			return -1;
		i += n + 1; /* "/Users/" ends with an empty segment: the resource without an id */
	}
	char *text = NULL;
	if (http_uri_decode(a, path, false, &text, e) < 0)
		return -1;
	u->path = text;
	return 0;
}

static int
add_param(struct arena *a, struct strv pair, struct uri *u, struct err *e)
{
	if (pair.n == 0)
		return 0;
	size_t eq = strv_chr(pair, '=');
	char *name = NULL, *value = NULL;
	struct strv raw = eq < pair.n ? strv_n(pair.p + eq + 1, pair.n - eq - 1) : STRV("");
	if (http_uri_decode(a, strv_n(pair.p, eq), true, &name, e) < 0 || http_uri_decode(a, raw, true, &value, e) < 0)
		return -1;
	if (http_uri_param(u, name))
		return err_set(e, ERR_VALUE, "the query parameter %s is given more than once", name);
	if (u->n_params == URI_PARAMS_MAX)
		return err_set(e, ERR_VALUE, "there are more than %d query parameters", URI_PARAMS_MAX);
	u->params[u->n_params++] = (struct uri_param){name, value};
	return 0;
}

static int
parse_query(struct arena *a, struct strv query, struct uri *u, struct err *e)
{
	for (size_t i = 0; i < query.n;) {
		struct strv rest = {query.p + i, query.n - i};
		size_t n = strv_chr(rest, '&');
		if (add_param(a, strv_n(rest.p, n), u, e) < 0)
			return -1;
		i += n + 1;
	}
	return 0;
}

/* RFC 9112 3.2.2: a server takes the absolute form too. Cuts scheme and authority off. */
static struct strv
take_authority(struct strv target, struct uri *u)
{
	static const struct strv schemes[] = {{"http://", 7}, {"https://", 8}};
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!strv_casestarts(target, schemes[i]))
			continue;
		struct strv rest = {target.p + schemes[i].n, target.n - schemes[i].n};
		size_t n = strv_chr(rest, '/');
		u->authority = strv_n(rest.p, n);
		return strv_n(rest.p + n, rest.n - n);
	}
	return target;
}

int
http_uri_parse(struct arena *a, const char *target, struct uri *u_r, struct err *e)
{
	struct strv t = strv_of(target);
	struct uri u = {0};
	must(target);
	if (t.n > URI_MAX)
		return err_set(e, ERR_URI_TOO_LONG, "the request target is longer than %d bytes; use POST …/.search",
			       URI_MAX);
	bool odd = strv_chr(t, ' ') < t.n || strv_chr(t, '#') < t.n;
	for (size_t i = strv_plain(t); i < t.n && !odd; i++)
		odd = is_control((unsigned char)t.p[i]);
	if (odd)
		return err_set(e, ERR_REQUEST, "the request target has a character that must be encoded");
	if (strv_eq(t, STRV("*"))) {
		u.asterisk = true;
		u.path = "*";
		*u_r = u;
		return 0;
	}
	t = take_authority(t, &u);
	size_t q = strv_chr(t, '?');
	if (parse_path(a, strv_n(t.p, q), &u, e) < 0)
		return -1;
	if (q < t.n && parse_query(a, strv_n(t.p + q + 1, t.n - q - 1), &u, e) < 0)
		return -1;
	*u_r = u;
	return 0;
}

const char *
http_uri_param(const struct uri *u, const char *name)
{
	for (size_t i = 0; i < u->n_params; i++)
		if (str_caseeq(u->params[i].name, name))
			return u->params[i].value;
	return NULL;
}
