/* SPDX-License-Identifier: Apache-2.0
 * One refresh, BEGIN to END, is one transaction: nothing of it is visible before it is complete and believed. What it
 * does not fit in memory for is written ahead by the store; here an id takes some 25 bytes. */
#include <inttypes.h>

#include "dirhinge/base/log.h"
#include "dirhinge/dir/blob.h"
#include "dirhinge/dir/dn.h"
#include "sync/phase.h"
#include "sync/reader.h"
#include "sync/sync_priv.h"

/* New entries under names of others that are kept back at most; beyond it they are taken as they come. */
#define PUT_OFF_BYTES (16U << 20)

struct put_off {
	struct put_off *next;
	const char *id, *csn, *actor;
	struct strv entry;
};

struct gone { /* told by id */
	struct gone *next;
	const char *id, *csn;
};

struct refresh {
	struct sync *s;
	struct phase *phase;
	struct arena *a; /* lives as long as the refresh */
	const bool *begun;
	bool initial, full, compare;
	const struct ready *ready; /* of the change that is being taken */
	struct put_off *put_off, **put_off_end;
	struct gone *gone, **gone_end;
	int64_t n_entries, n_absent;
};

static int
note_entry(struct refresh *r, const struct dir_change *c, struct err *e)
{
	for (size_t i = 0; i < c->n_ids; i++)
		if (sync_phase_there(r->phase, c->ids[i], e) < 0)
			return -1;
	return 0;
}

/* An entry under a name that another known one still has: that one is gone or has moved, which is told later. Deleted
 * comes before created (reliability.md F-63). */
static int
must_wait(struct refresh *r, struct store_tx *tx, const char *id, const struct dir_entry *en, struct err *e)
{
	struct sync_run *run = &r->s->run;
	struct store_state other;
	const char *key;

	/* A canary that was put back has to speak before it is judged. */
	if (r->initial || arena_used(r->a) > PUT_OFF_BYTES || sync_canary_of(r->s, en->dn))
		return 0;
	key = dir_dn_normal(run->a, en->dn);
	if (!key)
		return 0;
	int rc = store_tx_state_by_dn(tx, run->a, key, &other, e);
	return rc <= 0 ? rc : !str_caseeq(other.sync_id, id);
}

