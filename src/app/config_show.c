/* SPDX-License-Identifier: Apache-2.0
 * Prints the configuration: effective values as JSON or YAML, and the schema of the file for editors. */
#include <stdio.h>

#include "app/config_rows.h"

static json_t *rows_json(const struct config_rows *rows, const struct config *cfg, const void *base);

/* A duration as the file spells it: what stands behind "name: ". */
static json_t *
duration_json(const struct conf_row *row, const void *base)
{
	DH_CLEANUP(buf_done) struct buf line = BUF_INIT(128);
	size_t name = strlen(row->name) + 2;

	conf_print(&line, row, 1, base, 0);
	return json_stringn(line.p + name, line.n - name - 1);
}

static json_t *
list_json(const struct config *cfg, const struct config_list_spec *spec)
{
	const struct config_list *list = (const void *)((const char *)cfg + spec->list_offset);
	json_t *out = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(out,
				      rows_json(&spec->rows, cfg, (const char *)list->clients + i * spec->item_size));
	return out;
}

/* A raw subtree is shown as what became of it. */
static json_t *
node_json(const struct conf_row *row, const struct config *cfg)
{
	for (size_t i = 0; i < config_n_lists; i++)
		if (config_lists[i].node_offset == row->offset)
			return list_json(cfg, &config_lists[i]);
	must(row->offset == offsetof(struct config, user_delete_node));
	if (cfg->user_delete == GW_DELETE_MOVE)
		return json_pack("{s:s}", "move", cfg->leavers_base);
	return json_string(cfg->user_delete == GW_DELETE_DISABLE ? "disable" : "hard");
}

static json_t *
strings_json(const struct conf_strings *s)
{
	json_t *out = json_array();
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(out, json_string(s->v[i]));
	return out;
}

/* NULL: not set. */
static json_t *
value_json(const struct conf_row *row, const struct config *cfg, const void *base)
{
	const void *field = (const char *)base + row->offset;

	switch (row->kind) {
	case CONF_STRING: {
		const char *s = *(const char *const *)field;
		/* The hash of a good token gives nothing away, but two equal ones would. */
		return s ? json_string(str_eq(row->name, "token_sha256") ? "***" : s) : NULL;
	}
	case CONF_BOOL:
		return json_boolean(*(const bool *)field);
	case CONF_INT:
		return json_integer(*(const int64_t *)field);
	case CONF_DURATION:
		return duration_json(row, base);
	case CONF_STRINGS:
		return strings_json(field);
	case CONF_NODE:
		return node_json(row, cfg);
	case CONF_GROUP:
		return rows_json(&(struct config_rows){row->rows, row->n_rows}, cfg, base);
	}
	return NULL;
}

static json_t *
rows_json(const struct config_rows *rows, const struct config *cfg, const void *base)
{
	json_t *out = json_object();

	for (size_t i = 0; i < rows->n; i++) {
		json_t *v = value_json(&rows->rows[i], cfg, base);
		if (v && !(json_is_object(v) && json_object_size(v) == 0) &&
		    !(json_is_array(v) && json_array_size(v) == 0))
			json_object_set(out, rows->rows[i].name, v);
		json_decref(v);
	}
	return out;
}

json_t *
config_json(const struct config *cfg)
{
	return rows_json(&config_top, cfg, cfg);
}

/* --- YAML -------------------------------------------------------------------------------------------------------- */

/* Double quotes with JSON's escapes mean the same in YAML. */
static void
yaml_quoted(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		if ((unsigned char)*s < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void
yaml_scalar(struct buf *out, const json_t *v)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-";
	const char *s = json_string_value(v);

	if (s && (!s[0] || s[strspn(s, plain)] || s[0] == '-'))
		yaml_quoted(out, s);
	else if (s)
		buf_adds(out, s);
	else if (json_is_integer(v))
		buf_printf(out, "%lld", (long long)json_integer_value(v));
	else
		buf_adds(out, json_is_true(v) ? "true" : "false");
}

static void yaml_members(struct buf *out, const json_t *object, int indent, bool in_list);

static void
yaml_value(struct buf *out, const json_t *v, int indent)
{
	size_t i;
	const json_t *item;

	if (json_is_object(v)) {
		buf_addc(out, '\n');
		yaml_members(out, v, indent + 2, false);
	} else if (!json_is_array(v)) {
		buf_addc(out, ' ');
		yaml_scalar(out, v);
		buf_addc(out, '\n');
	} else if (json_is_object(json_array_get(v, 0))) {
		buf_addc(out, '\n');
		json_array_foreach (v, i, item) {
			buf_printf(out, "%*s- ", indent + 2, "");
			yaml_members(out, item, indent + 4, true);
		}
	} else {
		buf_adds(out, " [");
		json_array_foreach (v, i, item) {
			buf_adds(out, i ? ", " : "");
			yaml_scalar(out, item);
		}
		buf_adds(out, "]\n");
	}
}

/* in_list: the first key stands behind the dash. */
static void
yaml_members(struct buf *out, const json_t *object, int indent, bool in_list)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)object, key, v) {
		buf_printf(out, "%*s%s:", in_list ? 0 : indent, "", key);
		in_list = false;
		yaml_value(out, v, indent);
	}
}

void
config_yaml(struct buf *out, const struct config *cfg)
{
	json_t *j = config_json(cfg);
	yaml_members(out, j, 0, false);
	json_decref(j);
}

/* --- schema ------------------------------------------------------------------------------------------------------ */

/* A mapping with just these keys. */
static json_t *
object_schema(const struct config_rows *rows)
{
	json_t *required = json_array();
	json_t *out = json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties",
				conf_schema(rows->rows, rows->n));

	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].required)
			json_array_append_new(required, json_string(rows->rows[i].name));
	if (json_array_size(required))
		json_object_set(out, "required", required);
	json_decref(required);
	return out;
}

/* The schema object of "events.webhooks" below root. */
static json_t *
schema_at(json_t *root, const char *path)
{
	char key[64];

	while (*path) {
		size_t n = strcspn(path, ".");
		must(n < sizeof(key));
		memcpy(key, path, n);
		key[n] = '\0';
		root = json_object_get(json_object_get(root, "properties"), key);
		path += path[n] ? n + 1 : n;
	}
	must(root);
	return root;
}

json_t *
config_schema(void)
{
	json_t *root = object_schema(&config_top);

	json_object_set_new(root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(root, "title", json_string("Dirhinge configuration"));
	for (size_t i = 0; i < config_n_lists; i++) {
		json_t *list = schema_at(root, config_lists[i].path);
		json_object_set_new(list, "type", json_string("array"));
		json_object_set_new(list, "items", object_schema(&config_lists[i].rows));
	}
	json_object_set_new(schema_at(root, "users.delete"), "oneOf",
			    json_pack("[{s:[s,s]}, {s:s, s:b, s:[s], s:{s:{s:s}}}]", "enum", "hard", "disable", "type",
				      "object", "additionalProperties", 0, "required", "move", "properties", "move",
				      "type", "string"));
	return root;
}
