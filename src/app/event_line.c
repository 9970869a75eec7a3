/* SPDX-License-Identifier: Apache-2.0
 * Events for people. */
#include "app/event_line.h"

#include <stdio.h>

#include "app/table.h"

#define PREFIX        "dsync."
#define TYPE_WIDTH    19
#define SUBJECT_WIDTH 22
#define CHANGE_WIDTH  30

const char *const event_line_heads[LINE_CELLS] = {"TIME", "TYPE", "SUBJECT", "CHANGE", "BY"};

static const char *
text_of(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));
	return s ? s : "";
}

static const char *
name_of(const json_t *j)
{
	static const char *const names[] = {"userName", "displayName", "id", "value"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (*text_of(j, names[i]))
			return text_of(j, names[i]);
	return "";
}

/* The part of an extension's path behind its URN: of it people know the end. */
static const char *
short_path(const char *path)
{
	const char *colon = strncmp(path, "urn:", 4) == 0 ? strrchr(path, ':') : NULL;
	return colon ? colon + 1 : path;
}

static const char *
change_text(struct arena *a, const json_t *ev)
{
	const json_t *changed = json_object_get(ev, "changed"), *member = json_object_get(ev, "member");
	const char *type = text_of(ev, "type"), *out = "";
	if (member)
		return arena_printf(a, "%c %s", strstr(type, "removed") ? '-' : '+', name_of(member));
	for (size_t i = 0; i < json_array_size(changed); i++) {
		const char *path = json_string_value(json_array_get(changed, i));
		out = arena_printf(a, "%s%s%s", out, *out ? ", " : "", path ? short_path(path) : "?");
	}
	return out;
}

static const char *
cause_text(struct arena *a, const json_t *cause)
{
	const char *client = text_of(cause, "client"), *actor = text_of(cause, "actor_dn");
	const char *by = *client ? arena_printf(a, "%s (scim)", client) : *actor ? actor : text_of(cause, "kind");
	const char *more = json_is_true(json_object_get(cause, "initial"))     ? ", was there at the start"
			   : json_is_true(json_object_get(cause, "coalesced")) ? ", sum of a gap"
									       : "";
	return arena_printf(a, "%s%s", by, more);
}

void
event_line_cells(struct arena *a, const json_t *ev, const char *cells_r[LINE_CELLS])
{
	const char *type = text_of(ev, "type");
	cells_r[LINE_TIME] = table_time(a, text_of(ev, "timestamp"));
	cells_r[LINE_TYPE] = strncmp(type, PREFIX, strlen(PREFIX)) == 0 ? type + strlen(PREFIX) : type;
	cells_r[LINE_SUBJECT] = name_of(json_object_get(ev, "subject"));
	cells_r[LINE_CHANGE] = change_text(a, ev);
	cells_r[LINE_BY] = cause_text(a, json_object_get(ev, "cause"));
}

/* Green gives, red takes away, yellow changes. */
static const char *
colour_of(const char *type)
{
	static const struct {
		const char *end, *colour;
	} colours[] = {
		{"user_removed", "\033[31m"}, {".deleted", "\033[31m"}, {".deactivated", "\033[31m"},
		{"user_added", "\033[32m"},   {".created", "\033[32m"}, {".activated", "\033[32m"},
		{".updated", "\033[33m"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		if (strstr(type, colours[i].end))
			return colours[i].colour;
	return "";
}

static void
print_cell(const char *text, int width, const char *colour)
{
	int pad = width - (int)table_width(text);
	printf("%s%s%s%*s", colour, text, *colour ? "\033[0m" : "", pad > 0 ? pad + 2 : 2, "");
}

void
event_line_print(const json_t *ev, bool colour)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const char *cells[LINE_CELLS];
	const char *dim = colour ? "\033[2m" : "", *bold = colour ? "\033[1m" : "";
	event_line_cells(a, ev, cells);
	for (size_t i = 0; i < LINE_CELLS; i++)
		cells[i] = table_clean(a, cells[i]);
	print_cell(cells[LINE_TIME], 0, dim);
	print_cell(cells[LINE_TYPE], TYPE_WIDTH, colour ? colour_of(text_of(ev, "type")) : "");
	print_cell(cells[LINE_SUBJECT], SUBJECT_WIDTH, bold);
	print_cell(cells[LINE_CHANGE], CHANGE_WIDTH, "");
	printf("%s%s%s\n", dim, cells[LINE_BY], colour ? "\033[0m" : "");
}
