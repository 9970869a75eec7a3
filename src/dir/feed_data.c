/* SPDX-License-Identifier: Apache-2.0
 * The sync search on the data (RFC 4533 3.4): refresh, then persist. One search on the DN above all bases where the
 * account may see that entry, so that there is one order of all changes; else one on each base, and then the resume
 * point is what all of them have delivered. */
#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/feed_priv.h"
#include "dir/result.h"
#include "dir/syncmsg.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/dir/dn.h"

bool
dir_feed_in_bases(const struct dir_feed *f, const char *dn)
{
	DH_CLEANUP(arena_free) struct arena *a = NULL;

	/* The usual case without taking the name apart: the base in the same spelling at its end. */
	for (size_t i = 0; i < f->n_bases; i++) {
		size_t n = strlen(dn), b = strlen(f->bases[i]);

		if (n > b + 1 && dn[n - b - 1] == ',' && dn[n - b - 2] != '\\' && str_eq(dn + n - b, f->bases[i]))
			return true;
	}
	a = arena_new(1024);
	for (size_t i = 0; i < f->n_bases; i++)
		if (dir_dn_under(a, dn, f->bases[i], true))
			return true;
	return false;
}

const char *
dir_feed_id(const struct dir_feed *f, struct arena *a, const unsigned char id[16])
{
	char text[37];

	if (!f->opaque) {
		uuid_format(id, text);
		return arena_strdup(a, text);
	}
	/* nsUniqueId of 389 DS: four words */
	const char *h = hex_encode(a, strv_n((const char *)id, 16));

	return arena_printf(a, "%.8s-%.8s-%.8s-%.8s", h, h + 8, h + 16, h + 24);
}

int
dir_feed_send(struct dir_feed *f, struct feed_search *s, const char *filter, const char *const *attrs,
	      struct strv cookie, struct err *e)
{
	DH_CLEANUP(control_free) LDAPControl *sync = NULL;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	LDAPControl *controls[2] = {NULL};
	struct berval bv;
	struct strv value;
	int rc;

