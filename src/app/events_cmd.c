/* SPDX-License-Identifier: Apache-2.0
 * dirhinge events: list and tail. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/event_line.h"
#include "app/remote.h"
#include "app/sse.h"
#include "app/table.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/json.h"

#define EVENTS_PATH  "/admin/v1/events"
#define TAIL_EVENTS  "20"
#define SILENT_MS    40000 /* two heartbeats and a bit */
#define RECONNECT_MS 2000
#define ERROR_BYTES  65536
#define EVENT_BYTES  (16u * 1024 * 1024)

struct tail {
	struct remote r;
	const struct cli_args *args;
	bool colour;
	const char *after; /* cursor */
	int exit;
};

static int
print_page(const struct cli_args *args, struct arena *a, json_t *page)
{
	const json_t *data = json_object_get(page, "data"), *ev;
	const char *next = json_string_value(json_object_get(page, "next_cursor"));
	struct table t;
	size_t i;
	if (args->output == CLI_JSON)
		return cli_print_json(json_incref(page));
	table_begin(&t, a, event_line_heads, LINE_CELLS);
	json_array_foreach (data, i, ev) {
		const char *cells[LINE_CELLS];
		event_line_cells(a, ev, cells);
		table_add(&t, cells);
	}
	table_print(&t);
	printf("\n%zu events%s; what comes behind them: --after %s\n", json_array_size(data),
	       json_is_true(json_object_get(page, "has_more")) ? ", there may be more" : "", next ? next : "-");
	return cli_flush();
}

static int
list(const struct remote *r, const struct cli_args *args)
{
	struct err e = ERR_INIT;
	json_t *page = NULL;
	const char *const pairs[] = {"after",      args->after, "types",     args->types, "filter",
				     args->filter, "limit",     args->limit, NULL};
	if (remote_call(r, "GET", remote_target(r->a, EVENTS_PATH, pairs), NULL, &page, &e) < 0)
		return cli_fail(&e);
	return print_page(args, r->a, page);
}

/* --- tail ------------------------------------------------------------------------------------------------------- */

static int
print_event(const struct tail *t, const json_t *ev)
{
	if (t->args->output == CLI_JSON) {
		if (json_dumpf(ev, stdout, JSON_COMPACT) < 0)
			return CLI_FAILED;
		putchar('\n');
	} else {
		event_line_print(ev, t->colour);
	}
	return cli_flush(); /* the reader may be a pipe */
}

/* What is there already: from --after on, else the last ones. */
static int
print_old(struct tail *t)
{
	const struct cli_args *args = t->args;
	const char *last = args->after ? NULL : args->limit ? args->limit : TAIL_EVENTS;
	t->after = args->after;
	for (bool more = true; more; last = NULL) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
		const struct remote r = {a, t->r.socket};
		struct err e = ERR_INIT;
		json_t *page = NULL, *ev;
		size_t i;
		const char *const pairs[] = {"after",  last ? NULL : t->after, "last",  last,   "types", args->types,
					     "filter", args->filter,           "limit", "1000", NULL};
		if (remote_call(&r, "GET", remote_target(a, EVENTS_PATH, pairs), NULL, &page, &e) < 0)
			return cli_fail(&e);
		json_array_foreach (json_object_get(page, "data"), i, ev)
			if (print_event(t, ev) != CLI_DONE)
				return CLI_FAILED;
		const char *next = json_string_value(json_object_get(page, "next_cursor"));
		t->after = arena_strdup(t->r.a, next ? next : "");
		more = json_is_true(json_object_get(page, "has_more"));
	}
	return CLI_DONE;
}

static int
on_data(void *ctx, struct strv data)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	struct tail *t = ctx;
	const struct json_limits limits = {.max_bytes = EVENT_BYTES};
	struct err e = ERR_INIT;
	json_t *ev = NULL;
	if (json_parse(a, data, &limits, &ev, &e) < 0)
		t->exit = cli_fail(&e);
	else
		t->exit = print_event(t, ev);
	return t->exit != CLI_DONE;
}

static int
on_piece(void *ctx, struct strv piece)
{
	return sse_feed(ctx, piece);
}

/* One connection. False when the command is to end. */
static bool
follow_once(struct tail *t, struct sse *sse, bool *told)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf body = BUF_INIT(ERROR_BYTES);
	const char *after = sse->id.n ? buf_str(&sse->id) : t->after;
	const char *const pairs[] = {"after", after, "types", t->args->types, "filter", t->args->filter, NULL};
	const struct net_local q = {.socket = t->r.socket,
				    .method = "GET",
				    .target = remote_target(a, EVENTS_PATH "/stream", pairs),
				    .timeout_ms = SILENT_MS};
	struct err e = ERR_INIT;
	int status = 0;
	sse_reset(sse);
	int rc = net_local_stream(&q, &status, on_piece, sse, &body, &e);
	if (t->exit != CLI_DONE)
		return false;
	if (rc == 0 && status != 200) {
		(void)remote_failed(a, status, buf_view(&body), &e);
		if (e.code != ERR_UNAVAILABLE) {
			t->exit = cli_fail(&e);
			return false;
		}
	}
	if (rc == 0 && status == 200)
		*told = false;
	if (!*told)
		fputs("dirhinge: the daemon ended the stream; waiting for it to come back\n", stderr);
	*told = true;
	return true;
}

static int
follow(struct tail *t)
{
	struct sse sse;
	bool told = false;
	sse_begin(&sse, on_data, t);
	while (follow_once(t, &sse, &told))
		clock_pause(RECONNECT_MS, deadline_in(RECONNECT_MS));
	sse_done(&sse);
	return t->exit;
}

static int
tail(const struct remote *r, const struct cli_args *args)
{
	struct tail t = {.r = *r, .args = args};
	t.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int rc = print_old(&t);
	return rc == CLI_DONE && args->follow ? follow(&t) : rc;
}

int
events_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct remote r;
	struct err e = ERR_INIT;
	if (args->follow && !str_eq(args->verb, "tail"))
		return cli_usage("--follow belongs to events tail");
	if (remote_open(a, args, &r, &e) < 0)
		return cli_fail(&e);
	return str_eq(args->verb, "tail") ? tail(&r, args) : list(&r, args);
}
