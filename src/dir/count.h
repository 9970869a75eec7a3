/* SPDX-License-Identifier: Apache-2.0
 * Private: what this module counts. Thread rule: locked. */
#ifndef DIRHINGE_SRC_DIR_COUNT_H
#define DIRHINGE_SRC_DIR_COUNT_H

#include "dir/result.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/metrics.h"

struct dir;

struct dir_counters {
	struct metric *ops, *duration, *connections, *waits, *binds, *failures, *shared;
};

/* Registers the families; nothing without a registry. */
void dir_count_setup(struct dir *d, struct metrics *m);
/* One operation as its caller saw it, repetitions included; started: clock_mono_us() at its begin. */
void dir_count_op(struct dir *d, enum result_op op, int64_t started, int rc, const struct err *e);

#endif
