/* SPDX-License-Identifier: Apache-2.0
 * Private: ISO 3166-1. Thread rule: frozen. */
#ifndef DIRHINGE_SRC_MAP_COUNTRY_H
#define DIRHINGE_SRC_MAP_COUNTRY_H

#include "dirhinge/base/strv.h"

struct map_country {
	const char *code; /* two letters */
	const char *name; /* in English */
	unsigned number;
};

/* By code or name, without case; NULL if there is none. */
const struct map_country *map_country_find(struct strv text);

#endif
