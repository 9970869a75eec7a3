/* SPDX-License-Identifier: Apache-2.0
 * DirSync over liblber. A resume point is a line of text with the server's cookie, which may hold any byte, behind it.
 */
#include "dir/dirsync.h"

#include <inttypes.h>
#include <ldap.h>

#include "dir/ber.h"
#include "dir/cleanup.h"
#include "dir/ms.h"
#include "dirhinge/base/codec.h"

#define MARK "dirsync "

/* Of one answer. A domain controller has a limit of its own, and always sends one entry at least. */
enum { ANSWER_BYTES = 1 << 20, MARK_FLAGS = 8, INTEGER_MAX = 8 };

int
dir_dirsync_request(struct arena *a, uint32_t flags, struct strv cookie, struct strv *value_r, struct err *e)
{
	DH_CLEANUP(ber_done) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval out = {0, NULL};
	struct berval in = dir_ber_view(cookie);

	/* The flags are 32 bits; the highest makes the INTEGER a negative one. */
	if (!ber || ber_printf(ber, "{iiO}", (ber_int_t)flags, (ber_int_t)ANSWER_BYTES, &in) == -1 ||
	    ber_flatten2(ber, &out, 0) == -1)
		return err_set(e, ERR_INTERNAL, "the DirSync control cannot be made");
	*value_r = strv_n(arena_strndup(a, out.bv_val, out.bv_len), out.bv_len);
	return 0;
}

static int
read_integer(struct ber_reader *r, bool *nonzero_r, struct err *e)
{
	struct berval bv;

	if (dir_ber_bytes(r, LBER_INTEGER, "no integer", &bv, e))
		return -1;
	if (bv.bv_len == 0 || bv.bv_len > INTEGER_MAX)
		return dir_ber_garbled(r, "an integer of no sensible length", e);
	*nonzero_r = false;
	for (size_t i = 0; i < bv.bv_len; i++)
		*nonzero_r |= bv.bv_val[i] != 0;
	return 0;
}

int
dir_dirsync_done(struct arena *a, struct strv value, struct dirsync_done *d_r, struct err *e)
{
	DH_CLEANUP(dir_ber_end) struct ber_reader r;
	struct berval cookie;
	bool more, unused;

	if (dir_ber_begin(&r, a, "DirSync control", value, e) || dir_ber_enter(&r, LBER_SEQUENCE, e) ||
	    read_integer(&r, &more, e) || read_integer(&r, &unused, e) ||
	    dir_ber_bytes(&r, LBER_OCTETSTRING, "no cookie", &cookie, e))
		return -1;
	/* Without one there would be no way back to here. */
	if (cookie.bv_len == 0 || cookie.bv_len > DIRSYNC_COOKIE_MAX)
		return dir_ber_garbled(&r, "a cookie of no sensible length", e);
	if (dir_ber_at_end(&r, e))
		return -1;
	*d_r = (struct dirsync_done){.more = more,
				     .cookie = strv_n(arena_memdup(a, cookie.bv_val, cookie.bv_len), cookie.bv_len)};
	return 0;
}

enum dirsync_links
dir_dirsync_links(const char *description, const char *attr)
{
	struct strv d = strv_of(description);
	size_t n = strv_chr(d, ';');
	struct strv options = strv_n(d.p + n, d.n - n);

	if (!strv_caseeq(strv_n(d.p, n), strv_of(attr)))
		return DIRSYNC_OTHER;
	if (strv_caseeq(options, STRV(";range=1-1")))
		return DIRSYNC_CAME;
	if (strv_caseeq(options, STRV(";range=0-0")))
		return DIRSYNC_WENT;
	/* Whatever else is said of it, the list is read from the entry. */
	return DIRSYNC_ALL;
}

/* --- resume points --- */

struct strv
dir_dirsync_mark_text(struct arena *a, const struct dirsync_mark *m)
{
	const char *head = arena_printf(a, MARK "%s %08" PRIx32 " %" PRId64 "\n", m->invocation, m->flags, m->usn);
	size_t n = strlen(head);
	char *all = ARENA_ARRAY(a, n + m->cookie.n, char);

	memcpy(all, head, n);
	memcpy(all + n, m->cookie.p, m->cookie.n);
	return strv_n(all, n + m->cookie.n);
}

static struct strv
word(struct strv *rest)
{
	size_t n = strv_chr(*rest, ' ');
	struct strv w = strv_n(rest->p, n);

	n += n < rest->n;
	*rest = strv_n(rest->p + n, rest->n - n);
	return w;
}

static bool
hex32(struct strv s, uint32_t *n_r)
{
	uint32_t n = 0;

	if (s.n != MARK_FLAGS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*n_r = n;
	return true;
}

bool
dir_dirsync_mark_parse(struct strv text, struct dirsync_mark *m_r)
{
	struct dirsync_mark m = {0};
	size_t end = strv_chr(text, '\n');
	struct strv line = strv_n(text.p, end), invocation;

	if (end == text.n || !strv_starts(line, STRV(MARK)))
		return false;
	line = strv_n(line.p + sizeof(MARK) - 1, line.n - (sizeof(MARK) - 1));
	invocation = word(&line);
	if (!uuid_valid(invocation) || !hex32(word(&line), &m.flags) || !dir_usn_parse(line, &m.usn))
		return false;
	memcpy(m.invocation, invocation.p, invocation.n);
	m.cookie = strv_n(text.p + end + 1, text.n - end - 1);
	if (m.cookie.n == 0 || m.cookie.n > DIRSYNC_COOKIE_MAX)
		return false;
	*m_r = m;
	return true;
}
