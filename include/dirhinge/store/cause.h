/* SPDX-License-Identifier: Apache-2.0
 * Who is behind a change: gw tells which writes it makes for whom, sync asks when the directory reports them. In memory
 * only, bounded, forgotten after a minute: an event does not depend on it, only its "cause". Thread rule: locked. */
#ifndef DIRHINGE_STORE_CAUSE_H
#define DIRHINGE_STORE_CAUSE_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/clock.h"

struct causes;
struct cause_write; /* one write in flight */

struct causes *causes_new(void);
void causes_free(struct causes **cs);

/* Before the write is sent: dn is the target's (for an add the new one). Never NULL. */
struct cause_write *causes_begin(struct causes *cs, const char *dn_key, const char *client, const char *request_id);
/* After its answer: id and csn of the entry as post-read told, csn NULL for a delete or when it is not known; id NULL:
 * nothing was changed. */
void causes_end(struct causes *cs, struct cause_write **w, const char *id, const char *csn);

struct cause {
	const char *client, *request_id;
};
/* The write that made this change: by id and csn; a delete (csn matches nothing) by id. While a write to dn_key is in
 * flight it waits for its end, at most until the deadline. 1 found (strings in a), 0 not ours. */
int causes_find(struct causes *cs, struct arena *a, const char *id, const char *dn_key, const char *csn, bool gone,
		deadline_t until, struct cause *c_r);

#endif
