/* SPDX-License-Identifier: Apache-2.0
 * Log lines: always one line, always valid, never a secret. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dirhinge/base/json.h"
#include "dirhinge/base/log.h"
#include "dirhinge/base/thread.h"
#include "unit.h"

#define SIZE 9000

static json_t *
parsed(struct arena *a, const char *line, size_t n)
{
	struct err e = ERR_INIT;
	json_t *root = NULL;

	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n, 8192);
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_ptr_eq(memchr(line, '\n', n), line + n - 1);
	ck_assert_msg(json_parse(a, strv_n(line, n - 1), NULL, &root, &e) == 0, "%s: %s", e.detail, line);
	return root;
}

/* The line of one event as a JSON tree. */
static json_t *
rendered(struct arena *a, const char *msg, const struct log_field *fields)
{
	char line[SIZE];
	size_t n = log_render(line, sizeof(line), LOG_JSON, LOG_WARN_, msg, fields);

	return parsed(a, line, n);
}

static const char *
string_of(const json_t *root, const char *key)
{
	return json_string_value(json_object_get(root, key));
}

START_TEST(json_form)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct log_field f[] = {LOG_S("method", "GET"), LOG_I("status", 200), LOG_S("absent", NULL),
				      LOG_I("least", INT64_MIN), LOG_END};
	json_t *root = rendered(a, "request", f);

	ck_assert_uint_eq(json_object_size(root), 6);
	ck_assert_str_eq(string_of(root, "level"), "warn");
	ck_assert_str_eq(string_of(root, "msg"), "request");
	ck_assert_str_eq(string_of(root, "method"), "GET");
	ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 200);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "least")), INT64_MIN);
	ck_assert_str_eq(string_of(root, "time") + strlen(string_of(root, "time")) - 1, "Z");
}
END_TEST

START_TEST(text_form)
{
	char line[SIZE];
	const struct log_field f[] = {LOG_S("method", "GET"), LOG_I("status", 200),     LOG_S("detail", "two words"),
				      LOG_S("empty", ""),     LOG_S("quote", "a\"b\\"), LOG_END};
	size_t n = log_render(line, sizeof(line), LOG_TEXT, LOG_ERROR_, "request\nfailed", f);

	ck_assert_uint_eq(strlen(line), n);
	ck_assert_pstr_eq(strstr(line, " error: "), " error: request\\u000afailed method=GET status=200 "
						    "detail=\"two words\" empty=\"\" quote=\"a\\\"b\\\\\"\n");
}
END_TEST

