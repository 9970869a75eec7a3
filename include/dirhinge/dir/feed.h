/* SPDX-License-Identifier: Apache-2.0
 * A change source: what happened to the entries below some bases, in the directory's order, over a connection of its
 * own. The protocol (RFC 4533 on the data, the same on the accesslog, DirSync, uSN polling) stays behind this
 * contract; what it means for resources is the business of sync. Thread rule: confined to one thread, except
 * dir_feed_wake().
 *
 *   dir_feed_open(cookie)  ->  BEGIN (ENTRY | PRESENT | DELETE | OP)* END, then live (ENTRY | DELETE | OP | COOKIE)*
 *
 * and after a lost connection, opened with the last cookie that was made durable, again BEGIN … END. Nothing between
 * BEGIN and END may be taken as a deletion before END has come. */
#ifndef DIRHINGE_DIR_FEED_H
#define DIRHINGE_DIR_FEED_H

#include "dirhinge/dir/dir.h"

struct dir_feed;

/* What a deployment gets; for doctor and sync status. */
enum dir_guarantee {
	DIR_EVERY_CHANGE,    /* A: every operation, over gaps too (accesslog) */
	DIR_EVERY_CONNECTED, /* B: every change while connected, the net change over a gap */
	DIR_NET_CHANGE,      /* C: the sum of what happened between two questions */
};

enum dir_change_kind {
	DIR_BEGIN,   /* a refresh begins; .full: no valid cookie, everything is sent and deletions are not told; .look:
		      * the connection is the one before, this is only the next look */
	DIR_ENTRY,   /* .entry is the entry as it is now: new, changed or, in a full refresh, just there. If it may have
			been elsewhere before it has the flavour's member_of as well */
	DIR_PRESENT, /* .ids are there and unchanged since the cookie; only in a refresh */
	DIR_DELETE,  /* .ids are gone, or left the filter; a live one has .dn */
	DIR_OP,      /* one operation of the history: .op */
	DIR_END,     /* the refresh is complete; .deletes_told false: what was neither an entry nor present is gone;
		      * .compare: deletions may be missing, which only dir_feed_list() shows */
	DIR_COOKIE,  /* nothing but a later resume point */
	DIR_STALLED, /* nothing came within the time given; still connected */
};

enum dir_op_kind { DIR_OP_ADD, DIR_OP_MODIFY, DIR_OP_RENAME, DIR_OP_DELETE };

/* An operation as the history tells it (slapo-accesslog(5)); passwords are already dropped. */
struct dir_op {
	enum dir_op_kind kind;
	const char *dn;                /* before the operation */
	const char *new_dn;            /* rename */
	const struct dir_entry *added; /* add */
	const struct dir_mods *mods;   /* modify; also what a rename did to the naming attributes */
	const struct dir_entry *old;   /* delete: the whole entry, if the log keeps it; else NULL */
	bool incomplete;               /* the history does not tell all of it (an increment): read the entry again */
};

struct dir_change {
	enum dir_change_kind kind;
	const struct dir_entry *entry;
	const struct dir_op *op;
	const char *const *ids; /* sync ids (entryUUID text; nsUniqueId on 389); ENTRY and OP: one */
	size_t n_ids;
	const char *dn;
	const char *csn;      /* of the change; NULL when the protocol does not tell (delete while away) */
	const char *actor_dn; /* who did it: reqAuthzID, else modifiersName; NULL = not known */
	bool full, deletes_told, look, compare;
	struct strv cookie; /* resume point once this and all before it are durable; p NULL = none here */
};

/* Active Directory: DirSync with the right to replicate the domain, and without it with the account's own view, or not
 * at all; else the numbers of changes are polled. */
enum dir_dirsync { DIR_DIRSYNC_AUTO, DIR_DIRSYNC_OBJECT_SECURITY, DIR_DIRSYNC_OFF };

struct dir_feed_opts {
	struct dir *dir;          /* borrowed: URIs, credentials, TLS, flavour */
	const char *const *bases; /* NULL-terminated; the caller leaves out one that lies below another */
	const struct dir_filter *filter;
	const char *const *attrs; /* NULL-terminated; id, CSN and modifiersName are added */
	bool history;             /* use the accesslog if it can be read */
	bool poll;                /* never hold a search open: look every poll_ms */
	int64_t poll_ms;          /* also where a search cannot be held open; 0 = 5 s */
	int64_t persist_again_ms; /* until that is tried again, doubled from time to time; 0 = 30 s */
	enum dir_dirsync dirsync;
};

