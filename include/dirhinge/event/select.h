/* SPDX-License-Identifier: Apache-2.0
 * What one reader sees of the log: types, a SCIM filter on the resource, resource types its scopes allow, fences. An
 * entry that leaves what the reader may see or asked for is told as deleted, one that comes in as created
 * (reliability.md T-61). Where one change makes two events, each begins where the one before it ended, or a reader
 * would miss that an entry left. A membership is seen by who sees both, group and member; a
 * list of members, or a manager, in data only by who has no fence. Pure. Thread rule: frozen once made. */
#ifndef DIRHINGE_EVENT_SELECT_H
#define DIRHINGE_EVENT_SELECT_H

#include "dirhinge/event/event.h"
#include "dirhinge/scim/filter.h"

struct event_select {
	uint32_t types;                                       /* bit per enum event_type; 0 = all */
	bool users, groups;                                   /* subjects that may be seen */
	const struct scim_type *user_type, *group_type;       /* for the filters */
	const struct scim_filter *user_filter, *group_filter; /* NULL with filtered: none of that type matches */
	bool filtered;
	/* NULL = no fence. True if the reader may see an entry with this normal DN (policy_sees). */
	bool (*sees)(const void *who, const char *dn_key);
	const void *who;
};

/* Parses "a,b" into .types; ERR_VALUE names the unknown type and lists the known ones. */
int event_select_types(struct event_select *s, struct strv list, struct err *e) DH_MUST_USE;
/* Resolves the filter for both resource types; ERR_FILTER if it fits neither, or names members or groups, which events
 * do not tell in full. NULL types: ERR_UNAVAILABLE. */
int event_select_filter(struct arena *a, struct event_select *s, struct strv text, struct err *e) DH_MUST_USE;

/* False: whatever is in an event of this stored type, the reader gets nothing out of it. */
bool event_select_may(const struct event_select *s, const char *type);

struct event_seen {
	struct strv body; /* as stored, without cursor */
	const char *type;
	/* of the subject after / before the change, NULL if there is none; of a membership the group's and the member's
	 */
	const char *dn_key, *old_dn_key;
};
/* 1: *body_r is what the reader gets: the same bytes, or (in a) the event turned into a created or deleted one, whose
 * id ends in "-in" or "-out". 0: nothing. */
int event_select_match(struct arena *a, const struct event_select *s, const struct event_seen *ev, struct strv *body_r,
		       struct err *e) DH_MUST_USE;

/* A resource of the state as this reader may see it: text itself, or (in a) without a manager whom a fence may hide. */
int event_select_resource(struct arena *a, const struct event_select *s, bool user, struct strv text,
			  struct strv *text_r, struct err *e) DH_MUST_USE;

#endif