START_TEST(escapes)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	static const struct {
		const char *value, *written; /* inside of the quotes */
	} rows[] = {
		{"a\r\nb\t\x1b[31m", "a\\u000d\\u000ab\\u0009\\u001b[31m"},
		{"\x7f", "\\u007f"},
		{"\xC2\x85\xC2\x9B", "\\u0085\\u009b"}, /* C1 controls */
		{"\xE2\x80\xAA\xE2\x80\xAB\xE2\x80\xAC\xE2\x80\xAD\xE2\x80\xAE", "\\u202a\\u202b\\u202c\\u202d\\u202e"},
		{"\xE2\x81\xA6\xE2\x81\xA7\xE2\x81\xA8\xE2\x81\xA9", "\\u2066\\u2067\\u2068\\u2069"},
		{"\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "\\u200e\\u200f\\u061c"},
		{"\xE2\x80\xA8\xE2\x80\xA9", "\\u2028\\u2029"}, /* line and paragraph separator */
		{"\xEF\xBB\xBF", "\\ufeff"},
		{"\xFF", "\\ufffd"},
		{"\xC3", "\\ufffd"},
		{"\xED\xA0\x80", "\\ufffd\\ufffd\\ufffd"},
		{"\"\\", "\\\"\\\\"},
		{"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[SIZE];
		const struct log_field f[] = {LOG_S("v", rows[i].value), LOG_END};
		size_t n = log_render(line, sizeof(line), LOG_JSON, LOG_INFO_, rows[i].value, f);
		const char *expected =
			arena_printf(a, "\"msg\":\"%s\",\"v\":\"%s\"}\n", rows[i].written, rows[i].written);

		(void)parsed(a, line, n);
		ck_assert_pstr_eq(strstr(line, "\"msg\":"), expected);
		n = log_render(line, sizeof(line), LOG_TEXT, LOG_INFO_, "m", f);
		ck_assert_pstr_eq(strstr(line, " v="), arena_printf(a, " v=\"%s\"\n", rows[i].written));
	}
}
END_TEST

START_TEST(secrets)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	static const char *const hidden[] = {
		"password",   "userPassword", "bind_password", "unicodePwd",    "authPassword",  "PASSWD",
		"token",      "access_token", "tokenSha256",   "Authorization", "authorisation", "client_secret",
		"Set-Cookie", "passphrase",   "privateKey",    "credentials",   "Bearer"};
	static const char *const shown[] = {"msg_id", "user", "path", "bind_password_file", "token_file", "dn", "key"};

	for (size_t i = 0; i < ARRAY_SIZE(hidden) + ARRAY_SIZE(shown); i++) {
		bool hide = i < ARRAY_SIZE(hidden);
		const char *key = hide ? hidden[i] : shown[i - ARRAY_SIZE(hidden)];
		const struct log_field f[] = {LOG_S(key, "hunter2"), LOG_END};
		char line[SIZE];

		ck_assert_str_eq(string_of(rendered(a, "m", f), key), hide ? "***" : "hunter2");
		(void)log_render(line, sizeof(line), LOG_TEXT, LOG_INFO_, "m", f);
		ck_assert_msg((strstr(line, "hunter2") == NULL) == hide, "%s", line);
	}
	const struct log_field number[] = {LOG_I("pin_password", 1234), LOG_END};

	ck_assert_str_eq(string_of(rendered(a, "m", number), "pin_password"), "***");
}
END_TEST

START_TEST(long_lines)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	/* of one byte, two bytes, three bytes, escapes: every place where the cut can fall */
	static const char *const units[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\n", "\"", "\xF0\x9F\x98\x80"};
	static char value[3 * SIZE];

	for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
		size_t m = strlen(units[u]);

		for (size_t shift = 0; shift < 12; shift++) {
			memset(value, 'y', shift);
			for (size_t i = shift; i + m < sizeof(value); i += m)
				memcpy(value + i, units[u], m + 1);
			const struct log_field f[] = {LOG_S("first", "1"), LOG_S("long", value), LOG_S("after", "x"),
						      LOG_END};
			json_t *root = rendered(a, "m", f);

			ck_assert_str_eq(string_of(root, "first"), "1");
			ck_assert_ptr_null(json_object_get(root, "after"));
			ck_assert_pstr_eq(strstr(string_of(root, "long"), "\xE2\x80\xA6"), "\xE2\x80\xA6");
			/* a message that is too long by itself */
			root = rendered(a, value, f);
			ck_assert_uint_eq(json_object_size(root), 3);
		}
	}
	/* keys and numbers at the edge, at every distance from it */
	for (size_t left = 0; left < 120; left++) {
		memset(value, 'z', SIZE);
		value[8192 - left] = '\0';
		const struct log_field f[] = {LOG_S("k", value), LOG_I("number", 1234567890),
					      LOG_S("password", "hunter2"), LOG_S("tail", "\xF0\x9F\x98\x80 \n"),
					      LOG_END};
		json_t *number = json_object_get(rendered(a, "m", f), "number");

		ck_assert(number == NULL || json_integer_value(number) == 1234567890);
	}
}
END_TEST

START_TEST(levels)
{
	log_setup(LOG_WARN_, LOG_JSON);
	ck_assert(!log_enabled(LOG_INFO_) && log_enabled(LOG_WARN_) && log_enabled(LOG_ERROR_));
}
END_TEST

/* stderr goes into a file while fn runs; its text is returned. */
static struct strv
captured(struct arena *a, void (*fn)(void))
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	fn();
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	(void)close(saved);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	long n = ftell(f);
	char *text = arena_alloc(a, (size_t)n + 1);

	rewind(f);
	ck_assert_uint_eq(fread(text, 1, (size_t)n, f), (size_t)n);
	(void)fclose(f);
	return strv_n(text, (size_t)n);
}

