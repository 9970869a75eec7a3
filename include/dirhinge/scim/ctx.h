/* SPDX-License-Identifier: Apache-2.0
 * What every SCIM operation on a body needs: the resource type, which deviations from the RFC are tolerated (a client
 * profile is a set of flags), and where to note what was tolerated or ignored. Thread rule: confined. */
#ifndef DIRHINGE_SCIM_CTX_H
#define DIRHINGE_SCIM_CTX_H

#include "dirhinge/scim/schema.h"

enum scim_tolerance {
	SCIM_TOL_STRING_BOOL = 1 << 0,  /* "True", "false" where a boolean belongs */
	SCIM_TOL_UNKNOWN_ATTR = 1 << 1, /* unknown attributes and PATCH paths are ignored and noted */
	SCIM_TOL_UNKNOWN_URN = 1 << 2,  /* unknown, misspelt or missing URNs in "schemas" */
	SCIM_TOL_CREATE_TARGET =
		1 << 3,              /* add/replace on attr[filter] without match creates the element (erratum 8097) */
	SCIM_TOL_UNQUOTED = 1 << 4,  /* filter value without quotes */
	SCIM_TOL_FLAT_KEYS = 1 << 5, /* "name.givenName" and "URN:attr" as keys of a pathless value */
	SCIM_TOL_REMOVE_VALUE = 1 << 6, /* remove with a value list removes just those elements */
	SCIM_TOL_SHAPE =
		1 << 7, /* object for array, array for one value, plain string for an object, integer for a string */
	SCIM_TOL_NO_SCHEMAS = 1 << 8,      /* body without "schemas" */
	SCIM_TOL_DUPLICATES = 1 << 9,      /* equal elements and two primaries: deduplicated, the last primary wins */
	SCIM_TOL_FILTER_SUFFIX = 1 << 10,  /* attr[filter].sub op value */
	SCIM_TOL_URN_DOT = 1 << 11,        /* dot between URN and attribute */
	SCIM_TOL_JSON_STRING = 1 << 12,    /* a JSON object inside a string value is unwrapped (Entra roles) */
	SCIM_TOL_UNKNOWN_MEMBER = 1 << 13, /* unknown member ids among known ones are left out (F34) */
};
#define SCIM_TOL_STRICT  0u
#define SCIM_TOL_LENIENT (0xfffu | SCIM_TOL_UNKNOWN_MEMBER)
#define SCIM_TOL_ENTRA   (SCIM_TOL_LENIENT | SCIM_TOL_JSON_STRING)
#define SCIM_TOL_OKTA    SCIM_TOL_LENIENT

struct scim_note {
	enum scim_tolerance kind;
	const char *what; /* attribute path or text, in the arena */
	const struct scim_note *next;
};

struct scim_ctx {
	struct arena *a;
	const struct scim_type *type;
	const struct scim_type
		*also;     /* a query over two types: names of this one are known and have no value; or NULL */
	unsigned tolerate; /* enum scim_tolerance */
	const struct scim_note *notes; /* newest first */
};

/* True (and noted) if this deviation is tolerated. */
bool scim_tolerates(struct scim_ctx *c, enum scim_tolerance kind, const char *what);
/* "string_bool": label for metrics and logs. */
const char *scim_tolerance_name(enum scim_tolerance kind);

#endif
