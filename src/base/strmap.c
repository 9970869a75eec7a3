/* SPDX-License-Identifier: Apache-2.0
 * Entries in order of insertion. A few are looked through; more are found through an open-addressed index, by keyed
 * hashing (SipHash-1-3), because keys come from clients who could choose them to collide. */
#include "dirhinge/base/strmap.h"

#include <errno.h>
#include <sys/random.h>

/* Most maps of a request stay below that and need neither hashes nor a key for them. */
#define FEW 8

struct entry {
	struct strv key;
	void *value;
	uint64_t hash;
};

struct strmap {
	struct arena *a;
	uint64_t seed[2];
	struct entry *entries;
	size_t n, cap;
	uint32_t *slots; /* entry number + 1, 0 = free; always half of them free */
	size_t n_slots;  /* a power of two; 0 = no index yet, and no seed and no hashes */
	bool fold;
};

static uint64_t
rotl(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static uint64_t
hash(const struct strmap *m, struct strv key)
{
	uint64_t v[4] = {m->seed[0] ^ 0x736f6d6570736575U, m->seed[1] ^ 0x646f72616e646f6dU,
			 m->seed[0] ^ 0x6c7967656e657261U, m->seed[1] ^ 0x7465646279746573U};
	uint64_t word = 0;

	for (size_t i = 0; i < key.n; i++) {
		unsigned char c = (unsigned char)key.p[i];

		if (m->fold && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		word |= (uint64_t)c << (i % 8 * 8);
		if (i % 8 == 7) {
			v[3] ^= word;
			sip_round(v);
			v[0] ^= word;
			word = 0;
		}
	}
	word |= (uint64_t)key.n << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct strmap *
strmap_new(struct arena *a, bool fold)
{
	struct strmap *m = ARENA_NEW(a, struct strmap);

	m->a = a;
	m->fold = fold;
	return m;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t
find(const struct strmap *m, struct strv key, uint64_t h)
{
	size_t mask = m->n_slots - 1;
	size_t i = (size_t)h & mask;

	for (; m->slots[i] != 0; i = (i + 1) & mask) {
		const struct entry *e = &m->entries[m->slots[i] - 1];

		if (e->hash == h && (m->fold ? strv_caseeq(e->key, key) : strv_eq(e->key, key)))
			break;
	}
	return i;
}

/* NULL if absent. *slot_r: where the index names it or, absent, has room for it. */
static struct entry *
look_up(const struct strmap *m, struct strv key, uint64_t h, size_t *slot_r)
{
	if (m->n_slots > 0) {
		*slot_r = find(m, key, h);
		return m->slots[*slot_r] != 0 ? &m->entries[m->slots[*slot_r] - 1] : NULL;
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->fold ? strv_caseeq(m->entries[i].key, key) : strv_eq(m->entries[i].key, key))
			return &m->entries[i];
	return NULL;
}

static void
index_entries(struct strmap *m)
{
	m->slots = ARENA_ARRAY(m->a, m->n_slots, uint32_t);
	for (size_t e = 0; e < m->n; e++) {
		size_t i = (size_t)m->entries[e].hash & (m->n_slots - 1);

		while (m->slots[i] != 0)
			i = (i + 1) & (m->n_slots - 1);
		m->slots[i] = (uint32_t)(e + 1);
	}
}

static void
make_hashes(struct strmap *m)
{
	ssize_t got;

	do
		got = getrandom(m->seed, sizeof(m->seed), 0);
	while (got < 0 && errno == EINTR);
	must(got == (ssize_t)sizeof(m->seed));
	for (size_t i = 0; i < m->n; i++)
		m->entries[i].hash = hash(m, m->entries[i].key);
}

static void
grow(struct strmap *m)
{
	size_t cap = m->cap == 0 ? FEW : m->cap * 2;
	struct entry *entries = ARENA_ARRAY(m->a, cap, struct entry);

	must(cap < UINT32_MAX / 2);
	if (m->n > 0)
		memcpy(entries, m->entries, m->n * sizeof(*entries));
	m->entries = entries;
	m->cap = cap;
	if (cap == FEW)
		return;
	if (m->n_slots == 0)
		make_hashes(m);
	m->n_slots = 2 * cap;
	index_entries(m);
}

void *
strmap_put(struct strmap *m, struct strv key, void *value)
{
	must(value != NULL);
	if (m->n == m->cap)
		grow(m);
	uint64_t h = m->n_slots > 0 ? hash(m, key) : 0;
	size_t slot = 0;
	struct entry *e = look_up(m, key, h, &slot);

	if (e) {
		void *former = e->value;

		e->value = value;
		return former;
	}
	m->entries[m->n] = (struct entry){.key = {arena_strndup(m->a, key.p, key.n), key.n}, .value = value, .hash = h};
	m->n++;
	if (m->n_slots > 0)
		m->slots[slot] = (uint32_t)m->n;
	return NULL;
}

void *
strmap_get(const struct strmap *m, struct strv key)
{
	size_t slot;
	const struct entry *e = m->n > 0 ? look_up(m, key, m->n_slots > 0 ? hash(m, key) : 0, &slot) : NULL;

	return e ? e->value : NULL;
}

size_t
strmap_count(const struct strmap *m)
{
	return m->n;
}

bool
strmap_at(const struct strmap *m, size_t i, struct strv *key_r, void **value_r)
{
	if (i >= m->n)
		return false;
	if (key_r != NULL)
		*key_r = m->entries[i].key;
	if (value_r != NULL)
		*value_r = m->entries[i].value;
	return true;
}
