/* SPDX-License-Identifier: Apache-2.0
 * Lookups that wait at the same time share a search.
 *
 * A search for several answers only what it shows beyond doubt: an entry that has the value asked for. Whether there is
 * none, or more than one, or whose an entry is that was found by a value written otherwise, each asks alone, as without
 * all this; and so does everybody when the search for several failed, whatever the reason. */
#include "dir/gather.h"

#include <stdatomic.h>

#include "dir/pool.h"

/* Measured, see contrib/decisions/0023. */
#define GATHER_FLIGHTS 4 /* of a kind at the same time */
#define GATHER_MAX     25
/* slapd compares each member of each group with each name, twice. */
#define GATHER_LINKS   8

enum {
	BOARD_MS = 100,    /* until a search is made although others of the kind are still under way */
	PATIENCE_MS = 300, /* with a search for several; then alone, so that one that hangs holds up nobody */
	APART_MS = 1000,   /* after a search for several failed, or somebody lost patience */
	LINKS_MAX = 1000,  /* entries of an answer: somebody in thousands of groups asks for them himself */
	VALUE_MAX = 512,
};

/* What one of a batch asked for and got. */
struct place {
	struct strv value;
	uint32_t hash; /* without case */
	const struct dir_entry **v;
	size_t n, cap;
	bool unclear; /* may have entries that went to another, or that are another's */
};

/* Who came first asks for all, when a search of his kind has ended. Memory of its own: members may lose patience and
 * leave, and read what was found when the thread that asked has gone. */
struct batch {
	struct arena *a; /* holds the struct itself */
	atomic_size_t refs;
	struct cond go, done; /* of the first, of the others */
	struct batch *next;   /* boarding */
	struct flight flight;
	struct place places[GATHER_MAX];
	size_t n;
	bool over; /* the search has ended */
	/* from here on its thread's until it is over, then frozen */
	bool links;
	bool fold; /* equality of the attribute ignores case */
	bool good; /* the search succeeded, and whose each entry is was clear */
};

void
dir_gather_init(struct gather *g)
{
	mutex_init(&g->m);
}

void
dir_gather_done(struct gather *g)
{
	must(g->boarding == NULL && g->flights == NULL);
	mutex_done(&g->m);
}

void
dir_gather_get_stats(struct gather *g, int64_t *shared_r, int64_t *waiting_r)
{
	mutex_lock(&g->m);
	*shared_r = g->shared;
	*waiting_r = g->waiting;
	mutex_unlock(&g->m);
}

/* --- flights; all with the lock ----------------------------------------------------------------------------------- */

static bool
same_list(const char *const *x, const char *const *y)
{
	if (x == y)
		return true;
	for (; *x && *y; x++, y++)
		if (*x != *y && !str_eq(*x, *y))
			return false;
	return *x == *y;
}

/* What else must hold is the same object: conditions that many requests have are made once. */
static bool
same_kind(const struct flight *f, const struct flight *o)
{
	return f->key.rest == o->key.rest && f->s->share == o->s->share && f->s->scope == o->s->scope &&
	       str_eq(f->key.attr, o->key.attr) && str_eq(f->s->base, o->s->base) &&
	       same_list(f->s->attrs, o->s->attrs);
}

static size_t
count_of_kind(const struct gather *g, const struct flight *kind)
{
	size_t n = 0;

	for (const struct flight *f = g->flights; f; f = f->next)
		n += same_kind(f, kind);
	return n;
}

static void
take_off(struct gather *g, struct flight *f)
{
	f->listed = true;
	f->next = g->flights;
	g->flights = f;
}

