/* SPDX-License-Identifier: Apache-2.0
 * The heap for base itself: allocation that cannot fail. Everybody else uses an arena. */
#ifndef DIRHINGE_SRC_BASE_MEM_H
#define DIRHINGE_SRC_BASE_MEM_H

#include <stdlib.h>

#include "dirhinge/base/defs.h"

/* Zeroed. */
static inline void *
mem_new(size_t size)
{
	void *p = calloc(1, size);

	must(p != NULL);
	return p;
}

static inline void *
mem_grow(void *old, size_t size)
{
	void *p = realloc(old, size);

	must(p != NULL);
	return p;
}

#endif
