/* SPDX-License-Identifier: Apache-2.0
 * Connecting, sending, and just enough of RFC 9112 to know where an answer ends (Content-Length; chunked is refused).
 */
#include "http_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX (256u << 20)

static void
read_token(struct target *t, const char *path)
{
	FILE *f = fopen(path, "r");
	if (!f || !fgets(t->token, sizeof(t->token), f))
		die("%s: no token", path);
	fclose(f);
	t->token[strcspn(t->token, "\r\n")] = '\0';
}

void
target_open(struct target *t, const char *url, const char *token_file, const char *ca_file)
{
	char scheme[8] = "", authority[256] = "";
	*t = (struct target){.base = ""};
	if (sscanf(url, "%7[a-z]://%255[^/]%511s", scheme, authority, t->base) < 2)
		die("%s: not a URL", url);
	t->tls = strcmp(scheme, "https") == 0;
	char *colon = strrchr(authority, ':');
	if (!colon)
		die("%s: the URL needs a port", url);
	*colon = '\0';
	snprintf(t->host, sizeof(t->host), "%s", authority);
	snprintf(t->port, sizeof(t->port), "%s", colon + 1);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	if (getaddrinfo(t->host, t->port, &hints, &t->address) != 0)
		die("%s: unknown host", t->host);
	if (token_file)
		read_token(t, token_file);
	if (!t->tls)
		return;
	if (gnutls_certificate_allocate_credentials(&t->trust) < 0)
		die("no memory");
	int n = ca_file ? gnutls_certificate_set_x509_trust_file(t->trust, ca_file, GNUTLS_X509_FMT_PEM)
			: gnutls_certificate_set_x509_system_trust(t->trust);
	if (n <= 0)
		die("no certificates to trust");
}

static void
start_tls(struct http_conn *c)
{
	int rc;
	if (gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0 || gnutls_set_default_priority(c->tls) < 0 ||
	    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->t->trust) < 0)
		die("TLS cannot be set up");
	(void)gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, c->t->host, strlen(c->t->host));
	gnutls_session_set_verify_cert(c->tls, c->t->host, 0);
	gnutls_transport_set_int(c->tls, c->fd);
	do
		rc = gnutls_handshake(c->tls);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0)
		die("TLS: %s", gnutls_strerror(rc));
}

void
http_conn_open(struct http_conn *c, const struct target *t, bool blocking)
{
	int on = 1;
	*c = (struct http_conn){.t = t, .out = BUF_INIT(BODY_MAX), .in = BUF_INIT(BODY_MAX)};
	c->fd = socket(t->address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, t->address->ai_addr, t->address->ai_addrlen) < 0)
		die("%s:%s: %s", t->host, t->port, strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (t->tls)
		start_tls(c); /* blocking, then as the caller wants it */
	if (!blocking && fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl: %s", strerror(errno));
}

void
http_conn_close(struct http_conn *c)
{
	if (c->tls)
		gnutls_deinit(c->tls);
	close(c->fd);
	buf_done(&c->out);
	buf_done(&c->in);
}

void
http_conn_request(struct http_conn *c, const char *method, const char *path, struct strv body)
{
	buf_reset(&c->out);
	buf_reset(&c->in);
	c->sent = c->head = c->want = 0;
	buf_printf(&c->out, "%s %s%s HTTP/1.1\r\nHost: %s:%s\r\n", method, c->t->base, path, c->t->host, c->t->port);
	if (c->t->token[0])
		buf_printf(&c->out, "Authorization: Bearer %s\r\n", c->t->token);
	if (body.n)
		buf_printf(&c->out, "Content-Type: application/scim+json\r\nContent-Length: %zu\r\n", body.n);
	buf_adds(&c->out, "\r\n");
	buf_addv(&c->out, body);
}

/* Bytes, 0 for the end, -1 lost, -2 would wait. */
static ssize_t
move(struct http_conn *c, bool out, char *p, size_t n)
{
	ssize_t got;
	if (c->tls) {
		got = out ? gnutls_record_send(c->tls, p, n) : gnutls_record_recv(c->tls, p, n);
		if (got < 0)
			return gnutls_error_is_fatal((int)got) ? -1 : -2;
		return got;
	}
	do
		got = out ? send(c->fd, p, n, MSG_NOSIGNAL) : recv(c->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -2 : -1;
	return got;
}

static void
parse_head(struct http_conn *c)
{
	const char *end = memmem(c->in.p, c->in.n, "\r\n\r\n", 4);
	if (!end)
		return;
	c->head = (size_t)(end - c->in.p) + 4;
	c->want = c->head;
	if (sscanf(c->in.p, "HTTP/1.%*1[01] %d", &c->status) != 1)
		die("this is no HTTP answer: %.60s", c->in.p);
	for (const char *p = c->in.p; p < end; p = strstr(p, "\r\n") + 2) {
		if (strncasecmp(p, "Content-Length:", 15) == 0)
			c->want += (size_t)strtoul(p + 15, NULL, 10);
		if (strncasecmp(p, "Transfer-Encoding:", 18) == 0)
			die("the server sends chunks; this load generator reads answers with Content-Length only");
	}
}

enum http_io
http_conn_io(struct http_conn *c)
{
	char chunk[65536];
	while (c->sent < c->out.n) {
		ssize_t n = move(c, true, c->out.p + c->sent, c->out.n - c->sent);
		if (n == -2)
			return HTTP_WRITE;
		if (n <= 0)
			return HTTP_LOST;
		c->sent += (size_t)n;
	}
	for (;;) {
		ssize_t n = move(c, false, chunk, sizeof(chunk));
		if (n == -2)
			return HTTP_READ;
		if (n <= 0)
			return HTTP_LOST;
		buf_add(&c->in, chunk, (size_t)n);
		if (c->in.full)
			die("an answer of more than %u MB", BODY_MAX >> 20);
		if (c->head == 0)
			parse_head(c);
		if (c->head > 0 && c->in.n >= c->want)
			return HTTP_DONE;
	}
}

struct strv
http_conn_body(const struct http_conn *c)
{
	return strv_n(c->in.p + c->head, c->want - c->head);
}
