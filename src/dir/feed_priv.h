/* SPDX-License-Identifier: Apache-2.0
 * Private: struct dir_feed and the seams between its parts: connections (feed_conn.c), the search on the data
 * (feed_data.c), the search on the accesslog (feed_log.c), looking instead of holding a search open (feed_look.c),
 * reading at the side (feed_list.c). */
#ifndef DIRHINGE_SRC_DIR_FEED_PRIV_H
#define DIRHINGE_SRC_DIR_FEED_PRIV_H

#include "dir/cookie.h"
#include "dir/feed_look.h"
#include "dir/logrec.h"
#include "dir/pool.h"
#include "dirhinge/dir/feed.h"

enum { FEED_BASES = 16, CHECK_EVERY_MS = 30 * 1000, LOG_RETRY_MS = 10 * 60 * 1000 };

/* One search with the sync control. */
struct feed_search {
	const char *base;
	int msgid;               /* -1 = not running */
	bool done;               /* its refresh is complete */
	bool present;            /* a present phase: deletions are not told */
	bool told;               /* something, in this refresh */
	struct sync_vector seen; /* delivered, asked cookie included */
};

/* The accesslog of the database that holds the bases, as found on this connection. */
struct feed_log {
	struct arena *a;
	const char *dn;             /* its suffix */
	const char *context;        /* the suffix of the data */
	struct sync_vector min;     /* it holds what came after */
	struct sync_vector excused; /* what the data may be ahead of it */
	bool compared, knows;       /* with the data; how far it goes */
	deadline_t not_before;      /* it broke off: it is left alone until then */
	bool usable;
	bool distrusted; /* found wanting: not used any more */
};

struct dir_feed {
	/* frozen */
	struct arena *a;
	struct dir *d;
	const char *const *bases; /* NULL-terminated */
	size_t n_bases;
	const char *const *base_keys; /* normalised */
	const char *common;           /* the DN above all bases; NULL = there is none but the root */
	const char *filter;           /* text */
	const char *common_filter;    /* the same for a search on .common */
	const char *const *attrs;     /* asked for */
	const char *const *moved;     /* the same and member_of */
	const char *id_attr;          /* whose value the sync id is */
	struct log_filter wanted;     /* what is kept of the history */
	bool history;
	bool opaque; /* cookies are not OpenLDAP's and go back as they came */
	int wake;    /* eventfd */

	/* of the connection */
	struct conn c, side;
	bool open;
	size_t uri;               /* index of the one in use, or to try first */
	deadline_t refused_until; /* no bind before this */
	struct feed_search s[FEED_BASES];
	size_t n_searches;
	bool on_log; /* s[0] is on the accesslog */
	struct feed_log log;
	bool gap_by_data; /* the log has more of it than the account may read at once */
	char gap_note[320];
	bool begin_due, refreshing, full;
	struct feed_look look;
	bool force_full;           /* for the next open: what was asked for cannot be answered otherwise */
	deadline_t check_at;       /* is the server still as it was? */
	LDAPMessage *held;         /* the next message, already here */
	struct feed_ad *ad;        /* instead of sync searches, where there are none; or NULL */
	struct strv opaque_cookie; /* in memory of its own */
	struct buf opaque_bytes;
};

int dir_feed_not_open(struct err *e); /* -1 */
/* A bound connection to the URI in use or, when that fails, the next. */
int dir_feed_connect(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* The second connection, to the same server; made when first needed. */
int dir_feed_side(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* The next message of any search: 1 here, 0 deadline or woken, -1 the connection is lost. */
int dir_feed_wait(struct dir_feed *f, deadline_t until, LDAPMessage **msg_r, struct err *e) DH_MUST_USE;

/* Sends the sync search s, to be held open or not; cookie p NULL = from the beginning. */
int dir_feed_send(struct dir_feed *f, struct feed_search *s, const char *filter, const char *const *attrs,
		  struct strv cookie, struct err *e) DH_MUST_USE;
/* ERR_NOT_FOUND if one is missing or may not be seen. */
int dir_feed_check_bases(struct dir_feed *f, deadline_t until, struct err *e) DH_MUST_USE;
/* The naming context that all bases are in; NULL if they are in several. */
const char *dir_feed_context_dn(const struct dir_feed *f, struct arena *a);
/* Its contextCSN: 1 read, 0 not there or not for this account, -1 the connection failed. */
int dir_feed_context(struct dir_feed *f, struct arena *a, deadline_t until, struct sync_vector *v_r,
		     struct err *e) DH_MUST_USE;
/* ERR_PRECONDITION if the server does not have everything up to v. */
int dir_feed_check_behind(struct dir_feed *f, const struct sync_vector *v, deadline_t until, struct err *e) DH_MUST_USE;
/* One entry over the first connection, with attr (and minCSN); results as above. */
int dir_feed_read_one(struct dir_feed *f, struct arena *a, const char *base, int scope, const char *filter,
		      const char *attr, deadline_t until, const struct dir_entry **en_r, struct err *e) DH_MUST_USE;
/* CSNs of an attribute; of several of one server the latest, or the earliest. */
void dir_feed_read_vector(const struct dir_entry *en, const char *attr, bool earliest, struct sync_vector *v_r);
/* A resume point that this provider can be asked from; p NULL = everything has to be read. */
struct strv dir_feed_askable(const struct dir_feed *f, struct strv cookie);
/* What all searches have delivered; in arena. */
struct strv dir_feed_resume_point(const struct dir_feed *f, struct arena *a);
/* Starts the searches on the data. */
int dir_feed_data_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e) DH_MUST_USE;
/* A message of one of them: 1 *c_r is filled, 0 nothing to tell, -1 the source broke off. */
int dir_feed_data_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r,
			  struct err *e) DH_MUST_USE;
/* The result that ended a sync search, as an error. */
int dir_feed_ended(struct dir_feed *f, const struct feed_search *s, LDAPMessage *msg, struct err *e);
/* The LDAP result of a searchResultDone. */
int dir_feed_result_code(struct dir_feed *f, LDAPMessage *msg);
/* True for those that say that there is more than the account may have. */
bool dir_feed_limited(int code);

/* True if dn is one of the bases or below one. */
bool dir_feed_in_bases(const struct dir_feed *f, const char *dn);
/* Sync id in the text form of the flavour; in arena. */
const char *dir_feed_id(const struct dir_feed *f, struct arena *a, const unsigned char id[16]);

/* One plain search on the side connection; fn gets each entry in an arena of its own, or in a when that is not NULL. */
struct feed_query {
	const char *base;
	int scope;
	const char *filter;
	const char *const *attrs;
	int size_limit;
	int64_t stall_ms; /* longest silence between two messages; 0 = up to the deadline */
};
int dir_feed_query(struct dir_feed *f, struct conn *c, const struct feed_query *q, struct arena *a, deadline_t until,
		   dir_entry_fn fn, void *ctx, struct err *e) DH_MUST_USE;
/* dir_feed_fetch() with other bases and attributes. */
int dir_feed_fetch_below(struct dir_feed *f, struct arena *a, const char *const *bases, const char *const *attrs,
			 const char *const *ids, size_t n, deadline_t until, dir_entry_fn fn, void *ctx,
			 struct err *e) DH_MUST_USE;

#endif
