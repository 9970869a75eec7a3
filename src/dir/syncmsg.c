/* SPDX-License-Identifier: Apache-2.0
 * RFC 4533 over liblber. libldap has decoders of its own, but they keep one cookie, block, and lose messages
 * (directories.md 2.1). */
#include "dir/syncmsg.h"

#include <ldap.h>

#include "dir/ber.h"
#include "dir/cleanup.h"
#include "dir/cookie.h"

enum { TAG_NEW_COOKIE = 0x80, TAG_REFRESH_DELETE = 0xa1, TAG_REFRESH_PRESENT = 0xa2, TAG_ID_SET = 0xa3 };

static int
read_octets(struct ber_reader *r, struct berval *bv_r, struct err *e)
{
	return dir_ber_bytes(r, LBER_OCTETSTRING, "no octet string", bv_r, e);
}

static int
keep_cookie(struct ber_reader *r, struct berval bv, struct strv *cookie_r, struct err *e)
{
	if (bv.bv_len > COOKIE_BYTES)
		return dir_ber_garbled(r, "cookie too long", e);
	*cookie_r = strv_n(arena_strndup(r->a, bv.bv_len ? bv.bv_val : "", bv.bv_len), bv.bv_len);
	return 0;
}

static int
optional_cookie(struct ber_reader *r, struct strv *cookie_r, struct err *e)
{
	struct berval bv;

	if (dir_ber_peek(r) != LBER_OCTETSTRING)
		return 0;
	return read_octets(r, &bv, e) ? -1 : keep_cookie(r, bv, cookie_r, e);
}

static int
optional_bool(struct ber_reader *r, bool *b_r, struct err *e)
{
	ber_int_t b = 0;

	if (dir_ber_peek(r) != LBER_BOOLEAN)
		return 0;
	if (ber_get_boolean(r->ber, &b) != LBER_BOOLEAN)
		return dir_ber_garbled(r, "no boolean", e);
	*b_r = b != 0; /* liber gives -1 for 0xff */
	return 0;
}

int
dir_sync_entry(struct arena *a, struct strv value, struct sync_entry *s_r, struct err *e)
{
	DH_CLEANUP(dir_ber_end) struct ber_reader r;
	struct sync_entry s = {0};
	struct berval id;
	ber_int_t state;

	if (dir_ber_begin(&r, a, "sync message", value, e) || dir_ber_enter(&r, LBER_SEQUENCE, e))
		return -1;
	if (dir_ber_peek(&r) != LBER_ENUMERATED || ber_get_enum(r.ber, &state) != LBER_ENUMERATED ||
	    state < SYNC_PRESENT || state > SYNC_DELETE)
		return dir_ber_garbled(&r, "unknown state", e);
	s.state = (enum sync_state)state;
	if (read_octets(&r, &id, e))
		return -1;
	if (id.bv_len != SYNC_ID_BYTES)
		return dir_ber_garbled(&r, "an id that does not have 16 bytes", e);
	memcpy(s.id, id.bv_val, SYNC_ID_BYTES);
	if (optional_cookie(&r, &s.cookie, e) || dir_ber_at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

int
dir_sync_done(struct arena *a, struct strv value, struct sync_done *s_r, struct err *e)
{
	DH_CLEANUP(dir_ber_end) struct ber_reader r;
	struct sync_done s = {0};

	if (dir_ber_begin(&r, a, "sync message", value, e) || dir_ber_enter(&r, LBER_SEQUENCE, e) ||
	    optional_cookie(&r, &s.cookie, e) || optional_bool(&r, &s.deletes, e) || dir_ber_at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

static int
read_ids(struct ber_reader *r, struct sync_info *s, struct err *e)
{
	unsigned char(*ids)[SYNC_ID_BYTES];
	struct berval id;
	size_t max;

	if (dir_ber_enter(r, LBER_SET, e))
		return -1;
	max = dir_ber_left(r) / (SYNC_ID_BYTES + 2);
	if (max > SYNC_IDS_MAX)
		return dir_ber_garbled(r, "too many ids", e);
	ids = arena_array(r->a, max ? max : 1, sizeof(*ids));
	while (dir_ber_left(r)) {
		if (read_octets(r, &id, e))
			return -1;
		if (id.bv_len != SYNC_ID_BYTES || s->n_ids == max)
			return dir_ber_garbled(r, "an id that does not have 16 bytes", e);
		memcpy(ids[s->n_ids++], id.bv_val, SYNC_ID_BYTES);
	}
	s->ids = (const unsigned char(*)[SYNC_ID_BYTES])ids;
	return 0;
}

static int
read_new_cookie(struct ber_reader *r, struct sync_info *s, struct err *e)
{
	struct berval bv;

	if (ber_scanf(r->ber, "m", &bv) == LBER_ERROR)
		return dir_ber_garbled(r, "no cookie", e);
	return keep_cookie(r, bv, &s->cookie, e);
}

static int
read_phase(struct ber_reader *r, ber_tag_t tag, struct sync_info *s, struct err *e)
{
	s->done = true; /* DEFAULT TRUE */
	return dir_ber_enter(r, tag, e) || optional_cookie(r, &s->cookie, e) || optional_bool(r, &s->done, e) ? -1 : 0;
}

static int
read_id_set(struct ber_reader *r, struct sync_info *s, struct err *e)
{
	return dir_ber_enter(r, TAG_ID_SET, e) || optional_cookie(r, &s->cookie, e) ||
			       optional_bool(r, &s->deletes, e) || read_ids(r, s, e)
		       ? -1
		       : 0;
}

int
dir_sync_info(struct arena *a, struct strv value, struct sync_info *s_r, struct err *e)
{
	DH_CLEANUP(dir_ber_end) struct ber_reader r;
	struct sync_info s = {0};
	ber_tag_t tag;
	int rc;

	if (dir_ber_begin(&r, a, "sync message", value, e))
		return -1;
	tag = dir_ber_peek(&r);
	if (tag == TAG_NEW_COOKIE) {
		s.kind = SYNC_NEW_COOKIE;
		rc = read_new_cookie(&r, &s, e);
	} else if (tag == TAG_REFRESH_DELETE || tag == TAG_REFRESH_PRESENT) {
		s.kind = tag == TAG_REFRESH_DELETE ? SYNC_REFRESH_DELETE : SYNC_REFRESH_PRESENT;
		rc = read_phase(&r, tag, &s, e);
	} else if (tag == TAG_ID_SET) {
		s.kind = SYNC_ID_SET;
		rc = read_id_set(&r, &s, e);
	} else {
		return dir_ber_garbled(&r, "unknown kind of information", e);
	}
	if (rc || dir_ber_at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

int
dir_sync_request(struct arena *a, struct strv cookie, bool persist, struct strv *value_r, struct err *e)
{
	DH_CLEANUP(ber_done) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval out = {0, NULL};
	struct berval in = dir_ber_view(cookie);
	const ber_int_t mode = persist ? LDAP_SYNC_REFRESH_AND_PERSIST : LDAP_SYNC_REFRESH_ONLY, reload_hint = 1;
	int rc = -1;

	if (ber && cookie.p)
		rc = ber_printf(ber, "{eOb}", mode, &in, reload_hint);
	else if (ber)
		rc = ber_printf(ber, "{eb}", mode, reload_hint);
	if (rc == -1 || ber_flatten2(ber, &out, 0) == -1)
		return err_set(e, ERR_INTERNAL, "the sync request control cannot be made");
	*value_r = strv_n(arena_strndup(a, out.bv_val, out.bv_len), out.bv_len);
	return 0;
}
