/* SPDX-License-Identifier: Apache-2.0
 * attributes / excludedAttributes (RFC 7644 3.4.2.5, 3.9) and the returned characteristic (RFC 7643 7). Pure. */
#ifndef DIRHINGE_SCIM_PROJECT_H
#define DIRHINGE_SCIM_PROJECT_H

#include "dirhinge/scim/ctx.h"

#define SCIM_PROJECT_MAX 50

struct scim_project; /* lives in an arena, const after parsing */

/* Comma-separated lists or NULL. Both given: ERR_VALUE. Unknown names are ignored (noted). More than SCIM_PROJECT_MAX:
 * ERR_VALUE. */
int scim_project_parse(struct scim_ctx *c, const char *attributes, const char *excluded,
		       const struct scim_project **p_r, struct err *e) DH_MUST_USE;

/* True if the (sub-)attribute would be returned: lets the directory side leave out what nobody sees. p may be NULL. */
bool scim_project_wants(const struct scim_project *p, const struct scim_attr *attr);
/* True if the client restricted the answer at all. */
bool scim_project_given(const struct scim_project *p);
/* True if attributes= names this attribute (or one of its sub-attributes) explicitly. */
bool scim_project_named(const struct scim_project *p, const struct scim_attr *attr);

/* How much of a top-level attribute's value an answer holds. PARTS: sub-attributes by shows_sub. */
enum scim_shown { SCIM_SHOWN_NOT, SCIM_SHOWN_PARTS, SCIM_SHOWN_WHOLE };
enum scim_shown scim_project_shows(const struct scim_project *p, const struct scim_attr *attr);
bool scim_project_shows_sub(const struct scim_project *p, const struct scim_attr *attr, const struct scim_attr *sub);

#endif
