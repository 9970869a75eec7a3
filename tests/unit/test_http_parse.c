/* SPDX-License-Identifier: Apache-2.0
 * What http reads without a socket: targets, media types, header blocks, tokens, listen addresses. */
#include <stdlib.h>

#include "dirhinge/crypto/hash.h"
#include "http/auth.h"
#include "http/guard.h"
#include "http/listen.h"
#include "http/media.h"
#include "http/uri.h"
#include "unit.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(4096);
}

static void
teardown(void)
{
	arena_free(&a);
}

/* --- targets ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *target;
	const char *path;   /* segments joined with '|'; NULL = refused */
	enum err_code code; /* if refused */
} targets[] = {
	{"/", "", ERR_OK},
	{"/scim/v2/Users", "scim|v2|Users", ERR_OK},
	{"/scim/v2/Users/", "scim|v2|Users|", ERR_OK},
	{"//", "|", ERR_OK},
	{"/scim//Users", "scim||Users", ERR_OK},
	{"/a%41%c3%a4", "aAä", ERR_OK},
	{"/a%41\xc3\xa4", "aAä", ERR_OK},
	{"/a+b", "a+b", ERR_OK},
	{"/Users?x=/../y", "Users", ERR_OK},
	{"/urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:User", ERR_OK},
	{"http://h.example/Users", "Users", ERR_OK},
	{"HTTPS://h.example:8443/Users?a=b", "Users", ERR_OK},
	{"/...", "...", ERR_OK},
	{"", NULL, ERR_REQUEST},
	{"Users", NULL, ERR_REQUEST},
	{"http://h.example", NULL, ERR_REQUEST},
	{"ftp://h.example/", NULL, ERR_REQUEST},
	{"/a%00", NULL, ERR_REQUEST},
	{"/a%00b", NULL, ERR_REQUEST},
	{"/a%0a", NULL, ERR_REQUEST},
	{"/a%7f", NULL, ERR_REQUEST},
	{"/a\tb", NULL, ERR_REQUEST},
	{"/a b", NULL, ERR_REQUEST},
	{"/a\x7f", NULL, ERR_REQUEST},
	{"/a#b", NULL, ERR_REQUEST},
	{"/a%2fb", NULL, ERR_REQUEST},
	{"/a%2Fb", NULL, ERR_REQUEST},
	{"/a%5cb", NULL, ERR_REQUEST},
	{"/a\\b", NULL, ERR_REQUEST},
	{"/./a", NULL, ERR_REQUEST},
	{"/a/..", NULL, ERR_REQUEST},
	{"/%2e%2e/a", NULL, ERR_REQUEST},
	{"/.%2E/a", NULL, ERR_REQUEST},
	{"/a%", NULL, ERR_REQUEST},
	{"/a%4", NULL, ERR_REQUEST},
	{"/a%4g", NULL, ERR_REQUEST},
	{"/a%c3", NULL, ERR_REQUEST},
	{"/a%ff", NULL, ERR_REQUEST},
	{"/a%c0%af", NULL, ERR_REQUEST},
	{"/a%ed%a0%80", NULL, ERR_REQUEST},
	{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", NULL, ERR_NOT_FOUND},
	{"/a?x=%00", NULL, ERR_REQUEST},
	{"/a?x=%", NULL, ERR_REQUEST},
	{"/a?x=%0d%0a", NULL, ERR_REQUEST},
	{"/a?%ff=1", NULL, ERR_REQUEST},
	{"/a?count=1&count=2", NULL, ERR_VALUE},
	{"/a?count=1&COUNT=1", NULL, ERR_VALUE},
};

START_TEST(target)
{
	struct uri u = {0};
	struct err e = ERR_INIT;
	int rc = http_uri_parse(a, targets[_i].target, &u, &e);
	if (!targets[_i].path) {
		ck_assert_msg(rc == -1 && e.code == targets[_i].code, "%s: %s", targets[_i].target, err_name(e.code));
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", targets[_i].target, e.detail);
	const char *joined = "";
	for (size_t i = 0; i < u.n_segments; i++)
		joined = arena_printf(a, "%s%s%s", joined, i ? "|" : "", u.segments[i]);
	ck_assert_str_eq(joined, targets[_i].path);
}
END_TEST

START_TEST(target_forms)
{
	struct uri u = {0};
	struct err e = ERR_INIT;
	ck_assert_int_eq(http_uri_parse(a, "*", &u, &e), 0);
	ck_assert(u.asterisk);
	ck_assert_int_eq(http_uri_parse(a, "http://h.example:81/a", &u, &e), 0);
	ck_assert(strv_eq(u.authority, STRV("h.example:81")));
	ck_assert_int_eq(http_uri_parse(a, "/a", &u, &e), 0);
	ck_assert(!u.authority.p && !u.asterisk);
}
END_TEST

START_TEST(target_length_is_bounded)
{
	struct uri u = {0};
	struct err e = ERR_INIT;
	char text[URI_MAX + 2];
	memset(text, 'a', sizeof text);
	text[0] = '/';
	text[URI_MAX] = '\0';
	ck_assert_int_eq(http_uri_parse(a, text, &u, &e), 0);
	text[URI_MAX] = 'a';
	text[URI_MAX + 1] = '\0';
	ck_assert_int_eq(http_uri_parse(a, text, &u, &e), -1);
	ck_assert_int_eq(e.code, ERR_URI_TOO_LONG);
}
END_TEST

static const struct {
	const char *query, *name, *value; /* value NULL = absent */
} queries[] = {
	{"filter=userName+eq+\"a%40b.c\"", "filter", "userName eq \"a@b.c\""}, /* wire case A2 */
	{"filter=userName%20eq%20%22a%2Bb%22", "filter", "userName eq \"a+b\""},
	{"startindex=0&count=5", "startIndex", "0"}, /* wire case A21 */
	{"startindex=0&count=5", "count", "5"},
	{"a=b=c&d", "a", "b=c"},
	{"a=b=c&d", "d", ""},
	{"&&a=1&", "a", "1"},
	{"a=1", "b", NULL},
	{"a=%26%3D", "a", "&="},
	{"count=", "count", ""},
	{"filter=a[b eq \"c\"]", NULL, NULL}, /* a raw blank cannot be in a request line */
	{"filter=a[b%20eq%20\"c\"]", "filter", "a[b eq \"c\"]"},
	{"x=caf\xc3\xa9", "x", "café"},
};

START_TEST(query)
{
	struct uri u = {0};
	struct err e = ERR_INIT;
	int rc = http_uri_parse(a, arena_printf(a, "/Users?%s", queries[_i].query), &u, &e);
	if (!queries[_i].name) {
		ck_assert_int_eq(rc, -1);
		return;
	}
	ck_assert_msg(rc == 0, "%s", e.detail);
	const char *v = http_uri_param(&u, queries[_i].name);
	if (queries[_i].value)
		ck_assert_pstr_eq(v, queries[_i].value);
	else
		ck_assert_ptr_null(v);
}
END_TEST

START_TEST(query_has_a_limit)
{
	struct uri u = {0};
	struct err e = ERR_INIT;
	const char *q = "/?p=1";
	for (int i = 1; i < URI_PARAMS_MAX; i++)
		q = arena_printf(a, "%s&p%d=1", q, i);
	ck_assert_int_eq(http_uri_parse(a, q, &u, &e), 0);
	ck_assert_int_eq(http_uri_parse(a, arena_printf(a, "%s&q=1", q), &u, &e), -1);
	ck_assert_int_eq(e.code, ERR_VALUE);
}
END_TEST

/* %XX of every byte: what decodes is exactly that byte, alone it is UTF-8 only below 0x80 */
START_TEST(decoder_knows_every_byte)
{
	char *out = NULL;
	struct err e = ERR_INIT;
	char *in = arena_printf(a, "%%%02X", (unsigned)_i);
	int rc = http_uri_decode(a, strv_of(in), true, &out, &e);
	if (_i >= 0x20 && _i < 0x7f) {
		ck_assert_int_eq(rc, 0);
		ck_assert_int_eq(out[0], _i);
		ck_assert_int_eq(out[1], 0);
	} else {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(e.code, ERR_REQUEST);
	}
}
END_TEST

/* --- media types ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	bool json;
} types[] = {
	{"application/scim+json", true},
	{"application/json", true},
	{"application/scim+json;charset=utf-8", true},
	{"application/json; charset=\"UTF-8\"", true},
	{"APPLICATION/SCIM+JSON; Charset=utf-8; x=\"a;b\"", true},
	{"  application/json  ", true},
	{"application/json ;", true},
	{"application/json;charset=us-ascii", true},
	{"application/json;charset=iso-8859-1", false},
	{"application/json;charset=", false},
	{"application/json;charset=utf-8;charset=utf-16", false},
	{"application/jsonx", false},
	{"text/json", false},
	{"application/x-www-form-urlencoded", false},
	{"application/xml; a=application/json", false},
	{"", false},
	{";", false},
	{"application/json, text/html", false},
};

START_TEST(content_type)
{
	ck_assert_msg(http_media_is_json(strv_of(types[_i].text)) == types[_i].json, "%s", types[_i].text);
}
END_TEST

static const struct {
	const char *accept, *type;
} accepts[] = {
	{NULL, MEDIA_SCIM},
	{"", MEDIA_SCIM},
	{"*/*", MEDIA_SCIM},
	{"application/*", MEDIA_SCIM},
	{"application/scim+json", MEDIA_SCIM},
	{"application/json", MEDIA_JSON},
	{"Application/JSON; charset=utf-8", MEDIA_JSON},
	{"application/scim+json, application/json;q=.5", MEDIA_SCIM},
	{"application/json, application/scim+json;q=0.1", MEDIA_SCIM},
	{"application/json, */*;q=0.1", MEDIA_SCIM},
	{"application/json, application/scim+json;q=0", MEDIA_JSON},
	{"application/json, */*, application/scim+json;q=0.000", MEDIA_JSON},
	{"application/json, */*;q=0", MEDIA_JSON},
	{"application/json;q=0", MEDIA_SCIM},
	{"text/html", MEDIA_SCIM},
	{",,;,", MEDIA_SCIM},
	{"text/html;x=\"a, application/json\"", MEDIA_SCIM},
};

START_TEST(accept)
{
	ck_assert_str_eq(http_media_choose(strv_of(accepts[_i].accept)), accepts[_i].type);
}
END_TEST

/* --- header blocks ---------------------------------------------------------------------------------------------- */

#define F(n, v)                         \
	{                               \
		{n, sizeof n - 1},      \
		{                       \
			v, sizeof v - 1 \
		}                       \
	}
#define HOST F("Host", "h.example")

static const struct {
	const char *what;
	const char *version;
	struct header_field fields[5];
	bool ok;
} blocks[] = {
	{"plain", "HTTP/1.1", {HOST}, true},
	{"1.0 with host", "HTTP/1.0", {HOST}, true},
	{"port", "HTTP/1.1", {F("host", "h.example:8080")}, true},
	{"v6", "HTTP/1.1", {F("Host", "[::1]:8080")}, true},
	{"length", "HTTP/1.1", {HOST, F("content-length", "12")}, true},
	{"chunked", "HTTP/1.1", {HOST, F("Transfer-Encoding", "Chunked")}, true},
	{"two accepts", "HTTP/1.1", {HOST, F("Accept", "a/b"), F("accept", "c/d")}, true},
	{"obs-text", "HTTP/1.1", {HOST, F("X-Name", "caf\xe9\ttab")}, true},
	{"no host", "HTTP/1.1", {F("X", "y")}, false},
	{"no host in 1.0", "HTTP/1.0", {F("X", "y")}, false},
	{"two hosts", "HTTP/1.1", {HOST, HOST}, false},
	{"two hosts by case", "HTTP/1.1", {HOST, F("HOST", "other")}, false},
	{"empty host", "HTTP/1.1", {F("Host", "")}, false},
	{"host with a path", "HTTP/1.1", {F("Host", "h/x")}, false},
	{"host with user", "HTTP/1.1", {F("Host", "u@h")}, false},
	{"host with a blank", "HTTP/1.1", {F("Host", "a b")}, false},
	{"host with two ports", "HTTP/1.1", {F("Host", "h:1:2")}, false},
	{"host with port name", "HTTP/1.1", {F("Host", "h:http")}, false},
	{"host with markup", "HTTP/1.1", {F("Host", "h\"><b>")}, false},
	{"open v6", "HTTP/1.1", {F("Host", "[::1")}, false},
	{"port only", "HTTP/1.1", {F("Host", ":80")}, false},
	{"two lengths", "HTTP/1.1", {HOST, F("Content-Length", "3"), F("Content-Length", "4")}, false},
	{"equal lengths", "HTTP/1.1", {HOST, F("Content-Length", "3"), F("content-length", "3")}, false},
	{"length list", "HTTP/1.1", {HOST, F("Content-Length", "3, 3")}, false},
	{"negative length", "HTTP/1.1", {HOST, F("Content-Length", "-1")}, false},
	{"plus length", "HTTP/1.1", {HOST, F("Content-Length", "+1")}, false},
	{"hex length", "HTTP/1.1", {HOST, F("Content-Length", "0x10")}, false},
	{"empty length", "HTTP/1.1", {HOST, F("Content-Length", "")}, false},
	{"huge length", "HTTP/1.1", {HOST, F("Content-Length", "9999999999999999999")}, false},
	{"both", "HTTP/1.1", {HOST, F("Content-Length", "3"), F("Transfer-Encoding", "chunked")}, false},
	{"two encodings",
	 "HTTP/1.1",
	 {HOST, F("Transfer-Encoding", "chunked"), F("Transfer-Encoding", "chunked")},
	 false},
	{"gzip", "HTTP/1.1", {HOST, F("Transfer-Encoding", "gzip")}, false},
	{"gzip, chunked", "HTTP/1.1", {HOST, F("Transfer-Encoding", "gzip, chunked")}, false},
	{"chunked, chunked", "HTTP/1.1", {HOST, F("Transfer-Encoding", "chunked, chunked")}, false},
	{"empty encoding", "HTTP/1.1", {HOST, F("Transfer-Encoding", "")}, false},
	{"chunked in 1.0", "HTTP/1.0", {HOST, F("Transfer-Encoding", "chunked")}, false},
	{"two tokens", "HTTP/1.1", {HOST, F("Authorization", "Bearer a"), F("Authorization", "Bearer b")}, false},
	{"two types", "HTTP/1.1", {HOST, F("Content-Type", "a/b"), F("Content-Type", "a/b")}, false},
	{"blank before colon", "HTTP/1.1", {HOST, F("Content-Length ", "3")}, false},
	{"blank in name", "HTTP/1.1", {HOST, F("X Y", "3")}, false},
	{"empty name", "HTTP/1.1", {HOST, F("", "3")}, false},
	{"control in name", "HTTP/1.1", {HOST, F("X\001", "3")}, false},
	{"utf-8 name", "HTTP/1.1", {HOST, F("X\xc3\xa9", "3")}, false},
	{"NUL in value", "HTTP/1.1", {HOST, F("X", "a\0b")}, false},
	{"CR in value", "HTTP/1.1", {HOST, F("X", "a\rb")}, false},
	{"LF in value", "HTTP/1.1", {HOST, F("X", "a\nb")}, false},
	{"DEL in value", "HTTP/1.1", {HOST, F("X", "a\x7f")}, false},
	{"no version", "", {HOST}, false},
	{"1.2", "HTTP/1.2", {HOST}, false},
	{"version with rest", "HTTP/1.1 ", {HOST}, false},
};

START_TEST(header_block)
{
	struct header_facts f = {0};
	struct err e = ERR_INIT;
	size_t n = 0;
	while (n < ARRAY_SIZE(blocks[_i].fields) && blocks[_i].fields[n].name.p)
		n++;
	int rc = http_guard_check(a, blocks[_i].version, blocks[_i].fields, n, &f, &e);
	ck_assert_msg((rc == 0) == blocks[_i].ok, "%s: %s", blocks[_i].what, e.detail);
	if (rc < 0)
		ck_assert_int_eq(e.code, ERR_REQUEST);
}
END_TEST

START_TEST(header_facts)
{
	static const struct header_field fields[] = {
		HOST,
		F("Content-Length", " 12 "),
		F("Accept", "a/b"),
		F("ACCEPT", "c/d"),
		F("If-Match", "W/\"1\""),
		F("X-Request-Id", "one"),
		F("X-Request-Id", "two"),
		F("authorization", "bearer x"),
	};
	struct header_facts f = {0};
	struct err e = ERR_INIT;
	ck_assert_int_eq(http_guard_check(a, "HTTP/1.1", fields, ARRAY_SIZE(fields), &f, &e), 0);
	ck_assert_int_eq(f.content_length, 12);
	ck_assert(!f.chunked);
	ck_assert(strv_eq(f.accept, STRV("a/b, c/d")));
	ck_assert(strv_eq(f.if_match, STRV("W/\"1\"")));
	ck_assert(strv_eq(f.request_id, STRV("one")));
	ck_assert(strv_eq(f.authorization, STRV("bearer x")));
	ck_assert_ptr_null(f.content_type.p);
	ck_assert_ptr_null(f.if_none_match.p);
}
END_TEST

START_TEST(header_block_has_a_limit)
{
	struct header_field fields[GUARD_FIELDS_MAX + 1] = {HOST};
	struct header_facts f = {0};
	struct err e = ERR_INIT;
	for (size_t i = 1; i < ARRAY_SIZE(fields); i++)
		fields[i] = (struct header_field)F("X", "y");
	ck_assert_int_eq(http_guard_check(a, "HTTP/1.1", fields, GUARD_FIELDS_MAX, &f, &e), 0);
	ck_assert_int_eq(http_guard_check(a, "HTTP/1.1", fields, GUARD_FIELDS_MAX + 1, &f, &e), -1);
}
END_TEST

/* --- tokens ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *field, *client; /* client NULL = refused */
} tokens[] = {
	{"Bearer alpha", "one"},
	{"bearer alpha", "one"},
	{"BEARER   alpha ", "one"},
	{"Bearer beta", "two"},
	{"Bearer alph", NULL},
	{"Bearer alphaa", NULL},
	{"Bearer Alpha", NULL},
	{"Bearer alpha beta", NULL},
	{"Bearer ", NULL},
	{"Bearer", NULL},
	{"Bearerx alpha", NULL},
	{"Basic alpha", NULL},
	{"alpha", NULL},
	{"", NULL},
	{NULL, NULL},
};

