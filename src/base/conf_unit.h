/* SPDX-License-Identifier: Apache-2.0
 * Numbers and durations as configuration spells them. */
#ifndef DIRHINGE_SRC_BASE_CONF_UNIT_H
#define DIRHINGE_SRC_BASE_CONF_UNIT_H

#include "dirhinge/base/defs.h"

#define CONF_UNIT_TEXT 32

/* Decimal, with an optional minus; no blanks, no plus, no leading zeros. */
bool conf_int_parse(const char *text, int64_t *v_r);
/* 500ms, 10s, 5m, 1h, 30d -> ms */
bool conf_duration_parse(const char *text, int64_t *ms_r);
/* The largest unit that is exact. */
void conf_duration_format(int64_t ms, char out[CONF_UNIT_TEXT]);

#endif
