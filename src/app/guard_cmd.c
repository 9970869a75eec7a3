/* SPDX-License-Identifier: Apache-2.0
 * dirhinge guard: list, show, release, reject. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/event_line.h"
#include "app/remote.h"
#include "app/table.h"
#include "dirhinge/base/json.h"

#define GUARD_PATH "/admin/v1/guard"

static const char *
number(struct arena *a, const json_t *j, const char *name)
{
	return arena_printf(a, "%lld", (long long)json_integer_value(json_object_get(j, name)));
}

static int
print_batches(struct arena *a, const json_t *list)
{
	static const char *const heads[] = {"ID", "HELD SINCE", "REMOVALS", "EVENTS", "SUBJECTS", "REASON"};
	const json_t *b;
	struct table t;
	size_t i;
	if (json_array_size(list) == 0) {
		puts("Nothing is held.");
		return cli_flush();
	}
	table_begin(&t, a, heads, ARRAY_SIZE(heads));
	json_array_foreach (list, i, b) {
		const char *const cells[] = {
			number(a, b, "id"),       table_time(a, json_string_value(json_object_get(b, "opened"))),
			number(a, b, "removals"), number(a, b, "events"),
			number(a, b, "subjects"), json_string_value(json_object_get(b, "reason"))};
		table_add(&t, cells);
	}
	table_print(&t);
	puts("\nLook at one: dirhinge guard show ID. Then release it, or reject it if the removals are a mistake.");
	return cli_flush();
}

static int
print_batch(struct arena *a, const json_t *b)
{
	const json_t *ev, *data = json_object_get(b, "data");
	struct table t;
	size_t i;
	printf("Batch %s, held since %s: %s\n%s events of %s subjects, %s of them removals\n\n", number(a, b, "id"),
	       table_time(a, json_string_value(json_object_get(b, "opened"))),
	       table_clean(a, json_string_value(json_object_get(b, "reason"))), number(a, b, "events"),
	       number(a, b, "subjects"), number(a, b, "removals"));
	table_begin(&t, a, event_line_heads, LINE_CELLS);
	json_array_foreach (data, i, ev) {
		const char *cells[LINE_CELLS];
		event_line_cells(a, ev, cells);
		table_add(&t, cells);
	}
	table_print(&t);
	printf("\nTo decide on exactly these: dirhinge guard release %s --expect %s, or reject\n", number(a, b, "id"),
	       number(a, b, "events"));
	return cli_flush();
}

static int
print_decision(struct arena *a, const json_t *j)
{
	bool released = str_eq(json_string_value(json_object_get(j, "decision")), "released");
	printf("Batch %s is %s.\n", number(a, j, "id"),
	       released ? arena_printf(a, "released: %s events went out", number(a, j, "events"))
			: arena_printf(a, "rejected: %s events were thrown away", number(a, j, "events")));
	return cli_flush();
}

/* For the record: the person, not the root that sudo made of it. */
static const char *
operator_name(struct arena *a)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(getuid());
	if (sudo && *sudo)
		return arena_printf(a, "%.60s", sudo);
	return pw ? arena_printf(a, "%.60s", pw->pw_name) : arena_printf(a, "uid %ld", (long)getuid());
}

static int
run_verb(const struct remote *r, const struct cli_args *args, json_t **answer_r, struct err *e)
{
	bool list = str_eq(args->verb, "list"), show = str_eq(args->verb, "show");
	struct arena *a = r->a;
	const char *one = list ? "" : arena_printf(a, GUARD_PATH "/%s", args->operand);
	if (list || show)
		return remote_call(r, "GET", list ? GUARD_PATH : one, NULL, answer_r, e);
	json_t *body = json_pack("{s:s, s:s}", "why", args->why ? args->why : "", "who", operator_name(a));
	if (!body)
		return err_set(e, ERR_VALUE, "--why must be UTF-8 text");
	if (args->expect)
		must(json_object_set_new(body, "expect", json_integer(strtoll(args->expect, NULL, 10))) == 0);
	return remote_call(r, "POST", arena_printf(a, "%s/%s", one, args->verb), body, answer_r, e);
}

int
guard_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct remote r;
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	bool list = str_eq(args->verb, "list"), show = str_eq(args->verb, "show");
	if ((args->why || args->expect) && (list || show))
		return cli_usage("--why and --expect belong to guard release and guard reject");
	if (args->operand && args->operand[strspn(args->operand, "0123456789")])
		return cli_usage("the ID of a batch is a number: dirhinge guard list shows them");
	if (remote_open(a, args, &r, &e) < 0 || run_verb(&r, args, &answer, &e) < 0)
		return cli_fail(&e);
	if (args->output == CLI_JSON)
		return cli_print_json(json_incref(answer));
	if (list)
		return print_batches(a, json_object_get(answer, "data"));
	return show ? print_batch(a, answer) : print_decision(a, answer);
}
