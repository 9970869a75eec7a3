/* SPDX-License-Identifier: Apache-2.0
 * The table of event types. */
#include "dirhinge/event/event.h"

static const struct type_row {
	const char *name, *subject;
	bool removal;
} types[] = {
#define ROW(id, name, subject, removal) [id] = {name, subject, removal},
	EVENT_TABLE(ROW)
#undef ROW
};

const char *
event_type_name(enum event_type t)
{
	return types[t].name;
}

const char *
event_type_subject(enum event_type t)
{
	return types[t].subject;
}

bool
event_type_removal(enum event_type t)
{
	return types[t].removal;
}

bool
event_type_parse(struct strv name, enum event_type *t_r)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strv_eq(name, strv_of(types[i].name))) {
			*t_r = (enum event_type)i;
			return true;
		}
	return false;
}
