/* SPDX-License-Identifier: Apache-2.0
 * The directory: a pool of persistent, bound, health-checked connections and blocking operations with deadlines. With
 * src/dir the only user of libldap. Thread rule: struct dir is locked, any thread; results are confined to the arena.
 *
 * Every operation: takes a connection (waiting at most until the deadline), runs, gives it back; a broken connection is
 * closed. Reads are repeated once on a fresh connection. Writes are sent once: if the answer is lost after sending the
 * error is ERR_UNKNOWN_OUTCOME; if nothing was sent it is ERR_UNAVAILABLE. LDAP result codes become errors as
 * standards.md 1.4 and directories.md 6.1 say, refined by the flavour; e->ldap_rc keeps the code, DNs and diagnostics
 * go to e->cause only. Referrals are never followed. */
#ifndef DIRHINGE_DIR_DIR_H
#define DIRHINGE_DIR_DIR_H

#include "dirhinge/base/clock.h"
#include "dirhinge/base/metrics.h"
#include "dirhinge/base/secret.h"
#include "dirhinge/dir/filter.h"
#include "dirhinge/dir/flavour.h"

struct dir;

struct dir_opts {
	const char *const *uris; /* tried in order; the first that answers is used until it fails */
	size_t n_uris;
	const char *bind_dn;           /* NULL with sasl_external */
	const struct secret *password; /* borrowed, must outlive the dir */
	bool sasl_external;            /* over ldapi:// or a client certificate */
	bool start_tls;
	bool allow_plaintext; /* ldap:// without TLS to something that is not loopback */
	const char *ca_file;  /* NULL = the system's */
	const char *flavour;  /* "auto" or a name */
	int pool_size;
	int64_t timeout_ms;      /* one operation, connection set-up included */
	struct metrics *metrics; /* borrowed; NULL = not counted */
};

/* Checks the options (plaintext rule, URIs) and sets libldap up (LDAPNOINIT, TLS demand); opens nothing yet.
 * ERR_CONFIG. */
int dir_new(const struct dir_opts *opts, struct dir **d_r, struct err *e) DH_MUST_USE;
void dir_free(struct dir **d); /* no operation may be running */

/* Connects if needed and returns what the directory can do (read once, kept for the life of d). */
int dir_caps(struct dir *d, const struct dir_caps **caps_r, struct err *e) DH_MUST_USE;
/* Binds a connection and asks the rootDSE: is the directory there now? For /readyz and doctor. */
int dir_ping(struct dir *d, struct err *e) DH_MUST_USE;

struct dir_stats {
	int64_t open, idle, waits, binds, failures, ops;
	int64_t shared, gathering; /* lookups that a search for several has answered; that wait for one */
	int64_t apart;             /* connections of streams (stream.h), beyond the pool */
	char uri[128];             /* in use */
};
void dir_get_stats(struct dir *d, struct dir_stats *s_r);

enum dir_scope { DIR_BASE, DIR_ONE, DIR_SUB };
/* A search that may share one with others that wait at the same time (contrib/decisions/0023), if its filter is
 * (&(attr=value)rest) with the same rest object as theirs: same answer, same freshness. ONE: one entry has the value.
 * LINKS: attr holds DNs, and entries have many values of it. */
enum dir_share { DIR_ALONE, DIR_SHARE_ONE, DIR_SHARE_LINKS };

struct dir_search {
	const char *base;
	enum dir_scope scope;
	const struct dir_filter *filter; /* NULL = (objectClass=*) */
	const char *const *attrs;        /* NULL-terminated; NULL = all user attributes; {"1.1", NULL} = none */
	int page_size;  /* > 0: paged results (RFC 2696), pages fetched until the end or the callback stops */
	bool *more_r;   /* with page_size: only the first page is fetched; true if there is more. NULL = all pages */
	int size_limit; /* 0 = none; reached: ERR_TOO_MANY */
	enum dir_share share;
	int at_most; /* entries that can match, by their ids or names: within max_page no pages are asked for, which
		      * cost a domain controller more than the search. 0 = unknown */
	const struct dir_filter
		*matched; /* matchedValues (RFC 3876): only values matching one of its items; NULL = all.
			   * An or of eq/present nodes; ERR_DIR_UNSUPPORTED without the capability */
};

