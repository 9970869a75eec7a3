/* SPDX-License-Identifier: Apache-2.0
 * An arena and an error for the running test. */
#ifndef DIRHINGE_TESTS_SCRATCH_H
#define DIRHINGE_TESTS_SCRATCH_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"

extern struct arena *a;
extern struct err e;

/* A checked fixture, or the part of one. */
void scratch_setup(void);
void scratch_teardown(void);

#endif
