/* SPDX-License-Identifier: Apache-2.0
 * Private: what can be made of an entry without the store, before its turn has come. */
#ifndef DIRHINGE_SRC_SYNC_READY_H
#define DIRHINGE_SRC_SYNC_READY_H

#include "sync/seen.h"

struct ready {
	const struct dir_entry *entry; /* what is mapped */
	struct apart apart;
	const char *dn_key;
	enum store_kind kind;   /* 0: neither a resource nor anything that is kept */
	const struct map *map;  /* of a resource */
	struct scim_view *view; /* the resource, but for whom it refers to */
	struct map_refs *refs;
	struct strv text, blob; /* the resource as JSON, if it refers to nobody; the entry */
};

/* Of an entry as the feed sends it; all in run->a. Any thread with a run of its own, once the memory is ready. False:
 * it is one that sync_observe will refuse. */
bool sync_ready_make(struct map_run *run, const struct memory *m, const struct dir_entry *en, struct buf *scratch,
		     struct ready *r_r) DH_MUST_USE;
/* What an entry is, by the classes of the maps. */
enum store_kind sync_kind_of(struct map_run *run, const struct dir_entry *en, const char *dn_key,
			     const struct map **m_r);
/* True for an LDAP attribute that is kept. */
bool sync_memory_keeps(const struct memory *m, const char *attr);
/* The entry without what is looked at apart; all: every attribute is one that was asked for. */
const struct dir_entry *sync_kept_of(struct arena *a, const struct memory *m, const struct dir_entry *en, bool all,
				     struct apart *apart_r);

#endif
