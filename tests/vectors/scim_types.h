/* SPDX-License-Identifier: Apache-2.0
 * The resource types that SCIM vectors speak of: User and Group as shipped, Thing, which has every kind of attribute
 * (tests/vectors/scim/thing.json), and Gadget, which has every mutability (gadget.json). */
#ifndef DIRHINGE_TESTS_SCIM_TYPES_H
#define DIRHINGE_TESTS_SCIM_TYPES_H

#include "dirhinge/scim/ctx.h"

struct scim_types {
	const struct scim_type *user, *group, *thing, *gadget;
};

/* Aborts with a message if a schema document is missing or wrong. */
void scim_types_load(struct arena *a, struct scim_types *t);
/* "User", "Group", "Thing", "Gadget"; NULL if unknown. */
const struct scim_type *scim_types_find(const struct scim_types *t, struct strv name);

/* "strict", "lenient", "entra", "okta" or names of tolerances with blanks between; false if one is unknown. */
bool scim_types_tolerance(struct strv words, unsigned *tolerate_r);

/* " ~ unquoted string_bool": what was tolerated, oldest first; nothing if nothing was. */
struct buf;
void scim_types_notes(struct buf *out, const struct scim_ctx *c);

#endif
