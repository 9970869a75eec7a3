/* SPDX-License-Identifier: Apache-2.0
 * Options from rows: reading with checks that say file, line and what would be right. */
#include "dirhinge/base/conf.h"

#include "base/conf_unit.h"
#include "base/yaml_keys.h"

#define SHOWN 40 /* of a wrong value in a message */

/* What all readers of one mapping share. */
struct reader {
	struct arena *a;
	const struct yaml *doc;
	const json_t *object; /* NULL: absent */
	const char *path;
	char *base;
	struct err *e;
};

static unsigned
row_line(const struct reader *r, const struct conf_row *row)
{
	unsigned line = yaml_key_line(r->doc, r->object, row->name);

	return line != 0 ? line : yaml_line(r->doc, r->object);
}

static const char *
dot(const struct reader *r)
{
	return r->path[0] != '\0' ? "." : "";
}

/* "FILE:LINE: path.name PROBLEM" */
static int DH_PRINTF(3, 4) wrong(const struct reader *r, const struct conf_row *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const char *problem = arena_vprintf(r->a, fmt, ap);
	va_end(ap);
	return yaml_err(r->doc, row_line(r, row), r->e, "%s%s%s %s", r->path, dot(r), row->name, problem);
}

static int
need_scalar(const struct reader *r, const struct conf_row *row, const json_t *value, const char *what,
	    const char **text_r)
{
	if (!json_is_string(value))
		return wrong(r, row, "must be %s, not %s", what,
			     json_is_object(value)  ? "a mapping"
			     : json_is_array(value) ? "a sequence"
						    : "a JSON value");
	*text_r = json_string_value(value);
	return 0;
}

static int
choose(const struct reader *r, const struct conf_row *row, const char *text)
{
	DH_CLEANUP(buf_done) struct buf all = BUF_INIT(4096);
	size_t n = 0;

	for (; row->choices[n] != NULL; n++) {
		if (str_eq(row->choices[n], text))
			return 0;
		buf_printf(&all, "%s%s", n > 0 ? ", " : "", row->choices[n]);
	}
	const char *near = str_nearest(text, row->choices, n);

	if (near != NULL)
		return wrong(r, row, "is '%.*s'; did you mean '%s'? (one of %s)", SHOWN, text, near, buf_str(&all));
	return wrong(r, row, "is '%.*s'; it must be one of %s", SHOWN, text, buf_str(&all));
}

static int
read_string(const struct reader *r, const struct conf_row *row, const char *text)
{
	if (row->required && text[0] == '\0')
		return wrong(r, row, "is empty");
	if (row->choices != NULL && choose(r, row, text) < 0)
		return -1;
	*(const char **)(void *)(r->base + row->offset) = arena_strdup(r->a, text);
	return 0;
}

static int
read_bool(const struct reader *r, const struct conf_row *row, const char *text)
{
	if (!str_eq(text, "true") && !str_eq(text, "false"))
		return wrong(r, row, "is '%.*s'; it must be true or false", SHOWN, text);
	*(bool *)(void *)(r->base + row->offset) = str_eq(text, "true");
	return 0;
}

static bool
in_range(const struct conf_row *row, int64_t v)
{
	return (row->min == 0 && row->max == 0) || (v >= row->min && v <= row->max);
}

static int
read_int(const struct reader *r, const struct conf_row *row, const char *text)
{
	int64_t v;

	if (!conf_int_parse(text, &v))
		return wrong(r, row, "is '%.*s'; it must be a whole number", SHOWN, text);
	if (!in_range(row, v))
		return wrong(r, row, "is %lld; it must be within %lld and %lld", (long long)v, (long long)row->min,
			     (long long)row->max);
	*(int64_t *)(void *)(r->base + row->offset) = v;
	return 0;
}

static int
read_duration(const struct reader *r, const struct conf_row *row, const char *text)
{
	char low[CONF_UNIT_TEXT], high[CONF_UNIT_TEXT];
	int64_t v;

	if (!conf_duration_parse(text, &v))
		return wrong(r, row, "is '%.*s'; it must be a number with a unit (ms, s, m, h, d), for example 10s",
			     SHOWN, text);
	if (!in_range(row, v)) {
		conf_duration_format(row->min, low);
		conf_duration_format(row->max, high);
		return wrong(r, row, "is '%.*s'; it must be within %s and %s", SHOWN, text, low, high);
	}
	*(int64_t *)(void *)(r->base + row->offset) = v;
	return 0;
}

