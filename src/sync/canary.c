/* SPDX-License-Identifier: Apache-2.0
 * Entries whose absence proves that the view is not whole, and in the first of them the sentinel: a counter that only
 * grows, so that a directory set back to an older state gives itself away (reliability.md 4.6). Each gateway has a
 * value of its own, "GENERATION COUNTER" in l, so that several may follow one directory. */
#include <inttypes.h>
#include <stdlib.h>

#include "dirhinge/base/json.h"
#include "dirhinge/base/log.h"
#include "dirhinge/dir/dn.h"
#include "sync/canary.h"
#include "sync/sync_priv.h"

#define SENTINEL_ATTR "l"
#define DESCRIPTION                                                                                      \
	"Canary of Dirhinge: while this entry can be read, what is missing beside it is gone. Keep it, " \
	"and let the gateway's account read and write it."

/* --- known ones --- */

static void
read_known(struct sync *s, json_t *known)
{
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)known, i, item) {
		const char *key = json_string_value(json_object_get(item, "dn_key"));
		const char *id = json_string_value(json_object_get(item, "id"));
		for (size_t k = 0; key && id && k < s->canaries.n; k++)
			if (str_eq(s->canaries.at[k].dn_key, key))
				snprintf(s->canaries.at[k].id, sizeof(s->canaries.at[k].id), "%s", id);
	}
}

/* Canaries of bases that are not configured any more prove nothing and are left out. */
static int
place(struct sync *s, struct err *e)
{
	/* What an undone transaction has left here counts for nothing. */
	for (size_t i = 0; i < s->canaries.n; i++)
		s->canaries.at[i].id[0] = '\0';
	for (size_t i = s->canaries.n; s->bases[i]; i++) {
		struct canary *c = &s->canaries.at[s->canaries.n];
		char *dn;
		if (dir_dn_child(s->a, "cn", STRV(CANARY_NAME), s->bases[i], &dn, e) < 0)
			return err_cause(e, "name of the canary");
		*c = (struct canary){.base = s->bases[i], .dn = dn, .dn_key = dir_dn_normal(s->a, dn)};
		s->canaries.n++;
	}
	return 0;
}

int
sync_canaries_load(struct sync *s, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv text, seen;
	json_t *known;

	if (place(s, e) < 0)
		return -1;
	int rc = store_meta_get(s->opts.store, a, META_CANARIES, &text, e);
	if (rc < 0)
		return -1;
	if (rc == 1 && text.n > 0) {
		if (json_parse(a, text, NULL, &known, e) < 0)
			return err_cause(e, "read the known canaries");
		read_known(s, known);
	}
	rc = store_meta_get(s->opts.store, a, META_SENTINEL, &seen, e);
	if (rc < 0)
		return -1;
	s->canaries.seen = rc == 1 && seen.n > 0 ? strtoll(arena_strndup(a, seen.p, seen.n), NULL, 10) : 0;
	return 0;
}

static int
write_known(struct store_tx *tx, void *ctx, struct err *e)
{
	struct sync *s = ctx;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	json_t *all = json_keep(a, json_array());

	for (size_t i = 0; i < s->canaries.n; i++) {
		const struct canary *c = &s->canaries.at[i];
		if (c->id[0])
			json_array_append_new(all, json_pack("{s:s, s:s}", "dn_key", c->dn_key, "id", c->id));
	}
	return store_tx_meta_put(tx, META_CANARIES, strv_of(json_text(a, all)), e);
}

/* --- making them --- */

static int
read_id(struct sync *s, struct arena *a, const char *dn, const char **id_r, struct err *e)
{
	const struct dir_entry *en;
	struct dir_search q = {
		.base = dn, .scope = DIR_BASE, .attrs = (const char *const[]){s->id_attr, "objectClass", NULL}};
	int rc = dir_search_one(s->opts.dir, a, &q, deadline_in(SYNC_FETCH_MS), &en, e);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_FORBIDDEN, "the canary cannot be read");
	*id_r = dir_entry_first(en, s->id_attr).p;
	return *id_r ? 0 : err_set(e, ERR_FORBIDDEN, "the id of the canary cannot be read");
}