static void
unlist(struct gather *g, const struct flight *f)
{
	struct flight **at = &g->flights;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

/* A search has ended: the batch of its kind that has waited longest may go. It is to be woken without the lock. */
static struct batch *
land(struct gather *g, const struct flight *f)
{
	unlist(g, f);
	for (struct batch *b = g->boarding; b; b = b->next)
		if (!b->flight.listed && same_kind(&b->flight, f)) {
			take_off(g, &b->flight);
			atomic_fetch_add(&b->refs, 1);
			return b;
		}
	return NULL;
}

/* Written so that another text for the same value differs in nothing but case, if in that: ASCII, no escapes, no blanks
 * that do not count. A name (DN) may have a blank between two words. */
static bool
is_plain(struct strv v, bool dn)
{
	if (v.n == 0 || v.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c < 0x20 || c > 0x7e || c == '\\' || c == '"' || (dn && (c == '+' || c == '#' || c == ';')))
			return false;
		if (c == ' ' &&
		    (!dn || i == 0 || i + 1 == v.n || strchr(" ,=", v.p[i - 1]) || strchr(" ,=", v.p[i + 1])))
			return false;
	}
	return true;
}

static uint32_t
hash_of(struct strv v)
{
	uint32_t h = UINT32_C(2166136261);

	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * UINT32_C(16777619);
	}
	return h;
}

static bool
is_asked(const struct batch *b, const struct place *p, struct strv value, uint32_t hash)
{
	return p->hash == hash && (b->fold ? strv_caseeq(p->value, value) : strv_eq(p->value, value));
}

static size_t
give(struct batch *b, const struct dir_entry *en, struct strv value)
{
	uint32_t hash = hash_of(value);
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct place *p = &b->places[i];

		if (!is_asked(b, p, value, hash))
			continue;
		n++;
		if (p->n > 0 && p->v[p->n - 1] == en)
			continue;
		p->v = ARENA_GROW(b->a, p->v, p->n, &p->cap, 4);
		p->v[p->n++] = en;
	}
	return n;
}

/* A value that is not plain may be anybody's, and so may an entry without a value that was asked for. Of links only
 * those asked for come, so that each is somebody's. */
static bool
is_clear(struct batch *b, const struct dir_entry *en)
{
	const struct dir_attr *at = dir_entry_attr(en, b->flight.key.attr);
	size_t known = 0;

	for (size_t i = 0; at && i < at->n; i++) {
		if (!is_plain(at->values[i], b->links))
			return false;
		known += give(b, en, at->values[i]) > 0;
	}
	return known > 0 && (!b->links || known == at->n);
}

