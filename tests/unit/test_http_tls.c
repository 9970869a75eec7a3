/* SPDX-License-Identifier: Apache-2.0
 * HTTPS with and without client certificates; keys and certificates are made on the spot. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirhinge/base/clock.h"
#include "dirhinge/base/file.h"
#include "dirhinge/base/log.h"
#include "dirhinge/crypto/hash.h"
#include "dirhinge/http/http.h"
#include "fake_gw.h"
#include "unit.h"

#define WAIT_MS 10000

static struct arena *a;
static struct gw *gw;
static struct http *h;
static char dir[64];
static struct principal who;
static struct http_opts opts;

struct identity {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	const char *key_file, *crt_file;
};

static struct identity ca, foreign_ca, server, client, stranger;

static void
ok(int rc)
{
	ck_assert_msg(rc >= 0, "%s", gnutls_strerror(rc));
}

static void
save(const char *path, gnutls_datum_t *pem)
{
	struct err e = ERR_INIT;
	ck_assert_msg(file_write(path, strv_n((const char *)pem->data, pem->size), 0600, &e) == 0, "%s", e.detail);
	gnutls_free(pem->data);
}

static void
make(struct identity *id, const char *name, const struct identity *issuer)
{
	gnutls_datum_t pem = {NULL, 0};
	unsigned char serial[8];
	int64_t now = clock_wall_us() / 1000000;
	crypto_random(serial, sizeof serial);
	serial[0] &= 0x3f;
	ok(gnutls_x509_privkey_init(&id->key));
	ok(gnutls_x509_privkey_generate(id->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	ok(gnutls_x509_crt_init(&id->crt));
	ok(gnutls_x509_crt_set_version(id->crt, 3));
	ok(gnutls_x509_crt_set_serial(id->crt, serial, sizeof serial));
	ok(gnutls_x509_crt_set_activation_time(id->crt, (time_t)(now - 3600)));
	ok(gnutls_x509_crt_set_expiration_time(id->crt, (time_t)(now + 3600)));
	ok(gnutls_x509_crt_set_dn_by_oid(id->crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
	ok(gnutls_x509_crt_set_subject_alt_name(id->crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
						GNUTLS_FSAN_SET));
	ok(gnutls_x509_crt_set_basic_constraints(id->crt, issuer ? 0 : 1, -1));
	ok(gnutls_x509_crt_set_key(id->crt, id->key));
	ok(gnutls_x509_crt_sign2(id->crt, issuer ? issuer->crt : id->crt, issuer ? issuer->key : id->key,
				 GNUTLS_DIG_SHA256, 0));
	id->key_file = arena_printf(a, "%s/%s.key", dir, name);
	id->crt_file = arena_printf(a, "%s/%s.crt", dir, name);
	ok(gnutls_x509_privkey_export2(id->key, GNUTLS_X509_FMT_PEM, &pem));
	save(id->key_file, &pem);
	ok(gnutls_x509_crt_export2(id->crt, GNUTLS_X509_FMT_PEM, &pem));
	save(id->crt_file, &pem);
}

static void
drop(struct identity *id)
{
	(void)unlink(id->key_file);
	(void)unlink(id->crt_file);
	gnutls_x509_crt_deinit(id->crt);
	gnutls_x509_privkey_deinit(id->key);
}

static void
setup(void)
{
	log_setup(LOG_ERROR_, LOG_TEXT);
	a = arena_new(4096);
	gw = fake_gw_new();
	(void)snprintf(dir, sizeof dir, "/tmp/dirhinge-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	make(&ca, "ca", NULL);
	make(&foreign_ca, "foreign-ca", NULL);
	make(&server, "localhost", &ca);
	make(&client, "client", &ca);
	make(&stranger, "stranger", &foreign_ca);
	who = (struct principal){.name = "entra", .profile = "lenient", .scopes = POLICY_USERS_READ};
	crypto_sha256(STRV("secret"), who.token_sha256);
	opts = (struct http_opts){.listen = "127.0.0.1:0",
				  .base_path = "",
				  .tls_cert_file = server.crt_file,
				  .tls_key_file = server.key_file,
				  .max_in_flight = 4,
				  .max_connections = 16,
				  .max_body = 4096,
				  .clients = &who,
				  .n_clients = 1,
				  .gw = gw};
}

static void
teardown(void)
{
	http_stop(&h, 0);
	struct identity *all[] = {&ca, &foreign_ca, &server, &client, &stranger};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		drop(all[i]);
	(void)rmdir(dir);
	fake_gw_free(&gw);
	arena_free(&a);
}

static void
start(void)
{
	struct err e = ERR_INIT;
	ck_assert_msg(http_start(&opts, &h, &e) == 0, "%s", e.detail);
}

static int
dial(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtol(strrchr(http_address(h), ':') + 1, NULL, 10)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	return fd;
}

/* One request over TLS; returns what was answered, "" if the handshake or the connection failed. */
static const char *
ask(const struct identity *id, const char *priorities)
{
	static const char request[] = "GET /Users/known HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				      "Authorization: Bearer secret\r\n\r\n";
	char answer[8192] = "";
	size_t n = 0;
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	ok(gnutls_certificate_allocate_credentials(&cred));
	ok(gnutls_certificate_set_x509_trust_file(cred, ca.crt_file, GNUTLS_X509_FMT_PEM));
	if (id)
		ok(gnutls_certificate_set_x509_key_file(cred, id->crt_file, id->key_file, GNUTLS_X509_FMT_PEM));
	ok(gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT));
	ok(gnutls_priority_set_direct(s, priorities, NULL));
	ok(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred));
	gnutls_session_set_verify_cert(s, "localhost", 0);
	int fd = dial();
	gnutls_transport_set_int(s, fd);
	gnutls_handshake_set_timeout(s, WAIT_MS);
	gnutls_record_set_timeout(s, WAIT_MS);
	int rc;
	do
		rc = gnutls_handshake(s);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc == 0 && gnutls_record_send(s, request, sizeof request - 1) > 0) {
		ssize_t k;
		while (n < sizeof answer - 1 && (k = gnutls_record_recv(s, answer + n, sizeof answer - 1 - n)) > 0)
			n += (size_t)k;
	}
	close(fd);
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(cred);
	return arena_strndup(a, answer, n);
}

