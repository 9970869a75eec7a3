/* SPDX-License-Identifier: Apache-2.0
 * Whether the accesslog can be believed. A log that leaves deletes out, or that somebody switches off while the feed
 * runs, would lose events without any error. So:
 *  - slapd itself says which log the database writes to (auditContext of the suffix entry);
 *  - cn=config says that all writes are logged or, where the account may not read it, the log already holds an add, a
 *    modify, a rename and a delete;
 *  - every CHECK_EVERY_MS the contextCSN of the data may not be ahead of the log's. */
#include "dir/feed_log.h"

#include "dirhinge/dir/dn.h"

enum { SETTLE_TRIES = 8, SETTLE_MS = 100 };

static bool
covers_all(const struct sync_vector *v, const struct sync_vector *what)
{
	for (size_t i = 0; i < what->n; i++)
		if (!dir_cookie_covers(v, &what->marks[i].csn))
			return false;
	return true;
}

/* --- does it log everything? --- */

static bool
has_word(const struct dir_attr *at, const char *word)
{
	for (size_t i = 0; at && i < at->n; i++) {
		struct strv rest = at->values[i];

		while (rest.n) {
			size_t n = strv_chr(rest, ' ');

			if (strv_caseeq(strv_n(rest.p, n), strv_of(word)))
				return true;
			n += n < rest.n;
			rest = strv_n(rest.p + n, rest.n - n);
		}
	}
	return false;
}

static bool
logs_all_writes(const struct dir_entry *overlay)
{
	const struct dir_attr *ops = dir_entry_attr(overlay, "olcAccessLogOps");

	return has_word(ops, "all") || has_word(ops, "writes") ||
	       (has_word(ops, "add") && has_word(ops, "delete") && has_word(ops, "modify") && has_word(ops, "modrdn"));
}

struct overlays {
	const char *log_key;
	size_t n, full;
};

static int
count_overlay(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct overlays *o = ctx;
	struct strv log = dir_entry_first(en, "olcAccessLogDB");

	if (log.n == 0 || !str_eq(dir_dn_normal(a, log.p), o->log_key))
		return 0;
	o->n++;
	o->full += logs_all_writes(en);
	return 0;
}

/* 1 all writes, 0 not all, 2 cannot be read, -1 the connection failed. */
static int
ask_config(struct dir_feed *f, struct arena *a, deadline_t until, struct err *e)
{
	static const char *const attrs[] = {"olcAccessLogDB", "olcAccessLogOps", NULL};
	struct strv base = dir_entry_first(f->d->caps->root_dse, "configContext");
	struct feed_query q = {.base = base.n ? base.p : "cn=config",
			       .scope = LDAP_SCOPE_SUBTREE,
			       .filter = "(objectClass=olcAccessLogConfig)",
			       .attrs = attrs};
	struct overlays o = {.log_key = dir_dn_normal(a, f->log.dn)};
	struct err why = ERR_INIT;

	if (dir_feed_query(f, &f->c, &q, a, until, count_overlay, &o, &why)) {
		if (f->c.broken && e)
			*e = why;
		return f->c.broken ? -1 : 2;
	}
	return o.n == 0 ? 2 : o.full == o.n;
}

/* 1 yes, 0 no, -1 the connection failed. */
static int
holds_all_kinds(struct dir_feed *f, struct arena *a, deadline_t until, struct err *e)
{
	static const char *const filters[] = {
		"(&(objectClass=auditDelete)(reqResult=0))", "(&(objectClass=auditModRDN)(reqResult=0))",
		"(&(objectClass=auditAdd)(reqResult=0))", "(&(objectClass=auditModify)(reqResult=0))"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		const struct dir_entry *en;
		int rc = dir_feed_read_one(f, a, f->log.dn, LDAP_SCOPE_ONELEVEL, filters[i], "reqStart", until, &en, e);

		if (rc != 1)
			return rc;
	}
	return 1;
}

/* --- which one, and from when --- */

static int
read_log_base(struct dir_feed *f, struct arena *a, deadline_t until, struct sync_vector *context_r,
	      struct sync_vector *min_r, struct err *e)
{
	const struct dir_entry *en;
	int rc = dir_feed_read_one(f, a, f->log.dn, LDAP_SCOPE_BASE, "(objectClass=auditContainer)", "contextCSN",
				   until, &en, e);

