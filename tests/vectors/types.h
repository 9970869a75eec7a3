/* SPDX-License-Identifier: Apache-2.0
 * The resource types of the product for tests, built from schema/scim. */
#ifndef DIRHINGE_TESTS_TYPES_H
#define DIRHINGE_TESTS_TYPES_H

#include "dirhinge/scim/ctx.h"

/* "User", "Group", or "Gadget": a type with every kind and mutability that the standard ones lack. NULL and a message
 * on stderr if a schema does not load. */
const struct scim_type *types_load(struct arena *a, const char *name);

/* "strict", "lenient", "entra", or names of tolerances with commas between; false if one is not known. */
bool types_tolerance(struct strv text, unsigned *tolerate_r);

#endif
