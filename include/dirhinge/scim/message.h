/* SPDX-License-Identifier: Apache-2.0
 * Protocol messages and discovery documents (RFC 7644 3.4.2, 3.12, 4). New references, owned by the caller. Pure. */
#ifndef DIRHINGE_SCIM_MESSAGE_H
#define DIRHINGE_SCIM_MESSAGE_H

#include "dirhinge/scim/schema.h"

#define SCIM_URN_LIST  "urn:ietf:params:scim:api:messages:2.0:ListResponse"
#define SCIM_URN_ERROR "urn:ietf:params:scim:api:messages:2.0:Error"

struct scim_list {
	const struct strv *resources; /* JSON texts; those with p NULL are passed over */
	size_t n;
	int64_t total;
	int64_t start_index;     /* 0: left out */
	const char *next_cursor; /* NULL: left out (RFC 9865 2) */
};
/* A ListResponse as JSON text in the arena. */
struct strv scim_list_text(struct arena *a, const struct scim_list *l);

/* RFC 7644 3.12: status is a string; scimType only if the code has one; detail rendered with its offset. */
json_t *scim_error(const struct err *e);

struct scim_limits {
	int64_t max_results, bulk_max_operations, bulk_max_payload;
	int64_t default_results, cursor_timeout; /* resources in a page, seconds */
	bool bulk, sort, etag, change_password;
};

/* base_url without trailing slash, e.g. https://host/scim/v2. */
json_t *scim_service_provider_config(const struct scim_limits *lim, const char *base_url);
json_t *scim_resource_type_doc(const struct scim_type *t, const char *base_url);
json_t *scim_schema_doc(const struct scim_schema *s, const char *base_url);

#endif
