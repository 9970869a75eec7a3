/* SPDX-License-Identifier: Apache-2.0
 * PATCH paths (RFC 7644 3.5.2, figure 7): attr, attr.sub, attr[filter], attr[filter].sub, each with optional URN. */
#ifndef DIRHINGE_SCIM_PATH_H
#define DIRHINGE_SCIM_PATH_H

#include "dirhinge/scim/filter.h"

struct scim_path {
	const struct scim_schema *extension; /* the path is a bare extension URN: attr is NULL then */
	const struct scim_attr *attr;
	const struct scim_filter *filter; /* NULL without brackets */
	const struct scim_attr *sub;      /* NULL without sub-attribute */
};

/* 1 parsed, 0 the attribute is unknown and SCIM_TOL_UNKNOWN_ATTR is set (noted; *path_r untouched),
 * -1 ERR_PATH with offset (ERR_FILTER inside brackets is reported as ERR_PATH with the same offset rule). */
int scim_path_parse(struct scim_ctx *c, struct strv text, const struct scim_path **path_r, struct err *e) DH_MUST_USE;

/* Canonical text, for tests and messages. */
char *scim_path_text(struct arena *a, const struct scim_path *p);

#endif
