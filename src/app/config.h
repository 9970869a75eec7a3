/* SPDX-License-Identifier: Apache-2.0
 * The configuration file as one frozen struct. config.c holds the one option table; config_load.c reads,
 * config_check*.c checks, config_show.c prints. Everything lives in the arena given to config_load. Thread rule:
 * frozen. */
#ifndef DIRHINGE_APP_CONFIG_H
#define DIRHINGE_APP_CONFIG_H

#include "dirhinge/base/conf.h"
#include "dirhinge/dir/feed.h"
#include "dirhinge/gw/gw.h"

#define CONFIG_DEFAULT_FILE "/etc/dirhinge/dirhinge.yaml"

struct config_client {
	const char *name, *profile;
	const char *token_file,
		*token_sha256; /* exactly one as configured; the file's path is absolute or as resolved */
	struct conf_strings scopes;
	struct conf_strings fence_bases;
	int64_t deletes_per_hour; /* 0 = no fence */
};

struct config_webhook {
	const char *name, *url, *secret_file, *filter;
	struct conf_strings allow_addresses, types;
};

/* A stream of security event tokens, pushed to a receiver (RFC 8935) or kept for one to poll (RFC 8936). */
struct config_stream {
	const char *name, *audience, *url, *token_file;
	struct conf_strings types;
};

struct config_list {
	size_t n;
	union {
		struct config_client *clients;
		struct config_webhook *webhooks;
		struct config_stream *streams;
	};
};

#define CONFIG_ADMIN_NONE "none" /* admin.listen */

struct config {
	const struct yaml *doc;
	/* server */
	const char *listen, *base_path, *external_url;
	const char *tls_cert_file, *tls_key_file, *tls_client_ca_file;
	int64_t max_in_flight;
	const char *admin_listen, *state_dir;
	bool admin_wanted; /* admin.listen is in the file: without it the default address is only tried */
	/* directory */
	const char *flavour, *bind_dn, *bind_password_file, *sasl, *ca_file;
	struct conf_strings uris;
	bool start_tls, allow_plaintext;
	int64_t pool_size, timeout_ms;
	/* users, groups */
	const char *user_base, *user_rdn, *user_active, *user_map_file;
	struct conf_strings user_classes;
	const json_t *user_delete_node;
	const char *group_base, *group_rdn, *group_member, *group_map_file;
	struct conf_strings group_classes;
	/* lists */
	const json_t *clients_node, *webhooks_node, *push_node, *poll_node;
	struct config_list clients, webhooks, push, poll;
	/* events */
	int64_t retention_ms, reconcile_ms, poll_ms, guard_max_removals, guard_max_percent, guard_window_ms;
	bool feed_history, feed_poll;
	const char *feed_dirsync_name;
	const char *set_issuer, *set_key_file;

	/* derived by the checks */
	struct secret *bind_password; /* NULL with SASL; freed with the arena */
	struct map_opts map;
	enum gw_delete user_delete;
	const char *leavers_base;
	struct principal *principals; /* clients.n of them, in the same order */
	bool feed_wanted;             /* a client may read events, or the file has a section events */
	const char *const *warnings;  /* NULL-terminated: what is accepted but has no effect in this version */
};

/* Reads the file, the files it names, and checks all of it without a directory. ERR_CONFIG with FILE:LINE, the option,
 * what is wrong and what would be right. Relative paths in the file are relative to its directory. */
int config_load(struct arena *a, const char *file, const struct config **cfg_r, struct err *e) DH_MUST_USE;

/* 1 to 64 letters, digits, dots, dashes, underscores. */
bool config_name_valid(const char *name);

/* How to connect, borrowing from cfg. */
struct dir_opts config_dir_opts(const struct config *cfg);
enum dir_dirsync config_dirsync(const struct config *cfg);

/* Effective values, defaults filled in, secrets masked: as a new JSON object, or as YAML that loads again (but for the
 * masked values). */
json_t *config_json(const struct config *cfg);
void config_yaml(struct buf *out, const struct config *cfg);
/* JSON Schema (draft 2020-12) of the file as a new object. */
json_t *config_schema(void);

#endif
