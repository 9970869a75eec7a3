/* SPDX-License-Identifier: Apache-2.0
 * RFC 4533 over liblber. libldap has decoders of its own, but they keep one cookie, block, and lose messages
 * (directories.md 2.1). Every element's tag and length is checked before it is read: liber itself takes any tag for a
 * string and does not stop at the end of a sequence. */
#include "dir/syncmsg.h"

#include <ldap.h>

#include "dir/cleanup.h"
#include "dir/cookie.h"

enum { TAG_NEW_COOKIE = 0x80, TAG_REFRESH_DELETE = 0xa1, TAG_REFRESH_PRESENT = 0xa2, TAG_ID_SET = 0xa3 };

struct reader {
	struct arena *a;
	BerElement *ber;
	size_t size;
};

static size_t
left(const struct reader *r)
{
	ber_len_t n = 0;

	ber_get_option(r->ber, LBER_OPT_BER_REMAINING_BYTES, &n);
	return n;
}

static int
garbled(struct reader *r, const char *what, struct err *e)
{
	return err_at(e, r->size - left(r), ERR_PARSE, "sync message: %s", what);
}

static struct berval
view(struct strv v)
{
	return (struct berval){v.n, (char *)(uintptr_t)(v.n ? v.p : "")};
}

/* The tag of the next element; LBER_DEFAULT at the end or if its length goes beyond the end. */
static ber_tag_t
peek(struct reader *r)
{
	ber_len_t len = 0;
	ber_tag_t tag = left(r) ? ber_peek_tag(r->ber, &len) : LBER_DEFAULT;

	return tag != LBER_DEFAULT && len <= left(r) ? tag : LBER_DEFAULT;
}

/* Steps into a constructed element that fills the rest. */
static int
enter(struct reader *r, ber_tag_t want, struct err *e)
{
	ber_len_t len;

	if (peek(r) != want || ber_skip_tag(r->ber, &len) != want || len != left(r))
		return garbled(r, "not the sequence it should be", e);
	return 0;
}

static int
read_octets(struct reader *r, struct berval *bv_r, struct err *e)
{
	if (peek(r) != LBER_OCTETSTRING || ber_scanf(r->ber, "m", bv_r) == LBER_ERROR)
		return garbled(r, "no octet string", e);
	return 0;
}

static int
keep_cookie(struct reader *r, struct berval bv, struct strv *cookie_r, struct err *e)
{
	if (bv.bv_len > COOKIE_BYTES)
		return garbled(r, "cookie too long", e);
	*cookie_r = strv_n(arena_strndup(r->a, bv.bv_len ? bv.bv_val : "", bv.bv_len), bv.bv_len);
	return 0;
}

static int
optional_cookie(struct reader *r, struct strv *cookie_r, struct err *e)
{
	struct berval bv;

	if (peek(r) != LBER_OCTETSTRING)
		return 0;
	return read_octets(r, &bv, e) ? -1 : keep_cookie(r, bv, cookie_r, e);
}

static int
optional_bool(struct reader *r, bool *b_r, struct err *e)
{
	ber_int_t b = 0;

	if (peek(r) != LBER_BOOLEAN)
		return 0;
	if (ber_get_boolean(r->ber, &b) != LBER_BOOLEAN)
		return garbled(r, "no boolean", e);
	*b_r = b != 0; /* liber gives -1 for 0xff */
	return 0;
}

static int
at_end(struct reader *r, struct err *e)
{
	return left(r) ? garbled(r, "more than there should be", e) : 0;
}

static int
begin(struct reader *r, struct arena *a, struct strv value, struct err *e)
{
	struct berval bv = view(value);

	*r = (struct reader){.a = a, .ber = ber_init(&bv), .size = value.n};
	return r->ber ? 0 : err_set(e, ERR_PARSE, "sync message: empty");
}

static void
end(struct reader *r)
{
	ber_done(&r->ber);
}

