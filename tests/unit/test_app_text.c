/* SPDX-License-Identifier: Apache-2.0
 * What the command line shows: tables, times, events as lines; and what it reads: server-sent events. */
#include "unit.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "app/event_line.h"
#include "app/remote.h"
#include "app/sse.h"
#include "app/table.h"
#include "dirhinge/base/file.h"
#include "scratch.h"

/* stdout of fn. */
static const char *
printed(void (*fn)(void))
{
	char path[] = "/tmp/dirhinge-text-XXXXXX";
	int file = mkstemp(path), saved = dup(STDOUT_FILENO);
	struct strv text = {NULL, 0};
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_eq(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
	fn();
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	close(file);
	ck_assert_int_eq(file_read(a, path, 1 << 20, &text, &e), 0);
	ck_assert_int_eq(unlink(path), 0);
	return arena_strndup(a, text.p, text.n);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void
print_table(void)
{
	static const char *const heads[] = {"ID", "NAME", "WHY"};
	static const char *const one[] = {"7", "J\xc3\xbcrgen", "x"}, *const two[] = {"12345", NULL, "\x1b[2Jy"};
	struct table t;
	table_begin(&t, a, heads, 3);
	table_add(&t, one);
	table_add(&t, two);
	table_print(&t);
}

START_TEST(columns_are_aligned_and_safe)
{
	ck_assert_str_eq(printed(print_table), "ID     NAME    WHY\n"
					       "7      J\xc3\xbcrgen  x\n"
					       "12345  -       ?[2Jy\n");
	ck_assert_str_eq(table_clean(a, "a\x07\x7f\xc2\x9b\xc3\xbc\n"), "a????\xc3\xbc?");
	ck_assert_uint_eq(table_width("J\xc3\xbcrgen"), 6);
}
END_TEST

START_TEST(times_are_local)
{
	setenv("TZ", "CET-1", 1);
	tzset();
	ck_assert_str_eq(table_time(a, "2026-11-20T09:00:00.123456Z"), "2026-11-20 10:00:00");
	ck_assert_str_eq(table_time(a, "no time"), "no time");
	ck_assert_str_eq(table_time(a, "2026-99-20T09:00:00Z"), "2026-99-20T09:00:00Z");
	ck_assert_ptr_null(table_time(a, NULL));
}
END_TEST

static void
print_object(void)
{
	json_t *j = json_keep(a, json_pack("{s:s, s:i, s:{s:b, s:n}, s:[], s:[{s:s, s:s}, {s:s}]}", "state", "live",
					   "last_change", 7, "log", "full", 1, "gap", "none", "list", "dn", "cn=a",
					   "state", "there", "dn", "cn=b"));
	table_print_object(a, j);
}

START_TEST(objects_are_lines)
{
	ck_assert_str_eq(printed(print_object), "state        live\n"
						"last change  7\n"
						"log.full     yes\n"
						"log.gap      -\n"
						"none         none\n"
						"list         cn=a: there; cn=b\n");
}
END_TEST

/* --- events ------------------------------------------------------------------------------------------------------ */

static json_t *
event(const char *text)
{
	json_t *j = NULL;
	ck_assert_msg(json_parse(a, strv_of(text), NULL, &j, &e) == 0, "%s", e.detail);
	return j;
}

static const struct {
	const char *json, *type, *subject, *change, *by;
} lines[] = {
	{"{\"type\":\"dsync.user.updated\",\"subject\":{\"id\":\"1\",\"userName\":\"ann\"},"
	 "\"cause\":{\"kind\":\"scim\",\"client\":\"entra\"},"
	 "\"changed\":[\"name.familyName\",\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\"]}",
	 "user.updated", "ann", "name.familyName, department", "entra (scim)"},
	{"{\"type\":\"dsync.group.user_removed\",\"subject\":{\"id\":\"1\",\"displayName\":\"Team\"},"
	 "\"member\":{\"value\":\"7\",\"userName\":\"ann\"},\"cause\":{\"kind\":\"external\",\"actor_dn\":\"cn=admin\"}"
	 "}",
	 "group.user_removed", "Team", "- ann", "cn=admin"},
	{"{\"type\":\"dsync.group.user_added\",\"subject\":{\"id\":\"1\"},\"member\":{\"value\":\"7\"},"
	 "\"cause\":{\"kind\":\"external\",\"coalesced\":true}}",
	 "group.user_added", "1", "+ 7", "external, sum of a gap"},
	{"{\"type\":\"dsync.user.created\",\"subject\":{\"id\":\"1\",\"userName\":\"ann\"},"
	 "\"cause\":{\"kind\":\"external\",\"initial\":true}}",
	 "user.created", "ann", "", "external, was there at the start"},
	{"{}", "", "", "", ""},
	{"{\"type\":7,\"subject\":[],\"changed\":[1],\"cause\":null}", "", "", "?", ""},
};

START_TEST(events_as_cells)
{
	const char *cells[LINE_CELLS];
	event_line_cells(a, event(lines[_i].json), cells);
	ck_assert_str_eq(cells[LINE_TYPE], lines[_i].type);
	ck_assert_str_eq(cells[LINE_SUBJECT], lines[_i].subject);
	ck_assert_str_eq(cells[LINE_CHANGE], lines[_i].change);
	ck_assert_str_eq(cells[LINE_BY], lines[_i].by);
}
END_TEST

static const char deleted[] = "{\"type\":\"dsync.user.deleted\",\"timestamp\":\"2026-11-20T09:00:00Z\","
			      "\"subject\":{\"userName\":\"a\\u001b[2Jnn\"},\"cause\":{\"kind\":\"external\"}}";

static void
print_plain(void)
{
	event_line_print(event(deleted), false);
}

static void
print_coloured(void)
{
	event_line_print(event(deleted), true);
}

START_TEST(events_as_lines)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const char *plain = printed(print_plain), *coloured = printed(print_coloured);
	ck_assert_ptr_eq(strstr(plain, "2026-11-20 09:00:00  user.deleted "), plain);
	ck_assert_ptr_nonnull(strstr(plain, " a?[2Jnn "));
	ck_assert_ptr_null(strchr(plain, '\033'));
	ck_assert_ptr_nonnull(strstr(coloured, "\033[31muser.deleted\033[0m"));
	ck_assert_ptr_null(strstr(coloured, "\033[2J"));
}
END_TEST

/* --- server-sent events ------------------------------------------------------------------------------------------ */

struct got {
	char text[256];
	int stop_after;
};

static int
on_data(void *ctx, struct strv data)
{
	struct got *g = ctx;
	size_t n = strlen(g->text);
	(void)snprintf(g->text + n, sizeof g->text - n, "[%.*s]", (int)data.n, data.p);
	return g->stop_after > 0 && --g->stop_after == 0;
}

static const char stream[] = "retry: 2000\nid: c0\n\n"
			     "id: c1\nevent: x\ndata: {\"a\":1}\n\n"
			     ":\n\n"
			     "id:c2\ndata:one\ndata: two\n\n"
			     ":\nid: c3\n\n";

/* The same whatever the pieces are. */
START_TEST(pieces_of_a_stream)
{
	struct got g = {.text = ""};
	struct sse s;
	size_t size = (size_t)_i + 1;
	sse_begin(&s, on_data, &g);
	for (size_t at = 0; at < sizeof stream - 1; at += size) {
		size_t left = sizeof stream - 1 - at;
		ck_assert_int_eq(sse_feed(&s, strv_n(stream + at, left < size ? left : size)), 0);
	}
	ck_assert_str_eq(g.text, "[{\"a\":1}][one\ntwo]");
	ck_assert_str_eq(buf_str(&s.id), "c3"); /* a place without an event counts */
	sse_done(&s);
}
END_TEST

START_TEST(a_stream_that_broke_off)
{
	struct got g = {.text = "", .stop_after = 1};
	struct sse s;
	sse_begin(&s, on_data, &g);
	ck_assert_int_eq(sse_feed(&s, STRV("id: c1\ndata: lost")), 0);
	sse_reset(&s);
	ck_assert_int_eq(sse_feed(&s, STRV("data: whole\n\ndata: not read\n\n")), 1);
	ck_assert_str_eq(g.text, "[whole]");
	sse_done(&s);
}
END_TEST

/* --- the daemon's address ---------------------------------------------------------------------------------------- */

START_TEST(targets_and_errors)
{
	const char *const pairs[] = {"after", NULL, "filter", "userName eq \"\xc3\xbc&=+\"", "limit", "3", NULL};
	const char *const none[] = {"after", NULL, NULL};
	ck_assert_str_eq(remote_target(a, "/e", pairs), "/e?filter=userName%20eq%20%22%C3%BC%26%3D%2B%22&limit=3");
	ck_assert_str_eq(remote_target(a, "/e", none), "/e");
	ck_assert_int_eq(remote_failed(a, 410, STRV("{\"detail\":\"too old\"}"), &e), -1);
	ck_assert_int_eq(e.code, ERR_GONE);
	ck_assert_str_eq(e.detail, "too old");
	ck_assert_int_eq(remote_failed(a, 500, STRV("<html>"), &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, "500"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		columns_are_aligned_and_safe, times_are_local,    objects_are_lines, events_as_lines,
		a_stream_that_broke_off,      targets_and_errors,
	};
	Suite *s = suite_create("app text");
	TCase *t = unit_add_case(s, "text", scratch_setup, scratch_teardown, tests, ARRAY_SIZE(tests));
	tcase_add_loop_test(t, events_as_cells, 0, (int)ARRAY_SIZE(lines));
	tcase_add_loop_test(t, pieces_of_a_stream, 0, (int)sizeof stream);
	return unit_run_suite(s);
}
