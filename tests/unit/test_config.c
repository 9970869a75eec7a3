/* SPDX-License-Identifier: Apache-2.0
 * The configuration file: what is accepted, what each mistake is answered with, what is shown. */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/config_rows.h"
#include "app/token.h"
#include "dirhinge/base/file.h"

#define TOKEN "dh_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define HEX64 "9fc28dbf88378701077a9be22d283fa497c561533933f8247ce52dac18912452"

static const char good[] = "server:\n"                                                              /* 1 */
			   "  listen: 127.0.0.1:0\n"                                                /* 2 */
			   "  base_path: /scim/v2\n"                                                /* 3 */
			   "  external_url: https://scim.example.com\n"                             /* 4 */
			   "  max_in_flight: 64\n"                                                  /* 5 */
			   "directory:\n"                                                           /* 6 */
			   "  flavour: auto\n"                                                      /* 7 */
			   "  uris: [ldapi://%2Frun%2Fldapi, ldap://127.0.0.1]\n"                   /* 8 */
			   "  bind_dn: cn=dirhinge,dc=example,dc=com\n"                             /* 9 */
			   "  bind_password_file: bind.pw\n"                                        /* 10 */
			   "  pool_size: 16\n"                                                      /* 11 */
			   "  timeout: 10s\n"                                                       /* 12 */
			   "users:\n"                                                               /* 13 */
			   "  base: ou=people,dc=example,dc=com\n"                                  /* 14 */
			   "  rdn: uid\n"                                                           /* 15 */
			   "  object_classes: [inetOrgPerson]\n"                                    /* 16 */
			   "  active: auto\n"                                                       /* 17 */
			   "  delete: hard\n"                                                       /* 18 */
			   "groups:\n"                                                              /* 19 */
			   "  base: ou=groups,dc=example,dc=com\n"                                  /* 20 */
			   "  member_attribute: member\n"                                           /* 21 */
			   "clients:\n"                                                             /* 22 */
			   "  - name: entra\n"                                                      /* 23 */
			   "    profile: entra\n"                                                   /* 24 */
			   "    token_file: entra.token\n"                                          /* 25 */
			   "    scopes: [users:write, groups:write]\n"                              /* 26 */
			   "    fences: { bases: [ou=people], deletes_per_hour: 50 }\n"             /* 27 */
			   "  - name: okta\n"                                                       /* 28 */
			   "    token_sha256: " HEX64 "\n"                                          /* 29 */
			   "    scopes: [users:read]\n"                                             /* 30 */
			   "events:\n"                                                              /* 31 */
			   "  retention: 30d\n"                                                     /* 32 */
			   "  guard: { max_removals: 50, max_percent: 5, window: 60m }\n"           /* 33 */
			   "  webhooks:\n"                                                          /* 34 */
			   "    - name: badge-system\n"                                             /* 35 */
			   "      url: https://badges.example.com/hook\n"                           /* 36 */
			   "      secret_file: bind.pw\n"                                           /* 37 */
			   "      allow_addresses: [10.1.0.0/16]\n"                                 /* 38 */
			   "      types: [dsync.user.created]\n"                                    /* 39 */
			   "      filter: 'userType eq \"Employee\"'\n"                             /* 40 */
			   "  sets:\n"                                                              /* 41 */
			   "    issuer: https://scim.example.com\n"                                 /* 42 */
			   "    key_file: bind.pw\n"                                                /* 43 */
			   "    push: [{ name: hr, url: https://hr.example.com/, audience: hr }]\n" /* 44 */
			   "    poll: [{ name: crm, audience: crm }]\n";                            /* 45 */

static char start_dir[4096], temp_dir[] = "/tmp/dirhinge-test-config-XXXXXX";

static void
put(const char *name, const char *text, unsigned mode)
{
	struct err e = ERR_INIT;
	ck_assert_msg(file_write(name, strv_of(text), mode, &e) == 0, "%s", e.detail);
}

static void
enter(void)
{
	ck_assert_ptr_nonnull(getcwd(start_dir, sizeof(start_dir)));
	ck_assert_ptr_nonnull(mkdtemp(temp_dir));
	ck_assert_int_eq(chdir(temp_dir), 0);
	put("bind.pw", "secret of the gateway\n", 0600);
	put("entra.token", TOKEN "\n", 0600);
	put("short.token", "short\n", 0600);
	put("blank.token", "not a token in here\n", 0600);
	put("open.token", TOKEN, 0644);
	put("empty.pw", "\n", 0600);
	ck_assert_int_eq(symlink("entra.token", "link.token"), 0);
}

