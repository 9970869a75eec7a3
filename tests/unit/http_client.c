/* SPDX-License-Identifier: Apache-2.0
 * A client that sends exactly the bytes it is given. */
#include "http_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dirhinge/base/clock.h"

void
client_connect(struct client *c, const char *address)
{
	*c = (struct client){.in = BUF_INIT(16 * 1024 * 1024)};
	if (strncmp(address, "unix:", 5) == 0) {
		struct sockaddr_un sun = {.sun_family = AF_UNIX};
		ck_assert_uint_lt(strlen(address + 5), sizeof sun.sun_path);
		memcpy(sun.sun_path, address + 5, strlen(address + 5));
		c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sun, sizeof sun), 0);
		return;
	}
	const char *colon = strrchr(address, ':');
	ck_assert_ptr_nonnull(colon);
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sin, sizeof sin), 0);
}

void
client_close(struct client *c)
{
	close(c->fd);
	buf_done(&c->in);
}

void
client_send(struct client *c, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t k = send(c->fd, bytes, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return; /* the server closed: the answer tells */
		bytes += k;
		n -= (size_t)k;
	}
}

void
client_request(struct client *c, const char *method, const char *target, const char *token, const char *fields,
	       const char *body)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(16 * 1024 * 1024);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: h.example\r\n%s", method, target, fields);
	if (token)
		buf_printf(&b, "Authorization: Bearer %s\r\n", token);
	if (body)
		buf_printf(&b, "Content-Length: %zu\r\n", strlen(body));
	buf_adds(&b, "\r\n");
	buf_adds(&b, body ? body : "");
	client_send(c, buf_str(&b), b.n);
}

/* 1 data, 0 end, -1 nothing within ms. */
static int
more(struct client *c, int64_t ms)
{
	char chunk[4096];
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int ready = poll(&p, 1, (int)ms);
	if (ready <= 0)
		return -1;
	ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
	if (n <= 0)
		return 0;
	buf_add(&c->in, chunk, (size_t)n);
	return 1;
}

static void
must_get_more(struct client *c, const char *what)
{
	int rc = more(c, CLIENT_WAIT_MS);
	ck_assert_msg(rc == 1, "%s while waiting for %s; got so far: %s", rc == 0 ? "connection closed" : "time is up",
		      what, buf_str(&c->in));
}

static void
consume(struct client *c, size_t n)
{
	size_t rest = c->in.n - n;
	memmove(c->in.p, c->in.p + n, rest);
	c->in.n = rest;
	c->in.p[rest] = '\0';
}

void
client_answer(struct client *c, struct arena *a, bool no_body, struct answer *r)
{
	const char *end;
	while (!(end = strstr(buf_str(&c->in), "\r\n\r\n")))
		must_get_more(c, "a header block");
	*r = (struct answer){.a = a, .head = arena_strndup(a, c->in.p, (size_t)(end - c->in.p) + 2)};
	consume(c, (size_t)(end - c->in.p) + 4);
	ck_assert_msg(strncmp(r->head, "HTTP/1.1 ", 9) == 0, "%s", r->head);
	r->status = (int)strtol(r->head + 9, NULL, 10);
	const char *length = answer_field(r, "Content-Length");
	size_t n = length ? strtoul(length, NULL, 10) : 0;
	if (no_body || r->status == 204 || r->status == 304)
		n = 0;
	while (c->in.n < n)
		must_get_more(c, "a body");
	r->body = strv_n(arena_strndup(a, n ? c->in.p : "", n), n);
	if (n)
		consume(c, n);
	struct err e = ERR_INIT;
	if (n && json_parse(a, r->body, &(struct json_limits){.max_bytes = n}, &r->json, &e) < 0)
		r->json = NULL;
}

const char *
client_await(struct client *c, struct arena *a, const char *text)
{
	const char *at;
	while (!(at = strstr(buf_str(&c->in), text)))
		must_get_more(c, text);
	size_t n = (size_t)(at - c->in.p) + strlen(text);
	const char *got = arena_strndup(a, c->in.p, n);
	consume(c, n);
	return got;
}

bool
client_at_end(struct client *c)
{
	deadline_t until = deadline_in(CLIENT_WAIT_MS);
	for (;;) {
		int rc = more(c, deadline_left(until));
		ck_assert_msg(rc >= 0, "the connection stays open");
		if (rc == 0)
			return c->in.n == 0;
	}
}

bool
client_silent(struct client *c, int64_t ms)
{
	return c->in.n == 0 && more(c, ms) < 0;
}

const char *
answer_field(const struct answer *r, const char *name)
{
	struct strv rest = strv_of(r->head);
	while (rest.n) {
		struct strv line = strv_n(rest.p, strv_chr(rest, '\n'));
		size_t skip = line.n + 1 < rest.n ? line.n + 1 : rest.n;
		rest = strv_n(rest.p + skip, rest.n - skip);
		size_t colon = strv_chr(line, ':');
		if (colon == line.n || !strv_caseeq(strv_n(line.p, colon), strv_of(name)))
			continue;
		struct strv value = strv_trim(strv_n(line.p + colon + 1, line.n - colon - 1));
		return arena_strndup(r->a, value.p, value.n);
	}
	return NULL;
}

const char *
answer_text(const struct answer *r, const char *name)
{
	const char *s = json_string_value(json_object_get(r->json, name));
	return s ? s : "";
}

const char *
answer_error(const struct answer *r, int status)
{
	char want[8];
	ck_assert_msg(r->status == status, "want %d: %s%.*s", status, r->head, (int)r->body.n, r->body.p);
	ck_assert_pstr_eq(answer_field(r, "Content-Type"), "application/scim+json");
	ck_assert_msg(r->json, "not JSON: %.*s", (int)r->body.n, r->body.p);
	const json_t *schemas = json_object_get(r->json, "schemas");
	ck_assert_str_eq(json_string_value(json_array_get(schemas, 0)), "urn:ietf:params:scim:api:messages:2.0:Error");
	(void)snprintf(want, sizeof want, "%d", status);
	ck_assert_str_eq(answer_text(r, "status"), want);
	ck_assert_str_ne(answer_text(r, "detail"), "");
	ck_assert_ptr_nonnull(answer_field(r, "X-Request-Id"));
	return answer_text(r, "detail");
}