static const char *
keep(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static void
put_off(struct refresh *r, const struct dir_change *c)
{
	DH_CLEANUP(buf_done) struct buf blob = BUF_INIT(PUT_OFF_BYTES);
	struct put_off *p = ARENA_NEW(r->a, struct put_off);

	dir_blob_write(&blob, c->entry);
	*p = (struct put_off){
		.id = keep(r->a, c->ids[0]),
		.csn = keep(r->a, c->csn),
		.actor = keep(r->a, c->actor_dn),
		.entry = {arena_memdup(r->a, blob.p, blob.n), blob.n},
	};
	*r->put_off_end = p;
	r->put_off_end = &p->next;
}

static struct observation
observed(const struct refresh *r, const struct dir_change *c)
{
	return (struct observation){
		.sync_id = c->ids[0],
		.entry = c->entry,
		.ready = r->ready,
		.op = c->op,
		.csn = c->csn,
		.actor_dn = c->actor_dn,
		.initial = r->initial,
		.coalesced = !r->initial && c->kind == DIR_ENTRY,
	};
}

static int
on_entry(struct refresh *r, struct store_tx *tx, const struct dir_change *c, struct err *e)
{
	struct observation o = observed(r, c);

	r->n_entries++;
	if (note_entry(r, c, e) < 0)
		return -1;
	int wait = must_wait(r, tx, c->ids[0], c->entry, e);
	if (wait < 0)
		return -1;
	if (wait)
		put_off(r, c);
	return wait ? 0 : sync_take(r->s, tx, &o, e);
}

static int
on_op(struct refresh *r, struct store_tx *tx, const struct dir_change *c, struct err *e)
{
	struct observation o = observed(r, c);

	r->n_entries++;
	if (c->op->kind == DIR_OP_DELETE ? sync_phase_gone(r->phase, c->ids[0], e) < 0 : note_entry(r, c, e) < 0)
		return -1;
	return sync_take(r->s, tx, &o, e);
}

static int
on_delete(struct refresh *r, const struct dir_change *c, struct err *e)
{
	for (size_t i = 0; i < c->n_ids; i++) {
		struct gone *g = ARENA_NEW(r->a, struct gone);
		if (sync_phase_gone(r->phase, c->ids[i], e) < 0)
			return -1;
		*g = (struct gone){.id = keep(r->a, c->ids[i]), .csn = keep(r->a, c->csn)};
		*r->gone_end = g;
		r->gone_end = &g->next;
	}
	return 0;
}

/* 1: that was the END. */
static int
on_change(struct refresh *r, struct store_tx *tx, const struct dir_change *c, struct err *e)
{
	int rc = 0;

	sync_note_cookie(r->s, c->cookie);
	switch (c->kind) {
	case DIR_BEGIN:
		r->full = c->full;
		return sync_phase_begin(r->phase, c->full, e);
	case DIR_ENTRY:
		rc = on_entry(r, tx, c, e);
		break;
	case DIR_PRESENT:
		rc = note_entry(r, c, e);
		break;
	case DIR_DELETE:
		rc = on_delete(r, c, e);
		break;
	case DIR_OP:
		rc = on_op(r, tx, c, e);
		break;
	case DIR_END:
		r->compare = c->compare;
		rc = sync_phase_end(r->phase, c->deletes_told, e) < 0 ? -1 : 1;
		break;
	case DIR_COOKIE:
		break;
	case DIR_STALLED:
		return err_set(e, ERR_UNAVAILABLE, "the directory stopped in the middle of a refresh");
	}
	return rc;
}

static int
stream(struct refresh *r, struct store_tx *tx, struct err *e)
{
	int rc = 0;

	if (r->begun) {
		r->full = *r->begun;
		rc = sync_phase_begin(r->phase, r->full, e);
	}
	DH_CLEANUP(sync_reader_stop) struct reader *reader = NULL;
	if (rc == 0)
		rc = sync_reader_start(r->s, &reader, e);
	while (rc == 0) {
		const struct dir_change *c;
		if (sync_stopping(r->s)) {
			r->s->why = SYNC_STOPPED;
			return err_set(e, ERR_UNAVAILABLE, "the change feed is being stopped");
		}
		rc = sync_reader_next(reader, &c, &r->ready, e);
		if (rc == 0)
			rc = on_change(r, tx, c, e);
	}
	return rc < 0 ? -1 : 0;
}

/* --- at the end --- */

static int
judge(struct refresh *r, enum phase_trust *trust_r, struct err *e)
{
	struct sync *s = r->s;
	const char *ids[SYNC_BASES_MAX], *missing = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->canaries.n; i++)
		if (s->canaries.at[i].id[0])
			ids[n++] = s->canaries.at[i].id;
	*trust_r = sync_phase_judge(r->phase, ids, n, s->canaries.n, &missing);
	if (*trust_r != PHASE_UNTRUSTED && !sync_phase_absence_counts(r->phase)) {
		/* Only changes were told, and what the account may not read any more is not among them: the resume
		 * point must not go past it (reliability.md F-20). */
		int there = sync_canaries_read(s, &missing, e);
		if (there < 0)
			return -1;
		if (!there)
			*trust_r = PHASE_UNTRUSTED;
	}
	if (*trust_r == PHASE_UNTRUSTED)
		return sync_canary_untrusted(s, missing, e);
	for (size_t i = 0; i < s->canaries.n; i++)
		s->canaries.at[i].missing = false;
	sync_report_canaries(s);
	return 0;
}

