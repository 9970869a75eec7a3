/* SPDX-License-Identifier: Apache-2.0
 * Aligned columns. */
#include "app/table.h"

#include <stdio.h>
#include <time.h>

#include "dirhinge/base/codec.h"

struct table_row {
	struct table_row *next;
	const char *cells[TABLE_COLUMNS];
};

const char *
table_clean(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);
	for (unsigned char *p = (unsigned char *)out; *p; p++) {
		/* U+0080 to U+009F are control characters too: 8-bit escape sequences */
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (c1)
			p[0] = p[1] = '?';
	}
	return out;
}

size_t
table_width(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void
table_begin(struct table *t, struct arena *a, const char *const *heads, size_t n)
{
	must(n <= TABLE_COLUMNS);
	*t = (struct table){.a = a, .n = n};
	t->end = &t->first;
	table_add(t, heads);
}

void
table_add(struct table *t, const char *const *cells)
{
	struct table_row *row = ARENA_NEW(t->a, struct table_row);
	for (size_t i = 0; i < t->n; i++) {
		row->cells[i] = table_clean(t->a, cells[i] && *cells[i] ? cells[i] : "-");
		size_t width = table_width(row->cells[i]);
		t->width[i] = width > t->width[i] ? width : t->width[i];
	}
	*t->end = row;
	t->end = &row->next;
}

void
table_print(const struct table *t)
{
	for (const struct table_row *row = t->first; row; row = row->next)
		for (size_t i = 0; i < t->n; i++) {
			int pad = (int)(t->width[i] - table_width(row->cells[i])) + 2;
			if (i + 1 < t->n)
				printf("%s%*s", row->cells[i], pad, "");
			else
				printf("%s\n", row->cells[i]);
		}
}

const char *
table_time(struct arena *a, const char *rfc3339)
{
	struct err e = ERR_INIT;
	struct tm tm;
	char text[32];
	int64_t us;
	if (!rfc3339 || strlen(rfc3339) < 20 || rfc3339[10] != 'T' || time_from_rfc3339(strv_of(rfc3339), &us, &e) < 0)
		return rfc3339;
	time_t s = (time_t)(us / 1000000);
	if (!localtime_r(&s, &tm) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return rfc3339;
	return arena_strdup(a, text);
}

static const char *value_text(struct arena *a, const json_t *v);

/* An object in a list: its values, which tell by themselves what they are. */
static const char *
item_text(struct arena *a, const json_t *j)
{
	const char *name, *out = "";
	json_t *v;
	if (!json_is_object(j))
		return value_text(a, j);
	json_object_foreach ((json_t *)(uintptr_t)j, name, v)
		out = arena_printf(a, "%s%s%s", out, *out ? ": " : "", item_text(a, v));
	return out;
}

static const char *
value_text(struct arena *a, const json_t *v)
{
	if (json_is_string(v))
		return table_time(a, json_string_value(v));
	if (json_is_null(v))
		return "-";
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	if (!json_is_array(v))
		return json_is_integer(v) ? arena_printf(a, "%lld", (long long)json_integer_value(v))
					  : arena_printf(a, "%g", json_number_value(v));
	const char *out = "";
	for (size_t i = 0; i < json_array_size(v); i++)
		out = arena_printf(a, "%s%s%s", out, i ? "; " : "", item_text(a, json_array_get(v, i)));
	return *out ? out : "none";
}

static size_t
print_members(struct arena *a, const json_t *j, const char *prefix, size_t width, bool measure)
{
	const char *name;
	json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)j, name, v) {
		char *label = arena_printf(a, "%s%s", prefix, name);
		if (json_is_object(v)) {
			width = print_members(a, v, arena_printf(a, "%s.", label), width, measure);
			continue;
		}
		for (char *p = label; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		if (!measure)
			printf("%-*s  %s\n", (int)width, label, table_clean(a, value_text(a, v)));
		else if (strlen(label) > width)
			width = strlen(label);
	}
	return width;
}

void
table_print_object(struct arena *a, const json_t *j)
{
	size_t width = print_members(a, j, "", 0, true);
	(void)print_members(a, j, "", width, false);
}