/* Chooses the source; opens nothing that stays. ERR_DIR_UNSUPPORTED with the remedy if this directory offers none. */
int dir_feed_new(const struct dir_feed_opts *opts, struct dir_feed **f_r, struct err *e) DH_MUST_USE;
void dir_feed_free(struct dir_feed **f);

/* Connects (failing over to the next URI) and asks from cookie on; p NULL = from the beginning. The bytes are what an
 * earlier change carried. ERR_UNAVAILABLE: try again later. ERR_PRECONDITION: the directory says that it is behind the
 * cookie (53: restored or lagging). A cookie too old is no error: it gives a BEGIN with .full, or an END without
 * .deletes_told. */
int dir_feed_open(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e) DH_MUST_USE;
void dir_feed_close(struct dir_feed *f);

/* The next change, in arena a (reset by the caller between batches). Waits until the deadline: then DIR_STALLED. -1:
 * the source broke off, dir_feed_open again; what came since a BEGIN without END counts for nothing. Results that end a
 * refresh early (4 size limit, 3, 11, 50, 32) are errors, never a shorter list: ERR_TOO_MANY, ERR_FORBIDDEN,
 * ERR_NOT_FOUND (base missing) … with the operator's remedy in the cause. */
int dir_feed_next(struct dir_feed *f, struct arena *a, deadline_t until, struct dir_change *c_r,
		  struct err *e) DH_MUST_USE;
/* True if the next change is already here: for gathering a batch without waiting. */
bool dir_feed_ready(struct dir_feed *f);
/* Makes a waiting dir_feed_next return DIR_STALLED soon. Any thread. */
void dir_feed_wake(struct dir_feed *f);

enum dir_guarantee dir_feed_guarantee(const struct dir_feed *f);
const char *dir_feed_source(const struct dir_feed *f); /* "syncrepl", "accesslog" …: where changes come from now */
int64_t dir_feed_poll_ms(const struct dir_feed *f);    /* between two looks; 0 = no search is wanting */
/* Why the source is not the best that the options ask for, with the remedy; "" if it is, or nothing is known. */
const char *dir_feed_note(const struct dir_feed *f);
/* An Active Directory that is open: may the account see what was deleted? Without it, and without the right to
 * replicate, deletions show when everything is read again. */
bool dir_feed_sees_deleted(const struct dir_feed *f);
/* Operational attribute whose value is the sync id. */
const char *dir_feed_id_attr(const struct dir_feed *f);
const char *dir_feed_uri(const struct dir_feed *f); /* connected to; "" if not */

/* For reconciliation, over a second connection to the server that the feed is connected to (another server may be
 * behind): every entry of the bases that the filter matches; an incomplete list is an error. */
typedef int (*dir_listed_fn)(void *ctx, const char *id, const char *csn, const char *dn, struct err *e);
int dir_feed_list(struct dir_feed *f, deadline_t until, dir_listed_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* Reads entries by sync id (those that are there) with the feed's attributes and filter, the same way; with member_of.
 */
int dir_feed_fetch(struct dir_feed *f, struct arena *a, const char *const *ids, size_t n, deadline_t until,
		   dir_entry_fn fn, void *ctx, struct err *e) DH_MUST_USE;

/* The entry after an operation (before NULL for an add). Values are deleted by the attribute's equality as far as it
 * can be told here (letter case, blanks). ERR_CONFLICT: the operation does not fit the entry; read it again. Pure. */
int dir_op_apply(struct arena *a, const struct dir_subschema *s, const struct dir_entry *before,
		 const struct dir_op *op, const struct dir_entry **after_r, struct err *e) DH_MUST_USE;

/* Orders two CSNs; *same_sid_r false: they come from different servers and only their times were compared. */
int dir_csn_compare(const char *a, const char *b, bool *same_sid_r);
/* Microseconds since 1970 in a CSN; -1 if it is none. */
int64_t dir_csn_us(const char *csn);

#endif
