/* SPDX-License-Identifier: Apache-2.0
 * What differs between two resources in normal form. Pure. */
#ifndef DIRHINGE_SCIM_DIFF_H
#define DIRHINGE_SCIM_DIFF_H

#include "dirhinge/scim/resource.h"

struct scim_change {
	const struct scim_attr *attr; /* top-level attribute, or the sub-attribute of a single-valued complex one */
	const json_t *before;         /* NULL = absent */
	const json_t *after;          /* NULL = absent */
};

struct scim_diff {
	struct scim_change *changes;
	size_t n;
};

/* Differences by the attributes' equality (scim_value_equal), but letter case counts everywhere except in ids of
 * members: a corrected spelling has to be written. Parts that follow from a reference ($ref, display) make no
 * difference. meta, schemas and id are left out. */
void scim_diff(struct arena *a, const struct scim_type *t, const json_t *before, const json_t *after,
	       struct scim_diff *diff_r);

/* RFC 7644 3.5.1: the resource that a PUT asks for. Attributes absent from body keep their value in before; null
 * (SCIM_FOR_REPLACE normal form) clears; readOnly keeps before; a different immutable value is ERR_MUTABILITY.
 * Inside a single-valued complex attribute the same rule holds for its sub-attributes. */
int scim_replace(struct scim_ctx *c, const json_t *before, const json_t *body, json_t **after_r,
		 struct err *e) DH_MUST_USE;

#endif
