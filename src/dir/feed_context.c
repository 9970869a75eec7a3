/* SPDX-License-Identifier: Apache-2.0
 * How far a server's data goes, by its own word: contextCSN, one CSN a server (slapo-syncprov(5)). */
#include "dir/feed_priv.h"

#include "dirhinge/dir/dn.h"

static int
keep_first(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	const struct dir_entry **slot = ctx;

	*slot = en;
	return 1;
}

/* 1 read, 0 not there or not for this account, -1 the connection failed. */
int
dir_feed_read_one(struct dir_feed *f, struct arena *a, const char *base, int scope, const char *filter,
		  const char *attr, deadline_t until, const struct dir_entry **en_r, struct err *e)
{
	const char *const attrs[] = {attr, "minCSN", NULL};
	const struct feed_query q = {.base = base, .scope = scope, .filter = filter, .attrs = attrs, .size_limit = 1};
	const struct dir_entry *en = NULL;
	struct err why = ERR_INIT;

	if (dir_feed_query(f, &f->c, &q, a, until, keep_first, &en, &why)) {
		if (!f->c.broken)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	if (en == NULL)
		return 0;
	*en_r = en;
	return 1;
}

/* Several values of one server: the latest, or the earliest, as merge is chosen. */
void
dir_feed_read_vector(const struct dir_entry *en, const char *attr, bool earliest, struct sync_vector *v)
{
	const struct dir_attr *at = dir_entry_attr(en, attr);

	*v = (struct sync_vector){0};
	for (size_t i = 0; at && i < at->n; i++) {
		struct sync_vector one = {.n = 1};
		const struct sync_mark *known;

		if (at->values[i].n >= DIR_CSN_MAX || !dir_csn_parse(at->values[i], &one.marks[0].csn))
			continue;
		memcpy(one.marks[0].text, at->values[i].p, at->values[i].n);
		known = dir_cookie_find(v, one.marks[0].csn.sid);
		if (known && earliest && dir_csn_order(&one.marks[0].csn, &known->csn) < 0)
			v->marks[known - v->marks] = one.marks[0];
		else if (!known || !earliest)
			(void)dir_cookie_merge(v, &one);
	}
}

/* The naming context that all bases are in; NULL if they are in several. */
const char *
dir_feed_context_dn(const struct dir_feed *f, struct arena *a)
{
	const struct dir_attr *at = dir_entry_attr(f->d->caps->root_dse, "namingContexts");
	const char *best = NULL;

	for (size_t i = 0; at && i < at->n; i++) {
		bool all = true;

		for (size_t k = 0; k < f->n_bases && all; k++)
			all = dir_dn_under(a, f->bases[k], at->values[i].p, true);
		if (all && (best == NULL || dir_dn_under(a, at->values[i].p, best, false)))
			best = at->values[i].p;
	}
	return best;
}

int
dir_feed_context(struct dir_feed *f, struct arena *a, deadline_t until, struct sync_vector *v_r, struct err *e)
{
	const char *dn = dir_feed_context_dn(f, a);
	const struct dir_entry *en;
	int rc = dn ? dir_feed_read_one(f, a, dn, LDAP_SCOPE_BASE, "(objectClass=*)", "contextCSN", until, &en, e) : 0;

	if (rc == 1)
		dir_feed_read_vector(en, "contextCSN", false, v_r);
	return rc;
}

/* slapd refuses a resume point that is ahead of itself only in its own changes (53). What it has not got yet of another
 * provider's it shows as the older state, which would be told as news. */
int
dir_feed_check_behind(struct dir_feed *f, const struct sync_vector *v, deadline_t until, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct sync_vector context;
	int rc = dir_feed_context(f, a, until, &context, e);

	if (rc != 1 || context.n == 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < v->n; i++) {
		if (dir_cookie_covers(&context, &v->marks[i].csn))
			continue;
		err_set(e, ERR_PRECONDITION, NULL);
		return err_cause(
			e,
			"%s: this server does not have the change %s yet that was seen before: it lags, or was "
			"restored from a backup",
			f->c.uri->text, v->marks[i].text);
	}
	return 0;
}
