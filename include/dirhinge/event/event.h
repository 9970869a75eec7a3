/* SPDX-License-Identifier: Apache-2.0
 * The event record and its JSON form (DESIGN.md section 3). Pure. Thread rule: confined. */
#ifndef DIRHINGE_EVENT_EVENT_H
#define DIRHINGE_EVENT_EVENT_H

#include <jansson.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/err.h"

/* name, kind of the subject, takes something away from somebody (counted by the guard) */
#define EVENT_TABLE(X)                                                    \
	X(EVENT_USER_CREATED, "dsync.user.created", "User", false)        \
	X(EVENT_USER_UPDATED, "dsync.user.updated", "User", false)        \
	X(EVENT_USER_DELETED, "dsync.user.deleted", "User", true)         \
	X(EVENT_USER_ACTIVATED, "dsync.user.activated", "User", false)    \
	X(EVENT_USER_DEACTIVATED, "dsync.user.deactivated", "User", true) \
	X(EVENT_GROUP_CREATED, "dsync.group.created", "Group", false)     \
	X(EVENT_GROUP_UPDATED, "dsync.group.updated", "Group", false)     \
	X(EVENT_GROUP_DELETED, "dsync.group.deleted", "Group", true)      \
	X(EVENT_USER_ADDED, "dsync.group.user_added", "Group", false)     \
	X(EVENT_USER_REMOVED, "dsync.group.user_removed", "Group", true)

enum event_type {
#define EVENT_ENUM(id, name, kind, removal) id,
	EVENT_TABLE(EVENT_ENUM)
#undef EVENT_ENUM
		EVENT_N_TYPES
};

/* The stored type of a change of the DN alone: it is no event, but for a reader that the entry comes into sight of or
 * leaves (select.h). Its text is that of an update that changed nothing. */
#define EVENT_USER_MOVED  "dsync.user.moved"
#define EVENT_GROUP_MOVED "dsync.group.moved"

const char *event_type_name(enum event_type t);
const char *event_type_subject(enum event_type t); /* "User", "Group" */
bool event_type_removal(enum event_type t);
/* "dsync.user.created" -> type; false if unknown. */
bool event_type_parse(struct strv name, enum event_type *t_r);

struct event {
	enum event_type type;
	const char *source;     /* "main": the directory, whatever server answers for it */
	const char *subject_id; /* SCIM id */
	int64_t incarnation;
	const char *csn;  /* of the change; for a removal found by comparing: "gone:" and the last CSN known */
	int64_t at_us;    /* the change's time if its CSN tells, else when it was seen */
	const char *name; /* userName or displayName, NULL if it has none */
	struct {
		const char *kind;                           /* "scim", "external", "policy" */
		const char *client, *request_id, *actor_dn; /* NULL = not known */
		bool coalesced; /* stands for all changes of a gap; told as "coalesced":true */
		bool initial;   /* was there when the feed began; told as "initial":true */
	} cause;
	struct { /* user_added, user_removed; id NULL otherwise */
		const char *id, *type, *name;
	} member;
	const json_t *data;    /* the resource after this event (of a deleted one, the last state): of two events of one
				* change, the first has what the second begins with (event/select.h) */
	struct strv data_text; /* the same as JSON text, without password, if it is at hand: then data is not read */
	const char *const
		*omitted; /* "members": what data leaves out, NULL-terminated; NULL = nothing; beside "data" */
	const char *const *changed; /* paths, NULL-terminated; NULL = left out */
	const json_t *previous;     /* former values of what changed; NULL = left out */
};

/* "evt_" and 32 base32 digits of SHA-256 over source, subject, incarnation, csn, type and member: the same change gives
 * the same id whenever and by whatever source it is seen (reliability.md 4.4). */
const char *event_id(struct arena *a, const struct event *ev);

/* The JSON object without "cursor". data is written without password whatever it holds. */
void event_write(struct buf *out, const struct event *ev, const char *id);
/* The same text with "cursor" put in behind "id"; body as event_write made it. */
void event_write_cursor(struct buf *out, struct strv body, const char *cursor);

#endif