/* Called for each entry, in the server's order; the entry lives in the arena given to dir_search_run when keep was true
 * there, else only until the callback returns. Return 0 to go on, 1 to stop without error, -1 to fail with *e. */
typedef int (*dir_entry_fn)(void *ctx, const struct dir_entry *en, struct err *e);

int dir_search_run(struct dir *d, struct arena *a, bool keep, const struct dir_search *s, deadline_t until,
		   dir_entry_fn fn, void *ctx, struct err *e) DH_MUST_USE;

/* One entry: 1 found (in arena), 0 none, -1 error; two or more is ERR_CONFLICT. A base that
 * does not exist is 0 with DIR_BASE, else ERR_NOT_FOUND: an empty container and a missing one are not the same. */
int dir_search_one(struct dir *d, struct arena *a, const struct dir_search *s, deadline_t until,
		   const struct dir_entry **en_r, struct err *e) DH_MUST_USE;

/* Options of a write. Where the server lacks a control: post_attrs are fetched by a read afterwards (the answer still
 * comes from the directory); assertion is asked as a search directly before the write, and where the server tells what
 * a modify or rename found (pre-read) one that came too late is taken back at once. What neither sees is a change in
 * the moment between that search and a delete, or between it and any write without pre-read. */
struct dir_write {
	const char *const *post_attrs;      /* NULL-terminated; NULL = nothing is returned */
	const struct dir_entry **post_r;    /* the entry after the write, in arena */
	const struct dir_filter *assertion; /* RFC 4528, critical; false: ERR_PRECONDITION (122) */
	bool permissive;                    /* adding a value that is there succeeds (1.2.840.113556.1.4.1413) */
	const char *id; /* of the entry that is meant: with guid_base it is addressed by it, wherever
			 * it is by now; else dn alone says where to write. NULL = dn */
};

/* How a write addresses the entry: dn, or its id where the directory knows entries by it. */
const char *dir_address(struct arena *a, const struct dir_caps *caps, const char *dn, const char *id);

int dir_add(struct dir *d, struct arena *a, const char *dn, const struct dir_mods *attrs, const struct dir_write *w,
	    deadline_t until, struct err *e) DH_MUST_USE;
/* Deleting an absent value: ERR_DIR_MISSING_VALUE; adding a present one: ERR_DIR_HAS_VALUE; schema:
 * ERR_DIR_OBJECT_CLASS. */
int dir_modify(struct dir *d, struct arena *a, const char *dn, const struct dir_mods *mods, const struct dir_write *w,
	       deadline_t until, struct err *e) DH_MUST_USE;
/* new_rdn from dir_rdn_build; new_parent NULL = stay. The old RDN value is deleted. */
int dir_rename(struct dir *d, struct arena *a, const char *dn, const char *new_rdn, const char *new_parent,
	       const struct dir_write *w, deadline_t until, struct err *e) DH_MUST_USE;
int dir_delete(struct dir *d, struct arena *a, const char *dn, const struct dir_write *w, deadline_t until,
	       struct err *e) DH_MUST_USE;
/* RFC 3062, or the flavour's attribute; hashing and quality rules are the server's. dn from dir_address. Refused by
 * policy: ERR_VALUE whose text names the policy. */
int dir_set_password(struct dir *d, struct arena *a, const char *dn, struct strv password, deadline_t until,
		     struct err *e) DH_MUST_USE;

/* A bind as somebody on a connection of its own, for doctor and tests: 1 accepted, 0 refused (49/53), -1 error. */
int dir_try_bind(struct dir *d, const char *dn, struct strv password, deadline_t until, struct err *e) DH_MUST_USE;

#endif
