/* SPDX-License-Identifier: Apache-2.0
 * PATCH (RFC 7644 3.5.2): body to typed operations, operations onto a resource; all or nothing. Pure. */
#ifndef DIRHINGE_SCIM_PATCH_H
#define DIRHINGE_SCIM_PATCH_H

#include "dirhinge/scim/path.h"
#include "dirhinge/scim/resource.h"

#define SCIM_PATCH_MAX_OPS 1000
#define SCIM_URN_PATCHOP   "urn:ietf:params:scim:api:messages:2.0:PatchOp"

enum scim_patch_kind { SCIM_ADD, SCIM_REPLACE, SCIM_REMOVE };

struct scim_patch_op {
	enum scim_patch_kind kind;
	const struct scim_path *path; /* never NULL: a pathless operation is split into one per attribute */
	const json_t *value;          /* as sent; NULL when absent */
	unsigned index;               /* of the operation in the body, for messages */
};

struct scim_patch {
	struct scim_patch_op *ops;
	size_t n;
};

/* Checks schemas, Operations (1..SCIM_PATCH_MAX_OPS), op (any case), path, presence of value. Pathless values are split
 * by attribute; extension URN keys by their attributes; SCIM_TOL_FLAT_KEYS keys through the path grammar. readOnly
 * attributes: a path on one is ERR_MUTABILITY; as key of a pathless value they are ignored (RFC 7644 3.5.2.3 clients
 * send whole resources). remove without path: ERR_NO_TARGET. Errors name the operation: "Operations[2].path: …". */
int scim_patch_parse(struct scim_ctx *c, const json_t *body, struct scim_patch *patch_r, struct err *e) DH_MUST_USE;

/* Applies the operations in order to a copy of before (normal form), which stays as it is; *after_r shares with it what
 * no operation names, is in normal form and checked by scim_resource_check where it differs from before. The type's
 * required attributes cannot be removed (ERR_MUTABILITY). ERR_TOO_LARGE if many operations work on a very long list. */
int scim_patch_apply(struct scim_ctx *c, const struct scim_patch *patch, const json_t *before, json_t **after_r,
		     struct err *e) DH_MUST_USE;

/* Operations on one multi-valued reference attribute (Group members) taken out of the patch without knowing the current
 * values, so that a member list is never read and rewritten. */
struct scim_member_delta {
	bool touched;
	bool clear;         /* start from empty (replace, remove without selection) */
	bool needs_current; /* a selection other than value eq was used: the caller must load the values and use apply
			     */
	const char **add;   /* values (ids), in order, without duplicates, disjoint from remove */
	size_t n_add;
	const char **remove;
	size_t n_remove;
};

/* Moves the operations on attr out of patch into *delta_r (later operations win over earlier ones). With needs_current
 * nothing is moved. An element without value, or not a string: ERR_VALUE naming the operation. */
int scim_patch_take_members(struct scim_ctx *c, struct scim_patch *patch, const struct scim_attr *attr,
			    struct scim_member_delta *delta_r, struct err *e) DH_MUST_USE;

#endif
