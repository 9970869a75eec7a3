/* SPDX-License-Identifier: Apache-2.0
 * Open addressing over one array; whether a slot is taken stands apart, so that an id of zeroes is one like others. */
#include "sync/idmap.h"

#include "dirhinge/base/arena.h"
#include "dirhinge/base/codec.h"

#define ID_BYTES  16
#define FIRST_CAP 1024 /* a power of two, like every later one */

struct slot {
	unsigned char id[ID_BYTES];
	uint64_t value;
};

struct idmap {
	struct arena *a;      /* of the struct */
	struct arena *arrays; /* made anew when the map grows */
	struct slot *slots;
	bool *taken;
	size_t cap, n;
};

static void
allocate(struct idmap *m, size_t cap)
{
	m->arrays = arena_new(256);
	m->cap = cap;
	m->slots = ARENA_ARRAY(m->arrays, cap, struct slot);
	m->taken = ARENA_ARRAY(m->arrays, cap, bool);
}

struct idmap *
sync_idmap_new(void)
{
	struct arena *a = arena_new(sizeof(struct idmap));
	struct idmap *m = ARENA_NEW(a, struct idmap);

	m->a = a;
	allocate(m, FIRST_CAP);
	return m;
}

void
sync_idmap_free(struct idmap **m)
{
	if (!*m)
		return;
	struct arena *a = (*m)->a;

	arena_free(&(*m)->arrays);
	*m = NULL;
	arena_free(&a); /* holds the struct itself */
}

static bool
id_bytes(const char *id, unsigned char out[ID_BYTES])
{
	size_t n = 0;

	for (; *id; id++) {
		int d = hex_value(*id);
		if (*id == '-')
			continue;
		if (d < 0 || n >= 2 * (size_t)ID_BYTES)
			return false;
		out[n / 2] = (unsigned char)(n % 2 ? out[n / 2] | d : d << 4);
		n++;
	}
	return n == 2 * (size_t)ID_BYTES;
}

/* Ids come from the directory, which gains nothing by choosing them to collide; time-based ones differ in few bits. */
static uint64_t
hash(const unsigned char id[ID_BYTES])
{
	uint64_t a, b;

	memcpy(&a, id, sizeof(a));
	memcpy(&b, id + sizeof(a), sizeof(b));
	a ^= b * UINT64_C(0x9e3779b97f4a7c15);
	a ^= a >> 32;
	a *= UINT64_C(0xd6e8feb86659fd93);
	return a ^ (a >> 32);
}

/* The slot of the id, or the free one where it would stand. */
static size_t
find(const struct idmap *m, const unsigned char id[ID_BYTES])
{
	size_t i = (size_t)hash(id) & (m->cap - 1);

	while (m->taken[i] && memcmp(m->slots[i].id, id, ID_BYTES) != 0)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static void
grow(struct idmap *m)
{
	struct idmap old = *m;

	allocate(m, old.cap * 2);
	for (size_t i = 0; i < old.cap; i++)
		if (old.taken[i]) {
			size_t at = find(m, old.slots[i].id);
			m->slots[at] = old.slots[i];
			m->taken[at] = true;
		}
	arena_free(&old.arrays);
}

int
sync_idmap_put(struct idmap *m, const char *id, uint64_t value, struct err *e)
{
	unsigned char key[ID_BYTES];

	if (!id_bytes(id, key))
		return err_set(e, ERR_PARSE, "the directory sent an entry id that is not 32 hex digits: \"%.64s\"", id);
	if (m->n >= m->cap / 4 * 3)
		grow(m);
	size_t i = find(m, key);
	if (!m->taken[i]) {
		memcpy(m->slots[i].id, key, ID_BYTES);
		m->taken[i] = true;
		m->n++;
	}
	m->slots[i].value = value;
	return 0;
}

bool
sync_idmap_get(const struct idmap *m, const char *id, uint64_t *value_r)
{
	unsigned char key[ID_BYTES];

	if (!id_bytes(id, key))
		return false;
	size_t i = find(m, key);
	if (m->taken[i])
		*value_r = m->slots[i].value;
	return m->taken[i];
}

size_t
sync_idmap_count(const struct idmap *m)
{
	return m->n;
}