	if (rc == 1) {
		dir_feed_read_vector(en, "contextCSN", false, context_r);
		dir_feed_read_vector(en, "minCSN", true, min_r);
	}
	return rc;
}

/* Servers that the log has never met: their changes were loaded before there was a log (slapadd). */
static void
excuse(struct dir_feed *f, const struct sync_vector *data, const struct sync_vector *log)
{
	f->log.excused = (struct sync_vector){0};
	for (size_t i = 0; i < data->n; i++)
		if (dir_cookie_find(log, data->marks[i].csn.sid) == NULL)
			f->log.excused.marks[f->log.excused.n++] = data->marks[i];
}

/* Does the server know that its log goes as far as its data? 1 yes, 0 no, 2 cannot be read, -1 the connection failed.
 * After a crash it may not know, although the records are there; it would then hold them back without a word. */
static int
knows_its_end(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct sync_vector data, log, min;
	/* In this order: what is written between the two makes the log longer. */
	int rc = dir_feed_context(f, a, until, &data, e);

	if (rc == 1)
		rc = read_log_base(f, a, until, &log, &min, e);
	if (rc != 1 || data.n == 0)
		return rc < 0 ? -1 : 2;
	f->log.min = min;
	if (!f->log.compared)
		excuse(f, &data, &log);
	f->log.compared = true;
	(void)dir_cookie_merge(&log, &f->log.excused);
	return covers_all(&log, &data);
}

static int
find_log(struct dir_feed *f, struct arena *a, deadline_t until, struct err *e)
{
	const char *context = dir_feed_context_dn(f, a);
	const struct dir_entry *en;
	struct strv dn;
	int rc;

	if (context == NULL)
		return 0;
	rc = dir_feed_read_one(f, a, context, LDAP_SCOPE_BASE, "(objectClass=*)", "auditContext", until, &en, e);
	if (rc != 1)
		return rc;
	dn = dir_entry_first(en, "auditContext");
	if (dn.n == 0)
		return 0;
	f->log.dn = dn.p;
	f->log.context = context;
	return 1;
}

int
dir_feed_log_find(struct dir_feed *f, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(4096);
	int rc;

	arena_free(&f->log.a);
	f->log = (struct feed_log){
		.a = arena_new(1024), .distrusted = f->log.distrusted, .not_before = f->log.not_before};
	if (!f->history || f->log.distrusted || f->opaque || deadline_left(f->log.not_before) > 0)
		return 0;
	rc = find_log(f, f->log.a, until, e);
	if (rc == 1)
		rc = ask_config(f, tmp, until, e);
	if (rc == 2)
		rc = holds_all_kinds(f, tmp, until, e);
	if (rc != 1)
		return rc < 0 ? -1 : 0;
	rc = knows_its_end(f, until, e);
	f->log.usable = rc == 0 || rc == 1;
	f->log.knows = rc == 1;
	return rc < 0 ? -1 : 0;
}

int
dir_feed_log_knows(struct dir_feed *f, deadline_t until, struct err *e)
{
	int rc = knows_its_end(f, until, e);

	return rc == 2 ? 0 : rc;
}

bool
dir_feed_log_reaches(const struct dir_feed *f, const struct sync_vector *v)
{
	const struct sync_vector *min = &f->log.min;

	/* A server that only one of them has met: nobody can say from when its changes are in the log. */
	for (size_t i = 0; i < v->n; i++)
		if (!dir_cookie_find(min, v->marks[i].csn.sid) && !dir_cookie_covers(&f->log.excused, &v->marks[i].csn))
			return false;
	return f->log.knows && min->n > 0 && covers_all(v, min);
}

int
dir_feed_log_check(struct dir_feed *f, deadline_t until, struct err *e)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < SETTLE_TRIES; i++) {
		rc = knows_its_end(f, until, e);
		if (rc == 1)
			return 0;
		clock_pause(SETTLE_MS, until); /* the record is written after the change */
	}
	if (rc < 0)
		return -1;
	f->log.distrusted = true;
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e,
			 "%s: \"%s\" does not tell all changes (overlay removed, or logops without one of add, modify, "
			 "modrdn, delete?); following the data itself from now on",
			 f->c.uri->text, f->log.dn);
}