START_TEST(token)
{
	struct principal clients[2] = {{.name = "one"}, {.name = "two"}};
	const struct principal *who = NULL;
	struct err e = ERR_INIT;
	crypto_sha256(STRV("alpha"), clients[0].token_sha256);
	crypto_sha256(STRV("beta"), clients[1].token_sha256);
	int rc = http_auth_check(crypto_digest_new(a), strv_of(tokens[_i].field), clients, ARRAY_SIZE(clients), &who,
				 &e);
	if (tokens[_i].client) {
		ck_assert_msg(rc == 0, "%s", e.detail);
		ck_assert_str_eq(who->name, tokens[_i].client);
		return;
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(e.code, ERR_UNAUTHORIZED);
	ck_assert_ptr_null(who);
	ck_assert_msg(!strstr(e.detail, "alph"), "the detail shows the token: %s", e.detail);
}
END_TEST

START_TEST(no_client_no_access)
{
	const struct principal *who = NULL;
	struct err e = ERR_INIT;
	ck_assert_int_eq(http_auth_check(crypto_digest_new(a), STRV("Bearer x"), NULL, 0, &who, &e), -1);
}
END_TEST

/* --- listen addresses ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum listen_kind kind;
	const char *host, *port; /* host NULL = refused; LISTEN_UNIX: host is the path */
} addresses[] = {
	{"127.0.0.1:8080", LISTEN_TCP, "127.0.0.1", "8080"},
	{"localhost:0", LISTEN_TCP, "localhost", "0"},
	{":8080", LISTEN_TCP, "", "8080"},
	{"[::1]:65535", LISTEN_TCP, "::1", "65535"},
	{"unix:/run/dirhinge/scim.sock", LISTEN_UNIX, "/run/dirhinge/scim.sock", NULL},
	{"", LISTEN_TCP, NULL, NULL},
	{"8080", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1:", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1:65536", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1:80a", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1:-1", LISTEN_TCP, NULL, NULL},
	{"127.0.0.1:000080", LISTEN_TCP, NULL, NULL},
	{"::1:8080", LISTEN_TCP, NULL, NULL},
	{"[::1]", LISTEN_TCP, NULL, NULL},
	{"unix:", LISTEN_UNIX, NULL, NULL},
	{"unix:relative.sock", LISTEN_UNIX, NULL, NULL},
};

