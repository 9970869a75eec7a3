/* SPDX-License-Identifier: Apache-2.0
 * Compares what is known with what is there: ids, CSNs and names of all entries. A difference is only a suspicion, as
 * changes go on meanwhile: what is on its way is taken first, then each suspect is read again by its id, and that
 * decides. What is found says that a provider lost something, or that it was set back (reliability.md 4.3). */
#include <inttypes.h>

#include "dirhinge/base/log.h"
#include "dirhinge/dir/dn.h"
#include "sync/idmap.h"
#include "sync/sync_priv.h"

#define LISTED UINT64_C(0) /* in place of a mark: seen in the list */

#define STOP_CHECK 1024 /* entries */

struct suspect {
	struct suspect *next;
	const char *id;
};

struct compare {
	struct sync *s;
	struct arena *a;       /* of the suspects */
	struct arena *scratch; /* of one row */
	struct idmap *known;   /* id -> mark of CSN and name, or LISTED */
	bool asked;
	struct suspect *suspects, **end;
	size_t n_suspects;
	int64_t n_listed, n_gone, n_suspected;
	bool canary_listed[SYNC_BASES_MAX];
};

static uint64_t
mark(const char *csn, const char *dn_key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *p = csn ? csn : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	h = (h ^ 0xff) * UINT64_C(0x100000001b3);
	for (const char *p = dn_key ? dn_key : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return h == LISTED ? 1 : h;
}

static void
suspect(struct compare *c, const char *id)
{
	struct suspect *one = ARENA_NEW(c->a, struct suspect);

	one->id = arena_strdup(c->a, id);
	*c->end = one;
	c->end = &one->next;
	c->n_suspects++;
}

static int
note_known(void *ctx, const struct store_state *st, struct err *e)
{
	struct compare *c = ctx;

	if (st->flags & STORE_TOMBSTONE)
		return 0;
	/* One that an operator kept, or of which one rejected what was to be told, has to be looked at if it is there:
	 * no mark is like this. */
	uint64_t m = st->flags & (STORE_SUSPECTED | STORE_REJECTED) ? UINT64_MAX : mark(st->csn, st->dn_key);
	return sync_idmap_put(c->known, st->sync_id, m, e);
}

static int
on_listed(void *ctx, const char *id, const char *csn, const char *dn, struct err *e)
{
	struct compare *c = ctx;
	uint64_t before;

	if (++c->n_listed % STOP_CHECK == 0 && sync_stopping(c->s))
		return err_set(e, ERR_UNAVAILABLE, "the change feed is being stopped");
	for (size_t i = 0; i < c->s->canaries.n; i++)
		if (str_caseeq(c->s->canaries.at[i].id, id))
			c->canary_listed[i] = true;
	if (!sync_idmap_get(c->known, id, &before)) {
		suspect(c, id);
		return 0;
	}
	arena_free(&c->scratch);
	c->scratch = arena_new(1024);
	if (before != mark(csn, dir_dn_normal(c->scratch, dn)))
		suspect(c, id);
	return sync_idmap_put(c->known, id, LISTED, e);
}

static int
note_unlisted(void *ctx, const struct store_state *st, struct err *e DH_UNUSED)
{
	struct compare *c = ctx;
	uint64_t m;

	if (st->flags & STORE_TOMBSTONE || !sync_idmap_get(c->known, st->sync_id, &m) || m == LISTED)
		return 0;
	/* The operator has said no to this removal: only the operator asks again. */
	c->n_suspected += (st->flags & STORE_SUSPECTED) != 0;
	if (!(st->flags & STORE_SUSPECTED) || c->asked)
		suspect(c, st->sync_id);
	return 0;
}

static int
known_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	return store_tx_state_each(tx, note_known, ctx, e);
}

static int
unlisted_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	return store_tx_state_each(tx, note_unlisted, ctx, e);
}

static int
check_canaries(const struct compare *c, struct err *e)
{
	const struct canaries *all = &c->s->canaries;

	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].id[0] && !c->canary_listed[i])
			return sync_canary_untrusted(c->s, all->at[i].id, e);
	return 0;
}

static bool
all_canaries(const struct sync *s)
{
	for (size_t i = 0; i < s->canaries.n; i++)
		if (!s->canaries.at[i].id[0])
			return false;
	return true;
}

static int
decide_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	struct compare *c = ctx;
	const struct observation as = {.coalesced = true};
	const char **ids = ARENA_ARRAY(c->a, c->n_suspects, const char *);
	const char *because = NULL;
	size_t n = 0;

	for (const struct suspect *one = c->suspects; one; one = one->next)
		ids[n++] = one->id;
	if (sync_take_fetched(c->s, tx, ids, n, &as, &c->n_gone, e) < 0)
		return -1;
	if (c->n_gone > 0 && !all_canaries(c->s))
		because =
			arena_printf(c->a,
				     "%" PRId64 " entries are missing in the list of all, and no canary proves that it "
				     "is whole",
				     c->n_gone);
	return sync_seal(c->s, tx, because, e);
}

static int64_t
events_made(const struct sync *s)
{
	int64_t n = 0;

	for (int i = 0; i < EVENT_N_TYPES; i++)
		n += s->run.counted[i];
	return n;
}

static int
run(struct compare *c, int64_t *events_r, struct err *e)
{
	struct sync *s = c->s;

	if (store_write(s->opts.store, known_tx, c, e) < 0)
		return -1;
	if (dir_feed_list(s->feed, deadline_in(SYNC_LIST_MS), on_listed, c, e) < 0)
		return err_cause(e, "list all entries");
	if (check_canaries(c, e) < 0 || store_write(s->opts.store, unlisted_tx, c, e) < 0)
		return -1;
	if (c->n_suspects == 0)
		return 0;
	if (sync_drain(s, e) < 0)
		return -1;
	int64_t before = events_made(s);
	if (sync_commit(s, decide_tx, c, e) < 0)
		return err_cause(e, "read %zu entries again", c->n_suspects);
	*events_r = events_made(s) - before;
	return 0;
}

static json_t *
found(const struct compare *c, int64_t events)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "listed", (json_int_t)c->n_listed, "read_again",
			 (json_int_t)c->n_suspects, "gone", (json_int_t)c->n_gone, "kept_by_operator",
			 (json_int_t)c->n_suspected, "events", (json_int_t)events);
}

int
sync_compare(struct sync *s, bool asked, json_t **found_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	DH_CLEANUP(sync_idmap_free) struct idmap *known = sync_idmap_new();
	struct compare c = {.s = s, .a = a, .known = known, .asked = asked};
	int64_t events = 0;

	c.end = &c.suspects;
	int rc = run(&c, &events, e);
	arena_free(&c.scratch);
	if (rc < 0)
		return err_cause(e, "compare");
	log_event(events > 0 ? LOG_WARN_ : LOG_INFO_, "compared with the directory", LOG_I("listed", c.n_listed),
		  LOG_I("read_again", c.n_suspects), LOG_I("gone", c.n_gone), LOG_I("events", events), LOG_END);
	if (found_r)
		*found_r = found(&c, events);
	sync_report_compared(s, found(&c, events));
	/* Only a view that misses nothing may be vouched for from now on. */
	return c.n_gone > 0 || all_canaries(s) ? 0 : sync_canaries_make(s, e);
}
