/* SPDX-License-Identifier: Apache-2.0
 * The store of snapshots: a short list under one lock. Items stand in chunks, so that a snapshot grows without copying
 * and every byte is accounted for before it is taken. */
#include "gw/snapshot.h"

#include "dirhinge/base/strv.h"
#include "dirhinge/base/thread.h"

#define CHUNK_ITEMS 480
/* Arena blocks are charged with what they are asked for; this stands for headers and the table of chunks. */
#define CHUNK_BYTES (sizeof(struct chunk) + 64)
#define SNAP_BYTES  1024

struct chunk {
	struct gw_item v[CHUNK_ITEMS];
};

struct snap {
	struct snap *next; /* newer ones first */
	struct arena *a;   /* holds the struct itself */
	uint64_t id;
	const char *client;
	unsigned char query[SHA256_SIZE];
	uint64_t writes; /* of the gateway when reading began */
	int64_t made, used;
	size_t served[3]; /* where a page by index may begin although somebody wrote: the last one again, and the next
			   */
	struct chunk **chunks;
	size_t n_chunks, cap_chunks, n;
};

struct gw_snaps {
	struct arena *a;
	struct gw_snaps_opts o;
	struct mutex lock; /* all below, and what the snapshots in the list hold */
	struct snap *first;
	size_t bytes, n;
	uint64_t last_id, writes;
};

struct gw_snap_build {
	struct gw_snaps *store;
	struct snap *snap; /* NULL: useless */
};

struct gw_snaps *
gw_snaps_new(const struct gw_snaps_opts *opts)
{
	struct arena *a = arena_new(1024);
	struct gw_snaps *s = ARENA_NEW(a, struct gw_snaps);
	s->a = a;
	s->o = *opts;
	mutex_init(&s->lock);
	return s;
}

static size_t
bytes_of(const struct snap *sn)
{
	return SNAP_BYTES + sn->n_chunks * CHUNK_BYTES;
}

static void
snap_free(struct gw_snaps *s, struct snap *sn)
{
	struct arena *a = sn->a;
	s->bytes -= bytes_of(sn);
	arena_free(&a);
}

static void
drop(struct gw_snaps *s, struct snap **at)
{
	struct snap *sn = *at;
	*at = sn->next;
	s->n--;
	snap_free(s, sn);
}

void
gw_snaps_free(struct gw_snaps **s)
{
	if (!*s)
		return;
	while ((*s)->first)
		drop(*s, &(*s)->first);
	must((*s)->bytes == 0); /* a build would still point here */
	mutex_done(&(*s)->lock);
	struct arena *a = (*s)->a;
	*s = NULL;
	arena_free(&a);
}

int64_t
gw_snaps_now(const struct gw_snaps *s)
{
	return s->o.now();
}

/* --- room --------------------------------------------------------------------------------------------------------- */

static void
drop_expired(struct gw_snaps *s)
{
	int64_t now = s->o.now();
	for (struct snap **at = &s->first; *at;)
		if (now - (*at)->used >= s->o.idle_ms)
			drop(s, at);
		else
			at = &(*at)->next;
}

/* The least recently used one of a client (NULL: of all), or NULL. Of equal ones the older stands later. */
static struct snap **
least_used(struct gw_snaps *s, const char *client, size_t *n_r)
{
	struct snap **least = NULL;
	*n_r = 0;
	for (struct snap **at = &s->first; *at; at = &(*at)->next) {
		if (client && !str_eq((*at)->client, client))
			continue;
		(*n_r)++;
		if (!least || (*at)->used <= (*least)->used)
			least = at;
	}
	return least;
}

/* A client's own snapshots go before those of others. */
static bool
reserve(struct gw_snaps *s, const char *client, size_t bytes)
{
	if (s->bytes + bytes > s->o.max_bytes)
		drop_expired(s);
	while (s->bytes + bytes > s->o.max_bytes) {
		size_t n;
		struct snap **at = least_used(s, client, &n);
		if (!at)
			at = least_used(s, NULL, &n);
		if (!at)
			return false;
		drop(s, at);
	}
	s->bytes += bytes;
	return true;
}

/* --- building ------------------------------------------------------------------------------------------------------
 */

struct gw_snap_build *
gw_snap_build_new(struct arena *a, struct gw_snaps *s, const struct gw_snap_key *key)
{
	struct gw_snap_build *b = ARENA_NEW(a, struct gw_snap_build);
	b->store = s;
	mutex_lock(&s->lock);
	bool room = reserve(s, key->client, SNAP_BYTES);
	uint64_t writes = s->writes;
	mutex_unlock(&s->lock);
	if (!room)
		return b;
	struct arena *own = arena_new(512);
	b->snap = ARENA_NEW(own, struct snap);
	*b->snap = (struct snap){.a = own, .client = arena_strdup(own, key->client), .writes = writes};
	memcpy(b->snap->query, key->query, sizeof(b->snap->query));
	return b;
}

