/* SPDX-License-Identifier: Apache-2.0
 * Wall and monotonic time. */
#include "dirhinge/base/clock.h"

#include <poll.h>
#include <time.h>

static int64_t
now_us(clockid_t id)
{
	struct timespec ts;

	must(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

deadline_t
deadline_in(int64_t ms)
{
	deadline_t d;

	/* "for ever" is a legitimate wish: it must not wrap into the past. */
	return __builtin_add_overflow(clock_mono_ms(), ms, &d) ? INT64_MAX : d;
}

int64_t
deadline_left(deadline_t d)
{
	int64_t now = clock_mono_ms();

	return d > now ? d - now : 0;
}

void
clock_pause(int64_t ms, deadline_t until)
{
	int64_t left = deadline_left(until);

	poll(NULL, 0, (int)(ms < left ? ms : left));
}
