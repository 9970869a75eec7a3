/* SPDX-License-Identifier: Apache-2.0
 * The server over a gateway that does what it is told: methods, headers, errors, queries, load, drain, sockets. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/base/file.h"
#include "dirhinge/base/log.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/crypto/hash.h"
#include "fake_gw.h"
#include "http/http_priv.h"
#include "http/route.h"
#include "http_client.h"
#include "unit.h"

#define JSON_TYPE "Content-Type: application/scim+json\r\n"
#define KNOWN     "/scim/v2/Users/known"

static struct arena *a;
static struct gw *gw;
static struct http *h;
static struct client c;
static char dir[64];
static struct principal clients[3];
static struct http_opts opts;

static void
setup_stopped(void)
{
	static const struct principal templates[3] = {
		{.name = "entra",
		 .profile = "lenient",
		 .tolerate = SCIM_TOL_LENIENT,
		 .scopes = POLICY_USERS_WRITE | POLICY_GROUPS_WRITE},
		{.name = "reader", .profile = "lenient", .tolerate = SCIM_TOL_LENIENT, .scopes = POLICY_USERS_READ},
		{.name = "pure", .profile = "strict", .scopes = POLICY_USERS_WRITE | POLICY_GROUPS_READ},
	};
	log_setup(LOG_ERROR_, LOG_TEXT);
	a = arena_new(4096);
	gw = fake_gw_new();
	memcpy(clients, templates, sizeof clients);
	crypto_sha256(STRV("secret"), clients[0].token_sha256);
	crypto_sha256(STRV("reading"), clients[1].token_sha256);
	crypto_sha256(STRV("strict"), clients[2].token_sha256);
	opts = (struct http_opts){.listen = "127.0.0.1:0",
				  .base_path = "/scim/v2",
				  .max_in_flight = 2,
				  .max_connections = 64,
				  .max_body = 65536,
				  .clients = clients,
				  .n_clients = ARRAY_SIZE(clients),
				  .gw = gw,
				  .max_results = 123};
	c.fd = -1;
	(void)snprintf(dir, sizeof dir, "/tmp/dirhinge-http-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
setup(void)
{
	struct err e = ERR_INIT;
	setup_stopped();
	ck_assert_msg(http_start(&opts, &h, &e) == 0, "%s", e.detail);
	client_connect(&c, http_address(h));
}

static void
teardown(void)
{
	if (c.fd >= 0)
		client_close(&c);
	http_stop(&h, 0);
	fake_gw_free(&gw);
	(void)rmdir(dir);
	arena_free(&a);
}

static void
ask(const char *method, const char *target, const char *token, const char *fields, const char *body, struct answer *r)
{
	client_request(&c, method, target, token, fields, body);
	client_answer(&c, a, str_eq(method, "HEAD"), r);
}

static const char *
location(const char *rest)
{
	return arena_printf(a, "http://h.example/scim/v2%s", rest);
}

/* --- routes ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *method, *target, *token;
	int status;
	const char *allow;
} routes[] = {
	{"GET", "/scim/v2/Users", "secret", 200, NULL},
	{"GET", "/scim/v2/Users/", "secret", 404, NULL},
	{"DELETE", "/scim/v2/Users/", "secret", 404, NULL},
	{"GET", KNOWN, "secret", 200, NULL},
	{"GET", "/scim/v2/Users/unknown", "secret", 404, NULL},
	{"GET", "/scim/v2/Users/00919288221112222", "secret", 404, NULL}, /* P7 */
	{"GET", "/scim/v2/Groups/known", "secret", 200, NULL},
	{"DELETE", KNOWN, "secret", 204, NULL},
	{"DELETE", "/scim/v2/Users", "secret", 405, "GET, HEAD, POST, OPTIONS"},
	{"POST", KNOWN, "secret", 405, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
	{"BREW", KNOWN, "secret", 405, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
	{"get", KNOWN, "secret", 405, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
	{"TRACE", "/livez", NULL, 405, "GET, HEAD, OPTIONS"},
	{"GET", "/scim/v2/Users/.search", "secret", 405, "POST, OPTIONS"},
	{"GET", "/scim/v2/Users/known/x", "secret", 404, NULL},
	{"GET", "/scim/v2/Nothing", "secret", 404, NULL},
	{"GET", "/scim/v1/Users", "secret", 404, NULL},
	{"GET", "/Users", "secret", 404, NULL},
	{"GET", "/", NULL, 404, NULL},
	{"GET", "/scim/v2/livez", "secret", 404, NULL},
	/* wire case A23 */
	{"POST", "/scim/v2/ServiceProviderConfig", "secret", 405, "GET, HEAD, OPTIONS"},
	{"PUT", "/scim/v2/Schemas", "secret", 405, "GET, HEAD, OPTIONS"},
	{"PATCH", "/scim/v2/ResourceTypes/User", "secret", 405, "GET, HEAD, OPTIONS"},
	{"DELETE", "/scim/v2/ResourceTypes", "secret", 405, "GET, HEAD, OPTIONS"},
	/* wire case A27 */
	{"GET", "/scim/v2/Me", "secret", 501, NULL},
	{"PATCH", "/scim/v2/Me", "secret", 501, NULL},
	/* RFC 7644 3.4.2.1, 3.4.3: queries on the root */
	{"POST", "/scim/v2/.search", "secret", 400, NULL},
	{"GET", "/scim/v2", "secret", 200, NULL},
	{"GET", "/scim/v2/", "secret", 200, NULL},
	{"GET", "/scim/v2", "reading", 200, NULL},
	{"GET", "/scim/v2", NULL, 401, NULL},
	{"DELETE", "/scim/v2", "secret", 405, "GET, HEAD, OPTIONS"},
	{"GET", "/scim/v2/.search", "secret", 405, "POST, OPTIONS"},
	{"GET", "/scim/v2/Me", NULL, 401, NULL},
	/* the path is looked at before the token, and tells nothing */
	{"GET", "/scim/v2/Users", NULL, 401, NULL},
	{"GET", "/scim/v2/Users", "wrong", 401, NULL},
	{"GET", "/scim/v2/Schemas", NULL, 401, NULL},
	{"GET", "/scim/v2/Schemas", "reading", 200, NULL},
	{"GET", "/scim/v2/Users", "reading", 200, NULL},
	{"DELETE", KNOWN, "reading", 403, NULL},
	{"GET", "/scim/v2/Groups", "reading", 403, NULL},
	{"DELETE", "/scim/v2/Groups/known", "strict", 403, NULL},
};

START_TEST(routing)
{
	struct answer r;
	ask(routes[_i].method, routes[_i].target, routes[_i].token, "", NULL, &r);
	ck_assert_msg(r.status == routes[_i].status, "%s %s: %s", routes[_i].method, routes[_i].target, r.head);
	if (r.status >= 400)
		(void)answer_error(&r, routes[_i].status);
	if (routes[_i].allow)
		ck_assert_pstr_eq(answer_field(&r, "Allow"), routes[_i].allow);
	if (r.status == 401)
		ck_assert_msg(strncmp(answer_field(&r, "WWW-Authenticate"), "Bearer realm=", 13) == 0, "%s", r.head);
	/* none of these costs the connection */
	ask("GET", "/livez", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
}
END_TEST

static void
check_rows(const struct route_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct route *r = &t->rows[i];
		struct uri u = {0};
		struct err e = ERR_INIT;
		const struct route *found = NULL;
		const char *base = r->flags & ROUTE_ROOT ? "" : "/scim/v2";
		const char *arg = NULL,
			   *path = arena_printf(a, "%s%s", base, r->flags & ROUTE_BELOW ? "/x" : r->pattern);
		unsigned allowed = 0, method = r->methods & (~r->methods + 1);
		ck_assert_int_eq(http_uri_parse(a, path, &u, &e), 0);
		ck_assert_int_eq(http_route_find(t, "/scim/v2", &u, method, &found, &arg, &allowed), 1);
		ck_assert_msg(found == r, "%s %u", path, method);
	}
}

/* Every row is reached by its own pattern: no earlier row hides it. */
START_TEST(no_row_is_hidden)
{
	check_rows(&http_routes[HTTP_SCIM]);
	check_rows(&http_routes[HTTP_ADMIN]);
	check_rows(&http_routes[HTTP_LOCAL]);
}
END_TEST

START_TEST(base_path_may_be_empty)
{
	const struct route_table *t = &http_routes[HTTP_SCIM];
	struct uri u = {0};
	struct err e = ERR_INIT;
	const struct route *found = NULL;
	const char *arg = NULL;
	unsigned allowed = 0;
	ck_assert_int_eq(http_uri_parse(a, "/Users/x", &u, &e), 0);
	ck_assert_int_eq(http_route_find(t, "", &u, M_GET, &found, &arg, &allowed), 1);
	ck_assert_str_eq(arg, "x");
}
END_TEST

START_TEST(options_and_head)
{
	struct answer r, get;
	ask("OPTIONS", KNOWN, NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 204);
	ck_assert_pstr_eq(answer_field(&r, "Allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
	ask("OPTIONS", "*", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 204);
	ask("OPTIONS", "/nothing", NULL, "", NULL, &r);
	(void)answer_error(&r, 404);
	ask("GET", KNOWN, "secret", "", NULL, &get);
	ask("HEAD", KNOWN, "secret", "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_pstr_eq(answer_field(&r, "Content-Length"), answer_field(&get, "Content-Length"));
	ck_assert_pstr_eq(answer_field(&r, "ETag"), "W/\"1\"");
	ask("HEAD", "/scim/v2/Users/unknown", "secret", "", NULL, &r);
	ck_assert_int_eq(r.status, 404);
	ask("GET", "/livez", NULL, "", NULL, &r); /* would be read as a body if HEAD had one */
	ck_assert_int_eq(r.status, 200);
}
END_TEST

/* --- headers ---------------------------------------------------------------------------------------------------- */

START_TEST(headers_of_every_answer)
{
	static const char *const paths[] = {KNOWN, "/livez", "/nothing", "/scim/v2/Users/err-ERR_INTERNAL"};
	const char *last = "";
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct answer r;
		ask("GET", paths[i], "secret", "X-Request-Id: from-client\r\n", NULL, &r);
		ck_assert_pstr_eq(answer_field(&r, "Cache-Control"), "no-store");
		ck_assert_pstr_eq(answer_field(&r, "X-Content-Type-Options"), "nosniff");
		const char *id = answer_field(&r, "X-Request-Id");
		ck_assert_uint_eq(strlen(id), 32);
		ck_assert_str_ne(id, last);
		last = id;
	}
}
END_TEST

START_TEST(resource_headers)
{
	struct answer r;
	ask("POST", "/scim/v2/Users", "secret", JSON_TYPE, "{\"id\":\"new\"}", &r);
	ck_assert_int_eq(r.status, 201);
	ck_assert_pstr_eq(answer_field(&r, "Location"), location("/Users/new"));
	ck_assert_pstr_eq(answer_field(&r, "Content-Location"), location("/Users/new"));
	ck_assert_pstr_eq(answer_field(&r, "ETag"), "W/\"1\"");
	ck_assert_pstr_eq(answer_field(&r, "Content-Type"), "application/scim+json");
	ask("GET", KNOWN, "secret", "If-None-Match: W/\"1\"\r\n", NULL, &r);
	ck_assert_int_eq(r.status, 304);
	ck_assert_pstr_eq(answer_field(&r, "ETag"), "W/\"1\"");
	ask("GET", KNOWN, "secret", "If-None-Match: W/\"0\"\r\n", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ask("PUT", KNOWN, "secret", JSON_TYPE "If-Match: W/\"0\"\r\n", "{}", &r);
	(void)answer_error(&r, 412);
	ask("PUT", KNOWN, "secret", JSON_TYPE "If-Match: W/\"1\"\r\n", "{}", &r);
	ck_assert_int_eq(r.status, 200);
	ask("PATCH", KNOWN, "secret", JSON_TYPE, "{\"n\":\"m\"}", &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(answer_text(&r, "n"), "m");
	ask("PATCH", "/scim/v2/Groups/quiet", "secret", JSON_TYPE, "{}", &r);
	ck_assert_int_eq(r.status, 204);
	ck_assert_ptr_null(answer_field(&r, "Content-Type"));
	ask("DELETE", KNOWN, "secret", "", NULL, &r);
	ck_assert_int_eq(r.status, 204);
}
END_TEST

static const struct {
	const char *method, *token, *fields, *body;
	int status;
	const char *scim_type;
} bodies[] = {
	{"POST", "secret", "Content-Type: application/scim+json\r\n", "{}", 201, NULL},
	{"POST", "secret", "Content-Type: APPLICATION/JSON; charset=\"UTF-8\"\r\n", "{}", 201, NULL}, /* G1 */
	{"POST", "secret", "", "{}", 201, NULL},                                                      /* G2 */
	{"POST", "strict", "", "{}", 415, NULL},
	{"POST", "secret", "Content-Type: text/plain\r\n", "{}", 415, NULL},
	{"POST", "secret", JSON_TYPE "Content-Encoding: gzip\r\n", "{}", 415, NULL},
	{"POST", "secret", JSON_TYPE "Content-Encoding: Identity\r\n", "{}", 201, NULL},
	{"POST", "secret", "Content-Type: application/x-www-form-urlencoded\r\n", "a=b", 415, NULL},
	{"POST", "secret", JSON_TYPE, "", 400, "invalidSyntax"},
	{"POST", "secret", JSON_TYPE, NULL, 400, "invalidSyntax"},
	{"POST", "secret", JSON_TYPE, "{", 400, "invalidSyntax"},
	{"POST", "secret", JSON_TYPE, "{\"a\":1,\"A\":2}", 400, "invalidSyntax"}, /* T-11 */
	{"POST", "secret", JSON_TYPE, "{\"a\":\"\\u0000\"}", 400, "invalidSyntax"},
	{"POST", "secret", JSON_TYPE, "{\"a\":\"\xff\"}", 400, "invalidSyntax"},
};

START_TEST(body)
{
	struct answer r;
	ask(bodies[_i].method, "/scim/v2/Users", bodies[_i].token, bodies[_i].fields, bodies[_i].body, &r);
	ck_assert_msg(r.status == bodies[_i].status, "%s%.*s", r.head, (int)r.body.n, r.body.p);
	if (r.status < 400)
		return;
	(void)answer_error(&r, bodies[_i].status);
	if (bodies[_i].scim_type)
		ck_assert_str_eq(answer_text(&r, "scimType"), bodies[_i].scim_type);
}
END_TEST

START_TEST(accept_decides_the_type)
{
	struct answer r;
	ask("GET", KNOWN, "secret", "Accept: application/json\r\n", NULL, &r);
	ck_assert_pstr_eq(answer_field(&r, "Content-Type"), "application/json");
	ask("GET", KNOWN, "secret", "Accept: text/html\r\n", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_pstr_eq(answer_field(&r, "Content-Type"), "application/scim+json");
	ask("GET", "/nothing", "secret", "Accept: application/json\r\n", NULL, &r);
	(void)answer_error(&r, 404);
}
END_TEST

/* --- errors ----------------------------------------------------------------------------------------------------- */

static const enum err_code codes[] = {
#define CODE(code, ...) code,
	ERR_TABLE(CODE)
#undef CODE
};

START_TEST(error_code)
{
	struct answer r;
	enum err_code code = codes[_i];
	if (code == ERR_OK)
		return;
	ask("GET", arena_printf(a, "/scim/v2/Users/err-%s", err_name(code)), "secret", "", NULL, &r);
	ck_assert_str_eq(answer_error(&r, err_http(code)), err_text(code));
	const char *scim_type = err_scim_type(code);
	ck_assert_str_eq(answer_text(&r, "scimType"), scim_type ? scim_type : "");
	const char *retry = answer_field(&r, "Retry-After");
	ck_assert_int_eq(retry ? (int)strtol(retry, NULL, 10) : 0, err_retry_after(code));
}
END_TEST

START_TEST(error_names_the_offset)
{
	struct answer r;
	ask("GET", "/scim/v2/Users?filter=bad", "secret", "", NULL, &r);
	ck_assert_msg(strstr(answer_error(&r, 400), "2"), "%s", answer_text(&r, "detail"));
	ck_assert_str_eq(answer_text(&r, "scimType"), "invalidFilter");
}
END_TEST

/* --- queries ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *query;
	int status;
	int64_t start, count;
	const char *member, *value; /* of the echo */
} queries[] = {
	{"", 200, 1, -1, "type", "User"},
	{"?startIndex=7&count=3", 200, 7, 3, NULL, NULL},
	{"?startindex=0&COUNT=5", 200, 1, 5, NULL, NULL},
	{"?startIndex=-3&count=-1", 200, 1, 0, NULL, NULL},
	{"?count=0", 200, 1, 0, NULL, NULL},
	{"?count=99999999999999999999999999", 200, 1, INT64_MAX / 10, NULL, NULL},
	{"?count=ten", 400, 0, 0, NULL, NULL},
	{"?count=", 400, 0, 0, NULL, NULL},
	{"?count=1.5", 400, 0, 0, NULL, NULL},
	{"?startIndex=-", 400, 0, 0, NULL, NULL},
	{"?count=1&count=1", 400, 0, 0, NULL, NULL},
	{"?unknown=1&_=2", 200, 1, -1, NULL, NULL}, /* P10 */
	{"?filter=userName+eq+\"a%40b\"", 200, 1, -1, "filter", "userName eq \"a@b\""},
	{"?attributes=userName,name", 200, 1, -1, "attributes", "userName,name"},
	{"?excludedattributes=members", 200, 1, -1, "excluded", "members"},
	{"?sortBy=userName", 200, 1, -1, "sortBy", "userName"},
	{"?sortorder=descending", 200, 1, -1, "sortOrder", "descending"},
	{"?cursor", 200, 1, -1, "cursor", ""},
	{"?cursor=&count=5", 200, 1, 5, "cursor", ""},
	{"?cursor=abc_-9", 200, 1, -1, "cursor", "abc_-9"},
};

static void
check_echo(const struct answer *r, int64_t start, int64_t count, const char *member, const char *value)
{
	const json_t *echo = json_array_get(json_object_get(r->json, "Resources"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(echo, "start")), start);
	ck_assert_int_eq(json_integer_value(json_object_get(echo, "count")), count);
	if (member)
		ck_assert_pstr_eq(json_string_value(json_object_get(echo, member)), value);
}

START_TEST(query)
{
	struct answer r;
	ask("GET", arena_printf(a, "/scim/v2/Users%s", queries[_i].query), "secret", "", NULL, &r);
	ck_assert_msg(r.status == queries[_i].status, "%s: %s", queries[_i].query, r.head);
	if (r.status == 200) {
		check_echo(&r, queries[_i].start, queries[_i].count, queries[_i].member, queries[_i].value);
		return;
	}
	(void)answer_error(&r, 400);
	ck_assert_str_eq(answer_text(&r, "scimType"), "invalidValue");
}
END_TEST

#define SEARCH "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"]"

static const struct {
	const char *token, *body;
	int status;
	int64_t start, count;
	const char *member, *value;
} searches[] = {
	{"secret", "{" SEARCH "}", 200, 1, -1, "type", "Group"},
	{"secret", "{" SEARCH ",\"filter\":\"a eq 1\",\"startIndex\":0,\"count\":-5}", 200, 1, 0, "filter", "a eq 1"},
	{"secret", "{" SEARCH ",\"Attributes\":[\"a\",\"b\"],\"COUNT\":2}", 200, 1, 2, "attributes", "a,b"},
	{"secret", "{" SEARCH ",\"excludedAttributes\":\"members\"}", 200, 1, -1, "excluded", "members"},
	{"secret", "{" SEARCH ",\"sortBy\":\"x\",\"count\":\"4\"}", 200, 1, 4, "sortBy", "x"},
	{"secret", "{" SEARCH ",\"sortOrder\":\"descending\"}", 200, 1, -1, "sortOrder", "descending"},
	{"secret", "{" SEARCH ",\"cursor\":\"\",\"count\":2}", 200, 1, 2, "cursor", ""},
	{"secret", "{" SEARCH ",\"cursor\":\"x\"}", 200, 1, -1, "cursor", "x"},
	{"secret", "{" SEARCH ",\"cursor\":7}", 400, 0, 0, "scimType", "invalidValue"},
	{"secret", "{" SEARCH ",\"filter\":null,\"attributes\":[]}", 200, 1, -1, "attributes", NULL},
	{"secret", "{}", 200, 1, -1, NULL, NULL},
	{"strict", "{}", 400, 0, 0, "scimType", "invalidSyntax"},
	{"strict", "{" SEARCH "}", 200, 1, -1, NULL, NULL},
	{"secret", "[]", 400, 0, 0, "scimType", "invalidSyntax"},
	{"secret", "{" SEARCH ",\"filter\":7}", 400, 0, 0, "scimType", "invalidValue"},
	{"secret", "{" SEARCH ",\"count\":\"x\"}", 400, 0, 0, "scimType", "invalidValue"},
	{"secret", "{" SEARCH ",\"count\":true}", 400, 0, 0, "scimType", "invalidValue"},
	{"secret", "{" SEARCH ",\"attributes\":[1]}", 400, 0, 0, "scimType", "invalidValue"},
	{"secret", "{" SEARCH ",\"attributes\":{}}", 400, 0, 0, "scimType", "invalidValue"},
};

START_TEST(search)
{
	struct answer r;
	ask("POST", "/scim/v2/Groups/.search", searches[_i].token, JSON_TYPE, searches[_i].body, &r);
	ck_assert_msg(r.status == searches[_i].status, "%s: %s", searches[_i].body, r.head);
	if (r.status == 200) {
		check_echo(&r, searches[_i].start, searches[_i].count, searches[_i].member, searches[_i].value);
		return;
	}
	(void)answer_error(&r, 400);
	ck_assert_str_eq(answer_text(&r, "scimType"), searches[_i].value);
}
END_TEST

/* --- discovery and health --------------------------------------------------------------------------------------- */

START_TEST(discovery)
{
	struct answer r;
	ask("GET", "/scim/v2/ServiceProviderConfig", "reading", "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	const json_t *filter = json_object_get(r.json, "filter");
	ck_assert_int_eq(json_integer_value(json_object_get(filter, "maxResults")), 123);
	ck_assert(json_is_true(json_object_get(json_object_get(r.json, "changePassword"), "supported")));
	const json_t *bulk = json_object_get(r.json, "bulk");
	ck_assert(json_is_true(json_object_get(bulk, "supported")));
	ck_assert_int_eq(json_integer_value(json_object_get(bulk, "maxOperations")), GW_BULK_MAX_OPERATIONS);
	ck_assert_int_eq(json_integer_value(json_object_get(bulk, "maxPayloadSize")), GW_BULK_MAX_PAYLOAD);
	ask("GET", "/scim/v2/ServiceProviderConfigs", "reading", "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ask("GET", "/scim/v2/ResourceTypes", "reading", "", NULL, &r);
	ck_assert_int_eq(json_integer_value(json_object_get(r.json, "totalResults")), 2);
	ask("GET", "/scim/v2/ResourceTypes/Group", "reading", "", NULL, &r);
	ck_assert_str_eq(answer_text(&r, "endpoint"), "/Groups");
	ask("GET", "/scim/v2/ResourceTypes/Device", "reading", "", NULL, &r);
	(void)answer_error(&r, 404);
	ask("GET", "/scim/v2/Schemas", "reading", "", NULL, &r);
	ck_assert_int_eq(json_integer_value(json_object_get(r.json, "totalResults")), 2);
	ask("GET", "/scim/v2/Schemas/" SCIM_URN_USER, "reading", "", NULL, &r);
	ck_assert_str_eq(answer_text(&r, "id"), SCIM_URN_USER);
	ask("GET", "/scim/v2/Schemas/urn:x", "reading", "", NULL, &r);
	(void)answer_error(&r, 404);
	ask("GET", "/scim/v2/Schemas?filter=id%20pr", "reading", "", NULL, &r);
	(void)answer_error(&r, 403);
}
END_TEST

START_TEST(health)
{
	struct answer r;
	ask("GET", "/readyz", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(answer_text(&r, "status"), "ready");
	fake_gw_set_up(gw, false);
	ask("GET", "/readyz", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 503);
	const json_t *reason = json_array_get(json_object_get(r.json, "reasons"), 0);
	ck_assert_pstr_eq(json_string_value(json_object_get(reason, "check")), "directory");
	ck_assert_ptr_null(strstr(r.body.p, "secret-host"));
	ask("GET", "/livez", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(answer_text(&r, "status"), "ok");
	ask("GET", "/scim/v2/Schemas", "secret", "", NULL, &r);
	(void)answer_error(&r, 503);
	ck_assert_pstr_eq(answer_field(&r, "Retry-After"), "5");
	ck_assert_ptr_null(strstr(r.body.p, "secret-host"));
}
END_TEST

START_TEST(locations_behind_a_proxy)
{
	static const char *const urls[] = {"https://scim.example.com", "https://scim.example.com/"};
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct answer r;
		struct err e = ERR_INIT;
		struct http *other = NULL;
		struct client d;
		opts.external_url = urls[i];
		ck_assert_int_eq(http_start(&opts, &other, &e), 0);
		client_connect(&d, http_address(other));
		client_request(&d, "GET", KNOWN, "secret", "", NULL);
		client_answer(&d, a, false, &r);
		ck_assert_pstr_eq(answer_field(&r, "Location"), "https://scim.example.com/scim/v2/Users/known");
		client_close(&d);
		http_stop(&other, 0);
	}
}
END_TEST

/* --- load and life ---------------------------------------------------------------------------------------------- */

START_TEST(above_in_flight_is_shed)
{
	struct client waiting[2];
	struct answer r;
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		client_connect(&waiting[i], http_address(h));
		client_request(&waiting[i], "GET", "/scim/v2/Users/wait", "secret", "", NULL);
	}
	ck_assert(fake_gw_await(gw, 2));
	ask("GET", KNOWN, "secret", "", NULL, &r);
	(void)answer_error(&r, 503);
	ck_assert_pstr_eq(answer_field(&r, "Retry-After"), "1");
	ask("GET", "/livez", NULL, "", NULL, &r); /* health and refusals need no place */
	ck_assert_int_eq(r.status, 200);
	ask("GET", KNOWN, "wrong", "", NULL, &r);
	(void)answer_error(&r, 401);
	fake_gw_release(gw);
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		client_answer(&waiting[i], a, false, &r);
		ck_assert_int_eq(r.status, 200);
		client_close(&waiting[i]);
	}
	ask("GET", KNOWN, "secret", "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
}
END_TEST

START_TEST(clients_can_be_replaced)
{
	struct client waiting;
	struct answer r;
	client_connect(&waiting, http_address(h));
	client_request(&waiting, "GET", "/scim/v2/Users/wait", "secret", "", NULL);
	ck_assert(fake_gw_await(gw, 1));
	http_set_clients(h, &clients[1], 1);
	ask("GET", KNOWN, "secret", "", NULL, &r);
	(void)answer_error(&r, 401);
	ask("GET", KNOWN, "reading", "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	fake_gw_release(gw);
	client_answer(&waiting, a, false, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(answer_text(&r, "client"), "entra"); /* the name of the old set is still there */
	client_close(&waiting);
}
END_TEST

static void *
stopper(void *arg)
{
	struct http **hp = arg;
	http_stop(hp, 20000);
	return NULL;
}

/* Requests in flight end well, /readyz says no, the listening socket is closed. */
START_TEST(drain)
{
	struct client waiting;
	struct answer r;
	struct thread t = {.started = false};
	struct http *stopping = h;
	client_connect(&waiting, http_address(h));
	client_request(&waiting, "GET", "/scim/v2/Users/wait", "secret", "", NULL);
	ask("GET", "/readyz", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert(fake_gw_await(gw, 1));
	thread_start(&t, "stopper", stopper, &h);
	deadline_t until = deadline_in(CLIENT_WAIT_MS);
	while (!http_draining(stopping))
		ck_assert(deadline_left(until) > 0);
	ask("GET", "/readyz", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 503);
	ck_assert_pstr_eq(answer_field(&r, "Connection"), "close");
	ck_assert_ptr_nonnull(strstr(r.body.p, "drain"));
	fake_gw_release(gw);
	client_answer(&waiting, a, false, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_pstr_eq(answer_field(&r, "Connection"), "close");
	ck_assert(client_at_end(&waiting));
	client_close(&waiting);
	thread_join(&t);
	ck_assert_ptr_null(h);
}
END_TEST

START_TEST(stop_with_idle_and_half_sent_requests)
{
	struct client half;
	struct answer r;
	ask("GET", "/livez", NULL, "", NULL, &r);
	client_connect(&half, http_address(h));
	static const char part[] = "POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nContent-Le";
	client_send(&half, part, strlen(part));
	int64_t began = clock_mono_ms();
	http_stop(&h, 0);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	ck_assert(client_at_end(&c));
	client_close(&half);
}
END_TEST

/* --- log -------------------------------------------------------------------------------------------------------- */

/* Runs the exchanges of fn with the log in a file; returns its lines parsed, newest last. */
static json_t *
logged(void (*fn)(void))
{
	struct strv text = {NULL, 0};
	struct err e = ERR_INIT;
	const char *path = arena_printf(a, "%s/log", dir);
	int saved = dup(STDERR_FILENO);
	FILE *f = fopen(path, "w+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	log_setup(LOG_INFO_, LOG_JSON);
	fn();
	http_stop(&h, 10000); /* every line is written */
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(file_read(a, path, 1024 * 1024, &text, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(unlink(path), 0);
	json_t *lines = json_keep(a, json_array());
	while (text.n) {
		json_t *line = NULL;
		size_t n = strv_chr(text, '\n');
		ck_assert_msg(json_parse(a, strv_n(text.p, n), NULL, &line, &e) == 0, "%.*s", (int)n, text.p);
		ck_assert_int_eq(json_array_append(lines, line), 0);
		text = strv_n(text.p + n + 1, text.n - n - 1);
	}
	return lines;
}

static const char *
member(const json_t *line, const char *name)
{
	const char *s = json_string_value(json_object_get(line, name));
	return s ? s : "";
}

static const char *created_id;

static void
create_with_query(void)
{
	struct answer r;
	ask("POST", "/scim/v2/Users?attributes=secretQuery", "secret", JSON_TYPE "X-Request-Id: abc-1\r\n", "{}", &r);
	ck_assert_int_eq(r.status, 201);
	created_id = answer_field(&r, "X-Request-Id");
	ask("GET", "/livez", NULL, "", NULL, &r);
}

START_TEST(a_request_is_one_line)
{
	json_t *lines = logged(create_with_query);
	ck_assert_uint_eq(json_array_size(lines), 1); /* successful probes are for debug */
	const json_t *line = json_array_get(lines, 0);
	ck_assert_str_eq(member(line, "msg"), "request");
	ck_assert_str_eq(member(line, "level"), "info");
	ck_assert_str_eq(member(line, "request_id"), created_id);
	ck_assert_str_eq(member(line, "client_request_id"), "abc-1");
	ck_assert_str_eq(member(line, "client"), "entra");
	ck_assert_str_eq(member(line, "method"), "POST");
	ck_assert_str_eq(member(line, "path"), "/scim/v2/Users"); /* P58: never the query */
	ck_assert_int_eq(json_integer_value(json_object_get(line, "status")), 201);
	ck_assert(json_is_integer(json_object_get(line, "ms")));
	ck_assert_str_eq(member(line, "tolerated"), arena_printf(a, "%s,%s", scim_tolerance_name(SCIM_TOL_NO_SCHEMAS),
								 scim_tolerance_name(SCIM_TOL_STRING_BOOL)));
	ck_assert_str_eq(member(line, "ignored"), "nickName,title");
	char *text = json_text(a, lines);
	ck_assert_ptr_null(strstr(text, "secret"));
}
END_TEST

static void
fail_and_leave(void)
{
	static const char part[] = "PUT " KNOWN " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n" JSON_TYPE
				   "Content-Length: 10\r\n\r\n{";
	struct answer r;
	fake_gw_set_up(gw, false);
	ask("GET", "/scim/v2/Schemas", "secret", "X-Request-Id: \"quoted\"\r\n", NULL, &r);
	ask("GET", "/scim/v2/Users", "not-the-secret", "", NULL, &r);
	client_send(&c, part, strlen(part));
	(void)shutdown(c.fd, SHUT_WR);
	ck_assert(client_at_end(&c));
}

START_TEST(failures_say_why)
{
	json_t *lines = logged(fail_and_leave);
	const json_t *line = json_array_get(lines, 0);
	ck_assert_str_eq(member(line, "error"), "ERR_UNAVAILABLE");
	ck_assert_msg(strstr(member(line, "cause"), "ldap://secret-host.example"), "%s", member(line, "cause"));
	ck_assert_str_ne(member(line, "where"), "");
	ck_assert_ptr_null(json_object_get(line, "client_request_id"));
	line = json_array_get(lines, 1);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "status")), 401);
	ck_assert_str_eq(member(line, "client"), "");
	line = json_array_get(lines, json_array_size(lines) - 1);
	ck_assert_str_eq(member(line, "msg"), "request abandoned");
	ck_assert_str_eq(member(line, "method"), "PUT");
	ck_assert_ptr_null(strstr(json_text(a, lines), "not-the-secret"));
}
END_TEST

/* --- sockets ---------------------------------------------------------------------------------------------------- */

START_TEST(unix_socket)
{
	struct stat st;
	struct answer r;
	struct err e = ERR_INIT;
	struct http *second = NULL;
	struct thread t = {.started = false};
	const char *path = arena_printf(a, "%s/scim.sock", dir);
	opts.listen = arena_printf(a, "unix:%s", path);
	/* a stale socket: bound, never listened on */
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	memcpy(sun.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	close(fd);
	ck_assert_msg(http_start(&opts, &h, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(http_address(h), opts.listen);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	client_connect(&c, http_address(h));
	ask("GET", "/livez", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	/* one that is in use stays */
	ck_assert_int_eq(http_start(&opts, &second, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_ptr_null(second);
	ask("GET", "/livez", NULL, "", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	client_request(&c, "GET", "/scim/v2/Users/wait", "secret", "", NULL);
	ck_assert(fake_gw_await(gw, 1));
	thread_start(&t, "stopper", stopper, &h);
	deadline_t until = deadline_in(CLIENT_WAIT_MS);
	while (stat(path, &st) == 0)
		ck_assert(deadline_left(until) > 0);
	/* a successor takes the place while the old one drains, and keeps it */
	ck_assert_msg(http_start(&opts, &second, &e) == 0, "%s", e.detail);
	fake_gw_release(gw);
	thread_join(&t);
	ck_assert_int_eq(stat(path, &st), 0);
	http_stop(&second, 0);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(a_file_is_not_removed)
{
	struct err e = ERR_INIT;
	const char *path = arena_printf(a, "%s/file", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fclose(f), 0);
	opts.listen = arena_printf(a, "unix:%s", path);
	ck_assert_int_eq(http_start(&opts, &h, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(port_in_use)
{
	struct err e = ERR_INIT;
	struct http *second = NULL;
	opts.listen = http_address(h);
	ck_assert_int_eq(http_start(&opts, &second, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_msg(strstr(e.detail, http_address(h)), "%s", e.detail);
}
END_TEST

/* In a process of its own: descriptor 3 is also where check talks to its parent. Returns the step that failed. */
static int
inherit(void)
{
	static const char request[] = "GET /livez HTTP/1.0\r\nHost: h\r\n\r\n";
	char answer[16] = "";
	struct err e = ERR_INIT;
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof sin;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&sin, n) < 0 || getsockname(fd, (struct sockaddr *)&sin, &n) < 0 ||
	    dup2(fd, 3) != 3 || setenv("LISTEN_FDS", "1", 1) < 0 ||
	    setenv("LISTEN_PID", arena_printf(a, "%d", (int)getpid()), 1) < 0)
		return 1;
	if (http_start(&opts, &h, &e) == 0 || e.code != ERR_IO) /* it does not listen yet */
		return 2;
	if (listen(3, 8) < 0 || http_start(&opts, &h, &e) < 0)
		return 3;
	if (!str_eq(http_address(h), arena_printf(a, "127.0.0.1:%d", ntohs(sin.sin_port))))
		return 4;
	int client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&sin, sizeof sin) < 0 ||
	    send(client, request, sizeof request - 1, 0) < 0)
		return 5;
	if (recv(client, answer, sizeof answer - 1, MSG_WAITALL) < 12 || memcmp(answer + 8, " 200", 4) != 0)
		return 6;
	http_stop(&h, 0);
	return 0;
}

START_TEST(inherited_socket)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(inherit());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- run -------------------------------------------------------------------------------------------------------- */

int
main(void)
{
	const TTest *const started[] = {
		no_row_is_hidden,
		base_path_may_be_empty,
		options_and_head,
		headers_of_every_answer,
		resource_headers,
		accept_decides_the_type,
		error_names_the_offset,
		discovery,
		health,
		locations_behind_a_proxy,
		above_in_flight_is_shed,
		clients_can_be_replaced,
		drain,
		stop_with_idle_and_half_sent_requests,
		port_in_use,
		a_request_is_one_line,
		failures_say_why,
	};
	const TTest *const sockets[] = {unix_socket, a_file_is_not_removed, inherited_socket};
	Suite *s = suite_create("http server");
	TCase *t = unit_add_case(s, "tables", setup, teardown, NULL, 0);
	tcase_add_loop_test(t, routing, 0, (int)ARRAY_SIZE(routes));
	tcase_add_loop_test(t, body, 0, (int)ARRAY_SIZE(bodies));
	tcase_add_loop_test(t, error_code, 0, (int)ARRAY_SIZE(codes));
	tcase_add_loop_test(t, query, 0, (int)ARRAY_SIZE(queries));
	tcase_add_loop_test(t, search, 0, (int)ARRAY_SIZE(searches));
	unit_add_case(s, "server", setup, teardown, started, ARRAY_SIZE(started));
	unit_add_case(s, "sockets", setup_stopped, teardown, sockets, ARRAY_SIZE(sockets));
	return unit_run_suite(s);
}
