/* SPDX-License-Identifier: Apache-2.0
 * HTTP over a Unix socket against a server that sends exactly the bytes it is told to. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/thread.h"
#include "dirhinge/net/local.h"
#include "unit.h"

static char dir[64], path[80];
static struct err e;
static struct buf body;
static int status;

/* One connection: reads a request, sends .answer, and holds the connection open until told. */
static struct server {
	int fd;
	const char *answer;
	bool hold;
	struct thread thread;
	struct mutex lock;
	struct cond changed;
	bool let_go;
	char request[4096];
} server;

static struct sockaddr_un
address(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	memcpy(sun.sun_path, path, strlen(path));
	return sun;
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	size_t n = 0;
	int fd = accept(s->fd, NULL, NULL);
	if (fd < 0)
		return NULL; /* finish() came first: nobody has called in time */
	while (n + 1 < sizeof s->request && !strstr(s->request, "\r\n\r\n")) {
		ssize_t got = recv(fd, s->request + n, sizeof s->request - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	(void)!send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL); /* the caller may have given up */
	mutex_lock(&s->lock);
	while (s->hold && !s->let_go)
		cond_wait(&s->changed, &s->lock);
	mutex_unlock(&s->lock);
	close(fd);
	return NULL;
}

static void
start(const char *answer, bool hold)
{
	struct sockaddr_un sun = address();
	server = (struct server){.answer = answer, .hold = hold};
	mutex_init(&server.lock);
	cond_init(&server.changed);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server.fd, 0);
	ck_assert_int_eq(bind(server.fd, (const struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(server.fd, 8), 0);
	thread_start(&server.thread, "server", serve, &server);
}

static void
finish(void)
{
	mutex_lock(&server.lock);
	server.let_go = true;
	cond_broadcast(&server.changed);
	mutex_unlock(&server.lock);
	(void)shutdown(server.fd, SHUT_RDWR);
	thread_join(&server.thread);
	close(server.fd);
	cond_done(&server.changed);
	mutex_done(&server.lock);
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/dirhinge-net-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/s", dir);
	e = ERR_INIT;
	body = BUF_INIT(4096);
	status = 0;
}

static void
teardown(void)
{
	buf_done(&body);
	(void)unlink(path);
	(void)rmdir(dir);
}

static int
call(const char *method, const char *target, struct strv sent, int64_t timeout_ms)
{
	const struct net_local q = {
		.socket = path, .method = method, .target = target, .body = sent, .timeout_ms = timeout_ms};
	return net_local_call(&q, &status, &body, &e);
}

#define NO_BODY   strv_n(NULL, 0)
#define LONG_MS   10000
#define ANSWER_OK "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"a\":\"b\\\"c\"}\n"

START_TEST(a_call)
{
	start(ANSWER_OK, false);
	ck_assert_msg(call("GET", "/admin/v1/sync", NO_BODY, LONG_MS) == 0, "%s", e.detail);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(buf_str(&body), "{\"a\":\"b\\\"c\"}\n");
	ck_assert_ptr_eq(strstr(server.request, "GET /admin/v1/sync HTTP/1.1\r\nHost: localhost\r\n"), server.request);
	finish();
}
END_TEST

START_TEST(a_call_with_a_body)
{
	start("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", false);
	ck_assert_msg(call("POST", "/admin/v1/guard/7/release", STRV("{\"why\":\"\"}"), LONG_MS) == 0, "%s", e.detail);
	ck_assert_int_eq(status, 404);
	ck_assert_str_eq(buf_str(&body), "{}");
	ck_assert_ptr_nonnull(strstr(server.request, "POST /admin/v1/guard/7/release HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(server.request, "Content-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(server.request, "Content-Length: 10\r\n"));
	finish();
}
END_TEST

/* The environment does not send the socket's requests elsewhere. */
START_TEST(no_proxy)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	start(ANSWER_OK, false);
	ck_assert_msg(call("GET", "/", NO_BODY, LONG_MS) == 0, "%s", e.detail);
	finish();
}
END_TEST

START_TEST(nobody_there)
{
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(e.detail, path));
	ck_assert_ptr_nonnull(strstr(e.detail, "No such file"));
	/* a file that a dead daemon left */
	struct sockaddr_un sun = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sun, sizeof sun), 0);
	close(fd);
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(e.detail, "refused"));
}
END_TEST

