/* SPDX-License-Identifier: Apache-2.0
 * Options from rows, the other way: effective values as YAML, rows as JSON Schema; and the spelling of units. */
#include <stdio.h>
#include <stdlib.h>

#include "base/conf_unit.h"
#include "dirhinge/base/conf.h"

static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static const char *
parse_digits(const char *text, int64_t *v_r)
{
	int64_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return NULL;
	if (p == text || (*text == '0' && p != text + 1))
		return NULL;
	*v_r = v;
	return p;
}

bool
conf_int_parse(const char *text, int64_t *v_r)
{
	bool minus = *text == '-';
	int64_t v;
	const char *end = parse_digits(text + minus, &v);

	if (end == NULL || *end != '\0')
		return false;
	*v_r = minus ? -v : v;
	return true;
}

bool
conf_duration_parse(const char *text, int64_t *ms_r)
{
	int64_t v;
	const char *unit = parse_digits(text, &v);

	for (size_t i = 0; unit != NULL && i < ARRAY_SIZE(units); i++) {
		if (!str_eq(unit, units[i].name))
			continue;
		return !__builtin_mul_overflow(v, units[i].ms, ms_r);
	}
	return false;
}

void
conf_duration_format(int64_t ms, char out[CONF_UNIT_TEXT])
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && (ms == 0 || ms % units[i].ms != 0))
		i++;
	if (ms == 0)
		i = ARRAY_SIZE(units) - 2; /* 0s */
	(void)snprintf(out, CONF_UNIT_TEXT, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
}

/* True if any YAML reader takes the bare text for the same string. */
static bool
is_bare(const char *s)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
	size_t n = strlen(s);

	if (n == 0 || !((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z') || s[0] == '/') || s[n - 1] == ':')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_caseeq(s, words[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
		      strchr("_-./:@=+,", s[i]) != NULL))
			return false;
	return true;
}

static void
print_string(struct buf *out, const char *s)
{
	if (is_bare(s)) {
		buf_adds(out, s);
		return;
	}
	buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7F)
			buf_printf(out, "\\x%02x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

static void
print_strings(struct buf *out, const struct conf_strings *list, int indent)
{
	if (list->n == 0) {
		buf_adds(out, " []\n");
		return;
	}
	buf_addc(out, '\n');
	for (size_t i = 0; i < list->n; i++) {
		buf_printf(out, "%*s- ", indent + 2, "");
		print_string(out, list->v[i]);
		buf_addc(out, '\n');
	}
}

/* A subtree as JSON on one line, which is YAML too. */
static void
print_node(struct buf *out, const json_t *node)
{
	char *text = json_dumps(node, JSON_ENCODE_ANY);

	must(text != NULL);
	buf_printf(out, " %s\n", text);
	free(text);
}

/* The value behind "name:"; false if there is none to print. */
static bool
has_value(const struct conf_row *row, const char *field)
{
	if (row->kind == CONF_STRING)
		return *(const char *const *)(const void *)field != NULL;
	if (row->kind == CONF_NODE)
		return *(const json_t *const *)(const void *)field != NULL;
	return true;
}

static void
print_value(struct buf *out, const struct conf_row *row, const void *base, int indent)
{
	const void *field = (const char *)base + row->offset;
	char duration[CONF_UNIT_TEXT];

	switch (row->kind) {
	case CONF_STRING:
		buf_addc(out, ' ');
		print_string(out, *(const char *const *)field);
		buf_addc(out, '\n');
		return;
	case CONF_BOOL:
		buf_adds(out, *(const bool *)field ? " true\n" : " false\n");
		return;
	case CONF_INT:
		buf_printf(out, " %lld\n", (long long)*(const int64_t *)field);
		return;
	case CONF_DURATION:
		conf_duration_format(*(const int64_t *)field, duration);
		buf_printf(out, " %s\n", duration);
		return;
	case CONF_STRINGS:
		print_strings(out, field, indent);
		return;
	case CONF_NODE:
		print_node(out, *(const json_t *const *)field);
		return;
	case CONF_GROUP:
		buf_addc(out, '\n');
		conf_print(out, row->rows, row->n_rows, base, indent + 2);
		return;
	}
}

void
conf_print(struct buf *out, const struct conf_row *rows, size_t n, const void *base, int indent)
{
	for (size_t i = 0; i < n; i++) {
		if (!has_value(&rows[i], (const char *)base + rows[i].offset))
			continue;
		buf_printf(out, "%*s%s:", indent, "", rows[i].name);
		print_value(out, &rows[i], base, indent);
	}
}

static void
set(json_t *object, const char *key, json_t *value)
{
	must(json_object_set_new(object, key, value) == 0);
}

static json_t *
string_list(const char *const *v)
{
	json_t *list = json_array();

	for (; *v != NULL; v++)
		must(json_array_append_new(list, json_string(*v)) == 0);
	return list;
}

static void
schema_limits(json_t *s, const struct conf_row *row)
{
	if (row->min == 0 && row->max == 0)
		return;
	set(s, "minimum", json_integer(row->min));
	set(s, "maximum", json_integer(row->max));
}

static void
schema_group(json_t *s, const struct conf_row *row)
{
	json_t *required = json_array();

	set(s, "type", json_string("object"));
	set(s, "properties", conf_schema(row->rows, row->n_rows));
	set(s, "additionalProperties", json_false());
	for (size_t i = 0; i < row->n_rows; i++)
		if (row->rows[i].required)
			must(json_array_append_new(required, json_string(row->rows[i].name)) == 0);
	set(s, "required", required);
}

static json_t *
schema_default(const struct conf_row *row)
{
	int64_t v;

	if (row->kind == CONF_BOOL)
		return json_boolean(str_eq(row->def, "true"));
	if (row->kind == CONF_INT && conf_int_parse(row->def, &v))
		return json_integer(v);
	return json_string(row->def);
}

static json_t *
schema_row(const struct conf_row *row)
{
	static const char *const strings[] = {"string", "array", NULL};
	json_t *s = json_object();

	switch (row->kind) {
	case CONF_STRING:
		set(s, "type", json_string("string"));
		if (row->choices != NULL)
			set(s, "enum", string_list(row->choices));
		break;
	case CONF_BOOL:
		set(s, "type", json_string("boolean"));
		break;
	case CONF_INT:
		set(s, "type", json_string("integer"));
		schema_limits(s, row);
		break;
	case CONF_DURATION:
		set(s, "type", json_string("string"));
		set(s, "pattern", json_string("^(0|[1-9][0-9]*)(ms|s|m|h|d)$"));
		break;
	case CONF_STRINGS:
		set(s, "type", string_list(strings));
		set(s, "items", json_pack("{s:s}", "type", "string"));
		break;
	case CONF_NODE:
		break; /* its owner checks it */
	case CONF_GROUP:
		schema_group(s, row);
		break;
	}
	if (row->help != NULL)
		set(s, "description", json_string(row->help));
	if (row->def != NULL)
		set(s, "default", schema_default(row));
	return s;
}

json_t *
conf_schema(const struct conf_row *rows, size_t n)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < n; i++)
		set(properties, rows[i].name, schema_row(&rows[i]));
	return properties;
}