static void
leave(void)
{
	static const char *const files[] = {"bind.pw",      "entra.token", "short.token", "blank.token", "open.token",
					    "empty.pw",     "link.token",  "d.yaml",      "users.yaml",  "hr.token",
					    "badge.secret", "set-key.pem", "groups.yaml"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlink(files[i]);
	ck_assert_int_eq(chdir(start_dir), 0);
	ck_assert_int_eq(rmdir(temp_dir), 0);
	memcpy(temp_dir + sizeof(temp_dir) - 7, "XXXXXX", 6);
}

/* text with its first old replaced. */
static const char *
replaced(struct arena *a, const char *text, const char *old, const char *with)
{
	const char *at = strstr(text, old);
	ck_assert_msg(at, "the file has no \"%s\"", old);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, with, at + strlen(old));
}

static const struct config *
load(struct arena *a, const char *text)
{
	const struct config *cfg = NULL;
	struct err e = ERR_INIT;
	put("d.yaml", text, 0600);
	ck_assert_msg(config_load(a, "d.yaml", &cfg, &e) == 0, "%s", e.detail);
	return cfg;
}

/* One edit of the file and what it is answered with: file, line, option, what is wrong, what would be right. */
static const struct bad {
	const char *old, *with;
	const char *error;
} bad[] = {
	/* structure */
	{"max_in_flight", "max_in_flite",
	 "d.yaml:5: unknown key 'max_in_flite' in server; known are listen, base_path, external_url, tls, "
	 "max_in_flight"},
	{"  pool_size: 16\n", "  pool_size: 16\n  pool_size: 8\n",
	 "d.yaml:12: the key 'pool_size' is given twice, first in line 11"},
	{"users:", "people:",
	 "d.yaml:13: unknown key 'people'; known are server, admin, state_dir, directory, users, groups, clients, "
	 "events"},
	{"directory:\n", "directory: &d\n", "d.yaml:6: anchors (&name) are not supported"},
	{"  rdn: uid\n", "\trdn: uid\n",
	 "d.yaml:15: while scanning a plain scalar: found a tab character that violates indentation"},
	{"    scopes: [users:read]\n", "    scopes: [users:read]\n    token: abc\n",
	 "d.yaml:31: unknown key 'token' in clients[1]; known are name, profile, token_file, token_sha256, scopes, "
	 "fences"},
	{"pool_size: 16", "pool_size: many", "d.yaml:11: directory.pool_size is 'many'; it must be a whole number"},
	{"pool_size: 16", "pool_size: 0", "d.yaml:11: directory.pool_size is 0; it must be within 1 and 512"},
	{"timeout: 10s", "timeout: 10",
	 "d.yaml:12: directory.timeout is '10'; it must be a number with a unit (ms, s, m, h, d), for example 10s"},
	{"timeout: 10s", "timeout: 1h", "d.yaml:12: directory.timeout is '1h'; it must be within 100ms and 20s"},
	{"flavour: auto", "flavour: openldpa",
	 "d.yaml:7: directory.flavour is 'openldpa'; did you mean 'openldap'? (one of auto, openldap, "
	 "active-directory, 389ds)"},
	{"flavour: auto", "start_tls: yes", "d.yaml:7: directory.start_tls is 'yes'; it must be true or false"},
	/* server */
	{"127.0.0.1:0", "8080", "d.yaml:2: server.listen is '8080'; it must be host:port, [v6]:port or unix:/path"},
	{"127.0.0.1:0", "::1:8080",
	 "d.yaml:2: server.listen is '::1:8080'; it must be host:port, [v6]:port or unix:/path"},
	{"127.0.0.1:0", "127.0.0.1:65536",
	 "d.yaml:2: server.listen is '127.0.0.1:65536'; it must be host:port, [v6]:port or unix:/path"},
	{"127.0.0.1:0", "unix:run/s",
	 "d.yaml:2: server.listen is 'unix:run/s'; it must be unix: and an absolute path of at most 100 bytes"},
	{"/scim/v2", "/scim/v2/",
	 "d.yaml:3: server.base_path is '/scim/v2/'; it must be a path such as /scim/v2 that begins but does not end "
	 "with a slash"},
	{"/scim/v2", "scim",
	 "d.yaml:3: server.base_path is 'scim'; it must be a path such as /scim/v2 that begins but does not end with a "
	 "slash"},
	{"https://scim.example.com", "https://scim.example.com/scim/v2",
	 "d.yaml:4: server.external_url is 'https://scim.example.com/scim/v2'; it must be scheme and host such as "
	 "https://scim.example.com; the path is server.base_path"},
	{"https://scim.example.com", "scim.example.com",
	 "d.yaml:4: server.external_url is 'scim.example.com'; it must be scheme and host such as "
	 "https://scim.example.com; the path is server.base_path"},
	{"  max_in_flight", "  tls: { key_file: bind.pw }\n  max_in_flight",
	 "d.yaml:5: server.tls.certificate_file is missing; TLS needs a certificate and its key"},
	{"  max_in_flight", "  tls: { certificate_file: bind.pw }\n  max_in_flight",
	 "d.yaml:5: server.tls.key_file is missing; TLS needs a certificate and its key"},
	{"  max_in_flight", "  tls: { certificate_file: absent.pem, key_file: bind.pw }\n  max_in_flight",
	 "d.yaml:5: server.tls.certificate_file: cannot open absent.pem: No such file or directory"},
	{"  max_in_flight", "  tls: { certificate_file: bind.pw, key_file: open.token }\n  max_in_flight",
	 "d.yaml:5: server.tls.key_file: the secret file open.token has mode 0644, others than its owner can use it; "
	 "fix it with: chmod 0600 open.token"},
	{"server:\n  listen: 127.0.0.1:0", "admin: { listen: 127.0.0.1:8082 }\nserver:\n  listen: 127.0.0.1:8082",
	 "d.yaml:1: admin.listen is the same as server.listen; each listener needs an address of its own"},
	/* directory */
	{"[ldapi://%2Frun%2Fldapi, ldap://127.0.0.1]", "[]", "d.yaml:8: directory.uris is empty"},
	{"ldapi://%2F", "http://%2F",
	 "d.yaml:8: directory.uris has 'http://%2Frun%2Fldapi'; it must be ldaps://host, ldap://host or "
	 "ldapi://%2Fpath"},
	{"ldap://127.0.0.1", "ldap://192.0.2.1",
	 "d.yaml:6: directory: \"ldap://192.0.2.1:389\" would send passwords unencrypted: use ldaps://, or set "
	 "directory.start_tls: true (or, at your own risk, directory.allow_plaintext: true)"},
	{"  bind_dn: cn=dirhinge,dc=example,dc=com\n", "",
	 "d.yaml:6: directory.bind_dn is missing; name the gateway's own entry (or set sasl: external for ldapi://)"},
	{"cn=dirhinge,dc", "cn=dirhinge,,dc",
	 "d.yaml:9: directory.bind_dn: \"cn=dirhinge,,dc=example,dc=com\" is not a DN; write it like "
	 "\"ou=people,dc=example,dc=com\" and a comma inside a value as \"\\,\""},
	{"  bind_password_file: bind.pw\n", "",
	 "d.yaml:6: directory.bind_password_file is missing; name the file with bind_dn's password"},
	{"bind_password_file: bind.pw", "bind_password_file: absent.pw",
	 "d.yaml:10: directory.bind_password_file: cannot open the secret file absent.pw: No such file or directory"},
	{"bind_password_file: bind.pw", "bind_password_file: empty.pw",
	 "d.yaml:10: directory.bind_password_file: the secret file empty.pw is empty"},
	{"  flavour: auto\n", "  sasl: external\n",
	 "d.yaml:7: directory.sasl is set together with bind_dn or bind_password_file; keep one of the two ways"},
	{"  bind_dn: cn=dirhinge,dc=example,dc=com\n  bind_password_file: bind.pw\n", "  sasl: external\n",
	 "d.yaml:9: directory.sasl is 'external', which needs ldapi:// URIs, but uris has 'ldap://127.0.0.1'; use "
	 "bind_dn and bind_password_file"},
	{"  flavour: auto\n", "  sasl: plain\n", "d.yaml:7: directory.sasl is 'plain'; it must be one of external"},
	{"  flavour: auto\n", "  ca_file: absent.pem\n",
	 "d.yaml:7: directory.ca_file: cannot open absent.pem: No such file or directory"},
	/* users and groups */
	{"  base: ou=people,dc=example,dc=com\n", "", "d.yaml:14: users.base is missing"},
	{"ou=people,dc", "people,dc",
	 "d.yaml:14: users.base: \"people,dc=example,dc=com\" is not a DN; write it like "
	 "\"ou=people,dc=example,dc=com\" and a comma inside a value as \"\\,\""},
	{"rdn: uid", "rdn: u id",
	 "d.yaml:15: users.rdn has 'u id'; a name in an LDAP schema has letters, digits and dashes"},
	{"object_classes: [inetOrgPerson]", "object_classes: []",
	 "d.yaml:16: users.object_classes is empty; name the structural class of new entries"},
	{"object_classes: [inetOrgPerson]", "object_classes: [inet org]",
	 "d.yaml:16: users.object_classes has 'inet org'; a name in an LDAP schema has letters, digits and dashes"},
	{"active: auto", "active: maybe",
	 "d.yaml:17: users.active is 'maybe'; it must be one of auto, ppolicy-end-time, ppolicy-lock, attribute, "
	 "shadow-expire, user-account-control, ns-account-lock"},
	{"delete: hard", "delete: soft", "d.yaml:18: users.delete must be hard, disable or { move: \"ou=leavers,…\" }"},
	{"delete: hard", "delete: { mov: ou=leavers }", "d.yaml:18: unknown key 'mov'; did you mean 'move'?"},
	{"delete: hard", "delete: { move: leavers }",
	 "d.yaml:18: users.delete.move: \"leavers\" is not a DN; write it like \"ou=people,dc=example,dc=com\" and a "
	 "comma inside a value as \"\\,\""},
	{"delete: hard", "delete: { move: \"ou=gone,ou=people,dc=example,dc=com\" }",
	 "d.yaml:18: users.delete.move lies below users.base, so leavers would still be users; name an entry outside "
	 "of it"},
	{"  rdn: uid\n", "  map: absent.yaml\n",
	 "d.yaml:15: users.map: cannot open absent.yaml: No such file or directory"},
	{"  member_attribute: member\n", "  member_attribute: \"\"\n",
	 "d.yaml:21: groups.member_attribute has ''; a name in an LDAP schema has letters, digits and dashes"},
	/* clients */
	{"clients:\n  - name: entra\n", "clients:\n  - profile: entra\n#", "d.yaml:23: clients[0].name is missing"},
	{"name: entra", "name: en tra",
	 "d.yaml:23: clients[0].name is 'en tra'; a name has 1 to 64 letters, digits, dots, dashes, underscores"},
	{"name: okta", "name: ENTRA", "d.yaml:28: clients[1].name is 'ENTRA' like another one; give each its own name"},
	{"profile: entra", "profile: enta",
	 "d.yaml:24: clients[0].profile is 'enta'; did you mean 'entra'? (one of strict, entra, okta, lenient)"},
	{"    token_file: entra.token\n", "",
	 "d.yaml:23: clients[0].token_file is missing; set it or token_sha256 (dirhinge token create makes one)"},
	{"token_file: entra.token", "token_file: open.token",
	 "d.yaml:25: clients[0].token_file: the secret file open.token has mode 0644, others than its owner can use "
	 "it; fix it with: chmod 0600 open.token"},
	{"token_file: entra.token", "token_file: link.token",
	 "d.yaml:25: clients[0].token_file: the secret file link.token is a symbolic link; name the file itself"},
	{"token_file: entra.token", "token_file: short.token",
	 "d.yaml:25: clients[0].token_file names short.token, which holds no token: one line of 16 or more letters, "
	 "digits and -._~+/= (dirhinge token create makes one)"},
	{"token_file: entra.token", "token_file: blank.token",
	 "d.yaml:25: clients[0].token_file names blank.token, which holds no token: one line of 16 or more letters, "
	 "digits and -._~+/= (dirhinge token create makes one)"},
	{"    token_sha256", "    token_file: entra.token\n    token_sha256",
	 "d.yaml:29: clients[1].token_file is set together with token_sha256; keep one of the two"},
	{"token_sha256: 9fc2", "token_sha256: xfc2",
	 "d.yaml:29: clients[1].token_sha256 must be 64 hex digits, the SHA-256 of the token"},
	{"token_sha256: 9fc2", "token_sha256: c2",
	 "d.yaml:29: clients[1].token_sha256 must be 64 hex digits, the SHA-256 of the token"},
	{"token_sha256: " HEX64, "token_file: entra.token",
	 "d.yaml:29: clients[1].token_file is the token of 'entra' too; give each client its own"},
	{"[users:write, groups:write]", "[users:write, group:write]",
	 "d.yaml:26: clients[0].scopes has 'group:write'; it must be any of users:read, users:write, groups:read, "
	 "groups:write, events:read, admin"},
	{"bases: [ou=people]", "bases: []",
	 "d.yaml:27: clients[0].fences.bases is empty; leave it out if the client may see everything"},
	{"    scopes: [users:read]\n", "    scopes: []\n", "d.yaml:30: clients[1].scopes is empty"},
	{"    scopes: [users:read]\n", "", "d.yaml:28: clients[1].scopes is missing"},
	{"bases: [ou=people]", "bases: [people]",
	 "d.yaml:27: clients[0].fences.bases: \"people\" is not a DN; write it like \"ou=people,dc=example,dc=com\" "
	 "and a comma inside a value as \"\\,\""},
	{"deletes_per_hour: 50", "deletes_per_hour: -1",
	 "d.yaml:27: clients[0].fences.deletes_per_hour is -1; it must be within 0 and 1000000"},
	/* events */
	{"retention: 30d", "retention: 5m", "d.yaml:32: events.retention is '5m'; it must be within 1h and 3650d"},
	{"max_percent: 5", "max_percent: 101",
	 "d.yaml:33: events.guard.max_percent is 101; it must be within 0 and 100"},
	{"  webhooks:\n    - name: badge-system\n      url: https://badges.example.com/hook\n      secret_file: "
	 "bind.pw\n      allow_addresses: [10.1.0.0/16]\n      types: [dsync.user.created]\n      filter: 'userType eq "
	 "\"Employee\"'\n",
	 "  webhooks:\n    - badge\n", "d.yaml:35: events.webhooks[0] must be a mapping that begins with \"name: …\""},
	{"https://badges", "ftp://badges",
	 "d.yaml:36: events.webhooks[0].url is 'ftp://badges.example.com/hook'; it must be a URL such as "
	 "https://host/path"},
	{"https://badges.example.com/hook\n      secret_file: bind.pw\n      allow_addresses: [10.1.0.0/16]",
	 "http://badges.example.com/hook\n      secret_file: bind.pw",
	 "d.yaml:36: events.webhooks[0].url is http://, which is refused; use https:// (a webhook in your own network "
	 "may also name it in allow_addresses)"},
	{"10.1.0.0/16", "10.1.0.0",
	 "d.yaml:38: events.webhooks[0].allow_addresses has '10.1.0.0'; it must be a network such as 10.1.0.0/16 or "
	 "fd00::/8"},
	{"10.1.0.0/16", "10.1.0.0/33",
	 "d.yaml:38: events.webhooks[0].allow_addresses has '10.1.0.0/33'; it must be a network such as 10.1.0.0/16 or "
	 "fd00::/8"},
	{"dsync.user.created", "dsync.user.creatd",
	 "d.yaml:39: events.webhooks[0].types has 'dsync.user.creatd', which is no event type; did you mean "
	 "dsync.user.created"},
	{"userType eq \"Employee\"", "userType is \"Employee\"",
	 "d.yaml:40: events.webhooks[0].filter: unknown operator \"is\" at byte 9"},
	{"secret_file: bind.pw", "secret_file: absent.secret",
	 "d.yaml:37: events.webhooks[0].secret_file: cannot open the secret file absent.secret: No such file or "
	 "directory"},
	{"    issuer: https://scim.example.com\n", "",
	 "d.yaml:41: events.sets.issuer must be an https URL that names this gateway"},
	{"issuer: https://", "issuer: http://",
	 "d.yaml:42: events.sets.issuer must be an https URL that names this gateway"},
	{"    key_file: bind.pw\n", "",
	 "d.yaml:41: events.sets.key_file is missing; name the PEM file of the signing key"},
	{"https://hr.example", "http://hr.example",
	 "d.yaml:44: events.sets.push[0].url is http://, which is refused; use https:// (a webhook in your own network "
	 "may also name it in allow_addresses)"},
	{"name: crm, audience: crm", "name: crm", "d.yaml:45: events.sets.poll[0].audience is missing"},
};

