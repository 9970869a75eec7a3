/* SPDX-License-Identifier: Apache-2.0
 * Private to config*.c: the option tables. */
#ifndef DIRHINGE_APP_CONFIG_ROWS_H
#define DIRHINGE_APP_CONFIG_ROWS_H

#include "app/config.h"

struct config_rows {
	const struct conf_row *rows;
	size_t n;
};

extern const struct config_rows config_top;

/* Options whose value is a list of mappings: where it is found, its rows, its fields. */
struct config_list_spec {
	const char *path;   /* "events.webhooks" */
	size_t node_offset; /* of the json_t * in struct config */
	size_t list_offset; /* of the struct config_list */
	size_t item_size;   /* bytes of one element */
	size_t name_offset; /* of its unique name */
	struct config_rows rows;
};
extern const struct config_list_spec config_lists[];
extern const size_t config_n_lists;

extern const char *const config_event_types[]; /* NULL-terminated */

#endif
