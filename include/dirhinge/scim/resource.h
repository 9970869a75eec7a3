/* SPDX-License-Identifier: Apache-2.0
 * A resource as a json object in normal form: canonical attribute names, extension attributes under their URN key, no
 * unassigned values (null, [], "" and objects left empty are absent: RFC 7643 2.5), values of the schema's type.
 * Thread rule: confined. */
#ifndef DIRHINGE_SCIM_RESOURCE_H
#define DIRHINGE_SCIM_RESOURCE_H

#include "dirhinge/scim/ctx.h"

enum scim_normal_mode {
	SCIM_FOR_CREATE,  /* readOnly ignored, required checked */
	SCIM_FOR_REPLACE, /* the same, and unassigned values stay as json null so that "absent" differs from "cleared"
			   */
};

/* Turns a request body into normal form in a new tree owned by c->a. Unknown attributes, wrong types, missing required
 * attributes, wrong "schemas": ERR_SYNTAX or ERR_VALUE naming the attribute, unless tolerated. "schemas" is rebuilt.
 * Client-sent id, meta, groups and other readOnly attributes are dropped (RFC 7644 3.3). */
int scim_resource_normalise(struct scim_ctx *c, const json_t *body, enum scim_normal_mode mode, json_t **res_r,
			    struct err *e) DH_MUST_USE;

/* Checks the resulting resource: required attributes, at most one primary:true per attribute (unless tolerated, then
 * mended: the last one wins), duplicates removed when tolerated. Sorts nothing. */
int scim_resource_check(struct scim_ctx *c, json_t *res, struct err *e) DH_MUST_USE;

/* Sets "schemas" to core plus the extensions that have a value (RFC 7643 3, 3.3); drops empty extension objects. */
void scim_resource_set_schemas(const struct scim_type *t, json_t *res);

/* The object that holds the attribute: the resource or its extension object; NULL if that is absent (create: made). */
json_t *scim_resource_holder(const struct scim_type *t, json_t *res, const struct scim_attr *attr, bool create);
/* Value of a top-level attribute, NULL if absent. Borrowed. */
json_t *scim_resource_get(const struct scim_type *t, const json_t *res, const struct scim_attr *attr);
/* Sets (steals value) or, with NULL, removes a top-level attribute. */
void scim_resource_set(const struct scim_type *t, json_t *res, const struct scim_attr *attr, json_t *value);

/* Value equality by the attribute's rules: caseExact for strings, instant for dateTime, order-free for multi-valued. */
bool scim_value_equal(const struct scim_attr *attr, const json_t *a, const json_t *b);

#endif
