/* SPDX-License-Identifier: Apache-2.0
 * Change sequence numbers: time, count, server and modification number, each of fixed width. */
#include "dir/csn.h"

#include "dirhinge/base/codec.h"
#include "dirhinge/dir/feed.h"

/* n hex digits followed by end; moves *p behind it. */
static bool
hex_field(const char **p, size_t n, char end, unsigned *v_r)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++) {
		int d = hex_value((*p)[i]);

		if (d < 0)
			return false;
		v = v << 4 | (unsigned)d;
	}
	if ((*p)[n] != end)
		return false;
	*p += n + 1;
	*v_r = v;
	return true;
}

bool
dir_csn_parse(struct strv text, struct csn *c_r)
{
	size_t time_n = strv_chr(text, '#');
	char rest[32];
	const char *p = rest;
	struct csn c;

	/* 2.2 and older wrote a server id of two digits. */
	if (time_n < 15 || text.n - time_n < 17 || text.n - time_n >= sizeof(rest) || text.p[time_n - 1] != 'Z')
		return false;
	if (time_from_generalized(strv_n(text.p, time_n), &c.us, NULL))
		return false;
	memcpy(rest, text.p + time_n + 1, text.n - time_n - 1);
	rest[text.n - time_n - 1] = '\0';
	if (strlen(rest) != text.n - time_n - 1 || !hex_field(&p, 6, '#', &c.count))
		return false;
	if (!hex_field(&p, strlen(p) == 9 ? 2 : 3, '#', &c.sid) || !hex_field(&p, 6, '\0', &c.mod))
		return false;
	*c_r = c;
	return true;
}

int
dir_csn_order(const struct csn *a, const struct csn *b)
{
	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return a->mod == b->mod ? 0 : a->mod < b->mod ? -1 : 1;
}

int
dir_csn_compare(const char *a, const char *b, bool *same_sid_r)
{
	struct csn x, y;
	bool parsed = dir_csn_parse(strv_of(a), &x) && dir_csn_parse(strv_of(b), &y);

	*same_sid_r = parsed && x.sid == y.sid;
	if (!parsed)
		return strv_cmp(strv_of(a), strv_of(b));
	if (*same_sid_r)
		return dir_csn_order(&x, &y);
	return x.us == y.us ? 0 : x.us < y.us ? -1 : 1;
}

int64_t
dir_csn_us(const char *csn)
{
	struct csn c;

	return csn && dir_csn_parse(strv_of(csn), &c) ? c.us : -1;
}
