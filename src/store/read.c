/* SPDX-License-Identifier: Apache-2.0
 * Readers: a few connections that cannot write, each lent for one short snapshot. Rows are copied before anybody's
 * function sees them, so that a slow one never holds a snapshot, which would stop checkpoints. */
#include "store/store_priv.h"

#include <endian.h>

static struct store_db *
free_reader(struct store *s)
{
	for (;;) {
		size_t closed = STORE_READERS;
		for (size_t i = 0; i < STORE_READERS; i++) {
			if (s->reader_busy[i])
				continue;
			if (s->reader_open[i]) {
				s->reader_busy[i] = true;
				return &s->readers[i];
			}
			closed = i;
		}
		if (closed < STORE_READERS) {
			s->reader_busy[closed] = true;
			return &s->readers[closed];
		}
		cond_wait(&s->free_reader, &s->lock);
	}
}

struct store_db *
store_reader_take(struct store *s, struct err *e)
{
	mutex_lock(&s->lock);
	struct store_db *d = free_reader(s);
	size_t i = (size_t)(d - s->readers);
	bool open = s->reader_open[i];
	mutex_unlock(&s->lock);
	if (open)
		return d;
	bool opened = store_db_open_reader(d, s->path, e) == 0;
	d->compose = s->compose;
	mutex_lock(&s->lock);
	s->reader_open[i] = opened;
	mutex_unlock(&s->lock);
	if (opened)
		return d;
	store_reader_give(s, d);
	return NULL;
}

void
store_reader_give(struct store *s, struct store_db *d)
{
	mutex_lock(&s->lock);
	s->reader_busy[d - s->readers] = false;
	cond_signal(&s->free_reader);
	mutex_unlock(&s->lock);
}

void *
store_rows_add(struct store_rows *r)
{
	r->v = arena_grow(r->a, r->v, r->n, &r->cap, 32, r->size);
	return (char *)r->v + r->n++ * r->size;
}

uint64_t
store_sum(uint64_t h, struct strv v)
{
	size_t i = 0;

	/* By words: it is for damage, not against anybody, and everything that is written and read comes by. The same
	 * on every machine. */
	for (uint64_t word; i + sizeof(word) <= v.n; i += sizeof(word)) {
		memcpy(&word, v.p + i, sizeof(word));
		h = (h ^ le64toh(word)) * UINT64_C(0x100000001b3);
		h ^= h >> 32;
	}
	for (; i < v.n; i++)
		h = (h ^ (unsigned char)v.p[i]) * UINT64_C(0x100000001b3);
	return h;
}
