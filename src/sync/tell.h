/* SPDX-License-Identifier: Apache-2.0
 * Private: telling of one thing, with subject, cause, id and text. */
#ifndef DIRHINGE_SRC_SYNC_TELL_H
#define DIRHINGE_SRC_SYNC_TELL_H

#include "sync/seen.h"

struct told_member {
	const char *id, *type, *name, *dn_key; /* dn_key NULL: not known, and so behind any fence */
};
struct telling {
	enum event_type type;
	const struct subject *subject;
	const struct told_member *member; /* NULL = none */
	const char *const *changed;
	const json_t *previous;
	bool moved; /* an update of nothing but the DN */
};
int sync_seen_tell(struct seen *s, const struct telling *t, struct err *e) DH_MUST_USE;
/* In a first refresh: events told from rows of the state (sync_compose), one for each member; 0 = there is none. */
int sync_seen_tell_first(struct seen *s, enum event_type type, int64_t row, const int64_t *members, size_t n,
			 struct err *e) DH_MUST_USE;

#endif