int
dir_sync_entry(struct arena *a, struct strv value, struct sync_entry *s_r, struct err *e)
{
	DH_CLEANUP(end) struct reader r;
	struct sync_entry s = {0};
	struct berval id;
	ber_int_t state;

	if (begin(&r, a, value, e) || enter(&r, LBER_SEQUENCE, e))
		return -1;
	if (peek(&r) != LBER_ENUMERATED || ber_get_enum(r.ber, &state) != LBER_ENUMERATED || state < SYNC_PRESENT ||
	    state > SYNC_DELETE)
		return garbled(&r, "unknown state", e);
	s.state = (enum sync_state)state;
	if (read_octets(&r, &id, e))
		return -1;
	if (id.bv_len != SYNC_ID_BYTES)
		return garbled(&r, "an id that does not have 16 bytes", e);
	memcpy(s.id, id.bv_val, SYNC_ID_BYTES);
	if (optional_cookie(&r, &s.cookie, e) || at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

int
dir_sync_done(struct arena *a, struct strv value, struct sync_done *s_r, struct err *e)
{
	DH_CLEANUP(end) struct reader r;
	struct sync_done s = {0};

	if (begin(&r, a, value, e) || enter(&r, LBER_SEQUENCE, e) || optional_cookie(&r, &s.cookie, e) ||
	    optional_bool(&r, &s.deletes, e) || at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

static int
read_ids(struct reader *r, struct sync_info *s, struct err *e)
{
	unsigned char(*ids)[SYNC_ID_BYTES];
	struct berval id;
	size_t max;

	if (enter(r, LBER_SET, e))
		return -1;
	max = left(r) / (SYNC_ID_BYTES + 2);
	if (max > SYNC_IDS_MAX)
		return garbled(r, "too many ids", e);
	ids = arena_array(r->a, max ? max : 1, sizeof(*ids));
	while (left(r)) {
		if (read_octets(r, &id, e))
			return -1;
		if (id.bv_len != SYNC_ID_BYTES || s->n_ids == max)
			return garbled(r, "an id that does not have 16 bytes", e);
		memcpy(ids[s->n_ids++], id.bv_val, SYNC_ID_BYTES);
	}
	s->ids = (const unsigned char(*)[SYNC_ID_BYTES])ids;
	return 0;
}

static int
read_new_cookie(struct reader *r, struct sync_info *s, struct err *e)
{
	struct berval bv;

	if (ber_scanf(r->ber, "m", &bv) == LBER_ERROR)
		return garbled(r, "no cookie", e);
	return keep_cookie(r, bv, &s->cookie, e);
}

static int
read_phase(struct reader *r, ber_tag_t tag, struct sync_info *s, struct err *e)
{
	s->done = true; /* DEFAULT TRUE */
	return enter(r, tag, e) || optional_cookie(r, &s->cookie, e) || optional_bool(r, &s->done, e) ? -1 : 0;
}

static int
read_id_set(struct reader *r, struct sync_info *s, struct err *e)
{
	return enter(r, TAG_ID_SET, e) || optional_cookie(r, &s->cookie, e) || optional_bool(r, &s->deletes, e) ||
			       read_ids(r, s, e)
		       ? -1
		       : 0;
}

int
dir_sync_info(struct arena *a, struct strv value, struct sync_info *s_r, struct err *e)
{
	DH_CLEANUP(end) struct reader r;
	struct sync_info s = {0};
	ber_tag_t tag;
	int rc;

	if (begin(&r, a, value, e))
		return -1;
	tag = peek(&r);
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
		return garbled(&r, "unknown kind of information", e);
	}
	if (rc || at_end(&r, e))
		return -1;
	*s_r = s;
	return 0;
}

int
dir_sync_request(struct arena *a, struct strv cookie, bool persist, struct strv *value_r, struct err *e)
{
	DH_CLEANUP(ber_done) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval out = {0, NULL};
	struct berval in = view(cookie);
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