static int
make_one(struct sync *s, struct canary *c, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct dir_mods mods;
	const char *id;

	dir_mods_init(&mods, a);
	dir_mods_value(&mods, DIR_MOD_ADD, "objectClass", strv_of(s->run.map.caps->flavour->canary_class));
	dir_mods_value(&mods, DIR_MOD_ADD, "cn", STRV(CANARY_NAME));
	dir_mods_value(&mods, DIR_MOD_ADD, "description", STRV(DESCRIPTION));
	if (dir_add(s->opts.dir, a, c->dn, &mods, NULL, deadline_in(SYNC_FETCH_MS), e) < 0) {
		/* There from an earlier life of the state, or made by the operator: as good as a new one. */
		if (e->code != ERR_UNIQUE)
			return -1;
		err_clear(e);
	}
	if (read_id(s, a, c->dn, &id, e) < 0)
		return -1;
	snprintf(c->id, sizeof(c->id), "%s", id);
	if (store_write(s->opts.store, write_known, s, e) < 0)
		return err_cause(e, "remember the canary");
	log_event(LOG_INFO_, "canary", LOG_S("dn", c->dn), LOG_S("id", c->id), LOG_END);
	return 0;
}

int
sync_canaries_make(struct sync *s, struct err *e)
{
	for (size_t i = 0; i < s->canaries.n; i++) {
		struct canary *c = &s->canaries.at[i];
		if (c->id[0] || make_one(s, c, e) == 0)
			continue;
		if (e->code == ERR_UNAVAILABLE || e->code == ERR_UNKNOWN_OUTCOME || e->code == ERR_IO)
			return err_cause(e, "make the canary %s", c->dn);
		err_cause(e, "make the canary %s: let the account add and write this entry", c->dn);
		if (!s->canaries.refused)
			log_err(LOG_WARN_,
				"no canary: what is missing in a refresh is not believed to be gone until an operator "
				"says so",
				e);
		s->canaries.refused = true;
		err_clear(e);
	}
	sync_report_canaries(s);
	return 0;
}

/* --- what the feed says about them --- */

struct canary *
sync_canary_of(struct sync *s, const char *dn)
{
	static const char rdn[] = "cn=" CANARY_NAME ",";

	/* Nearly no entry is one: the text decides that before the DN is taken apart. Ours is written this way. */
	if (!dn || !strv_casestarts(strv_of(dn), STRV(rdn)))
		return NULL;
	const char *key = dir_dn_normal(s->run.a, dn);
	for (size_t i = 0; i < s->canaries.n; i++)
		if (str_eq(s->canaries.at[i].dn_key, key))
			return &s->canaries.at[i];
	return NULL;
}

/* The counter in this gateway's value, 0 if it is not one. */
static int64_t
counter_in(struct sync *s, struct strv value)
{
	struct strv generation = strv_of(store_generation(s->opts.store));

	if (value.n < generation.n + 2 || !strv_starts(value, generation) || value.p[generation.n] != ' ')
		return 0;
	return strtoll(arena_strndup(s->run.a, value.p + generation.n + 1, value.n - generation.n - 1), NULL, 10);
}

static int64_t
counter_of(struct sync *s, const struct strv *values, size_t n)
{
	int64_t greatest = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t counter = counter_in(s, values[i]);
		greatest = counter > greatest ? counter : greatest;
	}
	return greatest;
}

