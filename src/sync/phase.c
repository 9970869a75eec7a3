/* SPDX-License-Identifier: Apache-2.0
 * The two ways a refresh tells deletions: by id (delete phase) or by leaving out (present phase and full content). A
 * server that lost its log, and one that answers a cookie it does not know, send everything and may still claim that
 * deletions were told (directories.md 2.3): .full decides then. */
#include "sync/phase.h"

#include "dirhinge/base/arena.h"

enum { THERE = 1, GONE = 2 };

struct phase {
	struct arena *a;
	struct idmap *ids; /* THERE or GONE */
	bool begun, ended, full, deletes_told;
};

struct phase *
sync_phase_new(void)
{
	struct arena *a = arena_new(sizeof(struct phase));
	struct phase *p = ARENA_NEW(a, struct phase);

	p->a = a;
	p->ids = sync_idmap_new();
	return p;
}

void
sync_phase_free(struct phase **p)
{
	if (!*p)
		return;
	struct arena *a = (*p)->a;

	sync_idmap_free(&(*p)->ids);
	*p = NULL;
	arena_free(&a); /* holds the struct itself */
}

static int
in_between(const struct phase *p, struct err *e)
{
	if (p->begun && !p->ended)
		return 0;
	return err_set(e, ERR_INTERNAL, "the change source sent a refresh out of order");
}

int
sync_phase_begin(struct phase *p, bool full, struct err *e)
{
	if (p->begun)
		return err_set(e, ERR_INTERNAL, "the change source began a refresh twice");
	p->begun = true;
	p->full = full;
	return 0;
}

int
sync_phase_there(struct phase *p, const char *id, struct err *e)
{
	return in_between(p, e) < 0 ? -1 : sync_idmap_put(p->ids, id, THERE, e);
}

int
sync_phase_gone(struct phase *p, const char *id, struct err *e)
{
	return in_between(p, e) < 0 ? -1 : sync_idmap_put(p->ids, id, GONE, e);
}

int
sync_phase_end(struct phase *p, bool deletes_told, struct err *e)
{
	if (in_between(p, e) < 0)
		return -1;
	p->ended = true;
	p->deletes_told = deletes_told;
	return 0;
}

bool
sync_phase_absence_counts(const struct phase *p)
{
	return p->ended && (p->full || !p->deletes_told);
}

enum sync_phase_fate
sync_phase_fate(const struct phase *p, const char *id)
{
	uint64_t word;

	if (!p->ended)
		return PHASE_STAYS;
	if (sync_idmap_get(p->ids, id, &word))
		return word == GONE ? PHASE_DELETED : PHASE_STAYS;
	return sync_phase_absence_counts(p) ? PHASE_ABSENT : PHASE_STAYS;
}

enum phase_trust
sync_phase_judge(const struct phase *p, const char *const *canaries, size_t n, size_t n_bases, const char **missing_r)
{
	if (!p->ended)
		return PHASE_OPEN;
	for (size_t i = 0; i < n; i++)
		if (sync_phase_fate(p, canaries[i]) != PHASE_STAYS) {
			*missing_r = canaries[i];
			return PHASE_UNTRUSTED;
		}
	return sync_phase_absence_counts(p) && n < n_bases ? PHASE_UNPROVEN : PHASE_TRUSTED;
}