START_TEST(every_mistake_is_named)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg = NULL;
	struct err e = ERR_INIT;

	put("d.yaml", replaced(a, good, bad[_i].old, bad[_i].with), 0600);
	ck_assert_int_eq(config_load(a, "d.yaml", &cfg, &e), -1);
	ck_assert_ptr_null(cfg);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_str_eq(e.detail, bad[_i].error);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg;
	struct err e = ERR_INIT;

	ck_assert_int_eq(config_load(a, "absent.yaml", &cfg, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_str_eq(e.detail, "cannot open absent.yaml: No such file or directory");
}
END_TEST

START_TEST(a_mistake_in_the_map_is_named_with_the_map_file)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg;
	struct err e = ERR_INIT;

	put("users.yaml", "nonsense: true\n", 0600);
	put("d.yaml", replaced(a, good, "  rdn: uid\n", "  map: users.yaml\n"), 0600);
	ck_assert_int_eq(config_load(a, "d.yaml", &cfg, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_msg(strncmp(e.detail, "users.yaml:1: ", 14) == 0, "%s", e.detail);
}
END_TEST

START_TEST(groups_have_a_map_of_their_own)
{
	static const char schema[] = "schemas:\n  - urn: urn:example:%s\n    name: X\n    attributes:\n"
				     "      - { name: about }\nrows:\n"
				     "  - { scim: \"urn:example:%s:about\", ldap: description }\n";
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg;
	struct err e = ERR_INIT;
	const char *text = replaced(a, good, "  member_attribute: member\n", "  map: groups.yaml\n");

	put("groups.yaml", arena_printf(a, schema, "G", "G"), 0600);
	put("users.yaml", arena_printf(a, schema, "U", "U"), 0600);
	put("d.yaml", replaced(a, text, "  rdn: uid\n", "  map: users.yaml\n"), 0600);
	ck_assert_msg(config_load(a, "d.yaml", &cfg, &e) == 0, "%s", e.detail);
	ck_assert_ptr_nonnull(strstr(cfg->map.groups.override_text, "urn:example:G"));
	put("users.yaml", arena_printf(a, schema, "g", "g"), 0600);
	ck_assert_int_eq(config_load(a, "d.yaml", &cfg, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, "urn:example:G is defined in users.map already"));
}
END_TEST

START_TEST(values_arrive)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c = load(a, good);

	ck_assert_int_eq((int)c->pool_size, 16);
	ck_assert_int_eq((int)c->timeout_ms, 10000);
	ck_assert_uint_eq(c->uris.n, 2);
	ck_assert_str_eq(c->uris.v[1], "ldap://127.0.0.1");
	ck_assert(strv_eq(secret_view(c->bind_password), STRV("secret of the gateway")));
	ck_assert_int_eq(c->user_delete, GW_DELETE_HARD);
	ck_assert_str_eq(c->map.users.object_classes[0], "inetOrgPerson");
	ck_assert_ptr_null(c->map.users.object_classes[1]);
	ck_assert_str_eq(c->map.groups.member_attribute, "member");
	ck_assert_str_eq(c->map.groups.rdn, "cn");
	ck_assert_uint_eq(c->clients.n, 2);
	ck_assert_str_eq(c->principals[0].name, "entra");
	ck_assert_uint_eq(c->principals[0].scopes, POLICY_USERS_WRITE | POLICY_GROUPS_WRITE);
	ck_assert_uint_eq(c->principals[0].tolerate, SCIM_TOL_ENTRA);
	ck_assert_str_eq(c->principals[1].profile, "lenient");
	ck_assert_uint_eq(c->principals[1].scopes, POLICY_USERS_READ);
	ck_assert_int_eq((int)c->clients.clients[0].deletes_per_hour, 50);
	ck_assert_int_eq((int)c->guard_window_ms, 3600000);
	ck_assert_str_eq(c->webhooks.webhooks[0].allow_addresses.v[0], "10.1.0.0/16");
	ck_assert_str_eq(c->push.streams[0].url, "https://hr.example.com/");
	ck_assert_str_eq(c->poll.streams[0].name, "crm");
}
END_TEST

START_TEST(fences_become_keys)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c =
		load(a, replaced(a, good, "bases: [ou=people]",
				 "bases: [\"OU=Sales, ou=People,dc=example,dc=com\", \"dc=example,dc=com\"]"));

	ck_assert_str_eq(c->principals[0].fences[0], "ou=sales,ou=people,dc=example,dc=com");
	ck_assert_str_eq(c->principals[0].fences[1], "dc=example,dc=com");
	ck_assert_ptr_null(c->principals[0].fences[2]);
	ck_assert_ptr_null(c->principals[1].fences);
	ck_assert_ptr_null(strstr(c->warnings[0], "fences"));
}
END_TEST

