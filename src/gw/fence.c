/* SPDX-License-Identifier: Apache-2.0
 * Fences: a client that has some sees only what lies below them (contrib/decisions/0015). Its searches begin there;
 * what comes from elsewhere, references above all, passes policy_sees. */
#include "gw/fence.h"

static bool
sees(const void *ctx, const char *dn_key)
{
	return policy_sees(ctx, dn_key);
}

/* One fence inside of another, or written twice. */
static bool
covered(struct arena *a, const char *const *fences, size_t at)
{
	for (size_t i = 0; fences[i]; i++)
		if (i != at &&
		    (dir_dn_under(a, fences[at], fences[i], false) || (i < at && str_eq(fences[at], fences[i]))))
			return true;
	return false;
}

static void
fences_inside(struct gw_run *run)
{
	struct arena *a = run->m.a;
	const char *const *fences = run->q->who->fences;
	size_t n = 0;
	while (fences[n])
		n++;
	run->bases = ARENA_ARRAY(a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		if (dir_dn_under(a, fences[i], run->base, false) && !covered(a, fences, i))
			run->bases[run->n_bases++] = fences[i];
}

void
gw_fence(struct gw_run *run)
{
	const struct principal *who = run->q->who;
	const char *key = who->fences ? dir_dn_normal(run->m.a, run->base) : NULL;
	if (who->fences) {
		run->m.sees = sees;
		run->m.sees_ctx = who;
	}
	if (!who->fences || (key && policy_sees(who, key))) {
		run->bases = ARENA_NEW(run->m.a, const char *);
		run->bases[run->n_bases++] = run->base;
		return;
	}
	fences_inside(run);
	if (run->n_bases > 0)
		run->m.home = run->bases[0];
}

bool
gw_fence_sees(const struct gw_run *run, const char *dn)
{
	const char *key = run->m.sees ? dir_dn_normal(run->m.a, dn) : NULL;
	return !run->m.sees || (key && policy_sees(run->q->who, key));
}

int
gw_fence_new(const struct gw_run *run, struct err *e)
{
	if (run->n_bases > 0)
		return 0;
	return err_set(e, ERR_FORBIDDEN, "the client \"%s\" has no place for a %s inside of its fences.bases",
		       run->q->who->name, run->type->name);
}

int
gw_fence_rename(const struct gw_run *run, const char *dn, const char *new_rdn, struct err *e)
{
	const char *new_dn = new_rdn && run->m.sees ? dir_dn_with_rdn(run->m.a, dn, new_rdn) : NULL;
	if (!new_rdn || !run->m.sees || (new_dn && gw_fence_sees(run, new_dn)))
		return 0;
	return err_set(e, ERR_FORBIDDEN, "under its new name the %s would be outside of the fences.bases of \"%s\"",
		       run->type->name, run->q->who->name);
}
