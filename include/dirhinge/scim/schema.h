/* SPDX-License-Identifier: Apache-2.0
 * Schemas and resource types as data (RFC 7643 2 and 7): built once from JSON documents, then frozen and shared. */
#ifndef DIRHINGE_SCIM_SCHEMA_H
#define DIRHINGE_SCIM_SCHEMA_H

#include "dirhinge/base/json.h"

#define SCIM_URN_USER       "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_URN_GROUP      "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_URN_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

enum scim_kind {
	SCIM_STRING,
	SCIM_BOOLEAN,
	SCIM_DECIMAL,
	SCIM_INTEGER,
	SCIM_DATETIME,
	SCIM_BINARY,
	SCIM_REFERENCE,
	SCIM_COMPLEX,
};
enum scim_mutability { SCIM_READ_WRITE, SCIM_READ_ONLY, SCIM_IMMUTABLE, SCIM_WRITE_ONLY };
enum scim_returned { SCIM_RETURNED_DEFAULT, SCIM_RETURNED_ALWAYS, SCIM_RETURNED_NEVER, SCIM_RETURNED_REQUEST };
enum scim_uniqueness { SCIM_UNIQUE_NONE, SCIM_UNIQUE_SERVER, SCIM_UNIQUE_GLOBAL };

struct scim_schema;

struct scim_attr {
	const char *name;                 /* canonical spelling: "familyName" */
	const char *path;                 /* "name.familyName", with "URN:" in front for extensions */
	struct strv key;                  /* "\"familyName\":", as it stands in front of a value */
	size_t at;                        /* of a top-level attribute: its number in the type */
	const struct scim_schema *schema; /* NULL for the common attributes id, externalId, meta, schemas */
	const struct scim_attr *parent;   /* of a sub-attribute, else NULL */
	enum scim_kind kind;
	enum scim_mutability mutability;
	enum scim_returned returned;
	enum scim_uniqueness uniqueness;
	bool multi, required, case_exact;
	bool filled; /* required of the resource, not of the client: the server has a value where a body has none */
	const struct scim_attr *subs; /* of a complex attribute */
	size_t n_subs;
	const json_t *def; /* its JSON definition (RFC 7643 7), trimmed to what is supported; NULL for common ones */
};

struct scim_schema {
	const char *urn, *name;
	struct strv key; /* the URN as in front of an extension's values */
	const struct scim_attr *attrs;
	size_t n_attrs;
	const json_t *doc; /* the /Schemas document without meta.location, trimmed to what is supported */
};

struct scim_type {
	const char *name;     /* "User" */
	const char *endpoint; /* "/Users" */
	const char *description;
	const struct scim_schema *core;
	const struct scim_schema *const *extensions;
	size_t n_extensions;
	const struct scim_attr *common; /* schemas, id, externalId, meta */
	size_t n_common;
	const unsigned char *shown; /* enum scim_shown by number, where a client names no attributes (project.h) */
};

/* Decides which attributes exist: called with the full path ("name.familyName", "URN:manager.displayName"). A complex
 * attribute stays if it or any of its sub-attributes is kept. Of the common attributes only externalId is asked for.
 * NULL keeps everything. */
typedef bool (*scim_keep_fn)(void *ctx, const char *path);

struct scim_type_spec {
	const char *name, *endpoint, *description;
	const char *core_urn;
	const char *const *extension_urns;
	size_t n_extensions;
};

/* Builds a resource type from schema documents (array of parsed schema/scim/NAME.json; defaults of RFC 7643 2.2
 * applied). An extension of which nothing is kept is left out. Lives in a. ERR_CONFIG on a bad document. */
int scim_type_build(struct arena *a, const struct scim_type_spec *spec, const json_t *const *docs, size_t n_docs,
		    scim_keep_fn keep, void *ctx, const struct scim_type **type_r, struct err *e) DH_MUST_USE;

/* Lookups are case-insensitive (RFC 7643 2.1). NULL if absent. */
const struct scim_schema *scim_type_schema(const struct scim_type *t, struct strv urn);
/* Top-level attribute: urn empty = common attributes, then core. */
const struct scim_attr *scim_type_attr(const struct scim_type *t, struct strv urn, struct strv name);
const struct scim_attr *scim_attr_sub(const struct scim_attr *attr, struct strv name);

/* Splits "URN:attr.sub" by the longest registered URN prefix of the type (RFC 7644 3.10), so that dots and colons of
 * the URN do not matter; *urn_r is empty when there is none. The ':' between belongs to neither part; a '.' in its
 * place (SCIM_TOL_URN_DOT) stays as the first byte of *rest_r, for the caller to allow or refuse. */
void scim_split_urn(const struct scim_type *t, struct strv text, struct strv *urn_r, struct strv *rest_r);

/* "string", "dateTime", …: the type as RFC 7643 7 spells it. */
const char *scim_kind_name(enum scim_kind kind);

/* True if the attribute lives under an extension URN key in the resource. */
bool scim_attr_in_extension(const struct scim_type *t, const struct scim_attr *attr);
/* The top-level attribute of a sub-attribute, or itself. */
static inline const struct scim_attr *
scim_attr_top(const struct scim_attr *attr)
{
	return attr->parent ? attr->parent : attr;
}

#endif
