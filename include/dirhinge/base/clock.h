/* SPDX-License-Identifier: Apache-2.0
 * Time: wall clock for stamps, monotonic clock for deadlines. The only caller of clock_gettime().
 * Thread rule: any thread. */
#ifndef DIRHINGE_BASE_CLOCK_H
#define DIRHINGE_BASE_CLOCK_H

#include "dirhinge/base/defs.h"

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_us(void);
/* Monotonic milliseconds; only differences mean something. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* A point on the monotonic clock, in ms. */
typedef int64_t deadline_t;
deadline_t deadline_in(int64_t ms);
/* Milliseconds left, never negative. */
int64_t deadline_left(deadline_t d);
/* Lets ms pass, but not beyond the deadline: before trying again what another client was faster with. */
void clock_pause(int64_t ms, deadline_t until);
static inline deadline_t
deadline_min(deadline_t a, deadline_t b)
{
	return a < b ? a : b;
}

#endif
