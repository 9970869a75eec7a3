/* SPDX-License-Identifier: Apache-2.0
 * Private: one observation on its way from the directory's word to events and rows.
 *   observe.c    what happened to the entry, in order
 *   resource.c   the entry and the resource that it shows
 *   members.c    who belongs to a group
 *   refer.c      who refers to whom
 *   tell.c       one event: subject, cause, id, text
 * Thread rule: as observe.h. */
#ifndef DIRHINGE_SRC_SYNC_SEEN_H
#define DIRHINGE_SRC_SYNC_SEEN_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/strmap.h"
#include "dirhinge/map/watch.h"
#include "sync/observe.h"

#define SEEN_MEMBERS_SHOWN 100  /* a longer list is left out of an event's data */
#define SEEN_MEMBERS_MET   1000 /* kept from writing their rows to telling of them */

/* Outlives observations; made anew when the maps are. */
struct memory {
	struct arena *a;
	const struct map_set *set;
	struct strmap *attrs; /* LDAP attributes that are kept */
	const char *member;   /* the attribute that holds members */
	const char *groups;   /* the one that holds groups, if the directory vouches for it */
	struct buf text;      /* scratch for one event or blob */
	struct buf resource;  /* of the observation: seen.text */
	const char **late;    /* sync ids for sync_observe_end */
	size_t n_late, cap_late;
};

struct subject { /* whom events are about */
	const char *id, *name;
	int64_t incarnation;
	const char *dn_key, *old_dn_key;
	struct strv data; /* its resource as JSON */
	bool members_left_out;
};
struct met { /* somebody who was looked up */
	const char *name, *dn_key;
	struct map_ref ref;
	int64_t row; /* of the state; 0: the group itself, which has none yet */
};

struct member_rows {
	int64_t *v;
	size_t n, cap;
};

struct seen {
	struct sync_run *r;
	struct store_tx *tx;
	const struct observation *o;
	struct memory *m;
	struct arena *a;

	struct store_state was; /* .sync_id NULL: no row */
	bool live, told;        /* was there, as far as known; and a resource that events have told of */
	json_t *old;            /* that resource; sync_seen_old makes it */

	const struct dir_entry *entry; /* as it is now, what is mapped, without members; NULL = gone */
	const char *dn_key;            /* of entry */
	enum store_kind kind;          /* of entry; 0: neither a resource nor anything that is kept */
	const struct map *map;         /* of a resource */
	struct scim_view *view;        /* the resource */
	struct map_refs *refs;         /* of it, to be resolved */
	const char *id;                /* its id */
	struct strv text;              /* it as JSON */
	json_t *new;                   /* and as a tree; sync_seen_new makes it */
	int64_t incarnation, at_us;
	bool unresolved; /* refers to somebody unknown who may come */
	bool late;       /* and is told of at the end of the first refresh */
	bool first;      /* told of for the first time in a first refresh, from its row */

	const char *csn, *state_csn; /* for the ids of events; of the row */
	bool cause_known;
	struct cause cause; /* .client NULL: not by SCIM */

	/* What the observation says of the group's members; else they are as known. */
	struct apart apart;                      /* .members with .all_members: all of them, or none */
	const struct dir_mod *const *member_ops; /* changes, in order */
	size_t n_member_ops;
	struct met *met; /* members of a new group; NULL: too many to keep */
	size_t n_met;
	struct member_rows rows_met;     /* the rows of all of them, for a first refresh */
	bool all_members, known_members; /* the whole list; the rows known are to be looked at again */
};
/* --- resource.c -------------------------------------------------------------------------------------------------- */
int sync_memory_ready(struct sync_run *r, struct err *e) DH_MUST_USE;
/* Finds .entry and what is said of members. 1: go on, 0: nothing new, -1; *need_fetch_r as sync_observe. */
int sync_seen_entry(struct seen *s, bool *need_fetch_r, struct err *e) DH_MUST_USE;
/* .view and .text of .entry; its references are resolved and kept as rows. */
int sync_seen_resource(struct seen *s, struct err *e) DH_MUST_USE;
const char *sync_seen_text(const struct seen *s, const char *name); /* of .view, NULL if it has none */
/* The trees of what it was (NULL if it was nothing) and is: only a change of the text asks for them. */
int sync_seen_old(struct seen *s, json_t **res_r, struct err *e) DH_MUST_USE;
json_t *sync_seen_new(struct seen *s);
/* A string of that resource ("displayName") without making a tree of it: members are asked for little else. */
const char *sync_stored_text(struct arena *a, const struct store_state *st, const char *key);
const char *sync_stored_name(struct arena *a, const struct store_state *st); /* userName or displayName */
const char *sync_seen_name(const json_t *res, bool user);

/* --- members.c --------------------------------------------------------------------------------------------------- */

struct member_row {
	const char *dn_key, *id; /* id NULL = nobody known */
};
struct member_list {
	struct member_row *v;
	size_t n, cap;
};
void sync_member_list_add(struct arena *a, struct member_list *l, const char *dn_key, const char *id);

/* What changes in the rows of one group, and who comes and goes by id. */
struct member_change {
	struct member_list drop, put;
	struct member_list lost, gained;
	bool unresolved; /* a new row is nobody's */
};
/* Compares, writes nothing. *need_fetch_r: the operation names a member that is not known. */
int sync_members_compare(struct seen *s, struct member_change *c, bool *need_fetch_r, struct err *e) DH_MUST_USE;
int sync_members_write(struct seen *s, const struct member_change *c, struct err *e) DH_MUST_USE;
/* user_removed, then user_added, of the group in s. */
int sync_members_tell(struct seen *s, const struct subject *group, const struct member_change *c,
		      struct err *e) DH_MUST_USE;
/* The rows of a group that is new; user_added for all of them. */
int sync_members_write_new(struct seen *s, struct err *e) DH_MUST_USE;
int sync_members_tell_new(struct seen *s, const struct subject *group, struct err *e) DH_MUST_USE;
/* The same from rows, in a first refresh; the group's own has been put. */
int sync_members_tell_first(struct seen *s, const char *group, int64_t row, struct err *e) DH_MUST_USE;

/* --- refer.c: who refers to whom --------------------------------------------------------------------------------- */

/* map_ref_fn, answered by the store; ctx is struct seen. */
int sync_members_ref(void *ctx, const char *dn_key, struct map_ref *ref_r, struct err *e) DH_MUST_USE;
/* Puts "members" into res if there are few; *left_out_r otherwise. */
int sync_members_show(struct seen *s, const char *group, json_t *res, bool *left_out_r, struct err *e) DH_MUST_USE;
/* The resource s->was goes: user_removed from each group that has it. The rows stay, as those of nobody. */
int sync_members_leave_all(struct seen *s, struct err *e) DH_MUST_USE;
/* It has come to the name s->dn_key, or left its former one: who refers to it is read again. joined: from elsewhere,
 * and groups that it was in all the time know it by another name. */
int sync_members_came(struct seen *s, struct err *e) DH_MUST_USE;
int sync_members_moved(struct seen *s, struct err *e) DH_MUST_USE;
int sync_members_joined(struct seen *s, struct err *e) DH_MUST_USE;
/* References of a user (manager), kept in the same rows as members: refs are all there are. */
int sync_members_refer(struct seen *s, const struct member_list *refs, struct err *e) DH_MUST_USE;

#endif