static int64_t
counter_told(struct sync *s, const struct observation *o)
{
	const struct dir_attr *at = o->entry ? dir_entry_attr(o->entry, SENTINEL_ATTR) : NULL;
	int64_t greatest = at ? counter_of(s, at->values, at->n) : 0;

	if (!o->op || o->op->kind != DIR_OP_MODIFY)
		return greatest;
	for (size_t i = 0; i < o->op->mods->n; i++) {
		const struct dir_mod *m = &o->op->mods->mods[i];
		if (m->op == DIR_MOD_DELETE || !str_caseeq(m->attr, SENTINEL_ATTR))
			continue;
		int64_t counter = counter_of(s, m->values, m->n);
		greatest = counter > greatest ? counter : greatest;
	}
	return greatest;
}

static void
went(struct sync *s, const char *sync_id)
{
	for (size_t i = 0; i < s->canaries.n; i++) {
		struct canary *c = &s->canaries.at[i];
		if (c->missing || !str_caseeq(c->id, sync_id))
			continue;
		c->missing = true;
		log_event(LOG_ERROR_, "the canary was deleted; put it back, or the next refresh will not be trusted",
			  LOG_S("dn", c->dn), LOG_END);
		sync_report_canaries(s);
	}
}

static int
put_back(struct sync *s, struct store_tx *tx, struct canary *c, const char *id, struct err *e)
{
	c->missing = false;
	snprintf(c->id, sizeof(c->id), "%s", id);
	if (c == &s->canaries.at[0]) {
		/* The sentinel begins anew with it. */
		s->canaries.seen = 0;
		if (store_tx_meta_put(tx, META_SENTINEL, STRV(""), e) < 0)
			return -1;
	}
	return write_known(tx, s, e);
}

int
sync_canary_seen(struct sync *s, struct store_tx *tx, const struct observation *o, struct err *e)
{
	bool gone = o->op ? o->op->kind == DIR_OP_DELETE : !o->entry;
	struct canary *c = sync_canary_of(s, o->op ? o->op->dn : o->entry ? o->entry->dn : NULL);

	if (gone)
		went(s, o->sync_id);
	if (gone || !c)
		return 0;
	if (c->missing || !str_caseeq(c->id, o->sync_id)) {
		/* Put back by an operator: another entry, the same promise. */
		if (put_back(s, tx, c, o->sync_id, e) < 0)
			return -1;
		sync_report_canaries(s);
	}
	int64_t counter = counter_told(s, o);
	if (counter <= s->canaries.seen)
		return 0;
	s->canaries.seen = counter;
	return store_tx_meta_put(tx, META_SENTINEL, strv_of(arena_printf(s->run.a, "%" PRId64, counter)), e);
}

/* --- the sentinel and a look at the canaries --- */

struct canaries_there {
	struct sync *s;
	bool at[SYNC_BASES_MAX];
};

static int
note_there(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct canaries_there *t = ctx;
	const char *id = dir_entry_first(en, t->s->id_attr).p;

	for (size_t i = 0; i < t->s->canaries.n; i++)
		t->at[i] |= id && str_caseeq(t->s->canaries.at[i].id, id);
	return 0;
}

int
sync_canaries_read(struct sync *s, const char **missing_r, struct err *e)
{
	struct canaries_there there = {.s = s};
	const char *ids[SYNC_BASES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->canaries.n; i++)
		if (s->canaries.at[i].id[0])
			ids[n++] = s->canaries.at[i].id;
	/* Whether the bases are there can be seen all the same. */
	if (n == 0)
		ids[n++] = "00000000-0000-0000-0000-000000000000";
	if (dir_feed_fetch(s->feed, sync_next_arena(s), ids, n, deadline_in(SYNC_FETCH_MS), note_there, &there, e) < 0)
		return err_cause(e, "look at the canaries");
	for (size_t i = 0; i < s->canaries.n; i++)
		if (s->canaries.at[i].id[0] && !there.at[i]) {
			*missing_r = s->canaries.at[i].id;
			return 0;
		}
	return 1;
}

