/* SPDX-License-Identifier: Apache-2.0
 * Private: what one refresh proves (RFC 4533 3.3). Pure bookkeeping of BEGIN … END: which ids were there, which were
 * told as gone, and whether the rest may be taken as gone. Thread rule: confined. */
#ifndef DIRHINGE_SRC_SYNC_PHASE_H
#define DIRHINGE_SRC_SYNC_PHASE_H

#include "sync/idmap.h"

struct phase;

struct phase *sync_phase_new(void);
void sync_phase_free(struct phase **p);

/* In the order of the directory. ERR_INTERNAL out of order (an ENTRY before BEGIN, anything after END), ERR_PARSE for
 * an id that is none. The last word about an id holds. */
int sync_phase_begin(struct phase *p, bool full, struct err *e) DH_MUST_USE;
int sync_phase_there(struct phase *p, const char *id, struct err *e) DH_MUST_USE; /* ENTRY, PRESENT */
int sync_phase_gone(struct phase *p, const char *id, struct err *e) DH_MUST_USE;  /* DELETE */
int sync_phase_end(struct phase *p, bool deletes_told, struct err *e) DH_MUST_USE;

enum phase_trust {
	PHASE_OPEN,      /* no END: it proves nothing, not even what it showed */
	PHASE_TRUSTED,   /* the fates below hold */
	PHASE_UNPROVEN,  /* no canary stands for each base: what is only absent may have become unreadable */
	PHASE_UNTRUSTED, /* a canary is missing: so may be anything else (reliability.md 4.6) */
};
/* canaries: ids of those known, one for each of n_bases if all could be made. *missing_r: the first that is missing,
 * untouched otherwise. */
enum phase_trust sync_phase_judge(const struct phase *p, const char *const *canaries, size_t n, size_t n_bases,
				  const char **missing_r);

enum sync_phase_fate {
	PHASE_STAYS,
	PHASE_DELETED, /* the directory said so */
	PHASE_ABSENT,  /* not mentioned where everything that is there would have been */
};
/* After END: the fate of an entry known before. */
enum sync_phase_fate sync_phase_fate(const struct phase *p, const char *id);
/* True if the end of this refresh makes what was not mentioned gone. */
bool sync_phase_absence_counts(const struct phase *p);

#endif
