/* SPDX-License-Identifier: Apache-2.0
 * The hour of each client as a ring of the times of its last deletes. */
#include "gw/rate.h"

#include "dirhinge/base/strmap.h"
#include "dirhinge/base/thread.h"

#define HOUR_MS (60 * 60 * 1000)

struct hour {
	int64_t limit; /* slots; another limit after a reload begins a new ring */
	int64_t *at;
	int64_t next, used;
};

struct gw_rate {
	struct arena *a;
	struct mutex m;
	struct strmap *clients; /* name -> struct hour */
};

struct gw_rate *
gw_rate_new(void)
{
	struct arena *a = arena_new(1024);
	struct gw_rate *r = ARENA_NEW(a, struct gw_rate);
	r->a = a;
	r->clients = strmap_new(a, false);
	mutex_init(&r->m);
	return r;
}

void
gw_rate_free(struct gw_rate **r)
{
	if (!*r)
		return;
	struct arena *a = (*r)->a;
	mutex_done(&(*r)->m);
	*r = NULL;
	arena_free(&a); /* holds the struct itself */
}

static struct hour *
hour_of(struct gw_rate *r, const struct principal *who)
{
	struct hour *h = strmap_get(r->clients, strv_of(who->name));
	if (h && h->limit == who->deletes_per_hour)
		return h;
	h = ARENA_NEW(r->a, struct hour);
	h->limit = who->deletes_per_hour;
	h->at = ARENA_ARRAY(r->a, (size_t)h->limit, int64_t);
	strmap_put(r->clients, strv_of(who->name), h);
	return h;
}

int
gw_rate_take(struct gw_rate *r, const struct principal *who, int64_t now_ms, struct err *e)
{
	if (who->deletes_per_hour <= 0)
		return 0;
	mutex_lock(&r->m);
	struct hour *h = hour_of(r, who);
	/* Once around, the slot to be written holds the oldest delete. */
	int64_t wait = h->used < h->limit ? 0 : h->at[h->next] + HOUR_MS - now_ms;
	if (wait <= 0) {
		h->at[h->next] = now_ms;
		h->next = (h->next + 1) % h->limit;
		h->used += h->used < h->limit;
	}
	mutex_unlock(&r->m);
	if (wait <= 0)
		return 0;
	err_set(e, ERR_RATE, "this client may delete %lld resources an hour (fences.deletes_per_hour)",
		(long long)who->deletes_per_hour);
	if (e)
		e->retry_after = (uint32_t)((wait + 999) / 1000);
	return -1;
}

void
gw_rate_give(struct gw_rate *r, const struct principal *who)
{
	if (who->deletes_per_hour <= 0)
		return;
	mutex_lock(&r->m);
	struct hour *h = hour_of(r, who);
	if (h->used > 0) {
		h->next = (h->next + h->limit - 1) % h->limit;
		h->used--;
	}
	mutex_unlock(&r->m);
}