int
sync_canary_untrusted(struct sync *s, const char *missing, struct err *e)
{
	s->why = SYNC_UNTRUSTED;
	err_set(e, ERR_FORBIDDEN,
		"what the directory shows is not whole: the canary is missing, nothing is taken as gone");
	for (size_t i = 0; i < s->canaries.n; i++) {
		struct canary *c = &s->canaries.at[i];
		c->missing |= str_caseeq(c->id, missing);
		if (c->missing)
			err_cause(e,
				  "%s cannot be seen: give the account its right to read everything below %s back; if "
				  "the "
				  "entry was deleted, add it again (class %s)",
				  c->dn, c->base, s->run.map.caps->flavour->canary_class);
	}
	sync_report_canaries(s);
	return -1;
}

struct sentinel_read {
	struct sync *s;
	int64_t counter;
};

static int
take_counter(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct sentinel_read *r = ctx;
	const struct dir_attr *at = dir_entry_attr(en, SENTINEL_ATTR);

	r->counter = at ? counter_of(r->s, at->values, at->n) : 0;
	return 0;
}

static int
sentinel_older(struct sync *s, struct err *e)
{
	const struct canary *c = &s->canaries.at[0];
	struct sentinel_read r = {.s = s, .counter = -1};
	const char *ids[] = {c->id};

	if (!c->id[0] || s->canaries.seen == 0)
		return 0;
	/* From the server that the feed follows: another one may be ahead of it or behind. */
	if (dir_feed_fetch(s->feed, sync_next_arena(s), ids, 1, deadline_in(SYNC_FETCH_MS), take_counter, &r, e) < 0)
		return err_cause(e, "read the sentinel");
	return r.counter >= 0 && r.counter < s->canaries.seen;
}

int
sync_sentinel_check(struct sync *s, struct err *e)
{
	int older = sentinel_older(s, e);

	if (older <= 0)
		return older;
	mutex_lock(&s->lock);
	s->report.restored_us = clock_wall_us();
	mutex_unlock(&s->lock);
	log_event(LOG_ERROR_,
		  "the directory was set back to an older state: what differs is taken over as it is there now",
		  LOG_END);
	return older;
}

static int
write_sentinel(struct sync *s, struct arena *a, struct err *e)
{
	const struct canary *c = &s->canaries.at[0];
	const struct dir_entry *en;
	struct dir_mods mods;
	struct dir_search q = {.base = c->dn, .scope = DIR_BASE, .attrs = (const char *const[]){SENTINEL_ATTR, NULL}};
	int64_t greatest = s->canaries.seen;
	int rc = dir_search_one(s->opts.dir, a, &q, deadline_in(SYNC_FETCH_MS), &en, e);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "the canary is gone");
	dir_mods_init(&mods, a);
	const struct dir_attr *at = dir_entry_attr(en, SENTINEL_ATTR);
	for (size_t i = 0; at && i < at->n; i++) {
		int64_t counter = counter_in(s, at->values[i]);
		if (counter > 0)
			dir_mods_value(&mods, DIR_MOD_DELETE, SENTINEL_ATTR, at->values[i]);
		greatest = counter > greatest ? counter : greatest;
	}
	const char *value = arena_printf(a, "%s %" PRId64, store_generation(s->opts.store), greatest + 1);
	dir_mods_value(&mods, DIR_MOD_ADD, SENTINEL_ATTR, strv_of(value));
	return dir_modify(s->opts.dir, a, c->dn, &mods, NULL, deadline_in(SYNC_FETCH_MS), e);
}

void
sync_sentinel_write(struct sync *s)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;

	s->canaries.written_ms = clock_mono_ms();
	if (!s->canaries.at[0].id[0] || write_sentinel(s, a, &e) == 0)
		return;
	if (!s->canaries.unwritten)
		log_err(LOG_WARN_,
			"the sentinel cannot be written: a directory set back to an older state may stay unnoticed",
			&e);
	s->canaries.unwritten = true;
}
