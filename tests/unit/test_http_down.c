/* SPDX-License-Identifier: Apache-2.0
 * HTTP over the real gateway while its directory cannot be reached: nothing is claimed, and everything is answered. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dirhinge/base/log.h"
#include "dirhinge/crypto/hash.h"
#include "dirhinge/http/http.h"
#include "http_client.h"
#include "unit.h"

#define JSON_TYPE "Content-Type: application/scim+json\r\n"

static struct arena *a;
static struct dir *dir;
static struct gw *gw;
static struct http *h;
static struct client c;
static int closed_port = -1; /* bound and never listened on: connecting is refused, nobody else can take it */
static struct secret *password;

static const char *
dead_uri(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof sin;
	closed_port = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(closed_port, (struct sockaddr *)&sin, n), 0);
	ck_assert_int_eq(getsockname(closed_port, (struct sockaddr *)&sin, &n), 0);
	return arena_printf(a, "ldap://127.0.0.1:%d", ntohs(sin.sin_port));
}

static void
setup(void)
{
	static const char *const person[] = {"inetOrgPerson", NULL}, *const group[] = {"groupOfNames", NULL};
	static const struct map_opts map = {
		.users = {.base = "ou=people,dc=example,dc=com",
			  .rdn = "uid",
			  .object_classes = person,
			  .active = "auto"},
		.groups = {.base = "ou=groups,dc=example,dc=com",
			   .rdn = "cn",
			   .object_classes = group,
			   .member_attribute = "member"},
	};
	struct principal who = {.name = "entra",
				.profile = "lenient",
				.tolerate = SCIM_TOL_LENIENT,
				.scopes = POLICY_USERS_WRITE | POLICY_GROUPS_WRITE};
	struct err e = ERR_INIT;
	log_setup(LOG_ERROR_, LOG_TEXT);
	a = arena_new(4096);
	const char *uris[] = {dead_uri()};
	password = secret_new(STRV("bind-secret"));
	const struct dir_opts d = {.uris = uris,
				   .n_uris = 1,
				   .bind_dn = "cn=gateway,dc=example,dc=com",
				   .password = password,
				   .flavour = "auto",
				   .pool_size = 2,
				   .timeout_ms = 2000};
	ck_assert_msg(dir_new(&d, &dir, &e) == 0, "%s", e.detail);
	gw = gw_new(&(struct gw_opts){
		.dir = dir, .map = &map, .timeout_ms = 2000, .max_results = 100, .max_examined = 1000});
	crypto_sha256(STRV("secret"), who.token_sha256);
	const struct http_opts o = {.listen = "127.0.0.1:0",
				    .base_path = "/scim/v2",
				    .max_in_flight = 4,
				    .max_connections = 16,
				    .max_body = 65536,
				    .clients = &who,
				    .n_clients = 1,
				    .gw = gw,
				    .max_results = 100};
	ck_assert_msg(http_start(&o, &h, &e) == 0, "%s", e.detail);
	client_connect(&c, http_address(h));
}

static void
teardown(void)
{
	client_close(&c);
	http_stop(&h, 0);
	gw_free(&gw);
	dir_free(&dir);
	secret_free(&password);
	close(closed_port);
	arena_free(&a);
}

static const struct {
	const char *method, *target, *body;
} requests[] = {
	{"GET", "/scim/v2/Users", NULL},
	{"GET", "/scim/v2/Users?filter=userName%20eq%20%22a%22", NULL},
	{"GET", "/scim/v2/Users/00000000-0000-4000-8000-000000000000", NULL},
	{"HEAD", "/scim/v2/Users/00000000-0000-4000-8000-000000000000", NULL},
	{"POST", "/scim/v2/Users", "{\"userName\":\"a\"}"},
	{"POST", "/scim/v2/Users/.search", "{}"},
	{"PUT", "/scim/v2/Users/00000000-0000-4000-8000-000000000000", "{\"userName\":\"a\"}"},
	{"PATCH", "/scim/v2/Groups/00000000-0000-4000-8000-000000000000",
	 "{\"Operations\":[{\"op\":\"remove\",\"path\":\"members\"}]}"},
	{"DELETE", "/scim/v2/Users/00000000-0000-4000-8000-000000000000", NULL},
	{"GET", "/scim/v2/Schemas", NULL},
	{"GET", "/scim/v2/ResourceTypes", NULL},
	{"GET", "/scim/v2/ServiceProviderConfig", NULL},
};

START_TEST(unavailable)
{
	struct answer r;
	bool head = str_eq(requests[_i].method, "HEAD");
	client_request(&c, requests[_i].method, requests[_i].target, "secret", requests[_i].body ? JSON_TYPE : "",
		       requests[_i].body);
	client_answer(&c, a, head, &r);
	ck_assert_msg(r.status == 503, "%s %s: %s", requests[_i].method, requests[_i].target, r.head);
	ck_assert_int_gt(strtol(answer_field(&r, "Retry-After"), NULL, 10), 0);
	if (head)
		return;
	(void)answer_error(&r, 503);
	/* T-25: names of servers, binds and entries are for the log */
	ck_assert_ptr_null(strstr(r.body.p, "127.0.0.1"));
	ck_assert_ptr_null(strstr(r.body.p, "gateway"));
	ck_assert_ptr_null(strstr(r.body.p, "example"));
}
END_TEST

START_TEST(what_needs_no_directory)
{
	struct answer r;
	client_request(&c, "GET", "/livez", NULL, "", NULL);
	client_answer(&c, a, false, &r);
	ck_assert_int_eq(r.status, 200);
	client_request(&c, "GET", "/readyz", NULL, "", NULL);
	client_answer(&c, a, false, &r);
	ck_assert_int_eq(r.status, 503);
	ck_assert_ptr_nonnull(strstr(r.body.p, "\"directory\""));
	ck_assert_ptr_null(strstr(r.body.p, "127.0.0.1"));
	client_request(&c, "GET", "/scim/v2/Users", "wrong", "", NULL);
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 401);
	client_request(&c, "POST", "/scim/v2/Users", "secret", JSON_TYPE, "{");
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 400);
	client_request(&c, "GET", "/scim/v2/Me", "secret", "", NULL);
	client_answer(&c, a, false, &r);
	(void)answer_error(&r, 501);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http without directory");
	TCase *t = unit_add_case(s, "down", setup, teardown, NULL, 0);
	tcase_add_loop_test(t, unavailable, 0, (int)ARRAY_SIZE(requests));
	tcase_add_test(t, what_needs_no_directory);
	return unit_run_suite(s);
}