START_TEST(what_has_no_effect_yet_is_said)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c = load(a, good);

	ck_assert_ptr_nonnull(c->warnings[0]);
	ck_assert_ptr_nonnull(strstr(c->warnings[0], "clients[0].fences"));
	ck_assert_ptr_nonnull(strstr(c->warnings[1], "events.webhooks"));
	ck_assert_ptr_nonnull(strstr(c->warnings[2], "events.sets"));
	ck_assert_ptr_null(c->warnings[3]);
	c = load(a, replaced(a, good, "127.0.0.1:0", "0.0.0.0:8080"));
	ck_assert_ptr_nonnull(strstr(c->warnings[0], "plain HTTP"));
}
END_TEST

START_TEST(the_feed_runs_for_readers_or_a_section)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const char *section = strstr(good, "events:");
	const char *bare = arena_strndup(a, good, (size_t)(section - good));

	ck_assert(load(a, good)->feed_wanted);
	/* the section is the last one of the file */
	ck_assert(!load(a, bare)->feed_wanted);
	ck_assert(load(a, replaced(a, bare, "users:read", "events:read"))->feed_wanted);
}
END_TEST

/* A token file and its hash mean the same client. */
START_TEST(a_token_is_its_hash)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c = load(a, good);
	unsigned char by_file[32];

	memcpy(by_file, c->principals[0].token_sha256, sizeof(by_file));
	const char *line = arena_printf(a, "token_sha256: %s\n", token_hash(a, TOKEN));
	c = load(a, replaced(a, good, "token_file: entra.token\n", line));
	ck_assert_mem_eq(by_file, c->principals[0].token_sha256, sizeof(by_file));
}
END_TEST

