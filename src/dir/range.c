/* SPDX-License-Identifier: Apache-2.0
 * Ranged retrieval ([MS-ADTS] 3.1.1.3.1.3.3): a domain controller gives at most 1,500 values of an attribute at once. A
 * list that ends early would throw people out of groups, so it is read to its end, from one state of the entry, or not
 * at all. */
#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/ms.h"
#include "dir/result.h"

#define MARK  ";range="
/* Reading begins anew when the entry changed between two pieces. */
#define TRIES 5

static bool
number(struct strv s, unsigned *n_r)
{
	unsigned n = 0;

	if (s.n == 0 || s.n > 9)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s.p[i] - '0');
	}
	*n_r = n;
	return true;
}

int
dir_range_parse(const char *description, struct dir_range *range_r)
{
	const struct strv mark = STRV(MARK);
	struct strv all = strv_of(description);
	struct dir_range r = {0};

	for (size_t at = 0; at + mark.n <= all.n; at++) {
		if (!strv_casestarts(strv_n(all.p + at, all.n - at), mark))
			continue;

		struct strv low = strv_n(all.p + at + mark.n, all.n - at - mark.n);
		size_t dash = strv_chr(low, '-');

		if (dash == low.n)
			return -1;

		struct strv high = strv_n(low.p + dash + 1, low.n - dash - 1);

		low.n = dash;
		r.attr = strv_n(all.p, at);
		r.last = strv_eq(high, STRV("*"));
		if (at == 0 || !number(low, &r.low) || (!r.last && (!number(high, &r.high) || r.high < r.low)))
			return -1;
		*range_r = r;
		return 1;
	}
	return 0;
}

const char *const *
dir_range_attrs(struct arena *a, const struct dir_flavour *fl, const char *const *attrs)
{
	size_t n = 0;
	bool asks = false;

	for (; attrs && attrs[n]; n++)
		asks |= fl->ranged && str_caseeq(attrs[n], fl->ranged);
	if (!asks)
		return attrs;

	const char **copy = ARENA_ARRAY(a, n + 2, const char *);

	for (size_t i = 0; i < n; i++)
		copy[i] = str_caseeq(attrs[i], fl->ranged)
				  ? arena_printf(a, "%s" MARK "0-%d", fl->ranged, fl->range_step - 1)
				  : attrs[i];
	copy[n] = fl->version_attr;
	return copy;
}

struct list {
	struct arena *a;
	struct conn *c;
	const struct dir_flavour *fl;
	const char *dn, *attr;
	deadline_t until;
	struct strv version; /* of the first piece; p NULL = unknown yet */
	struct strv *values;
	size_t n, cap;
};

static int
incomplete(const struct list *l, const char *why, struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, "the directory did not give a list to its end");
	return err_cause(e, "\"%s\": %s after %zu values of %s", l->dn, why, l->n, l->attr);
}

static void
take(struct list *l, const struct dir_attr *at)
{
	if (l->n + at->n > l->cap) {
		struct strv *grown;

		l->cap = 2 * (l->n + at->n);
		grown = ARENA_ARRAY(l->a, l->cap, struct strv);
		if (l->n)
			memcpy(grown, l->values, l->n * sizeof *grown);
		l->values = grown;
	}
	if (at->n)
		memcpy(l->values + l->n, at->values, at->n * sizeof *at->values);
	l->n += at->n;
}

static const struct dir_attr *
find_piece(const struct list *l, const struct dir_entry *en, struct dir_range *range_r)
{
	for (size_t i = 0; i < en->n_attrs; i++)
		if (dir_range_parse(en->attrs[i].name, range_r) == 1 && strv_caseeq(range_r->attr, strv_of(l->attr)))
			return &en->attrs[i];
	return NULL;
}

static int
read_piece(struct list *l, const struct dir_entry **en_r, struct err *e)
{
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	DH_CLEANUP(str_free) char *text = NULL;
	char *attrs[] = {
		arena_printf(l->a, "%s" MARK "%zu-%zu", l->attr, l->n, l->n + (size_t)l->fl->range_step - 1),
		unconst(l->fl->version_attr),
		NULL,
	};
	LDAPMessage *msg;
	int result = LDAP_OTHER;
	int msgid;
	int rc = ldap_search_ext(l->c->ld, l->dn, LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, NULL, NULL, NULL, 1,
				 &msgid);

	if (rc != LDAP_SUCCESS)
		return dir_conn_send_failed(l->c, rc, e);
	if (dir_conn_wait(l->c, msgid, true, l->until, &res, e))
		return -1;
	rc = ldap_parse_result(l->c->ld, res, &result, NULL, &text, NULL, NULL, 0);
	if (rc != LDAP_SUCCESS || result != LDAP_SUCCESS) {
		const struct result why = {OP_SEARCH, l->dn, rc != LDAP_SUCCESS ? rc : result, text, NULL};

		return dir_result_err(l->fl, &why, e);
	}
	msg = ldap_first_entry(l->c->ld, res);
	if (msg == NULL)
		return incomplete(l, "no entry", e);
	return dir_decode_entry(l->a, l->fl, l->c->ld, msg, en_r, e);
}

/* 1 complete, 0 the entry changed meanwhile, -1 failed. */
static int
read_rest(struct list *l, struct err *e)
{
	for (;;) {
		const struct dir_entry *en;
		struct dir_range range;

		if (read_piece(l, &en, e))
			return -1;

		const struct dir_attr *at = find_piece(l, en, &range);
		struct strv version = dir_entry_first(en, l->fl->version_attr);

		if (l->version.p == NULL)
			l->version = version;
		if (!strv_eq(version, l->version))
			return 0;
		/* An emptied list has no piece at all; any other end is told by the server. */
		if (at == NULL)
			return l->n == 0 ? 1 : incomplete(l, "no further piece", e);
		if (range.low != l->n || (at->n == 0 && !range.last))
			return incomplete(l, "another piece than was asked for", e);
		take(l, at);
		if (range.last)
			return 1;
	}
}

static int
complete_one(struct list *l, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		int rc = read_rest(l, e);

		if (rc != 0)
			return rc < 0 ? -1 : 0;
		l->n = 0;
		l->version = (struct strv){NULL, 0};
	}
	err_set(e, ERR_BUSY, "a list in the directory changes faster than it can be read; try again");
	return err_cause(e, "\"%s\": %s", l->dn, l->attr);
}

int
dir_range_complete(struct arena *a, struct conn *c, const struct dir_flavour *fl, struct dir_entry *en,
		   deadline_t until, struct err *e)
{
	for (size_t i = 0; i < en->n_attrs; i++) {
		struct dir_range range;
		struct dir_attr *at = &en->attrs[i];
		int rc = dir_range_parse(at->name, &range);

		if (rc == 0)
			continue;

		struct list l = {.a = a,
				 .c = c,
				 .fl = fl,
				 .dn = en->dn,
				 .until = until,
				 .attr = at->name,
				 .version = dir_entry_first(en, fl->version_attr)};

		if (rc < 0 || range.low != 0)
			return incomplete(&l, "a piece that cannot be understood", e);
		l.attr = arena_strndup(a, range.attr.p, range.attr.n);
		take(&l, at);
		if (!range.last && complete_one(&l, e))
			return -1;
		*at = (struct dir_attr){.name = l.attr, .values = l.values, .n = l.n};
	}
	return 0;
}
