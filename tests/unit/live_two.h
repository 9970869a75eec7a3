/* SPDX-License-Identifier: Apache-2.0
 * Two slapds, an arena and an error for tests in which directories misbehave. */
#ifndef DIRHINGE_TESTS_LIVE_TWO_H
#define DIRHINGE_TESTS_LIVE_TWO_H

#include <stdlib.h>

#include "live.h"
#include "scratch.h"
#include "unit.h"

extern struct live one, two; /* with a good certificate, and with one for another name */

#define ok(rc)         ck_assert_msg((rc) == 0, "%s | %s", e.detail, e.cause)
#define fails(rc, why) live_check_fails((rc), (why), __LINE__)
#define SOON           deadline_in(20000)

/* rc is -1 and e says why; the password is not in it. */
void live_check_fails(int rc, enum err_code why, int line);

/* A write that has to reach the directory. */
int live_touch(struct dir *d, const char *value);

/* The directory does not answer: how many milliseconds until that was known? */
int64_t live_timed_ping(struct dir *d);
void live_ping_until_ok(struct dir *d, int64_t ms);

/* After live_begin: starts both servers, runs the tests in this process, whose children the servers are. Returns the
 * exit status. */
int live_two_run(const char *name, const TTest *const *tests, size_t n);

#endif
