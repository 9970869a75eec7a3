/* SPDX-License-Identifier: Apache-2.0
 * Sync cookies of OpenLDAP: parsed strictly, merged by server, written in one form. */
#include "dir/cookie.h"

#include "dirhinge/base/buf.h"

const struct sync_mark *
dir_cookie_find(const struct sync_vector *v, unsigned sid)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->marks[i].csn.sid == sid)
			return &v->marks[i];
	return NULL;
}

bool
dir_cookie_covers(const struct sync_vector *v, const struct csn *csn)
{
	const struct sync_mark *m = dir_cookie_find(v, csn->sid);

	return m && dir_csn_order(csn, &m->csn) <= 0;
}

static bool
put(struct sync_vector *v, const struct sync_mark *mark)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->marks[i].csn.sid != mark->csn.sid)
			continue;
		if (dir_csn_order(&v->marks[i].csn, &mark->csn) < 0)
			v->marks[i] = *mark;
		return true;
	}
	if (v->n == COOKIE_SIDS)
		return false;
	v->marks[v->n++] = *mark;
	return true;
}

bool
dir_cookie_merge(struct sync_vector *v, const struct sync_vector *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!put(v, &more->marks[i]))
			return false;
	return true;
}

void
dir_cookie_meet(struct sync_vector *v, const struct sync_vector *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct sync_mark *o = dir_cookie_find(other, v->marks[i].csn.sid);

		if (o)
			v->marks[kept++] = dir_csn_order(&o->csn, &v->marks[i].csn) < 0 ? *o : v->marks[i];
	}
	v->n = kept;
}

/* Cuts off and returns what stands before the next sep. */
static struct strv
cut(struct strv *rest, char sep)
{
	size_t n = strv_chr(*rest, sep);
	struct strv head = strv_n(rest->p, n);

	n += n < rest->n;
	*rest = strv_n(rest->p + n, rest->n - n);
	return head;
}

static bool
digits(struct strv s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
		      (s.p[i] >= 'A' && s.p[i] <= 'F')))
			return false;
	return s.n > 0 && s.n <= max;
}

static bool
csn_list(struct sync_vector *v, struct strv list)
{
	while (list.n) {
		struct strv text = cut(&list, ';');
		struct sync_mark mark = {0};

		if (text.n >= sizeof(mark.text) || !dir_csn_parse(text, &mark.csn))
			return false;
		memcpy(mark.text, text.p, text.n);
		if (!put(v, &mark))
			return false;
	}
	return true;
}

static bool
field(struct sync_vector *v, struct strv name, struct strv value)
{
	struct csn csn;

	if (strv_eq(name, STRV("rid")) || strv_eq(name, STRV("sid")))
		return digits(value, 3);
	if (strv_eq(name, STRV("csn")))
		return csn_list(v, value);
	/* Names a delete in the middle of a refresh; not a resume point. */
	return strv_eq(name, STRV("delcsn")) && dir_csn_parse(value, &csn);
}

bool
dir_cookie_parse(struct strv text, struct sync_vector *v_r)
{
	struct sync_vector v = {0};

	if (text.n == 0 || text.n > COOKIE_BYTES)
		return false;
	while (text.n) {
		struct strv value = cut(&text, ',');
		struct strv name;

		if (strv_chr(value, '=') == value.n)
			return false;
		name = cut(&value, '=');
		if (!field(&v, name, value))
			return false;
	}
	*v_r = v;
	return true;
}

struct strv
dir_cookie_text(struct arena *a, const struct sync_vector *v)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(COOKIE_BYTES);

	if (v->n == 0)
		return strv_n(NULL, 0);
	buf_adds(&out, "rid=000,csn=");
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			buf_addc(&out, ';');
		buf_adds(&out, v->marks[i].text);
	}
	must(!out.full);
	return strv_n(arena_strndup(a, out.p, out.n), out.n);
}
