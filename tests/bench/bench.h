/* SPDX-License-Identifier: Apache-2.0
 * What the two load generators share: a histogram of latencies, work files, and the way results are printed. */
#ifndef DIRHINGE_TESTS_BENCH_H
#define DIRHINGE_TESTS_BENCH_H

#include <stdio.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/defs.h"
#include "dirhinge/base/strv.h"

DH_NORETURN void die(const char *fmt, ...) DH_PRINTF(1, 2);
/* The number in text, else die() naming the option. */
long number(const char *option, const char *text);

/* --- latencies ---------------------------------------------------------------------------------------------------
 * Log-linear buckets of 1/32: any value is known within 3 %. Microseconds; beyond an hour is an hour. */
#define HIST_SUB     32
#define HIST_BUCKETS (28 * HIST_SUB)

struct hist {
	uint64_t n, sum, max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, int64_t us);
void hist_merge(struct hist *into, const struct hist *from);
/* The value that the share q (0..1) does not exceed. */
uint64_t hist_at(const struct hist *h, double q);

/* --- keys --------------------------------------------------------------------------------------------------------
 * A file of rows, columns separated by tabs: the entries that the work is about. */
struct keys {
	const char *text; /* mapped */
	const char **row; /* n starts, and the end */
	size_t n;
};

void keys_open(const char *path, struct keys *k);

/* --- work --------------------------------------------------------------------------------------------------------
 * A file of lines "weight TAB name TAB field TAB field …". In fields stand {0} {1} … for a column of the row picked for
 * the operation, {n} for its number, {c} for its connection and {r} for a random number. */
#define WORK_MAX   16
#define FIELDS_MAX 96

struct op {
	const char *name;
	unsigned weight;
	size_t n_fields;
	const char *field[FIELDS_MAX];
};

struct work {
	struct op op[WORK_MAX];
	size_t n;
	unsigned weights;
	bool sequence; /* every line in turn with the same row and number, instead of a random line */
	struct keys keys;
};

/* The state of one connection. */
struct pick {
	const struct work *w;
	uint64_t seed;
	unsigned conn;
	size_t turn; /* sequence: the next line */
	size_t row;
	uint64_t number;
};

void work_open(struct arena *a, const char *path, struct work *w);
void pick_init(struct pick *p, const struct work *w, unsigned conn, uint64_t seed);
/* The next operation: picks a row, takes a number (only where a new one is due). */
const struct op *pick_next(struct pick *p, uint64_t *counter);
void pick_fill(struct pick *p, const char *field, struct buf *out);

/* --- results ----------------------------------------------------------------------------------------------------- */
struct tally {
	struct hist op[WORK_MAX];
	uint64_t errors;
	char error[512]; /* the first one */
};

void tally_merge(struct tally *into, const struct tally *from);
void tally_error(struct tally *t, const char *fmt, ...) DH_PRINTF(2, 3);
/* One JSON object on standard output. */
void tally_print(const struct work *w, const struct tally *t, double seconds);
void hist_print(FILE *f, const struct hist *h, double seconds);

#endif