static void
add_chunk(struct snap *sn)
{
	if (sn->n_chunks == sn->cap_chunks) {
		size_t cap = sn->cap_chunks ? sn->cap_chunks * 2 : 4;
		struct chunk **chunks = ARENA_ARRAY(sn->a, cap, struct chunk *);
		if (sn->n_chunks > 0)
			memcpy(chunks, sn->chunks, sn->n_chunks * sizeof(*chunks));
		sn->chunks = chunks;
		sn->cap_chunks = cap;
	}
	sn->chunks[sn->n_chunks++] = ARENA_NEW(sn->a, struct chunk);
}

bool
gw_snap_build_add(struct gw_snap_build *b, const struct gw_item *item)
{
	struct snap *sn = b->snap;
	if (!sn)
		return false;
	if (sn->n == sn->n_chunks * CHUNK_ITEMS) {
		mutex_lock(&b->store->lock);
		bool room = reserve(b->store, sn->client, CHUNK_BYTES);
		mutex_unlock(&b->store->lock);
		if (!room) {
			gw_snap_build_free(&b);
			return false;
		}
		add_chunk(sn);
	}
	sn->chunks[sn->n / CHUNK_ITEMS]->v[sn->n % CHUNK_ITEMS] = *item;
	sn->n++;
	return true;
}

void
gw_snap_build_free(struct gw_snap_build **b)
{
	if (!*b || !(*b)->snap)
		return;
	mutex_lock(&(*b)->store->lock);
	snap_free((*b)->store, (*b)->snap);
	mutex_unlock(&(*b)->store->lock);
	(*b)->snap = NULL;
}

uint64_t
gw_snap_build_keep(struct gw_snap_build *b)
{
	struct snap *sn = b->snap;
	struct gw_snaps *s = b->store;
	size_t n;
	if (!sn)
		return 0;
	mutex_lock(&s->lock);
	drop_expired(s);
	for (struct snap **at = least_used(s, sn->client, &n); n >= s->o.max_per_client;
	     at = least_used(s, sn->client, &n))
		drop(s, at);
	uint64_t id = sn->id = ++s->last_id;
	sn->made = sn->used = s->o.now();
	sn->next = s->first;
	s->first = sn;
	s->n++;
	mutex_unlock(&s->lock);
	b->snap = NULL;
	return id;
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static bool
belongs(const struct snap *sn, const struct gw_snap_key *key)
{
	return str_eq(sn->client, key->client) && memcmp(sn->query, key->query, sizeof(sn->query)) == 0;
}

static struct snap *
snap_by_id(struct gw_snaps *s, uint64_t id)
{
	struct snap *sn = s->first;
	while (sn && sn->id != id)
		sn = sn->next;
	return sn;
}

bool
gw_snap_read(struct gw_snaps *s, uint64_t id, const struct gw_snap_key *key, struct gw_window *w)
{
	mutex_lock(&s->lock);
	drop_expired(s);
	struct snap *sn = snap_by_id(s, id);
	bool found = sn && belongs(sn, key);
	if (found) {
		size_t left = w->first < sn->n ? sn->n - w->first : 0;
		w->n = w->n < left ? w->n : left;
		w->total = sn->n;
		for (size_t i = 0; i < w->n; i++) {
			size_t k = w->first + i;
			w->items[i] = sn->chunks[k / CHUNK_ITEMS]->v[k % CHUNK_ITEMS];
		}
		sn->used = s->o.now();
	}
	mutex_unlock(&s->lock);
	return found;
}

static bool
goes_on(const struct snap *sn, size_t first)
{
	for (size_t i = 0; i < ARRAY_SIZE(sn->served); i++)
		if (sn->served[i] == first)
			return true;
	return false;
}

uint64_t
gw_snap_find(struct gw_snaps *s, const struct gw_snap_key *key, size_t first)
{
	uint64_t id = 0;
	mutex_lock(&s->lock);
	drop_expired(s);
	int64_t now = s->o.now();
	for (const struct snap *sn = s->first; sn && id == 0; sn = sn->next)
		if (belongs(sn, key) && now - sn->made < s->o.index_ms &&
		    (sn->writes == s->writes || goes_on(sn, first)))
			id = sn->id;
	mutex_unlock(&s->lock);
	return id;
}

void
gw_snap_served(struct gw_snaps *s, uint64_t id, size_t first, size_t next_returned, size_t next_asked)
{
	mutex_lock(&s->lock);
	struct snap *sn = snap_by_id(s, id);
	if (sn) {
		sn->served[0] = first;
		sn->served[1] = next_returned;
		sn->served[2] = next_asked;
	}
	mutex_unlock(&s->lock);
}

void
gw_snaps_written(struct gw_snaps *s)
{
	mutex_lock(&s->lock);
	s->writes++;
	mutex_unlock(&s->lock);
}

void
gw_snaps_get_stats(struct gw_snaps *s, struct gw_snaps_stats *st_r)
{
	mutex_lock(&s->lock);
	*st_r = (struct gw_snaps_stats){.bytes = s->bytes, .n = s->n};
	mutex_unlock(&s->lock);
}
