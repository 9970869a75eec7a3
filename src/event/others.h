/* SPDX-License-Identifier: Apache-2.0
 * Where a resource names others by their ids: the members of a group, the manager of a user. Which of them a reader's
 * fence hides, and at which time, the text does not tell, so that who has a fence gets the resource without them. */
#ifndef DIRHINGE_SRC_EVENT_OTHERS_H
#define DIRHINGE_SRC_EVENT_OTHERS_H

#include <jansson.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/strv.h"

/* Whether text may name somebody; without parsing it. */
bool event_names_others(bool user, struct strv text);
/* part (a resource, or what it was) itself, or in a a copy without the others; then true is left in *cut_r. */
const json_t *event_without_others(struct arena *a, bool user, const json_t *part, bool *cut_r);
/* The path of what was cut, for "omitted". */
const char *event_others_path(bool user);

#endif
