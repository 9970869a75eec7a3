/* SPDX-License-Identifier: Apache-2.0
 * The sync search on the accesslog: every operation with its CSN and who did it, over gaps too. Cookies are those of
 * the data: both databases count with the same CSNs. */
#include "dir/feed_log.h"

#include <stdio.h>

#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/syncmsg.h"

static const char *const attrs[] = {"reqType",        "reqDN",     "reqMod",          "reqNewRDN",
				    "reqNewSuperior", "reqNewDN",  "reqDeleteOldRDN", "reqEntryUUID",
				    "reqAuthzID",     "reqResult", "entryCSN",        NULL};

/* Records of writes that happened, of entries below the bases before or after. */
static int
make_filter(struct dir_feed *f, struct arena *a, char **text_r, struct err *e)
{
	const struct dir_filter **nodes = ARENA_ARRAY(a, f->n_bases * 2, const struct dir_filter *);

	for (size_t i = 0; i < f->n_bases; i++) {
		nodes[i * 2] = dir_f_ext(a, "reqDN", "dnSubtreeMatch", strv_of(f->bases[i]));
		nodes[i * 2 + 1] = dir_f_ext(a, "reqNewDN", "dnSubtreeMatch", strv_of(f->bases[i]));
	}

	const struct dir_filter *ours = dir_f_or(a, nodes, f->n_bases * 2);
	const struct dir_filter *done = dir_f_and2(a, dir_f_eq(a, "objectClass", STRV("auditWriteObject")),
						   dir_f_eq(a, "reqResult", STRV("0")));

	return dir_filter_text(a, dir_f_and2(a, done, ours), text_r, e);
}

int
dir_feed_log_start(struct dir_feed *f, const struct sync_vector *v, bool after_data, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct feed_search *s = &f->s[0];
	char *filter;

	if (make_filter(f, a, &filter, e))
		return -1;
	for (size_t i = 0; i < f->n_searches; i++)
		if (f->s[i].msgid >= 0)
			ldap_abandon_ext(f->c.ld, f->s[i].msgid, NULL, NULL);
	*s = (struct feed_search){.base = f->log.dn, .msgid = -1, .seen = *v};
	f->n_searches = 1;
	f->on_log = true;
	if (!after_data) {
		f->full = false;
		f->refreshing = f->begin_due = true;
	} else if (f->look.on) {
		/* The next look is one at the log. */
		s->done = true;
		return 0;
	}
	return dir_feed_send(f, s, filter, attrs, dir_cookie_text(a, &s->seen), e);
}

static int
not_understood(struct dir_feed *f, const struct err *why, struct err *e)
{
	/* The data can be followed all the same. */
	f->log.distrusted = true;
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e, "%s: \"%s\": %.200s; following the data itself from now on", f->c.uri->text, f->log.dn,
			 why->detail);
}

/* A rename out of the bases is the end of the entry; what happened outside is nobody's. False: nothing to tell. */
static bool
place(const struct dir_feed *f, struct arena *a, const struct log_record *r, struct dir_change *c)
{
	struct dir_op *op;
	bool before = dir_feed_in_bases(f, r->op.dn);
	bool after = r->op.kind == DIR_OP_RENAME ? dir_feed_in_bases(f, r->op.new_dn) : before;
	const char **ids = ARENA_ARRAY(a, 1, const char *);

	if (!before && !after)
		return false;
	ids[0] = r->id;
	*c = (struct dir_change){
		.kind = DIR_OP, .ids = ids, .n_ids = 1, .dn = r->op.dn, .csn = r->csn, .actor_dn = r->actor};
	if (!after) {
		c->kind = DIR_DELETE;
		return true;
	}
	op = ARENA_NEW(a, struct dir_op);
	*op = r->op;
	c->op = op;
	return true;
}

/* Already delivered: the cookie's server id was not known to the log, or the data's refresh went further. */
static bool
known(const struct feed_search *s, const char *text)
{
	struct csn csn;

	return !s->done && dir_csn_parse(strv_of(text), &csn) && dir_cookie_covers(&s->seen, &csn);
}

static int
on_record(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c,
	  struct strv *cookie_r, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	const struct dir_entry *rec;
	struct sync_entry se;
	struct log_record r;
	LDAPControl *state;

	if (ldap_get_entry_controls(f->c.ld, msg, &controls) != LDAP_SUCCESS)
		return err_set(e, ERR_PARSE, "controls that cannot be decoded");
	state = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	if (state == NULL)
		return err_set(e, ERR_PARSE, "a record without its sync state");
	if (dir_sync_entry(a, strv_n(state->ldctl_value.bv_val, state->ldctl_value.bv_len), &se, e))
		return -1;
	*cookie_r = se.cookie;
	if (se.state != SYNC_ADD) /* purged, or nothing new */
		return 0;
	if (dir_decode_entry(a, NULL, f->c.ld, msg, &rec, e) || dir_log_record(a, &f->wanted, rec, &r, e))
		return -1;
	return !known(s, r.csn) && place(f, a, &r, c);
}