	if (dir_sync_request(a, cookie, !f->look.on, &value, e))
		return -1;
	bv = strv_bv(value);
	if (ldap_control_create(LDAP_CONTROL_SYNC, 1, &bv, 1, &sync) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the sync request control cannot be made");
	controls[0] = sync;
	rc = ldap_search_ext(f->c.ld, s->base, LDAP_SCOPE_SUBTREE, filter, (char **)(uintptr_t)attrs, 0, controls, NULL,
			     NULL, 0, &s->msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	s->done = s->present = s->told = false;
	return 0;
}

static int
ignore_entry(void *ctx DH_UNUSED, const struct dir_entry *en DH_UNUSED, struct err *e DH_UNUSED)
{
	return 0;
}

/* 1 there and visible, 0 not, -1 failed. */
static int
can_see(struct dir_feed *f, const char *dn, deadline_t until, struct err *e)
{
	static const char *const none[] = {"1.1", NULL};
	const struct feed_query q = {.base = dn, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attrs = none};
	struct err why = ERR_INIT;
	int rc = dir_feed_query(f, &f->c, &q, NULL, until, ignore_entry, NULL, &why);

	if (rc == 0)
		return 1;
	if (!f->c.broken && (why.code == ERR_NOT_FOUND || why.code == ERR_FORBIDDEN))
		return 0;
	if (e)
		*e = why;
	return -1;
}

/* A search on what stands above does not fail when a base is missing: everything in it would just be gone. */
int
dir_feed_check_bases(struct dir_feed *f, deadline_t until, struct err *e)
{
	for (size_t i = 0; i < f->n_bases; i++) {
		int rc = can_see(f, f->bases[i], until, e);

		if (rc < 0)
			return -1;
		if (rc > 0)
			continue;
		err_set(e, ERR_NOT_FOUND, "a base of users or groups is not there, or the account may not see it");
		return err_cause(e, "%s: base \"%s\": was it renamed, or an access rule changed?", f->c.uri->text,
				 f->bases[i]);
	}
	return 0;
}

static int
choose_searches(struct dir_feed *f, deadline_t until, struct err *e)
{
	int common = 0;

	if (f->common) {
		common = can_see(f, f->common, until, e);
		if (common < 0)
			return -1;
	}
	if (!common && f->opaque && f->n_bases > 1) {
		err_set(e, ERR_FORBIDDEN, NULL);
		return err_cause(e, "let the account search from \"%s\": one cookie cannot stand for several bases",
				 f->common ? f->common : "");
	}
	f->n_searches = common ? 1 : f->n_bases;
	for (size_t i = 0; i < f->n_searches; i++)
		f->s[i] = (struct feed_search){.base = common ? f->common : f->bases[i], .msgid = -1};
	return 0;
}

int
dir_feed_data_start(struct dir_feed *f, struct strv cookie, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct sync_vector v = {0};

	if (choose_searches(f, until, e))
		return -1;
	/* What slapd cannot parse it takes for no cookie, and then claims to have told all deletions (2.3). */
	if (!f->opaque && (!dir_cookie_parse(cookie, &v) || v.n == 0))
		cookie = strv_n(NULL, 0);
	else if (!f->opaque)
		cookie = dir_cookie_text(a, &v);
	f->full = cookie.p == NULL || cookie.n == 0;
	f->refreshing = f->begin_due = true;
	f->on_log = false;
	for (size_t i = 0; i < f->n_searches; i++) {
		struct feed_search *s = &f->s[i];

		s->seen = v;
		if (dir_feed_send(f, s, s->base == f->common ? f->common_filter : f->filter, f->attrs,
				  f->full ? strv_n(NULL, 0) : cookie, e))
			return -1;
	}
	return 0;
}

/* --- messages --- */

static struct feed_search *
search_of(struct dir_feed *f, LDAPMessage *msg)
{
	for (size_t i = 0; i < f->n_searches; i++)
		if (f->s[i].msgid == ldap_msgid(msg))
			return &f->s[i];
	return NULL;
}

struct strv
dir_feed_resume_point(const struct dir_feed *f, struct arena *a)
{
	struct sync_vector v = f->s[0].seen;

	if (f->opaque)
		return f->opaque_bytes.n
			       ? strv_n(arena_strndup(a, f->opaque_bytes.p, f->opaque_bytes.n), f->opaque_bytes.n)
			       : strv_n(NULL, 0);
	for (size_t i = 1; i < f->n_searches; i++)
		dir_cookie_meet(&v, &f->s[i].seen);
	return dir_cookie_text(a, &v);
}

/* Takes in the cookie of a message. 1 there was one, 0 none. */
static int
take_cookie(struct dir_feed *f, struct feed_search *s, struct strv cookie, struct sync_vector *v, struct err *e)
{
	if (cookie.n == 0)
		return 0;
	if (f->opaque) {
		buf_reset(&f->opaque_bytes);
		buf_addv(&f->opaque_bytes, cookie);
		return 1;
	}
	if (!dir_cookie_parse(cookie, v) || !dir_cookie_merge(&s->seen, v)) {
		err_set(e, ERR_UNAVAILABLE, "the directory sent a resume point that cannot be read");
		return err_cause(e, "%s: sync cookie \"%.200s\"", f->c.uri->text, cookie.p);
	}
	return v->n > 0;
}

static int
protocol_error(struct dir_feed *f, const char *what, struct err *e)
{
	f->c.broken = true;
	err_set(e, ERR_UNAVAILABLE, "the directory's sync messages cannot be understood");
	return err_cause(e, "%s: %s", f->c.uri->text, what);
}

static int
one_id(struct dir_feed *f, struct arena *a, const struct sync_entry *s, struct dir_change *c)
{
	const char **ids = ARENA_ARRAY(a, 1, const char *);

	ids[0] = dir_feed_id(f, a, s->id);
	c->ids = ids;
	c->n_ids = 1;
	return 1;
}

static const char *
text_of(const struct dir_entry *en, const char *attr)
{
	struct strv v = dir_entry_first(en, attr);

	return v.n ? v.p : NULL;
}

static int
keep_entry(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	const struct dir_entry **slot = ctx;

	*slot = en;
	return 0;
}

/* After a gap 389 DS sends entries without their operational attributes. 1 *en_r is whole, 0 it is gone by now, -1
 * failed. */
static int
complete(struct dir_feed *f, struct arena *a, const char *id, const struct dir_entry **en_r, struct err *e)
{
	const struct dir_entry *whole = NULL;

	if (!f->opaque || dir_entry_attr(*en_r, f->id_attr))
		return 1;
	if (dir_feed_fetch(f, a, &id, 1, deadline_in(f->d->timeout_ms), keep_entry, &whole, e))
		return -1;
	if (whole)
		*en_r = whole;
	return whole != NULL;
}

static int
entry_change(struct dir_feed *f, struct arena *a, LDAPMessage *msg, const struct sync_entry *se, struct dir_change *c,
	     struct err *e)
{
	const struct dir_entry *en;

	if (dir_decode_entry(a, f->d->caps->flavour, f->c.ld, msg, &en, e))
		return -1;
	c->dn = en->dn;
	if (se->state == SYNC_DELETE || se->state == SYNC_PRESENT) {
		c->kind = se->state == SYNC_DELETE ? DIR_DELETE : DIR_PRESENT;
		return one_id(f, a, se, c);
	}
	/* It has been moved out of the bases, or is somebody else's below the common DN. */
	c->kind = dir_feed_in_bases(f, en->dn) ? DIR_ENTRY : DIR_DELETE;
	(void)one_id(f, a, se, c);
	if (c->kind == DIR_ENTRY) {
		int rc = complete(f, a, c->ids[0], &en, e);

		/* Gone meanwhile, as a later message will say. */
		if (rc <= 0)
			return rc;
		c->dn = en->dn;
		c->entry = en;
	}
	c->csn = text_of(en, f->d->caps->flavour->version_attr);
	c->actor_dn = text_of(en, "modifiersName");
	return 1;
}

static int
on_entry(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c_r,
	 struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	struct dir_change c = {0};
	struct sync_vector v = {0};
	struct sync_entry se;
	LDAPControl *state;
	int rc, told;

	if (ldap_get_entry_controls(f->c.ld, msg, &controls) != LDAP_SUCCESS)
		return protocol_error(f, "an entry whose controls cannot be decoded", e);
	state = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	if (state == NULL)
		return protocol_error(f, "an entry without its sync state", e);
	if (dir_sync_entry(a, strv_n(state->ldctl_value.bv_val, state->ldctl_value.bv_len), &se, e))
		return protocol_error(f, "sync state", e);
	rc = entry_change(f, a, msg, &se, &c, e);
	if (rc < 0)
		return -1;
	told = take_cookie(f, s, se.cookie, &v, e);
	if (told < 0 || rc == 0)
		return told < 0 ? -1 : 0;
	if (!f->refreshing) {
		if (told)
			c.cookie = dir_feed_resume_point(f, a);
		/* A live delete has no entry any more; its message carries its CSN. */
		if (c.kind == DIR_DELETE && c.csn == NULL && v.n == 1)
			c.csn = arena_strdup(a, v.marks[0].text);
	}
	*c_r = c;
	return 1;
}

/* All searches have told what was; what it means depends on all of them. */
static int
refresh_done(struct dir_feed *f, struct arena *a, struct feed_search *s, struct dir_change *c_r, struct err *e)
{
	bool present = false, told = false;

	s->done = true;
	for (size_t i = 0; i < f->n_searches; i++) {
		if (!f->s[i].done)
			return 0;
		present |= f->s[i].present;
		told |= !f->s[i].present;
	}
	f->refreshing = false;
	if (present && told && !f->full) {
		/* One was told its deletions, another its present entries: neither reading is right for both. */
		f->force_full = true;
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "%s: changed while the bases were read; reading all of them again", f->c.uri->text);
	}
	*c_r = (struct dir_change){.kind = DIR_END,
				   .full = f->full,
				   .deletes_told = !present && !f->full,
				   .cookie = dir_feed_resume_point(f, a)};
	dir_feed_look_over(f, c_r);
	return 1;
}

/* 2.3: the cookie was not accepted, and nobody said so. */
static int
not_accepted(struct dir_feed *f, struct err *e)
{
	f->force_full = true;
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e, "%s: the resume point was not accepted; reading everything again", f->c.uri->text);
}