START_TEST(tokens_are_random_and_recognisable)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const char *one = token_make(a), *two = token_make(a);

	ck_assert_uint_eq(strlen(one), 3 + 43);
	ck_assert_int_eq(strncmp(one, "dh_", 3), 0);
	ck_assert_str_ne(one, two);
	ck_assert_uint_eq(strlen(token_hash(a, one)), 64);
}
END_TEST

START_TEST(files_are_found_beside_the_configuration)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c = NULL;
	struct err e = ERR_INIT;

	put("d.yaml", good, 0600);
	ck_assert_int_eq(chdir("/"), 0);
	int rc = config_load(a, arena_printf(a, "%s/d.yaml", temp_dir), &c, &e);
	ck_assert_int_eq(chdir(temp_dir), 0);
	ck_assert_msg(rc == 0, "%s", e.detail);
	ck_assert_str_eq(c->bind_password_file, arena_printf(a, "%s/bind.pw", temp_dir));
}
END_TEST

START_TEST(leavers_may_be_disabled_or_moved)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *c = load(a, replaced(a, good, "delete: hard", "delete: disable"));

	ck_assert_int_eq(c->user_delete, GW_DELETE_DISABLE);
	c = load(a, replaced(a, good, "delete: hard", "delete: { move: \"ou=leavers,dc=example,dc=com\" }"));
	ck_assert_int_eq(c->user_delete, GW_DELETE_MOVE);
	ck_assert_str_eq(c->leavers_base, "ou=leavers,dc=example,dc=com");
}
END_TEST

