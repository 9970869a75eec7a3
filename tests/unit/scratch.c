/* SPDX-License-Identifier: Apache-2.0
 * See scratch.h. */
#include "scratch.h"

struct arena *a;
struct err e;

void
scratch_setup(void)
{
	a = arena_new(4096);
	e = ERR_INIT;
}

void
scratch_teardown(void)
{
	arena_free(&a);
}
