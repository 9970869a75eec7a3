/* SPDX-License-Identifier: Apache-2.0
 * Reads the configuration file: YAML by the option tables, lists of mappings, then the checks of each section. */
#include <stdlib.h>

#include "app/config_load.h"
#include "dirhinge/base/file.h"
#include "dirhinge/base/strmap.h"

#define CONFIG_MAX_BYTES (1024 * 1024)

/* Line of the deepest part of path that exists in the file. */
static unsigned
path_line(const struct yaml *doc, const char *path)
{
	const json_t *node = yaml_root(doc);
	unsigned line = 1;
	char key[64];

	while (node && *path) {
		size_t n = strcspn(path, ".[");
		if (n > 0) {
			if (n >= sizeof(key))
				return line;
			memcpy(key, path, n);
			key[n] = '\0';
			const json_t *child = json_object_get(node, key);
			unsigned at = child ? yaml_key_line(doc, node, key) : 0;
			line = at ? at : line;
			node = child;
		} else {
			char *end;
			node = json_array_get(node, strtoul(path + 1, &end, 10));
			unsigned at = node ? yaml_line(doc, node) : 0;
			line = at ? at : line;
			n = (size_t)(end + 1 - path);
		}
		path += n;
		if (*path == '.')
			path++;
	}
	return line;
}

int
config_bad(const struct config_loading *l, const char *path, struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->detail)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return yaml_err(l->c->doc, path_line(l->c->doc, path), e, "%s %s", path, text);
}

int
config_why(const struct config_loading *l, const char *path, const struct err *why, struct err *e)
{
	char text[sizeof(why->detail) + 64];

	err_render(why, text, sizeof(text));
	return yaml_err(l->c->doc, path_line(l->c->doc, path), e, "%s: %s", path, text);
}

void
config_warn(struct config_loading *l, const char *fmt, ...)
{
	if (l->n_warnings + 1 >= l->cap_warnings) {
		size_t cap = l->cap_warnings ? 2 * l->cap_warnings : 8;
		const char **grown = ARENA_ARRAY(l->a, cap, const char *);
		if (l->n_warnings)
			memcpy(grown, l->warnings, l->n_warnings * sizeof(*grown));
		l->warnings = grown;
		l->cap_warnings = cap;
	}
	va_list ap;
	va_start(ap, fmt);
	l->warnings[l->n_warnings++] = arena_vprintf(l->a, fmt, ap);
	va_end(ap);
}

const char *
config_path(const struct config_loading *l, const char *name)
{
	if (!name || name[0] == '/' || str_eq(l->dir, "."))
		return name;
	return arena_printf(l->a, "%s/%s", l->dir, name);
}

static void
drop_secret(void *p)
{
	struct secret *s = p;
	secret_free(&s);
}

int
config_secret(const struct config_loading *l, const char *path, const char *file, struct secret **s_r, struct err *e)
{
	struct secret *s;
	struct err why = ERR_INIT;

	if (secret_load(file, &s, &why) < 0)
		return config_why(l, path, &why, e);
	if (s_r) {
		arena_defer(l->a, drop_secret, s);
		*s_r = s;
	} else {
		secret_free(&s);
	}
	return 0;
}

bool
config_name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	return name[0] && strlen(name) <= 64 && name[strspn(name, allowed)] == '\0';
}

static int
read_list(struct config_loading *l, const struct config_list_spec *spec, struct err *e)
{
	char *base = (char *)l->c;
	const json_t *node = *(const json_t **)(void *)(base + spec->node_offset);
	struct config_list *list = (void *)(base + spec->list_offset);
	struct strmap *names = strmap_new(l->a, true);

	if (json_unassigned(node))
		return 0;
	if (!json_is_array(node))
		return config_bad(l, spec->path, e, "must be a list whose elements begin with \"- name: …\"");
	size_t n = json_array_size(node);
	char *items = arena_array(l->a, n, spec->item_size);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(node, i);
		char *path = arena_printf(l->a, "%s[%zu]", spec->path, i);
		char *to = items + i * spec->item_size;
		if (!json_is_object(item))
			return config_bad(l, path, e, "must be a mapping that begins with \"name: …\"");
		if (conf_read(l->a, l->c->doc, item, path, spec->rows.rows, spec->rows.n, to, e) < 0)
			return -1;
		const char *name = *(const char **)(void *)(to + spec->name_offset);
		path = arena_printf(l->a, "%s.name", path);
		if (!config_name_valid(name))
			return config_bad(l, path, e,
					  "is '%.64s'; a name has 1 to 64 letters, digits, dots, dashes, underscores",
					  name);
		if (strmap_put(names, strv_of(name), to))
			return config_bad(l, path, e, "is '%s' like another one; give each its own name", name);
	}
	list->n = n;
	list->clients = (void *)items;
	return 0;
}

static char *
directory_of(struct arena *a, const char *file)
{
	const char *slash = strrchr(file, '/');
	if (!slash)
		return arena_strdup(a, ".");
	return slash == file ? arena_strdup(a, "/") : arena_strndup(a, file, (size_t)(slash - file));
}

struct dir_opts
config_dir_opts(const struct config *c)
{
	return (struct dir_opts){
		.uris = c->uris.v,
		.n_uris = c->uris.n,
		.bind_dn = c->bind_dn,
		.password = c->bind_password,
		.sasl_external = c->sasl,
		.start_tls = c->start_tls,
		.allow_plaintext = c->allow_plaintext,
		.ca_file = c->ca_file,
		.flavour = c->flavour,
		.pool_size = (int)c->pool_size,
		.timeout_ms = c->timeout_ms,
	};
}

enum dir_dirsync
config_dirsync(const struct config *c)
{
	static const char *const names[] = {[DIR_DIRSYNC_AUTO] = "auto",
					    [DIR_DIRSYNC_OBJECT_SECURITY] = "object-security",
					    [DIR_DIRSYNC_OFF] = "never"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(c->feed_dirsync_name, names[i]))
			return (enum dir_dirsync)i;
	return DIR_DIRSYNC_AUTO;
}

int
config_load(struct arena *a, const char *file, const struct config **cfg_r, struct err *e)
{
	static int (*const checks[])(struct config_loading *, struct err *) = {
		config_check_server,  config_check_directory, config_check_types,
		config_check_clients, config_check_events,
	};
	struct strv text;
	struct yaml *doc;
	struct err why = ERR_INIT;
	struct config *c = ARENA_NEW(a, struct config);
	struct config_loading l = {.a = a, .c = c, .dir = directory_of(a, file)};

	if (file_read(a, file, CONFIG_MAX_BYTES, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "%s", why.detail);
	if (yaml_parse(a, file, text, &doc, e) < 0)
		return -1;
	c->doc = doc;
	if (conf_read(a, doc, yaml_root(doc), "", config_top.rows, config_top.n, c, e) < 0)
		return -1;
	for (size_t i = 0; i < config_n_lists; i++)
		if (read_list(&l, &config_lists[i], e) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](&l, e) < 0)
			return -1;
	if (!l.warnings)
		l.warnings = ARENA_ARRAY(a, 1, const char *);
	c->warnings = l.warnings;
	*cfg_r = c;
	return 0;
}
