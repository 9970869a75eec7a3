/* SPDX-License-Identifier: Apache-2.0
 * An event as one line for people: when, what, whom, what of it, by whom. Thread rule: main only. */
#ifndef DIRHINGE_APP_EVENT_LINE_H
#define DIRHINGE_APP_EVENT_LINE_H

#include <jansson.h>

#include "dirhinge/base/arena.h"

enum { LINE_TIME, LINE_TYPE, LINE_SUBJECT, LINE_CHANGE, LINE_BY, LINE_CELLS };
extern const char *const event_line_heads[LINE_CELLS];

void event_line_cells(struct arena *a, const json_t *ev, const char *cells_r[LINE_CELLS]);
/* One line at once, for a stream: columns of fixed width, as the width of those to come is not known. */
void event_line_print(const json_t *ev, bool colour);

#endif