/* What config show prints loads again and means the same; only secrets are masked. */
START_TEST(what_is_shown_loads_again)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	DH_CLEANUP(buf_done) struct buf first = BUF_INIT(65536), second = BUF_INIT(65536);

	config_yaml(&first, load(a, good));
	ck_assert_ptr_null(strstr(buf_str(&first), HEX64));
	ck_assert_ptr_null(strstr(buf_str(&first), "secret of the gateway"));
	ck_assert_ptr_null(strstr(buf_str(&first), TOKEN));
	ck_assert_ptr_nonnull(strstr(buf_str(&first), "token_sha256: \"***\""));
	config_yaml(&second, load(a, replaced(a, buf_str(&first), "\"***\"", HEX64)));
	ck_assert_str_eq(buf_str(&first), buf_str(&second));
	ck_assert_ptr_nonnull(strstr(buf_str(&first), "window: 1h"));
	ck_assert_ptr_nonnull(strstr(buf_str(&first), "filter: \"userType eq \\\"Employee\\\"\""));
}
END_TEST

/* Calls fn with the name of every option. */
static void
each_option(const struct config_rows *rows, void (*fn)(const char *name, const char *text), const char *text)
{
	for (size_t i = 0; i < rows->n; i++) {
		fn(rows->rows[i].name, text);
		ck_assert_ptr_nonnull(rows->rows[i].help);
		if (rows->rows[i].kind == CONF_GROUP)
			each_option(&(struct config_rows){rows->rows[i].rows, rows->rows[i].n_rows}, fn, text);
	}
}