static void
emit_error(void)
{
	struct err e = ERR_INIT;

	log_setup(LOG_INFO_, LOG_AUTO); /* a file is no terminal: JSON */
	(void)err_at(&e, 4, ERR_UNIQUE, "userName is in use");
	(void)err_cause(&e, "ldap add: %s", "already exists");
	e.ldap_rc = 68;
	errno = ENOENT;
	log_err(LOG_ERROR_, "create failed", &e);
	ck_assert_int_eq(errno, ENOENT);
	log_event(LOG_DEBUG_, "not shown", LOG_S("a", "b"), LOG_END);
}

START_TEST(error_line)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv out = captured(a, emit_error);
	json_t *root = parsed(a, out.p, out.n);

	ck_assert_str_eq(string_of(root, "msg"), "create failed");
	ck_assert_str_eq(string_of(root, "code"), "ERR_UNIQUE");
	ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 409);
	ck_assert_str_eq(string_of(root, "detail"), "userName is in use at byte 4");
	ck_assert_str_eq(string_of(root, "cause"), "ldap add: already exists");
	ck_assert_int_eq(json_integer_value(json_object_get(root, "ldap_rc")), 68);
	ck_assert(strncmp(string_of(root, "where"), "test_log.c:", 11) == 0);
}
END_TEST

/* LOG_AUTO on a terminal is the readable form. */
START_TEST(terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO), slave;
	char line[512] = "";
	size_t n = 0;

	if (master < 0) {
		(void)printf("SKIP: no pseudo terminals here\n");
		(void)fflush(stdout);
		return;
	}
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_ge(dup2(slave, STDERR_FILENO), 0);
	log_setup(LOG_INFO_, LOG_AUTO);
	log_event(LOG_INFO_, "listening", LOG_I("port", 8080), LOG_END);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	while (strchr(line, '\n') == NULL) {
		ssize_t got = read(master, line + n, sizeof(line) - 1 - n);

		ck_assert_int_gt(got, 0);
		n += (size_t)got;
	}
	ck_assert_ptr_nonnull(strstr(line, " info: listening port=8080"));
	ck_assert_int_ne(line[0], '{');
	(void)close(slave);
	(void)close(master);
	(void)close(saved);
}
END_TEST

#define WRITERS 8
#define LINES   200

static void *
write_lines(void *arg)
{
	const char *name = arg;

	for (int i = 0; i < LINES; i++)
		log_event(LOG_INFO_, "line", LOG_S("writer", name), LOG_I("i", i), LOG_END);
	return NULL;
}

static void
emit_from_threads(void)
{
	static char names[WRITERS][600]; /* long enough to be torn if it were more than one write */
	struct thread t[WRITERS] = {0};

	log_setup(LOG_INFO_, LOG_JSON);
	for (int i = 0; i < WRITERS; i++) {
		memset(names[i], 'a' + i, sizeof(names[i]) - 1);
		thread_start(&t[i], "writer", write_lines, names[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		thread_join(&t[i]);
}

START_TEST(threads_do_not_mix)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv out = captured(a, emit_from_threads);
	size_t lines = 0;

	for (; out.n > 0; lines++) {
		size_t n = strv_chr(out, '\n') + 1;
		const char *writer = string_of(parsed(a, out.p, n), "writer");

		ck_assert_uint_eq(strspn(writer, (char[]){writer[0], '\0'}), 599);
		out = strv_n(out.p + n, out.n - n);
	}
	ck_assert_uint_eq(lines, WRITERS * LINES);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"form", json_form, 0}, {"form", text_form, 0},  {"form", escapes, 0},
		{"form", secrets, 0},   {"form", long_lines, 0}, {"form", levels, 0},
		{"out", error_line, 0}, {"out", terminal, 0},    {"out", threads_do_not_mix, 0},
	};

	return unit_run("log", tests, ARRAY_SIZE(tests));
}