START_TEST(https)
{
	start();
	const char *answer = ask(NULL, "NORMAL");
	ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) == 0, "%s", answer);
	ck_assert_msg(strstr(answer, "Location: https://localhost/Users/known"), "%s", answer);
}
END_TEST

START_TEST(old_protocols_are_refused)
{
	start();
	ck_assert_str_eq(ask(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0"), "");
	ck_assert_str_ne(ask(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), "");
	ck_assert_str_ne(ask(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3"), "");
}
END_TEST

START_TEST(plain_http_is_not_answered)
{
	char answer[64] = "";
	start();
	int fd = dial();
	static const char request[] = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";
	ck_assert_int_eq(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	ssize_t n = recv(fd, answer, sizeof answer - 1, 0);
	ck_assert_msg(n <= 0 || !strstr(answer, "HTTP/1.1"), "%s", answer);
	close(fd);
}
END_TEST

START_TEST(client_certificates)
{
	opts.tls_client_ca_file = ca.crt_file;
	start();
	const char *answer = ask(&client, "NORMAL");
	ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) == 0, "%s", answer);
	answer = ask(NULL, "NORMAL");
	ck_assert_msg(strncmp(answer, "HTTP/1.1 403", 12) == 0, "without a certificate: %s", answer);
	answer = ask(&stranger, "NORMAL");
	ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) != 0, "certificate of another authority: %s", answer);
	ck_assert_msg(!strstr(answer, "known\""), "%s", answer);
}
END_TEST

START_TEST(bad_files_are_told)
{
	struct err e = ERR_INIT;
	opts.tls_key_file = client.key_file;
	ck_assert_int_eq(http_start(&opts, &h, &e), -1);
	ck_assert_msg(strstr(e.detail, "key_file"), "%s", e.detail);
	opts.tls_key_file = NULL;
	ck_assert_int_eq(http_start(&opts, &h, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	opts.tls_key_file = server.key_file;
	ck_assert_int_eq(chmod(server.key_file, 0644), 0);
	ck_assert_int_eq(http_start(&opts, &h, &e), -1);
	ck_assert_msg(strstr(e.detail, "chmod"), "%s", e.detail);
	opts.tls_cert_file = "/nonexistent.crt";
	ck_assert_int_eq(http_start(&opts, &h, &e), -1);
	ck_assert_msg(strstr(e.detail, "/nonexistent.crt"), "%s", e.detail);
	ck_assert_ptr_null(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http tls");
	TCase *t = unit_add_case(s, "tls", setup, teardown, NULL, 0);
	tcase_add_test(t, https);
	tcase_add_test(t, old_protocols_are_refused);
	tcase_add_test(t, plain_http_is_not_answered);
	tcase_add_test(t, client_certificates);
	tcase_add_test(t, bad_files_are_told);
	return unit_run_suite(s);
}
