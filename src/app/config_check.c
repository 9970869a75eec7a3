/* SPDX-License-Identifier: Apache-2.0
 * What a row cannot say about the server, the directory and the two resource types: values that must fit each other,
 * DNs, addresses, files. */
#include <stdio.h>
#include <stdlib.h>

#include "app/config_load.h"
#include "dirhinge/base/file.h"
#include "dirhinge/dir/dn.h"

#define MAP_MAX_BYTES (256 * 1024)
#define PEM_MAX_BYTES (1024 * 1024)

static const char digits[] = "0123456789";
static const char letters_digits_dash[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

/* "host:port" with the host's length in *host_n; false if it is not one. */
static bool
split_host_port(const char *s, size_t *host_n)
{
	const char *colon = strrchr(s, ':');
	if (!colon || colon == s)
		return false;
	size_t n = strspn(colon + 1, digits);
	if (n == 0 || n > 5 || colon[1 + n] || strtoul(colon + 1, NULL, 10) > 65535)
		return false;
	*host_n = (size_t)(colon - s);
	if (s[0] == '[')
		return *host_n > 2 && s[*host_n - 1] == ']';
	return !memchr(s, ':', *host_n); /* IPv6 needs brackets */
}

static bool
host_is_loopback(const char *s, size_t n)
{
	struct strv host = strv_n(s, n);
	return strv_caseeq(host, STRV("localhost")) || strv_eq(host, STRV("[::1]")) || strv_starts(host, STRV("127."));
}

static int
check_listen(struct config_loading *l, const char *path, const char *text, bool tls, struct err *e)
{
	size_t n;
	if (strncmp(text, "unix:", 5) == 0) {
		if (text[5] != '/' || strlen(text + 5) > 100)
			return config_bad(l, path, e,
					  "is '%.64s'; it must be unix: and an absolute path of at most 100 bytes",
					  text);
		return 0;
	}
	if (!split_host_port(text, &n))
		return config_bad(l, path, e, "is '%.64s'; it must be host:port, [v6]:port or unix:/path", text);
	if (!tls && !host_is_loopback(text, n))
		config_warn(l,
			    "%s %s is plain HTTP that other hosts can reach: tokens are readable on the way; "
			    "set server.tls or listen on loopback behind a proxy with TLS",
			    path, text);
	return 0;
}

static int
check_base_path(struct config_loading *l, struct err *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._~-";
	const char *p = l->c->base_path;
	size_t n = strlen(p);

	if (p[0] != '/' || n < 2 || p[n - 1] == '/' || p[strspn(p, allowed)] || strstr(p, "//") || strstr(p, "/."))
		return config_bad(
			l, "server.base_path", e,
			"is '%.64s'; it must be a path such as /scim/v2 that begins but does not end with a slash", p);
	return 0;
}

static int
check_external_url(struct config_loading *l, struct err *e)
{
	const char *url = l->c->external_url;
	if (!url)
		return 0;
	const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
			   : strncmp(url, "http://", 7) == 0 ? url + 7
							     : NULL;
	if (!host || !host[0] || host[strcspn(host, "/?#@ \t\"\\")])
		return config_bad(
			l, "server.external_url", e,
			"is '%.80s'; it must be scheme and host such as https://scim.example.com; the path is "
			"server.base_path",
			url);
	return 0;
}

static int
check_readable(struct config_loading *l, const char *path, const char *file, struct err *e)
{
	struct strv text;
	struct err why = ERR_INIT;
	DH_CLEANUP(arena_free) struct arena *scratch = arena_new(4096);

	if (file && file_read(scratch, file, PEM_MAX_BYTES, &text, &why) < 0)
		return config_why(l, path, &why, e);
	return 0;
}

static int
check_server_tls(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;

	if (!c->tls_cert_file && !c->tls_key_file && !c->tls_client_ca_file)
		return 0;
	if (!c->tls_cert_file)
		return config_bad(l, "server.tls.certificate_file", e,
				  "is missing; TLS needs a certificate and its key");
	if (!c->tls_key_file)
		return config_bad(l, "server.tls.key_file", e, "is missing; TLS needs a certificate and its key");
	c->tls_cert_file = config_path(l, c->tls_cert_file);
	c->tls_key_file = config_path(l, c->tls_key_file);
	c->tls_client_ca_file = config_path(l, c->tls_client_ca_file);
	if (check_readable(l, "server.tls.certificate_file", c->tls_cert_file, e) < 0 ||
	    check_readable(l, "server.tls.client_ca_file", c->tls_client_ca_file, e) < 0)
		return -1;
	return config_secret(l, "server.tls.key_file", c->tls_key_file, NULL, e);
}

static bool
takes_any_port(const char *listen)
{
	const char *colon = strrchr(listen, ':');
	return colon && str_eq(colon, ":0");
}

int
config_check_server(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;

	if (check_server_tls(l, e) < 0 || check_listen(l, "server.listen", c->listen, c->tls_cert_file, e) < 0 ||
	    check_base_path(l, e) < 0 || check_external_url(l, e) < 0)
		return -1;
	c->state_dir = config_path(l, c->state_dir);
	c->admin_wanted = json_object_get(json_object_get(yaml_root(c->doc), "admin"), "listen") != NULL;
	if (str_eq(c->admin_listen, CONFIG_ADMIN_NONE))
		return 0;
	if (check_listen(l, "admin.listen", c->admin_listen, false, e) < 0)
		return -1;
	if (!str_eq(c->admin_listen, c->listen) || takes_any_port(c->listen))
		return 0;
	if (c->admin_wanted)
		return config_bad(l, "admin.listen", e,
				  "is the same as server.listen; each listener needs an address of "
				  "its own");
	config_warn(
		l,
		"admin.listen: server.listen has the default address, so there is no listener for operators; set it");
	c->admin_listen = CONFIG_ADMIN_NONE;
	return 0;
}

/* --- directory --------------------------------------------------------------------------------------------------- */

static int
check_uris(struct config_loading *l, struct err *e)
{
	const struct conf_strings *uris = &l->c->uris;

	if (uris->n == 0)
		return config_bad(l, "directory.uris", e,
				  "is empty; name at least one, such as ldaps://ldap.example.com");
	for (size_t i = 0; i < uris->n; i++) {
		const char *u = uris->v[i];
		if (strncmp(u, "ldap://", 7) != 0 && strncmp(u, "ldaps://", 8) != 0 && strncmp(u, "ldapi://", 8) != 0)
			return config_bad(l, "directory.uris", e,
					  "has '%.64s'; it must be ldaps://host, ldap://host or ldapi://%%2Fpath", u);
	}
	return 0;
}

static int
check_identity(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;
	struct err why = ERR_INIT;

	if (c->sasl) {
		if (c->bind_dn || c->bind_password_file)
			return config_bad(
				l, "directory.sasl", e,
				"is set together with bind_dn or bind_password_file; keep one of the two ways");
		for (size_t i = 0; i < c->uris.n; i++)
			if (strncmp(c->uris.v[i], "ldapi://", 8) != 0)
				return config_bad(l, "directory.sasl", e,
						  "is 'external', which needs ldapi:// URIs, but uris has '%.64s'; use "
						  "bind_dn and "
						  "bind_password_file",
						  c->uris.v[i]);
		return 0;
	}
	if (!c->bind_dn)
		return config_bad(l, "directory.bind_dn", e,
				  "is missing; name the gateway's own entry (or set sasl: external for ldapi://)");
	if (dir_dn_check(c->bind_dn, &why) < 0)
		return config_why(l, "directory.bind_dn", &why, e);
	if (!c->bind_password_file)
		return config_bad(l, "directory.bind_password_file", e,
				  "is missing; name the file with bind_dn's password");
	c->bind_password_file = config_path(l, c->bind_password_file);
	return config_secret(l, "directory.bind_password_file", c->bind_password_file, &c->bind_password, e);
}

int
config_check_directory(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;
	struct err why = ERR_INIT;
	struct dir *probe;

	if (check_uris(l, e) < 0 || check_identity(l, e) < 0)
		return -1;
	c->ca_file = config_path(l, c->ca_file);
	if (check_readable(l, "directory.ca_file", c->ca_file, e) < 0)
		return -1;
	const struct dir_opts opts = config_dir_opts(c);
	/* Checks URIs, flavour and the plaintext rule where they are enforced; opens nothing. */
	if (dir_new(&opts, &probe, &why) < 0)
		return config_why(l, "directory", &why, e);
	dir_free(&probe);
	return 0;
}

/* --- users, groups ----------------------------------------------------------------------------------------------- */

static int
check_dn(struct config_loading *l, const char *path, const char *dn, struct err *e)
{
	struct err why = ERR_INIT;
	if (dir_dn_check(dn, &why) < 0)
		return config_why(l, path, &why, e);
	return 0;
}

/* RFC 4512 1.4: keystring or numeric OID. */
static int
check_descr(struct config_loading *l, const char *path, const char *s, struct err *e)
{
	bool oid = strchr(digits, s[0]) && s[0] && s[strspn(s, "0123456789.")] == '\0';
	bool key = s[0] && !strchr("0123456789-", s[0]) && s[strspn(s, letters_digits_dash)] == '\0';
	if (!oid && !key)
		return config_bad(l, path, e, "has '%.64s'; a name in an LDAP schema has letters, digits and dashes",
				  s);
	return 0;
}

static int
check_type(struct config_loading *l, const char *section, const struct map_type_opts *t, struct err *e)
{
	const char *path = arena_printf(l->a, "%s.object_classes", section);

	if (check_dn(l, arena_printf(l->a, "%s.base", section), t->base, e) < 0 ||
	    check_descr(l, arena_printf(l->a, "%s.rdn", section), t->rdn, e) < 0)
		return -1;
	if (!t->object_classes[0])
		return config_bad(l, path, e, "is empty; name the structural class of new entries");
	for (const char *const *oc = t->object_classes; *oc; oc++)
		if (check_descr(l, path, *oc, e) < 0)
			return -1;
	if (t->member_attribute)
		return check_descr(l, arena_printf(l->a, "%s.member_attribute", section), t->member_attribute, e);
	return 0;
}

static int
check_active(struct config_loading *l, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf known = BUF_INIT(256);

	if (str_eq(l->c->user_active, "auto"))
		return 0;
	for (const char *const *s = map_strategy_names; *s; s++) {
		if (str_eq(*s, l->c->user_active))
			return 0;
		if (!str_eq(*s, "auto"))
			buf_printf(&known, ", %s", *s);
	}
	return config_bad(l, "users.active", e, "is '%.32s'; it must be one of auto%s", l->c->user_active,
			  buf_str(&known));
}

static int
check_delete(struct config_loading *l, struct err *e)
{
	static const char *const keys[] = {"move"};
	struct config *c = l->c;
	const json_t *node = c->user_delete_node;
	const char *word = json_string_value(node);

	c->user_delete = GW_DELETE_HARD;
	if (!node || str_eq(word, "hard"))
		return 0;
	if (str_eq(word, "disable")) {
		c->user_delete = GW_DELETE_DISABLE;
		return 0;
	}
	if (json_is_object(node) && yaml_check_keys(c->doc, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	c->leavers_base = json_string_value(json_object_get(node, "move"));
	if (!c->leavers_base)
		return config_bad(l, "users.delete", e, "must be hard, disable or { move: \"ou=leavers,…\" }");
	c->user_delete = GW_DELETE_MOVE;
	if (check_dn(l, "users.delete.move", c->leavers_base, e) < 0)
		return -1;
	if (dir_dn_under(l->a, c->leavers_base, c->user_base, true))
		return config_bad(
			l, "users.delete.move", e,
			"lies below users.base, so leavers would still be users; name an entry outside of it");
	return 0;
}

static int
read_map(struct config_loading *l, const char *option, const char **file, struct map_type_opts *t, struct err *e)
{
	struct strv text;
	struct err why = ERR_INIT;

	if (!*file)
		return 0;
	*file = config_path(l, *file);
	if (file_read(l->a, *file, MAP_MAX_BYTES, &text, &why) < 0)
		return config_why(l, option, &why, e);
	t->override_text = text.p;
	t->override_name = *file;
	return 0;
}

static int
check_map(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;
	const struct dir_flavour *f = NULL;
	struct err why = ERR_INIT;

	if (read_map(l, "users.map", &c->user_map_file, &c->map.users, e) < 0 ||
	    read_map(l, "groups.map", &c->group_map_file, &c->map.groups, e) < 0)
		return -1;
	if (dir_flavour_find(c->flavour, &f, &why) < 0)
		return config_why(l, "directory.flavour", &why, e);
	/* With auto the family is known only when connected: check against the most common one. */
	return map_check(f ? f->map : dir_flavour_openldap.map, &c->map, e);
}

int
config_check_types(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;

	c->map.users = (struct map_type_opts){
		.base = c->user_base,
		.rdn = c->user_rdn,
		.object_classes = c->user_classes.v,
		.active = c->user_active,
	};
	c->map.groups = (struct map_type_opts){
		.base = c->group_base,
		.rdn = c->group_rdn,
		.object_classes = c->group_classes.v,
		.member_attribute = c->group_member,
	};
	if (check_type(l, "users", &c->map.users, e) < 0 || check_active(l, e) < 0 || check_delete(l, e) < 0 ||
	    check_type(l, "groups", &c->map.groups, e) < 0)
		return -1;
	return check_map(l, e);
}