static int
collect_gone(void *ctx, const struct store_state *st, struct err *e DH_UNUSED)
{
	struct refresh *r = ctx;

	if (st->flags & (STORE_TOMBSTONE | STORE_SUSPECTED) || sync_phase_fate(r->phase, st->sync_id) != PHASE_ABSENT)
		return 0;
	struct gone *g = ARENA_NEW(r->a, struct gone);
	g->id = keep(r->a, st->sync_id);
	*r->gone_end = g;
	r->gone_end = &g->next;
	r->n_absent++;
	return 0;
}

static int
take_gone(struct refresh *r, struct store_tx *tx, struct err *e)
{
	if (sync_phase_absence_counts(r->phase) && store_tx_state_each(tx, collect_gone, r, e) < 0)
		return err_cause(e, "look for what is gone");
	for (const struct gone *g = r->gone; g; g = g->next) {
		struct observation o = {.sync_id = g->id, .csn = g->csn, .coalesced = true};
		/* It may have come back within the same refresh. */
		if (sync_phase_fate(r->phase, g->id) == PHASE_STAYS)
			continue;
		sync_next_arena(r->s);
		if (sync_take(r->s, tx, &o, e) < 0)
			return -1;
	}
	return 0;
}

static int
take_put_off(struct refresh *r, struct store_tx *tx, struct err *e)
{
	for (const struct put_off *p = r->put_off; p; p = p->next) {
		struct observation o = {
			.sync_id = p->id, .csn = p->csn, .actor_dn = p->actor, .coalesced = !r->initial};
		if (sync_phase_fate(r->phase, p->id) != PHASE_STAYS)
			continue;
		if (dir_blob_read(sync_next_arena(r->s), p->entry, &o.entry, e) < 0 || sync_take(r->s, tx, &o, e) < 0)
			return -1;
	}
	return 0;
}

static int
begun_before(struct store_tx *tx, struct arena *a, struct err *e)
{
	struct strv print;
	int rc = store_tx_meta_get(tx, a, META_MAP, &print, e);

	return rc < 0 ? -1 : rc == 1 && print.n > 0;
}

static int
refresh_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	struct refresh *r = ctx;
	enum phase_trust trust;
	const char *because = NULL;
	int begun = begun_before(tx, sync_next_arena(r->s), e);

	if (begun < 0)
		return -1;
	r->initial = !begun;
	if (r->initial && store_tx_fill(tx, e) < 0)
		return -1;
	if (stream(r, tx, e) < 0 || judge(r, &trust, e) < 0 || take_gone(r, tx, e) < 0 || take_put_off(r, tx, e) < 0)
		return -1;
	if (r->initial && sync_observe_end(&r->s->run, tx, e) < 0)
		return -1;
	if (trust == PHASE_UNPROVEN && r->n_absent > 0)
		because =
			arena_printf(r->a,
				     "%" PRId64 " entries are missing in a refresh, and no canary proves that the view "
				     "is whole",
				     r->n_absent);
	if (store_tx_meta_put(tx, META_MAP, strv_of(r->s->map_print), e) < 0)
		return -1;
	return sync_seal(r->s, tx, because, e);
}

int
sync_refresh(struct sync *s, const bool *begun_full, bool *was_full_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	DH_CLEANUP(sync_phase_free) struct phase *phase = sync_phase_new();
	struct refresh r = {.s = s, .a = a, .phase = phase, .begun = begun_full};
	int64_t from = clock_mono_ms();

	r.put_off_end = &r.put_off;
	r.gone_end = &r.gone;
	if (sync_commit(s, refresh_tx, &r, e) < 0)
		return err_cause(e, "refresh");
	mutex_lock(&s->lock);
	s->report.last_refresh_us = clock_wall_us();
	mutex_unlock(&s->lock);
	log_event(LOG_INFO_, "refresh",
		  LOG_S("kind", r.initial ? "first"
				: r.full  ? "full"
					  : "changes"),
		  LOG_I("entries", r.n_entries), LOG_I("missing", r.n_absent), LOG_I("ms", clock_mono_ms() - from),
		  LOG_END);
	if (r.compare)
		s->reconcile_at = deadline_in(0);
	*was_full_r = r.full;
	return 0;
}