static int
read_strings(const struct reader *r, const struct conf_row *row, const json_t *value)
{
	size_t n = json_is_array(value) ? json_array_size(value) : 1;
	struct conf_strings list = {.v = ARENA_ARRAY(r->a, n + 1, const char *)};

	if (!json_is_array(value) && !json_is_string(value))
		return wrong(r, row, "must be a sequence of strings");
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;

		if (!json_is_string(item))
			return wrong(r, row, "holds something else than strings");
		/* "uris:" with nothing behind it is an empty list, an empty item is a slip */
		if (json_string_length(item) == 0) {
			if (json_is_array(value))
				return wrong(r, row, "holds an empty string");
			continue;
		}
		list.v[list.n++] = arena_strdup(r->a, json_string_value(item));
	}
	if (row->required && list.n == 0)
		return wrong(r, row, "is empty");
	*(struct conf_strings *)(void *)(r->base + row->offset) = list;
	return 0;
}

/* A default of CONF_STRINGS is written with commas. */
static void
default_strings(const struct reader *r, const struct conf_row *row)
{
	struct strv rest = strv_of(row->def);
	struct conf_strings list = {.v = ARENA_ARRAY(r->a, rest.n + 2, const char *)};

	while (rest.n > 0) {
		size_t n = strv_chr(rest, ',');
		struct strv item = strv_trim(strv_n(rest.p, n));

		if (item.n > 0)
			list.v[list.n++] = arena_strndup(r->a, item.p, item.n);
		rest = n < rest.n ? strv_n(rest.p + n + 1, rest.n - n - 1) : strv_n(rest.p, 0);
	}
	*(struct conf_strings *)(void *)(r->base + row->offset) = list;
}

static int
read_text(const struct reader *r, const struct conf_row *row, const char *text)
{
	switch (row->kind) {
	case CONF_STRING:
		return read_string(r, row, text);
	case CONF_BOOL:
		return read_bool(r, row, text);
	case CONF_INT:
		return read_int(r, row, text);
	case CONF_DURATION:
		return read_duration(r, row, text);
	case CONF_STRINGS:
		default_strings(r, row);
		return 0;
	case CONF_NODE:
	case CONF_GROUP:
		return 0;
	}
	return 0;
}

static int read_rows(const struct reader *r, const struct conf_row *rows, size_t n, bool demanded);

static int
read_group(const struct reader *r, const struct conf_row *row, const json_t *value, bool demanded)
{
	struct reader inner = *r;

	inner.path = arena_printf(r->a, "%s%s%s", r->path, dot(r), row->name);
	inner.object = value;
	/* "tls:" with all its options commented out is an empty mapping */
	if (json_is_string(value) && json_string_length(value) == 0)
		inner.object = NULL;
	else if (value != NULL && !json_is_object(value))
		return wrong(r, row, "must be a mapping");
	if (inner.object == NULL && demanded && row->required)
		return wrong(r, row, "is missing");
	return read_rows(&inner, row->rows, row->n_rows, inner.object != NULL);
}

static int
read_value(const struct reader *r, const struct conf_row *row, const json_t *value)
{
	static const char *const what[] = {
		[CONF_STRING] = "a string",
		[CONF_BOOL] = "true or false",
		[CONF_INT] = "a whole number",
		[CONF_DURATION] = "a duration",
	};
	const char *text = NULL;

	if (row->kind == CONF_NODE) {
		*(const json_t **)(void *)(r->base + row->offset) = value;
		return 0;
	}
	if (row->kind == CONF_STRINGS)
		return read_strings(r, row, value);
	if (need_scalar(r, row, value, what[row->kind], &text) < 0)
		return -1;
	return read_text(r, row, text);
}

static int
read_row(const struct reader *r, const struct conf_row *row, bool demanded)
{
	const json_t *value = json_object_get(r->object, row->name);

	if (row->kind == CONF_GROUP)
		return read_group(r, row, value, demanded);
	if (value != NULL)
		return read_value(r, row, value);
	if (row->required && demanded)
		return wrong(r, row, "is missing");
	if (row->def == NULL)
		return 0;
	int rc = read_text(r, row, row->def);

	must(rc == 0); /* a default that its own row refuses */
	return 0;
}

/* demanded: the mapping is there, so that its required rows are, too. */
static int
read_rows(const struct reader *r, const struct conf_row *rows, size_t n, bool demanded)
{
	const char **names = ARENA_ARRAY(r->a, n + 1, const char *);

	for (size_t i = 0; i < n; i++)
		names[i] = rows[i].name;
	if (r->object != NULL && yaml_check_keys_in(r->doc, r->object, r->path, names, n, r->e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_row(r, &rows[i], demanded) < 0)
			return -1;
	return 0;
}

int
conf_read(struct arena *a, const struct yaml *doc, const json_t *object, const char *path, const struct conf_row *rows,
	  size_t n, void *base, struct err *e)
{
	struct reader r = {.a = a, .doc = doc, .object = object, .path = path, .base = base, .e = e};

	if (object != NULL && !json_is_object(object))
		return yaml_err(doc, yaml_line(doc, object), e, "%s must be a mapping",
				*path != '\0' ? path : "the file");
	return read_rows(&r, rows, n, true);
}