static int
on_phase(struct dir_feed *f, struct arena *a, struct feed_search *s, const struct sync_info *i, struct dir_change *c_r,
	 struct err *e)
{
	if (s->done)
		return 0;
	s->present |= i->kind == SYNC_REFRESH_PRESENT;
	if (!i->done)
		return 0;
	if (!f->full && i->cookie.p && i->cookie.n == 0)
		return err_failed(not_accepted(f, e));
	return refresh_done(f, a, s, c_r, e);
}

/* The end of a search that is not held open. */
static int
on_result(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c_r,
	  struct err *e)
{
	struct sync_vector v = {0};
	struct sync_done d = {0};

	if (dir_feed_look_done(f, a, s, msg, &d, e))
		return -1;
	s->msgid = -1;
	/* Without a change there is no cookie either. */
	if (!f->full && s->told && d.cookie.n == 0)
		return err_failed(not_accepted(f, e));
	if (take_cookie(f, s, d.cookie, &v, e) < 0)
		return -1;
	/* What 389 DS says of deletions here is never true. */
	s->present |= !d.deletes && !f->opaque;
	return refresh_done(f, a, s, c_r, e);
}

static int
on_ids(struct dir_feed *f, struct arena *a, const struct sync_info *i, struct dir_change *c_r)
{
	const char **ids;

	if (i->n_ids == 0)
		return 0;
	ids = ARENA_ARRAY(a, i->n_ids, const char *);
	for (size_t k = 0; k < i->n_ids; k++)
		ids[k] = dir_feed_id(f, a, i->ids[k]);
	*c_r = (struct dir_change){.kind = i->deletes ? DIR_DELETE : DIR_PRESENT, .ids = ids, .n_ids = i->n_ids};
	return 1;
}