static int
on_info(struct arena *a, struct dir_feed *f, LDAPMessage *msg, struct sync_info *i, struct err *e)
{
	DH_CLEANUP(str_free) char *oid = NULL;
	struct berval *data = NULL;
	int rc = 0;

	if (ldap_parse_intermediate(f->c.ld, msg, &oid, &data, NULL, 0) != LDAP_SUCCESS)
		return err_set(e, ERR_PARSE, "an intermediate message that cannot be decoded");
	if (oid && data && str_eq(oid, LDAP_SYNC_INFO))
		rc = dir_sync_info(a, strv_n(data->bv_val, data->bv_len), i, e) ? -1 : 1;
	ber_bvfree(data);
	return rc;
}

/* The log has told what happened since the cookie: the end of a refresh, if it was one. */
static int
caught_up(struct dir_feed *f, struct arena *a, struct feed_search *s, struct dir_change *c)
{
	s->done = true;
	*c = (struct dir_change){.kind = f->refreshing ? DIR_END : DIR_COOKIE,
				 .deletes_told = f->refreshing,
				 .cookie = dir_cookie_text(a, &s->seen)};
	f->refreshing = false;
	dir_feed_look_over(f, c);
	return 1;
}

/* The end of a search that is not held open. */
static int
on_result(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c,
	  struct err *e)
{
	struct sync_done d = {0};
	struct sync_vector v;

	if (dir_feed_look_done(f, a, s, msg, &d, e))
		return -1;
	s->msgid = -1;
	if (d.cookie.n && (!dir_cookie_parse(d.cookie, &v) || !dir_cookie_merge(&s->seen, &v)))
		return err_set(e, ERR_PARSE, "a resume point that cannot be read");
	return caught_up(f, a, s, c);
}

void
dir_feed_log_note_limit(struct dir_feed *f, int code)
{
	snprintf(f->gap_note, sizeof(f->gap_note),
		 "the last gap was longer than what the account may read of %s at once (%s, %d): of its changes only "
		 "the "
		 "sum was told; on that database: olcLimits: dn.exact=\"%s\" size=unlimited time=unlimited",
		 f->log.dn, ldap_err2string(code), code, f->d->bind_dn ? f->d->bind_dn : "ACCOUNT");
}

/* Half of a gap is nothing: the data tells its sum. */
static int
gap_too_long(struct dir_feed *f, int code, struct err *e)
{
	f->gap_by_data = f->refreshing;
	if (!f->refreshing)
		f->log.not_before = deadline_in(LOG_RETRY_MS);
	dir_feed_log_note_limit(f, code);
	err_set(e, ERR_UNAVAILABLE, "the history of this gap cannot be read; the data is read instead");
	return err_cause(e, "%s: %s", f->c.uri->text, f->gap_note);
}

static int
ended(struct dir_feed *f, const struct feed_search *s, LDAPMessage *msg, struct err *e)
{
	int code = dir_feed_result_code(f, msg);

	if (!s->done && dir_feed_limited(code))
		return err_failed(gap_too_long(f, code, e));
	f->log.not_before = deadline_in(LOG_RETRY_MS);
	return err_failed(dir_feed_ended(f, s, msg, e));
}

static int
on_message(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c,
	   struct err *e)
{
	bool record = ldap_msgtype(msg) == LDAP_RES_SEARCH_ENTRY;
	struct sync_info i = {.kind = SYNC_ID_SET};
	struct strv cookie = {NULL, 0};
	struct sync_vector v;
	int rc;

	rc = record ? on_record(f, a, s, msg, c, &cookie, e) : on_info(a, f, msg, &i, e);
	if (rc < 0)
		return -1;
	if (!record)
		cookie = i.cookie;
	if (cookie.n && (!dir_cookie_parse(cookie, &v) || !dir_cookie_merge(&s->seen, &v)))
		return err_set(e, ERR_PARSE, "a resume point that cannot be read");
	if (!record && !s->done && (i.kind == SYNC_REFRESH_DELETE || i.kind == SYNC_REFRESH_PRESENT) && i.done)
		return caught_up(f, a, s, c);
	if (!s->done || cookie.n == 0)
		return record ? rc : 0;
	/* Not ours, but the resume point goes on. */
	if (!record || rc == 0)
		*c = (struct dir_change){.kind = DIR_COOKIE};
	c->cookie = dir_cookie_text(a, &s->seen);
	return 1;
}

int
dir_feed_log_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	struct feed_search *s = &f->s[0];
	int type = ldap_msgtype(msg);
	struct dir_change c;
	struct err why = ERR_INIT;
	int rc;

	if (ldap_msgid(msg) != s->msgid ||
	    (type != LDAP_RES_SEARCH_ENTRY && type != LDAP_RES_INTERMEDIATE && type != LDAP_RES_SEARCH_RESULT))
		return 0;
	if (type != LDAP_RES_SEARCH_RESULT)
		rc = on_message(f, a, s, msg, &c, &why);
	else if (f->look.on && dir_feed_result_code(f, msg) == LDAP_SUCCESS)
		rc = on_result(f, a, s, msg, &c, &why);
	else
		return err_failed(ended(f, s, msg, e));
	if (rc < 0)
		return not_understood(f, &why, e);
	if (rc > 0)
		*c_r = c;
	return rc;
}
