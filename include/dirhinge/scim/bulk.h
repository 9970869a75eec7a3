/* SPDX-License-Identifier: Apache-2.0
 * Bulk (RFC 7644 3.7): body to operations, the order in which references between them can be resolved, references to
 * ids. Pure: the caller runs the operations and tells what came of them. Thread rule: confined. */
#ifndef DIRHINGE_SCIM_BULK_H
#define DIRHINGE_SCIM_BULK_H

#include "dirhinge/scim/ctx.h"

#define SCIM_URN_BULK_REQUEST  "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
#define SCIM_URN_BULK_RESPONSE "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

enum scim_bulk_method { SCIM_BULK_POST, SCIM_BULK_PUT, SCIM_BULK_PATCH, SCIM_BULK_DELETE };

enum scim_bulk_state {
	SCIM_BULK_WAITING,
	SCIM_BULK_HALF, /* created; references to resources that did not exist then are still to be added */
	SCIM_BULK_DONE,
	SCIM_BULK_FAILED,
};

struct scim_bulk_op {
	const char *method_name; /* as sent, NULL if missing */
	enum scim_bulk_method method;
	const struct scim_type *type; /* NULL if the path names none */
	const char *target;           /* id or "bulkId:x" in the path; NULL for POST */
	const char *bulk_id, *version;
	const json_t *data;
	struct err bad; /* what is wrong with the operation itself; scim_bulk_step reports it */
	enum scim_bulk_state state;
	const char *id; /* of the resource a POST has made */

	/* private */
	const struct scim_bulk_op *after; /* an earlier operation on the same target */
	struct scim_bulk_op **needs;      /* POSTs whose bulkId it refers to */
	size_t n_needs;
	bool defer;          /* part of a circle: what refers to the others is added later */
	const json_t *later; /* HALF: the PATCH body that adds it */
};

struct scim_bulk {
	struct scim_bulk_op *ops;
	size_t n;
	int64_t fail_on_errors; /* 0 = go on whatever happens */

	/* private */
	struct arena *a;
	struct strmap *posts; /* bulkId -> operation */
};

struct scim_bulk_opts {
	const struct scim_type *const *types;
	size_t n_types;
	const char *base_url; /* paths may begin with it, or with its path */
	size_t max_operations;
};

/* Errors of the envelope only: schemas, Operations missing or too many (ERR_TOO_LARGE with the limit), failOnErrors,
 * one bulkId for two POSTs. c->type is not used. */
int scim_bulk_parse(struct scim_ctx *c, const json_t *body, const struct scim_bulk_opts *o, struct scim_bulk *b_r,
		    struct err *e) DH_MUST_USE;

/* The operation to run next: the first that needs no resource still to be made. Groups (or managers) that refer to each
 * other in a circle are made first and completed later: then the same operation comes a second time (HALF).
 * NULL: none left. */
struct scim_bulk_op *scim_bulk_next(struct scim_bulk *b);

struct scim_bulk_step {
	const char *target; /* id; NULL for POST */
	const json_t *data; /* references replaced; HALF: a PATCH body */
};

/* What to do for op: the error of the operation itself, or ERR_CONFLICT for a reference that cannot be resolved
 * (RFC 7644 3.7.1). */
int scim_bulk_step(struct scim_bulk *b, struct scim_bulk_op *op, struct scim_bulk_step *s_r, struct err *e) DH_MUST_USE;

/* After a step: id is that of the resource. Sets the state to DONE or HALF. */
void scim_bulk_done(struct scim_bulk_op *op, const char *id);
void scim_bulk_failed(struct scim_bulk_op *op);

#endif
