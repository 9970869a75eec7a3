/* SPDX-License-Identifier: Apache-2.0
 * Changes of Active Directory by polling uSNChanged ([MS-ADTS] 3.1.1.1.9): every object carries the number of its last
 * change at this domain controller, and the rootDSE the highest one given. Each poll reads what lies above the number
 * told last: first what is no resource (any more), deleted or of another class, so that a name is free before somebody
 * else has it; then what are resources, as they are now.
 *
 * Deletions are seen as tombstones, which an account may only see if it was given the right to. Without it a deletion
 * shows when everything is read again, so that is what every new connection does then. */
#include "dir/feed_ad.h"

#include <inttypes.h>
#include <stdio.h>

#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/ms.h"
#include "dir/result.h"
#include "dirhinge/dir/dn.h"

#define COOKIE "usn"

/* --- resume points --- */

/* "usn INVOCATION NUMBER"; false if it is of another database, or none. */
static bool
resume(const struct feed_ad *ad, struct strv cookie, int64_t *usn_r)
{
	const size_t head = sizeof(COOKIE) + 36 + 1;
	char want[sizeof(COOKIE) + 38];

	snprintf(want, sizeof(want), COOKIE " %s ", ad->invocation);
	return cookie.n > head && strv_starts(cookie, strv_n(want, head)) &&
	       dir_usn_parse(strv_n(cookie.p + head, cookie.n - head), usn_r);
}

static struct strv
resume_point(const struct feed_ad *ad, struct arena *a)
{
	return strv_of(arena_printf(a, COOKIE " %s %" PRId64, ad->invocation, ad->usn));
}

/* --- scans --- */

static LDAPControl *
show_deleted(void)
{
	LDAPControl *control = NULL;

	ldap_control_create(AD_SHOW_DELETED, 1, NULL, 0, &control);
	return control;
}

/* Not critical: an order that the server does not give costs one more event, and nothing else. */
static LDAPControl *
by_number(struct dir_feed *f)
{
	char key[64];
	LDAPSortKey **keys = NULL;
	LDAPControl *control = NULL;

	snprintf(key, sizeof(key), "%s", f->d->caps->flavour->version_attr);
	if (ldap_create_sort_keylist(&keys, key) == LDAP_SUCCESS)
		ldap_create_sort_control(f->c.ld, keys, 0, &control);
	ldap_free_sort_keylist(keys);
	return control;
}

static const char *
scan_filter(struct dir_feed *f, struct arena *a)
{
	const struct feed_ad *ad = f->ad;

	if (f->full)
		return f->filter;
	/* The texts are made by dir_filter_text(), the number is one. */
	if (ad->phase == AD_LIVE)
		return arena_printf(a, "(&(uSNChanged>=%" PRId64 ")%s)", ad->usn + 1, f->filter); /* paste: ok */
	/* A tombstone keeps the class. */
	return arena_printf(a,
			    "(&(uSNChanged>=%" PRId64
			    ")(|(isDeleted=TRUE)(&(!%s)(!(objectClass=computer))" /* paste: ok */
			    "(|(objectClass=user)(objectClass=group)))))",
			    ad->usn + 1, f->filter); /* paste: ok */
}

#define CREATED "uSNCreated"

static const char *const *
changed_attrs(const struct dir_feed *f, struct arena *a)
{
	const char **attrs;
	size_t n = 0;

	while (f->moved[n])
		n++;
	attrs = ARENA_ARRAY(a, n + 2, const char *);
	memcpy(attrs, f->moved, n * sizeof(*attrs));
	attrs[n] = CREATED;
	return attrs;
}

/* Whatever groups a new entry is in will be told of, as they have changed later. */
static const struct dir_entry *
trimmed(const struct dir_feed *f, struct arena *a, const struct dir_entry *en)
{
	int64_t created;

	if (f->full)
		return en;
	if (dir_usn_parse(dir_entry_first(en, CREATED), &created) && created > f->ad->usn)
		en = dir_feed_ad_without(a, en, f->d->caps->flavour->member_of);
	return dir_feed_ad_without(a, en, CREATED);
}

