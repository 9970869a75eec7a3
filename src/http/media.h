/* SPDX-License-Identifier: Apache-2.0
 * Media types of bodies (RFC 7644 3.1, 3.8). Thread rule: no state. */
#ifndef DIRHINGE_HTTP_MEDIA_H
#define DIRHINGE_HTTP_MEDIA_H

#include "dirhinge/base/strv.h"

#define MEDIA_SCIM "application/scim+json"
#define MEDIA_JSON "application/json"

/* True for the two JSON types in any case and with any parameters (wire case G1), but a charset other than UTF-8 or its
 * subset US-ASCII (RFC 8259 8.1). */
bool http_media_is_json(struct strv content_type);

/* The type to answer with: MEDIA_SCIM, or MEDIA_JSON if the client takes that and not the other. An Accept field that
 * allows neither is answered with MEDIA_SCIM all the same (RFC 9110 12.5.1 permits it; clients send odd lists). */
const char *http_media_choose(struct strv accept);

#endif
