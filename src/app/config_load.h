/* SPDX-License-Identifier: Apache-2.0
 * Private to config*.c: a configuration being read. */
#ifndef DIRHINGE_APP_CONFIG_LOAD_H
#define DIRHINGE_APP_CONFIG_LOAD_H

#include "app/config_rows.h"

struct config_loading {
	struct arena *a;
	const char *dir; /* of the file, for relative paths */
	struct config *c;
	const char **warnings;
	size_t n_warnings, cap_warnings;
};

/* ERR_CONFIG "FILE:LINE: path message" for an option named as "clients[1].token_file"; the line is that of the option
 * or, if it is missing, of the nearest thing around it. Always -1. */
int config_bad(const struct config_loading *l, const char *path, struct err *e, const char *fmt, ...) DH_PRINTF(4, 5);
/* The same with the text of another error: "FILE:LINE: path: text". */
int config_why(const struct config_loading *l, const char *path, const struct err *why, struct err *e);
void config_warn(struct config_loading *l, const char *fmt, ...) DH_PRINTF(2, 3);

/* A configured file name, relative to the configuration file's directory; NULL stays NULL. */
const char *config_path(const struct config_loading *l, const char *name);
/* Reads a secret file named by the option at path; the secret lives as long as the arena. s_r NULL: only checks it. */
int config_secret(const struct config_loading *l, const char *path, const char *file, struct secret **s_r,
		  struct err *e) DH_MUST_USE;

/* The checks, in the order of the file; each also fills the derived fields of its section. */
int config_check_server(struct config_loading *l, struct err *e) DH_MUST_USE;
int config_check_directory(struct config_loading *l, struct err *e) DH_MUST_USE;
int config_check_types(struct config_loading *l, struct err *e) DH_MUST_USE;
int config_check_clients(struct config_loading *l, struct err *e) DH_MUST_USE;
int config_check_events(struct config_loading *l, struct err *e) DH_MUST_USE;

#endif