START_TEST(kept_out)
{
	if (geteuid() == 0)
		return; /* root is let in everywhere */
	start(ANSWER_OK, false);
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), -1);
	ck_assert_int_eq(e.code, ERR_FORBIDDEN);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), 0);
	finish();
}
END_TEST

START_TEST(a_path_too_long)
{
	char long_path[200];
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	const struct net_local q = {.socket = long_path, .method = "GET", .target = "/", .timeout_ms = LONG_MS};
	ck_assert_int_eq(net_local_call(&q, &status, &body, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
}
END_TEST

START_TEST(an_answer_too_long)
{
	body = BUF_INIT(5);
	start(ANSWER_OK, false);
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	finish();
}
END_TEST

START_TEST(an_answer_cut_short)
{
	start("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", false);
	ck_assert_int_eq(call("GET", "/", NO_BODY, LONG_MS), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(e.detail, "broke the answer off"));
	finish();
}
END_TEST

START_TEST(silence_ends)
{
	int64_t began = clock_mono_ms();
	start("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", true);
	ck_assert_int_eq(call("GET", "/", NO_BODY, 300), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(e.detail, "silent"));
	ck_assert_int_ge(clock_mono_ms() - began, 300);
	ck_assert_int_lt(clock_mono_ms() - began, 8000);
	finish();
}
END_TEST

/* --- streams ---------------------------------------------------------------------------------------------------- */

struct seen {
	struct buf text;
	const char *stop_at;
};

static int
on_piece(void *ctx, struct strv piece)
{
	struct seen *s = ctx;
	buf_addv(&s->text, piece);
	return s->stop_at && strstr(buf_str(&s->text), s->stop_at) ? 1 : 0;
}

START_TEST(a_stream_until_it_is_stopped)
{
	struct seen s = {.text = BUF_INIT(4096), .stop_at = "two"};
	const struct net_local q = {.socket = path, .method = "GET", .target = "/s", .timeout_ms = LONG_MS};
	start("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n4\r\ntwo \r\n", true);
	ck_assert_msg(net_local_stream(&q, &status, on_piece, &s, &body, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(buf_str(&s.text), "one two ");
	ck_assert_uint_eq(body.n, 0);
	buf_done(&s.text);
	finish();
}
END_TEST

START_TEST(a_stream_that_ends)
{
	struct seen s = {.text = BUF_INIT(4096)};
	const struct net_local q = {.socket = path, .method = "GET", .target = "/s", .timeout_ms = LONG_MS};
	start("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n0\r\n\r\n", false);
	ck_assert_msg(net_local_stream(&q, &status, on_piece, &s, &body, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(buf_str(&s.text), "one ");
	buf_done(&s.text);
	finish();
}
END_TEST

START_TEST(a_stream_that_is_refused)
{
	struct seen s = {.text = BUF_INIT(4096)};
	const struct net_local q = {.socket = path, .method = "GET", .target = "/s", .timeout_ms = LONG_MS};
	start("HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n{}", false);
	ck_assert_msg(net_local_stream(&q, &status, on_piece, &s, &body, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(status, 410);
	ck_assert_str_eq(buf_str(&body), "{}");
	ck_assert_uint_eq(s.text.n, 0);
	finish();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_call,
		a_call_with_a_body,
		no_proxy,
		nobody_there,
		kept_out,
		a_path_too_long,
		an_answer_too_long,
		an_answer_cut_short,
		silence_ends,
		a_stream_until_it_is_stopped,
		a_stream_that_ends,
		a_stream_that_is_refused,
	};
	Suite *s = suite_create("net local");
	unit_add_case(s, "local", setup, teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(s);
}
