/* SPDX-License-Identifier: Apache-2.0
 * Looking behind an event: the resource as it was before it. */
#ifndef DIRHINGE_SRC_EVENT_BEFORE_H
#define DIRHINGE_SRC_EVENT_BEFORE_H

#include <jansson.h>

#include "dirhinge/base/arena.h"

/* .data with .previous put back for each path of .changed; in a. Without them: .data. NULL: no data. */
const json_t *event_before(struct arena *a, const json_t *event);

#endif
