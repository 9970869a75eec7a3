/* SPDX-License-Identifier: Apache-2.0
 * Private: attributes that the directory wants and SCIM does not have. Thread rule: frozen once loaded. */
#ifndef DIRHINGE_SRC_MAP_DERIVE_H
#define DIRHINGE_SRC_MAP_DERIVE_H

#include "dirhinge/base/yaml.h"
#include "map/map_priv.h"

#define MAP_FROM_MAX 8

enum map_unique_in { UNIQUE_NO, UNIQUE_CONTAINER, UNIQUE_DOMAIN };

struct map_derived {
	struct map_row row; /* without SCIM path */
	const char *const
		*from[MAP_FROM_MAX + 1]; /* alternatives, each a list of LDAP attributes; NULL-terminated both */
	const char *value;               /* constant; NULL = from */
	const char *empty;               /* value while no source has one; NULL = none */
	const char *prefix;              /* the one value that begins with it follows, if there is one; NULL = any */
	const struct map_form *form;
	size_t max; /* characters; 0 = any number */
	enum map_unique_in unique;
	bool once; /* for a new entry only */
};

/* The section "derived" of a built-in map. */
int map_derived_load(struct arena *a, const struct yaml *doc, const json_t *list, struct map_rows *rows,
		     struct err *e) DH_MUST_USE;

#endif