static int
on_info(struct dir_feed *f, struct arena *a, struct feed_search *s, LDAPMessage *msg, struct dir_change *c_r,
	struct err *e)
{
	DH_CLEANUP(str_free) char *oid = NULL;
	struct berval *data = NULL;
	struct sync_vector v = {0};
	struct sync_info i;
	int rc, told;

	if (ldap_parse_intermediate(f->c.ld, msg, &oid, &data, NULL, 0) != LDAP_SUCCESS)
		return protocol_error(f, "an intermediate message that cannot be decoded", e);
	rc = 0;
	if (oid && data && str_eq(oid, LDAP_SYNC_INFO))
		rc = dir_sync_info(a, strv_n(data->bv_val, data->bv_len), &i, e) ? -1 : 1;
	ber_bvfree(data);
	if (rc < 0)
		return protocol_error(f, "sync information", e);
	if (rc == 0)
		return 0;
	told = take_cookie(f, s, i.cookie, &v, e);
	if (told < 0)
		return -1;
	if (i.kind == SYNC_ID_SET)
		return on_ids(f, a, &i, c_r);
	if (i.kind == SYNC_REFRESH_DELETE || i.kind == SYNC_REFRESH_PRESENT)
		return on_phase(f, a, s, &i, c_r, e);
	if (f->refreshing || !told)
		return 0;
	*c_r = (struct dir_change){.kind = DIR_COOKIE, .cookie = dir_feed_resume_point(f, a)};
	return 1;
}

int
dir_feed_data_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	struct feed_search *s = search_of(f, msg);

	if (s == NULL)
		return 0; /* of a search that was given up */
	s->told |= ldap_msgtype(msg) != LDAP_RES_SEARCH_RESULT;
	switch (ldap_msgtype(msg)) {
	case LDAP_RES_SEARCH_ENTRY:
		return on_entry(f, a, s, msg, c_r, e);
	case LDAP_RES_INTERMEDIATE:
		return on_info(f, a, s, msg, c_r, e);
	case LDAP_RES_SEARCH_RESULT:
		return f->look.on ? on_result(f, a, s, msg, c_r, e) : dir_feed_ended(f, s, msg, e);
	default: /* continuation references are never followed */
		return 0;
	}
}
