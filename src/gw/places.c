/* SPDX-License-Identifier: Apache-2.0
 * A table of fixed size with one slot for each hash: what falls onto the same slot costs a search, nothing else. */
#include "gw/places.h"

#include "dirhinge/base/thread.h"

/* Identity providers go from group to group; 512 at 250 bytes are 128 kB. */
#define SLOTS  512
#define ID_MAX 40 /* with the end of the string; ids are UUIDs */
#define DN_MAX 216

struct place {
	char id[ID_MAX]; /* "": none */
	char dn[DN_MAX];
};

struct gw_places {
	struct mutex m;
	struct place slots[SLOTS];
};

struct gw_places *
gw_places_new(struct arena *a)
{
	struct gw_places *p = ARENA_NEW(a, struct gw_places);
	mutex_init(&p->m);
	return p;
}

void
gw_places_done(struct gw_places *p)
{
	mutex_done(&p->m);
}

static struct place *
slot_of(struct gw_places *p, const char *id)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return &p->slots[h % SLOTS];
}

const char *
gw_places_get(struct gw_places *p, struct arena *a, const char *id)
{
	struct place *at = slot_of(p, id);
	char dn[DN_MAX];
	mutex_lock(&p->m);
	bool found = str_eq(at->id, id);
	if (found)
		memcpy(dn, at->dn, sizeof(dn));
	mutex_unlock(&p->m);
	return found && *id ? arena_strdup(a, dn) : NULL;
}

void
gw_places_put(struct gw_places *p, const char *id, const char *dn)
{
	struct place *at = slot_of(p, id);
	size_t n = strlen(id), len = strlen(dn);
	mutex_lock(&p->m);
	if (n < ID_MAX && len < DN_MAX) {
		memcpy(at->id, id, n + 1);
		memcpy(at->dn, dn, len + 1);
	} else if (str_eq(at->id, id)) {
		at->id[0] = '\0';
	}
	mutex_unlock(&p->m);
}

void
gw_places_forget(struct gw_places *p, const char *id, const char *dn)
{
	struct place *at = slot_of(p, id);
	mutex_lock(&p->m);
	if (str_eq(at->id, id) && str_eq(at->dn, dn))
		at->id[0] = '\0';
	mutex_unlock(&p->m);
}