static int
on_entry(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct batch *b = ctx;

	b->good = is_clear(b, en);
	return b->good ? 0 : 1;
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

static void
batch_drop(void *batch)
{
	struct batch *b = batch;
	struct arena *a = b->a;

	if (atomic_fetch_sub(&b->refs, 1) > 1)
		return;
	cond_done(&b->go);
	cond_done(&b->done);
	arena_free(&a);
}

/* Without the lock; nothing for NULL. */
static void
batch_call(struct batch *b)
{
	if (b == NULL)
		return;
	cond_signal(&b->go);
	batch_drop(b);
}

/* Values are copied, because whoever loses patience takes his along. */
static size_t
batch_join(struct batch *b, struct strv value)
{
	b->places[b->n].value = strv_n(arena_strndup(b->a, value.p, value.n), value.n);
	atomic_fetch_add(&b->refs, 1);
	return b->n++;
}

static struct batch *
batch_open(struct gather *g, const struct flight *kind)
{
	struct arena *a = arena_new(8192);
	struct batch *b = ARENA_NEW(a, struct batch), **at = &g->boarding;

	b->a = a;
	b->flight = *kind;
	b->links = kind->s->share == DIR_SHARE_LINKS;
	cond_init(&b->go);
	cond_init(&b->done);
	while (*at)
		at = &(*at)->next;
	*at = b;
	return b;
}

static void
batch_close(struct gather *g, struct batch *b)
{
	struct batch **at = &g->boarding;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

static struct batch *
batch_find(struct gather *g, const struct flight *kind)
{
	for (struct batch *b = g->boarding; b; b = b->next)
		if (b->n < (b->links ? GATHER_LINKS : GATHER_MAX) && same_kind(&b->flight, kind))
			return b;
	return NULL;
}

static bool
ignores_case(const struct dir_subschema *schema, const char *attr)
{
	static const char *const rules[] = {"caseIgnoreMatch", "2.5.13.2", "caseIgnoreIA5Match",
					    "1.3.6.1.4.1.1466.109.114.2"};
	const struct dir_attr_type *type = dir_subschema_attr(schema, attr);

	for (size_t i = 0; type && i < ARRAY_SIZE(rules); i++)
		if (str_caseeq(type->equality, rules[i]))
			return true;
	return false;
}

/* Names that differ in nothing but case may be one name or two: whose a link is would be a guess. */
static void
compare_places(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct place *p = &b->places[i];

		p->hash = hash_of(p->value);
		for (size_t k = 0; b->links && k < i; k++) {
			struct place *o = &b->places[k];

			if (o->hash == p->hash && strv_caseeq(o->value, p->value) && !strv_eq(o->value, p->value))
				o->unclear = p->unclear = true;
		}
	}
}

/* The attribute by which entries are told apart comes as well. */
static const char *const *
attrs_with(struct batch *b, const char *const *attrs, size_t *n_r)
{
	size_t n = 0;
	bool has = false;

	for (; attrs[n]; n++)
		has |= str_caseeq(attrs[n], b->flight.key.attr);
	*n_r = n;
	if (has)
		return attrs;

	const char **v = ARENA_ARRAY(b->a, n + 2, const char *);

	memcpy(v, attrs, n * sizeof(*v));
	v[n] = b->flight.key.attr;
	return v;
}

/* RFC 3876 2: an attribute none of whose values match comes without values. */
static const struct dir_filter *
matched_values(struct batch *b, const struct dir_filter *const *items, const char *const *attrs, size_t n_attrs)
{
	const struct dir_filter **all = ARENA_ARRAY(b->a, b->n + n_attrs, const struct dir_filter *);

	memcpy(all, items, b->n * sizeof(*all));
	for (size_t i = 0; i < n_attrs; i++)
		all[b->n + i] = dir_f_present(b->a, attrs[i]);
	return dir_f_or(b->a, all, b->n + n_attrs);
}

static int
batch_ask(struct dir *d, struct batch *b, deadline_t until, struct err *e)
{
	const struct dir_filter *items[GATHER_MAX];
	size_t n_attrs;

	b->fold = b->links || ignores_case(d->caps->schema, b->flight.key.attr);
	compare_places(b);
	for (size_t i = 0; i < b->n; i++)
		items[i] = dir_f_eq(b->a, b->flight.key.attr, b->places[i].value);

	struct dir_search s = *b->flight.s;

	s.share = DIR_ALONE;
	s.filter = dir_f_and2(b->a, dir_f_or(b->a, items, b->n), b->flight.key.rest);
	s.attrs = attrs_with(b, b->flight.s->attrs, &n_attrs);
	s.matched = b->links ? matched_values(b, items, b->flight.s->attrs, n_attrs) : NULL;
	s.at_most = b->links ? 0 : (int)b->n;
	s.size_limit = b->links ? LINKS_MAX : 2 * (int)b->n;
	b->good = true;

	int rc = dir_search_run(d, b->a, true, &s, until, on_entry, b, e);

	b->good &= rc == 0;
	return rc;
}

/* What one of the batch got: 1 it is the answer, 0 he has to ask himself. */
static int
batch_take(struct batch *b, size_t place, struct arena *a, struct gathered *g_r)
{
	const struct place *p = &b->places[place];

	if (!b->good || p->unclear || (b->links ? 0 : p->n != 1)) {
		batch_drop(b);
		return 0;
	}
	g_r->v = p->v;
	g_r->n = p->n;
	arena_defer(a, batch_drop, b);
	return 1;
}

/* --- lookups ------------------------------------------------------------------------------------------------------ */

static bool
may_share(const struct dir *d, const struct dir_search *s, deadline_t until, struct filter_key *key_r)
{
	const struct dir_caps *caps = d->caps;

	/* Ids in another form, lists in pieces: a domain controller is asked as always. */
	if (caps == NULL || caps->flavour->guid_id || s->page_size > 0 || s->matched || s->attrs == NULL)
		return false;
	return (s->share == DIR_SHARE_ONE || caps->matched_values) && deadline_left(until) > 2 * PATIENCE_MS &&
	       s->filter && dir_filter_key(s->filter, key_r);
}

/* Ours is the only one that waited: asked as if he had not. */
static void
fly_alone(struct gather *g, struct batch *b, struct gathered *g_r)
{
	unlist(g, &b->flight);
	g_r->flight = (struct flight){.s = b->flight.s, .key = b->flight.key};
	take_off(g, &g_r->flight);
}

/* The first of a batch, when it is his turn or he has waited long enough. Called with the lock, returns without it. */
static int
lead(struct dir *d, struct batch *b, struct arena *a, deadline_t until, struct gathered *g_r, struct err *e)
{
	struct gather *g = &d->gather;
	deadline_t patience = deadline_in(BOARD_MS);
	struct err why = ERR_INIT;

	g->waiting++;
	while (!b->flight.listed && cond_wait_until(&b->go, &g->m, patience))
		;
	g->waiting--;
	batch_close(g, b);
	if (!b->flight.listed)
		take_off(g, &b->flight);
	if (b->n == 1) {
		fly_alone(g, b, g_r);
		mutex_unlock(&g->m);
		batch_drop(b);
		return 0;
	}
	mutex_unlock(&g->m);

	int rc = batch_ask(d, b, until, &why);

	mutex_lock(&g->m);
	struct batch *next = land(g, &b->flight);

	b->over = true;
	if (b->good)
		g->shared += (int64_t)b->n;
	if (rc < 0)
		g->apart_until = deadline_in(APART_MS);
	mutex_unlock(&g->m);
	batch_call(next);
	cond_broadcast(&b->done);
	if (batch_take(b, 0, a, g_r))
		return 1;
	if (rc == 0 || deadline_left(until) > 0)
		return 0;
	if (e)
		*e = why;
	return -1;
}

/* One of the others. Who loses patience asks alone, and so do others for a while. Called with the lock, returns without
 * it. */
static int
follow(struct gather *g, struct batch *b, struct strv value, struct arena *a, struct gathered *g_r)
{
	deadline_t patience = deadline_in(PATIENCE_MS);
	size_t place = batch_join(b, value);

	g->waiting++;
	while (!b->over && cond_wait_until(&b->done, &g->m, patience))
		;

	bool over = b->over;

	if (!over)
		g->apart_until = deadline_in(APART_MS);
	g->waiting--;
	mutex_unlock(&g->m);
	if (over)
		return batch_take(b, place, a, g_r);
	batch_drop(b);
	return 0;
}

int
dir_gather(struct dir *d, struct arena *a, const struct dir_search *s, deadline_t until, struct gathered *g_r,
	   struct err *e)
{
	struct gather *g = &d->gather;
	struct flight *me = &g_r->flight;
	struct batch *b;

	*g_r = (struct gathered){.flight.s = s};
	if (!may_share(d, s, until, &me->key))
		return 0;
	mutex_lock(&g->m);
	b = batch_find(g, me);
	if (!b && count_of_kind(g, me) < GATHER_FLIGHTS) {
		take_off(g, me);
		mutex_unlock(&g->m);
		return 0;
	}
	if (deadline_left(g->apart_until) > 0 || !is_plain(me->key.value, s->share == DIR_SHARE_LINKS)) {
		mutex_unlock(&g->m);
		return 0;
	}
	if (b)
		return follow(g, b, me->key.value, a, g_r);
	b = batch_open(g, me);
	batch_join(b, me->key.value);
	return lead(d, b, a, until, g_r, e);
}

void
dir_gather_leave(struct dir *d, struct gathered *g_r)
{
	struct gather *g = &d->gather;

	if (!g_r->flight.listed)
		return;
	mutex_lock(&g->m);
	struct batch *next = land(g, &g_r->flight);

	mutex_unlock(&g->m);
	batch_call(next);
}
