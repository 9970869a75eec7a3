/* SPDX-License-Identifier: Apache-2.0
 * Blocks of memory that is zeroed as it is handed out, front to back; under ASan every object is followed by a poisoned
 * red zone. */
#include "dirhinge/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define RED_ZONE       16
#define POISON(p, n)   __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define RED_ZONE       0
#define POISON(p, n)   ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

#define ALIGN     alignof(max_align_t)
#define BLOCK_MIN 256
#define BLOCK_MAX ((size_t)64 * 1024)
#define ZERO_STEP ((size_t)1024) /* zeroed at once: few calls, and little that nobody will use */

struct block {
	struct block *next;
	size_t size; /* of data */
	size_t used;
	size_t zeroed;
	alignas(max_align_t) unsigned char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *obj;
};

struct arena {
	struct block *head; /* the block that still takes objects; full and oversized ones follow */
	struct deferred *deferred;
	size_t first_size;
	size_t next_size;
	size_t used;
};

/* A large block comes from the system, zeroed for nothing; in others only what is handed out has to be. */
static struct block *
block_new(size_t size)
{
	must(size <= SIZE_MAX - sizeof(struct block));
	bool large = size > BLOCK_MAX;
	struct block *b = large ? mem_new(sizeof(*b) + size) : mem_grow(NULL, sizeof(*b) + size);

	b->next = NULL;
	b->size = size;
	b->used = 0;
	b->zeroed = large ? size : 0;
	POISON(b->data, size);
	return b;
}

static void
block_free(struct block *b)
{
	UNPOISON(b->data, b->size);
	free(b);
}

/* Everything up to used is zero or was handed out. */
static void
block_zero(struct block *b)
{
	size_t n = b->used - b->zeroed;

	n = n < ZERO_STEP ? ZERO_STEP : n;
	n = n < b->size - b->zeroed ? n : b->size - b->zeroed;
	UNPOISON(b->data + b->zeroed, n);
	memset(b->data + b->zeroed, 0, n);
	POISON(b->data + b->zeroed, n);
	b->zeroed += n;
}

static size_t
size_after(size_t size)
{
	if (size >= BLOCK_MAX)
		return size;
	return size * 2 < BLOCK_MAX ? size * 2 : BLOCK_MAX;
}

struct arena *
arena_new(size_t first_block)
{
	struct arena *a = mem_new(sizeof(*a));

	a->first_size = first_block < BLOCK_MIN ? BLOCK_MIN : first_block;
	a->next_size = a->first_size;
	return a;
}

/* A deferred function may still use memory of the arena, so that blocks go after them. */
static void
run_deferred(struct arena *a)
{
	for (struct deferred *d = a->deferred; d != NULL; d = d->next)
		d->fn(d->obj);
	a->deferred = NULL;
}

void
arena_reset(struct arena *a)
{
	struct block *kept = NULL;

	run_deferred(a);
	while (a->head != NULL) {
		struct block *b = a->head;

		a->head = b->next;
		if (kept == NULL && b->size == a->first_size)
			kept = b;
		else
			block_free(b);
	}
	if (kept != NULL) {
		kept->next = NULL;
		kept->used = 0;
		kept->zeroed = 0;
		POISON(kept->data, kept->size);
	}
	a->head = kept;
	a->next_size = kept != NULL ? size_after(a->first_size) : a->first_size;
	a->used = 0;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;

	if (a == NULL)
		return;
	*ap = NULL;
	run_deferred(a);
	while (a->head != NULL) {
		struct block *b = a->head;

		a->head = b->next;
		block_free(b);
	}
	free(a);
}

/* Makes room for need bytes; returns the block that has it. */
static struct block *
block_add(struct arena *a, size_t need)
{
	if (need > a->next_size) {
		/* An oversized object gets its own block behind the head, so that the head's rest stays usable. */
		struct block *b = block_new(need);

		if (a->head == NULL) {
			a->head = b;
		} else {
			b->next = a->head->next;
			a->head->next = b;
		}
		return b;
	}
	struct block *b = block_new(a->next_size);

	a->next_size = size_after(a->next_size);
	b->next = a->head;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	must(size <= SIZE_MAX / 2);
	size_t need = (size + ALIGN - 1) / ALIGN * ALIGN + RED_ZONE;

	if (need == 0) /* a distinct address even for an empty object */
		need = ALIGN;
	struct block *b = a->head;

	if (b == NULL || b->size - b->used < need)
		b = block_add(a, need);
	unsigned char *p = b->data + b->used;

	b->used += need;
	if (b->used > b->zeroed)
		block_zero(b);
	a->used += size;
	UNPOISON(p, size);
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	must(!__builtin_mul_overflow(count, size, &total));
	return arena_alloc(a, total);
}

void *
arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t first, size_t size)
{
	void *grown;

	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : first;
	grown = arena_array(a, *cap, size);
	if (n)
		memcpy(grown, array, n * size);
	return grown;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	must(n < SIZE_MAX / 2);
	char *p = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(p, s, n);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

void *
arena_memdup(struct arena *a, const void *src, size_t n)
{
	void *p = arena_alloc(a, n);

	if (n > 0)
		memcpy(p, src, n);
	return p;
}

char *
arena_join(struct arena *a, const struct strv *parts, size_t n)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		must(!__builtin_add_overflow(total, parts[i].n, &total));
	must(total < SIZE_MAX / 2);
	char *p = arena_alloc(a, total + 1);

	for (size_t i = 0; i < n; i++) {
		if (parts[i].n > 0)
			memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return p;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);

	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void
arena_defer(struct arena *a, void (*fn)(void *), void *obj)
{
	if (obj == NULL)
		return;
	struct deferred *d = ARENA_NEW(a, struct deferred);

	*d = (struct deferred){.next = a->deferred, .fn = fn, .obj = obj};
	a->deferred = d;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