static void
must_stand_in(const char *name, const char *text)
{
	ck_assert_msg(strstr(text, name), "the option %s is missing", name);
}

static void
all_options_stand_in(const char *text)
{
	each_option(&config_top, must_stand_in, text);
	for (size_t i = 0; i < config_n_lists; i++)
		each_option(&config_lists[i].rows, must_stand_in, text);
}

START_TEST(the_schema_names_every_option)
{
	json_t *schema = config_schema();
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *client = json_object_get(json_object_get(properties, "clients"), "items");
	char *text = json_dumps(schema, JSON_COMPACT);

	all_options_stand_in(text);
	ck_assert_str_eq(json_string_value(json_object_get(client, "type")), "object");
	ck_assert_uint_eq(json_array_size(json_object_get(client, "required")), 2);
	ck_assert(json_is_false(json_object_get(schema, "additionalProperties")));
	ck_assert_uint_eq(json_array_size(json_object_get(schema, "required")), 3);
	free(text);
	json_decref(schema);
}
END_TEST

/* contrib/dirhinge.example.yaml loads when its files are there, with the commented options too. */
START_TEST(the_example_is_complete_and_valid)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	DH_CLEANUP(buf_done) struct buf here = BUF_INIT(65536);
	const char *srcdir = getenv("srcdir");
	struct strv text;
	struct err e = ERR_INIT;

	srcdir = srcdir && srcdir[0] ? srcdir : ".";
	const char *path = srcdir[0] == '/' ? arena_printf(a, "%s/contrib/dirhinge.example.yaml", srcdir)
					    : arena_printf(a, "%s/%s/contrib/dirhinge.example.yaml", start_dir, srcdir);
	ck_assert_msg(file_read(a, path, 65536, &text, &e) == 0, "%s", e.detail);
	all_options_stand_in(text.p);
	/* no TLS here: libldap's GnuTLS keeps memory for good */
	const char *rest =
		replaced(a, text.p, "[ldaps://ldap1.example.com, ldaps://ldap2.example.com]", "[ldap://127.0.0.1]");
	for (const char *at; (at = strstr(rest, "/etc/dirhinge/")); rest = at + strlen("/etc/dirhinge/"))
		buf_add(&here, rest, (size_t)(at - rest));
	buf_adds(&here, rest);
	const struct config *c = load(a, buf_str(&here));
	ck_assert_str_eq(c->principals[0].name, "entra");

	/* the sections of later features, uncommented */
	put("badge.secret", "x\n", 0600);
	put("set-key.pem", "x\n", 0600);
	put("hr.token", "x\n", 0600);
	const char *events = strstr(buf_str(&here), "# events:");
	ck_assert_ptr_nonnull(events);
	DH_CLEANUP(buf_done) struct buf all = BUF_INIT(65536);
	buf_add(&all, buf_str(&here), (size_t)(events - buf_str(&here)));
	while (*events) {
		size_t n = strcspn(events, "\n");
		ck_assert_int_eq(strncmp(events, "# ", 2), 0);
		buf_add(&all, events + 2, n - 2 + (events[n] == '\n'));
		events += n + (events[n] == '\n');
	}
	c = load(a, buf_str(&all));
	ck_assert_uint_eq(c->webhooks.n, 1);
	ck_assert_uint_eq(c->push.n, 1);
	ck_assert_uint_eq(c->poll.n, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_set_timeout(t, 60); /* a busy machine */

	/* The first files are made before each test, in a directory of its own. */
	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_loop_test(t, every_mistake_is_named, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(t, a_missing_file_is_named);
	tcase_add_test(t, a_mistake_in_the_map_is_named_with_the_map_file);
	tcase_add_test(t, groups_have_a_map_of_their_own);
	tcase_add_test(t, values_arrive);
	tcase_add_test(t, fences_become_keys);
	tcase_add_test(t, the_feed_runs_for_readers_or_a_section);
	tcase_add_test(t, what_has_no_effect_yet_is_said);
	tcase_add_test(t, a_token_is_its_hash);
	tcase_add_test(t, tokens_are_random_and_recognisable);
	tcase_add_test(t, files_are_found_beside_the_configuration);
	tcase_add_test(t, leavers_may_be_disabled_or_moved);
	tcase_add_test(t, what_is_shown_loads_again);
	tcase_add_test(t, the_schema_names_every_option);
	tcase_add_test(t, the_example_is_complete_and_valid);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