int
dir_feed_poll_scan(struct dir_feed *f, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	DH_CLEANUP(control_free) LDAPControl *page = NULL;
	DH_CLEANUP(control_free) LDAPControl *extra = NULL;
	const struct dir_flavour *fl = f->d->caps->flavour;
	const char *const gone[] = {fl->id_attr, fl->version_attr, NULL};
	struct feed_ad *ad = f->ad;
	const char *const *attrs =
		ad->phase == AD_GONE ? gone : dir_range_attrs(a, fl, f->full ? f->attrs : changed_attrs(f, a));
	LDAPControl *controls[3] = {NULL};
	int rc;

	if (ldap_create_page_control(f->c.ld, AD_PAGE, &ad->page, 1, &page) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the paged results control cannot be made");
	controls[0] = page;
	/* In the order of the changes, so that a user stands before the group that got a new member. */
	if (ad->phase == AD_GONE ? (extra = show_deleted()) == NULL : !f->full && (extra = by_number(f)) == NULL)
		return err_set(e, ERR_INTERNAL, "a control of the poll cannot be made");
	controls[1] = extra;
	f->s[0] = (struct feed_search){.base = ad->context, .msgid = -1};
	rc = ldap_search_ext(f->c.ld, ad->context, LDAP_SCOPE_SUBTREE, scan_filter(f, a), (char **)(uintptr_t)attrs, 0,
			     controls, NULL, NULL, 0, &f->s[0].msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(&f->c, rc, e));
	f->n_searches = 1;
	return 0;
}

int
dir_feed_poll_start(struct dir_feed *f, struct strv cookie, int64_t now, struct err *e)
{
	struct feed_ad *ad = f->ad;
	int64_t usn = 0;

	f->full = f->force_full || !ad->sees_deleted || !resume(ad, cookie, &usn);
	if (!f->full && usn > now)
		return dir_feed_ad_behind(f, now, usn, e);
	ad->usn = usn;
	ad->next = now;
	ad->phase = f->full ? AD_LIVE : AD_GONE;
	return dir_feed_poll_scan(f, e);
}

/* --- entries --- */

static int
keep_whole(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 0;
}

static bool
in_pieces(const struct dir_entry *en)
{
	struct dir_range range;

	for (size_t i = 0; i < en->n_attrs; i++)
		if (dir_range_parse(en->attrs[i].name, &range) != 0 && !(range.last && range.low == 0))
			return true;
	return false;
}

/* Long lists are read beside this connection, which has other answers on it. 1 whole, 0 gone by now, -1 failed. */
static int
complete(struct dir_feed *f, struct arena *a, const char *id, struct dir_entry *en, const struct dir_entry **en_r,
	 struct err *e)
{
	deadline_t until = deadline_in(f->d->timeout_ms);

	*en_r = NULL;
	if (in_pieces(en)) {
		if (dir_feed_fetch(f, a, &id, 1, until, keep_whole, en_r, e))
			return -1;
		return *en_r != NULL;
	}
	if (dir_range_complete(a, &f->c, f->d->caps->flavour, en, until, e))
		return -1;
	*en_r = en;
	return 1;
}

static int
on_entry(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	const struct dir_flavour *fl = f->d->caps->flavour;
	struct dir_change c = {0};
	const char **ids = ARENA_ARRAY(a, 1, const char *);
	struct dir_entry *en;

	if (dir_decode_open_entry(a, fl, f->c.ld, msg, &en, e))
		return -1;
	ids[0] = dir_entry_first(en, fl->id_attr).p;
	if (ids[0] == NULL)
		return dir_feed_ad_no_id(f, en, e);
	c.ids = ids;
	c.n_ids = 1;
	c.csn = dir_entry_first(en, fl->version_attr).p;
	c.kind = f->ad->phase == AD_LIVE && dir_feed_in_bases(f, en->dn) ? DIR_ENTRY : DIR_DELETE;
	/* Somebody else's, or moved away: nothing to tell of while everything is read. */
	if (c.kind == DIR_DELETE && f->full)
		return 0;
	if (c.kind == DIR_ENTRY) {
		int rc = complete(f, a, ids[0], en, &c.entry, e);

		if (rc <= 0)
			return rc;
		c.entry = trimmed(f, a, c.entry);
		c.dn = c.entry->dn;
	}
	*c_r = c;
	return 1;
}

/* The scan is complete. 1 *c_r says so, 0 nothing to tell. */
static int
scan_done(struct dir_feed *f, struct arena *a, struct dir_change *c_r)
{
	struct feed_ad *ad = f->ad;
	bool moved = ad->next > ad->usn;

	dir_feed_ad_rest(f);
	if (f->refreshing) {
		*c_r = (struct dir_change){
			.kind = DIR_END, .full = f->full, .deletes_told = !f->full, .cookie = resume_point(ad, a)};
		f->refreshing = f->full = false;
	} else if (moved) {
		*c_r = (struct dir_change){.kind = DIR_COOKIE, .cookie = resume_point(ad, a)};
	} else {
		return 0;
	}
	return 1;
}

/* A page has ended: the next page, the next part of the scan, or its end. */
static int
on_result(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **controls = NULL;
	struct feed_ad *ad = f->ad;
	int code = LDAP_OTHER;
	int rc = ldap_parse_result(f->c.ld, msg, &code, NULL, NULL, NULL, &controls, 0);
	LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	if (rc != LDAP_SUCCESS || code != LDAP_SUCCESS)
		return err_failed(dir_feed_ended(f, &f->s[0], msg, e));
	ber_memfree(ad->page.bv_val);
	ad->page = (struct berval){0, NULL};
	if (page && ldap_parse_pageresponse_control(f->c.ld, page, &estimate, &ad->page) != LDAP_SUCCESS) {
		err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "the directory's paged results control cannot be decoded");
	}
	if (ad->page.bv_len == 0 && ad->phase == AD_GONE)
		ad->phase = AD_LIVE;
	else if (ad->page.bv_len == 0)
		return ad->by_dirsync ? dir_feed_dirsync_pass(f, e) : scan_done(f, a, c_r);
	return dir_feed_poll_scan(f, e) ? -1 : 0;
}

int
dir_feed_poll_message(struct dir_feed *f, struct arena *a, LDAPMessage *msg, struct dir_change *c_r, struct err *e)
{
	if (ldap_msgtype(msg) == LDAP_RES_SEARCH_ENTRY)
		return on_entry(f, a, msg, c_r, e);
	return ldap_msgtype(msg) == LDAP_RES_SEARCH_RESULT ? on_result(f, a, msg, c_r, e) : 0;
}
