/* SPDX-License-Identifier: Apache-2.0
 * The last writes of the gateway in a ring, found by the entry's id; and those in flight, which are waited for: the
 * directory may report a change before its answer has come back. */
#include "dirhinge/store/cause.h"

#include "dirhinge/base/strv.h"
#include "dirhinge/base/thread.h"
#include "store/store_priv.h"

#define DONE_MAX  8192 /* some seconds of the fastest directory */
#define BUCKETS   16384
#define FORGET_MS 60000
#define NONE      UINT32_MAX

struct done {
	char id[64], csn[64]; /* csn "": a delete, or not known */
	char client[80], request_id[80];
	int64_t at_ms;
	uint32_t next; /* in the bucket, newer first */
};

struct cause_write {
	struct arena *a; /* holds this */
	struct cause_write *next;
	const char *dn_key, *client, *request_id;
};

struct causes {
	struct arena *a;
	struct mutex lock; /* all below */
	struct cond ended;
	struct cause_write *flying;
	struct done *done;
	uint32_t *buckets;
	uint64_t n; /* ever made; the newest is at (n - 1) % DONE_MAX */
};

struct causes *
causes_new(void)
{
	struct arena *a = arena_new(1024);
	struct causes *cs = ARENA_NEW(a, struct causes);

	cs->a = a;
	cs->done = ARENA_ARRAY(a, DONE_MAX, struct done);
	cs->buckets = ARENA_ARRAY(a, BUCKETS, uint32_t);
	memset(cs->buckets, 0xff, BUCKETS * sizeof(*cs->buckets));
	mutex_init(&cs->lock);
	cond_init(&cs->ended);
	return cs;
}

void
causes_free(struct causes **cs)
{
	if (!*cs)
		return;
	must(!(*cs)->flying); /* its end would still come here */
	cond_done(&(*cs)->ended);
	mutex_done(&(*cs)->lock);
	struct arena *a = (*cs)->a;
	*cs = NULL;
	arena_free(&a);
}

struct cause_write *
causes_begin(struct causes *cs, const char *dn_key, const char *client, const char *request_id)
{
	struct arena *a = arena_new(512);
	struct cause_write *w = ARENA_NEW(a, struct cause_write);

	*w = (struct cause_write){.a = a,
				  .dn_key = arena_strdup(a, dn_key ? dn_key : ""),
				  .client = arena_strdup(a, client ? client : ""),
				  .request_id = arena_strdup(a, request_id ? request_id : "")};
	mutex_lock(&cs->lock);
	w->next = cs->flying;
	cs->flying = w;
	mutex_unlock(&cs->lock);
	return w;
}

static uint32_t
bucket_of(const char *id)
{
	return (uint32_t)(store_sum(STORE_SUM_INIT, strv_of(id)) % BUCKETS);
}

static void
unlink_done(struct causes *cs, uint32_t i)
{
	uint32_t *at = &cs->buckets[bucket_of(cs->done[i].id)];

	while (*at != i)
		at = &cs->done[*at].next;
	*at = cs->done[i].next;
}

static void
fill(char *out, size_t size, const char *s)
{
	size_t n = strlen(s);

	n = n < size ? n : size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
}

static void
keep(struct causes *cs, const struct cause_write *w, const char *id, const char *csn)
{
	uint32_t i = (uint32_t)(cs->n % DONE_MAX);
	struct done *d = &cs->done[i];

	/* a key that is cut would match what it is not */
	if (strlen(id) >= sizeof(d->id) || strlen(csn) >= sizeof(d->csn))
		return;
	if (cs->n >= DONE_MAX)
		unlink_done(cs, i);
	fill(d->id, sizeof(d->id), id);
	fill(d->csn, sizeof(d->csn), csn);
	fill(d->client, sizeof(d->client), w->client);
	fill(d->request_id, sizeof(d->request_id), w->request_id);
	d->at_ms = clock_mono_ms();
	d->next = cs->buckets[bucket_of(id)];
	cs->buckets[bucket_of(id)] = i;
	cs->n++;
}

void
causes_end(struct causes *cs, struct cause_write **w, const char *id, const char *csn)
{
	struct cause_write *mine = *w;

	mutex_lock(&cs->lock);
	struct cause_write **at = &cs->flying;
	while (*at != mine)
		at = &(*at)->next;
	*at = mine->next;
	if (id)
		keep(cs, mine, id, csn ? csn : "");
	cond_broadcast(&cs->ended);
	mutex_unlock(&cs->lock);
	struct arena *a = mine->a;
	*w = NULL;
	arena_free(&a);
}

static const struct done *
find(const struct causes *cs, const char *id, const char *csn)
{
	int64_t oldest = clock_mono_ms() - FORGET_MS;

	for (uint32_t i = cs->buckets[bucket_of(id)]; i != NONE; i = cs->done[i].next) {
		const struct done *d = &cs->done[i];
		if (d->at_ms >= oldest && str_eq(d->id, id) && str_eq(d->csn, csn))
			return d;
	}
	return NULL;
}

static bool
is_flying(const struct causes *cs, const char *dn_key)
{
	for (const struct cause_write *w = cs->flying; w; w = w->next)
		if (str_eq(w->dn_key, dn_key))
			return true;
	return false;
}

int
causes_find(struct causes *cs, struct arena *a, const char *id, const char *dn_key, const char *csn, bool gone,
	    deadline_t until, struct cause *c_r)
{
	const char *key = gone ? "" : csn;

	if (!id || !key || (!gone && !*key))
		return 0; /* without a CSN nothing ties a change to a write */
	mutex_lock(&cs->lock);
	const struct done *d = find(cs, id, key);
	while (!d && dn_key && is_flying(cs, dn_key)) {
		bool in_time = cond_wait_until(&cs->ended, &cs->lock, until);
		d = find(cs, id, key);
		if (!in_time)
			break;
	}
	if (d)
		*c_r = (struct cause){.client = arena_strdup(a, d->client),
				      .request_id = arena_strdup(a, d->request_id)};
	mutex_unlock(&cs->lock);
	return d != NULL;
}
