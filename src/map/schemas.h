/* SPDX-License-Identifier: Apache-2.0
 * Private: extensions of the operator's map file. Thread rule: confined. */
#ifndef DIRHINGE_SRC_MAP_SCHEMAS_H
#define DIRHINGE_SRC_MAP_SCHEMAS_H

#include "map/map_priv.h"

struct map_schemas {
	const json_t **docs; /* as in RFC 7643 7 */
	const char **urns;
	size_t n;
};
int map_schemas_load(struct arena *a, const struct map_type_opts *opts, struct map_schemas *schemas_r,
		     struct err *e) DH_MUST_USE;

#endif
