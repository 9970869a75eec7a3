/* SPDX-License-Identifier: Apache-2.0
 * src/dir without a directory: which URIs and options are accepted, and what counts as this machine. */
#include <arpa/inet.h>

#include "dir/uri.h"
#include "dirhinge/dir/dir.h"
#include "scratch.h"
#include "unit.h"

START_TEST(uris)
{
	static const struct {
		const char *in, *out; /* out NULL = refused */
		bool loopback;
	} cases[] = {
		{"ldaps://ldap1.example.com", "ldaps://ldap1.example.com:636", false},
		{"LDAP://h/", "ldap://h:389", false},
		{"ldap://localhost:1389", "ldap://localhost:1389", true},
		{"ldap://LOCALHOST", "ldap://LOCALHOST:389", true},
		{"ldap://127.0.0.1", "ldap://127.0.0.1:389", true},
		{"ldap://127.255.3.4:3890/", "ldap://127.255.3.4:3890", true},
		{"ldap://[::1]:389", "ldap://[::1]:389", true},
		{"ldap://[0:0:0:0:0:0:0:1]", "ldap://[0:0:0:0:0:0:0:1]:389", true},
		{"ldap://[2001:db8::1]", "ldap://[2001:db8::1]:389", false},
		{"ldap://[::ffff:127.0.0.1]", "ldap://[::ffff:127.0.0.1]:389", false},
		{"ldap://127.1", "ldap://127.1:389", false}, /* not what every resolver reads alike */
		{"ldap://0x7f.0.0.1", "ldap://0x7f.0.0.1:389", false},
		{"ldap://127.0.0.1.example.com", "ldap://127.0.0.1.example.com:389", false},
		{"ldap://localhost.example.com", "ldap://localhost.example.com:389", false},
		{"ldap://localhost.", "ldap://localhost.:389", false},
		{"ldapi://%2Frun%2fslapd%2Fldapi", "ldapi://%2Frun%2Fslapd%2Fldapi", false},
		{"ldapi://%2Ftmp%2Fa%20b/", "ldapi://%2Ftmp%2Fa%20b", false},
		{"ldap://localhost@evil.example", NULL, false},
		{"ldap://localhost:389@evil.example", NULL, false},
		{"ldap://localhost ldap://evil.example", NULL, false},
		{"ldap://localhost,evil.example", NULL, false},
		{"ldap://localhost\tx", NULL, false},
		{"ldap://localhost%00.evil.example", NULL, false},
		{"ldap://localhost/dc=x??sub", NULL, false},
		{"ldap://localhost?x", NULL, false},
		{"ldap://localhost#x", NULL, false},
		{"ldap://[::1", NULL, false},
		{"ldap://[::1]x", NULL, false},
		{"ldap://[::1%25lo]", NULL, false},
		{"ldap://[127.0.0.1]", NULL, false},
		{"ldap://::1", NULL, false},
		{"ldap://h:0", NULL, false},
		{"ldap://h:65536", NULL, false},
		{"ldap://h:", NULL, false},
		{"ldap://h:+1", NULL, false},
		{"ldap://", NULL, false},
		{"ldap:///", NULL, false},
		{"ldapi://", NULL, false},
		{"ldapi:///run/ldapi", NULL, false},
		{"ldapi://run%2Fldapi", NULL, false},
		{"ldapi://%2Frun%2", NULL, false},
		{"ldapi://%2Frun%00", NULL, false},
		{"cldap://h", NULL, false},
		{"http://h", NULL, false},
		{" ldap://h", NULL, false},
		{"", NULL, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct uri u = {0};
		int rc = dir_uri_parse(a, cases[i].in, &u, &e);

		ck_assert_msg((rc == 0) == (cases[i].out != NULL), "\"%s\": rc %d, %s", cases[i].in, rc, e.detail);
		if (rc) {
			ck_assert_int_eq(e.code, ERR_CONFIG);
			continue;
		}
		ck_assert_str_eq(u.text, cases[i].out);
		ck_assert_msg(u.loopback == cases[i].loopback, "%s", cases[i].in);
	}
}
END_TEST

START_TEST(local_peers)
{
	static const struct {
		const char *address;
		bool local;
	} cases[] = {{"::1", true},
		     {"127.0.0.1", true},
		     {"127.9.9.9", true},
		     {"::ffff:127.0.0.1", true},
		     {"::ffff:10.0.0.1", false},
		     {"128.0.0.1", false},
		     {"10.0.0.1", false},
		     {"fe80::1", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6};
		struct sockaddr_in four = {.sin_family = AF_INET};
		bool v6 = inet_pton(AF_INET6, cases[i].address, &six.sin6_addr) == 1;

		ck_assert(v6 || inet_pton(AF_INET, cases[i].address, &four.sin_addr) == 1);
		ck_assert_msg(dir_uri_local_peer(v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four) ==
				      cases[i].local,
			      "%s", cases[i].address);
	}
}
END_TEST

static enum err_code
open_with(struct dir_opts o, const char *uri)
{
	struct secret *pw = secret_new(STRV("pw"));
	struct dir *d = NULL;

	o.uris = &uri;
	o.n_uris = uri ? 1 : 0;
	if (!o.password)
		o.password = pw;
	if (!o.bind_dn && !o.sasl_external)
		o.bind_dn = "cn=x,dc=y";
	if (!o.pool_size)
		o.pool_size = 1;
	if (!o.timeout_ms)
		o.timeout_ms = 1000;
	e = ERR_INIT;

	int rc = dir_new(&o, &d, &e);

	ck_assert_int_eq(rc, e.code == ERR_OK ? 0 : -1);
	ck_assert((d != NULL) == (rc == 0));
	dir_free(&d);
	ck_assert_ptr_null(d);
	secret_free(&pw);
	return e.code;
}

START_TEST(options)
{
	struct secret *empty = secret_new(STRV(""));

	/* reliability.md T-30: no plaintext by accident */
	ck_assert_int_eq(open_with((struct dir_opts){0}, "ldap://192.0.2.1"), ERR_CONFIG);
	ck_assert(strstr(e.detail, "ldaps://"));
	ck_assert_int_eq(open_with((struct dir_opts){0}, "ldap://localhost.example.com"), ERR_CONFIG);
	ck_assert_int_eq(open_with((struct dir_opts){.allow_plaintext = true}, "ldap://192.0.2.1"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){.start_tls = true}, "ldap://192.0.2.1"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){0}, "ldap://127.0.0.1"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){0}, "ldaps://192.0.2.1"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){.sasl_external = true}, "ldapi://%2Frun%2Fldapi"), ERR_OK);

	/* and no ldap.conf, ldaprc or LDAPTLS_… in between */
	ck_assert_str_eq(getenv("LDAPNOINIT"), "1");

	ck_assert_int_eq(open_with((struct dir_opts){0}, NULL), ERR_CONFIG);
	ck_assert_int_eq(open_with((struct dir_opts){.bind_dn = "nobody"}, "ldap://localhost"), ERR_CONFIG);
	/* RFC 4513 5.1.2: would bind as nobody and look like success */
	ck_assert_int_eq(open_with((struct dir_opts){.password = empty}, "ldap://localhost"), ERR_CONFIG);
	ck_assert_int_eq(open_with((struct dir_opts){.sasl_external = true, .bind_dn = "cn=x"}, "ldap://localhost"),
			 ERR_CONFIG);
	ck_assert_int_eq(open_with((struct dir_opts){.flavour = "openldap"}, "ldap://localhost"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){.flavour = "auto"}, "ldap://localhost"), ERR_OK);
	ck_assert_int_eq(open_with((struct dir_opts){.flavour = "openldpa"}, "ldap://localhost"), ERR_CONFIG);
	ck_assert(strstr(e.detail, "did you mean \"openldap\""));
	ck_assert_int_eq(open_with((struct dir_opts){.pool_size = 1000}, "ldap://localhost"), ERR_CONFIG);
	ck_assert_int_eq(open_with((struct dir_opts){.timeout_ms = 5}, "ldap://localhost"), ERR_CONFIG);
	secret_free(&empty);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {uris, local_peers, options};
	Suite *s = suite_create("dir_uri");

	unit_add_case(s, "offline", scratch_setup, scratch_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