START_TEST(listen_address)
{
	struct listen_address l = {0};
	struct err e = ERR_INIT;
	int rc = http_listen_parse(addresses[_i].text, &l, &e);
	if (!addresses[_i].host) {
		ck_assert_msg(rc == -1 && e.code == ERR_CONFIG, "%s", addresses[_i].text);
		return;
	}
	ck_assert_msg(rc == 0, "%s", e.detail);
	ck_assert_int_eq(l.kind, addresses[_i].kind);
	ck_assert_str_eq(l.kind == LISTEN_UNIX ? l.path : l.host, addresses[_i].host);
	if (addresses[_i].port)
		ck_assert_str_eq(l.port, addresses[_i].port);
}
END_TEST

START_TEST(listen_path_has_a_limit)
{
	struct listen_address l = {0};
	struct err e = ERR_INIT;
	char text[5 + sizeof l.path + 1] = "unix:/";
	memset(text + 6, 'a', sizeof text - 7);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(http_listen_parse(text, &l, &e), -1);
	text[sizeof text - 2] = '\0';
	ck_assert_int_eq(http_listen_parse(text, &l, &e), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http parsers");
	TCase *t = unit_add_case(s, "parsers", setup, teardown, NULL, 0);
	tcase_add_loop_test(t, target, 0, (int)ARRAY_SIZE(targets));
	tcase_add_test(t, target_forms);
	tcase_add_test(t, target_length_is_bounded);
	tcase_add_loop_test(t, query, 0, (int)ARRAY_SIZE(queries));
	tcase_add_test(t, query_has_a_limit);
	tcase_add_loop_test(t, decoder_knows_every_byte, 0, 256);
	tcase_add_loop_test(t, content_type, 0, (int)ARRAY_SIZE(types));
	tcase_add_loop_test(t, accept, 0, (int)ARRAY_SIZE(accepts));
	tcase_add_loop_test(t, header_block, 0, (int)ARRAY_SIZE(blocks));
	tcase_add_test(t, header_facts);
	tcase_add_test(t, header_block_has_a_limit);
	tcase_add_loop_test(t, token, 0, (int)ARRAY_SIZE(tokens));
	tcase_add_test(t, no_client_no_access);
	tcase_add_loop_test(t, listen_address, 0, (int)ARRAY_SIZE(addresses));
	tcase_add_test(t, listen_path_has_a_limit);
	return unit_run_suite(s);
}
