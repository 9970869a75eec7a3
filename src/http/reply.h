/* SPDX-License-Identifier: Apache-2.0
 * Replies. reply.c is the only place where an error becomes a status and a SCIM error document, and where a request is
 * logged. Thread rule: confined. */
#ifndef DIRHINGE_HTTP_REPLY_H
#define DIRHINGE_HTTP_REPLY_H

#include <jansson.h>

#include "dirhinge/base/strv.h"

#define REPLY_FIELDS_MAX 16

struct req;

struct reply {
	int status;
	struct strv body;
	bool close;
	struct {
		const char *name, *value;
	} fields[REPLY_FIELDS_MAX];
	size_t n_fields;
};

/* value NULL leaves the field out. Call before the function that makes the reply. */
void http_reply_field(struct req *q, const char *name, const char *value);
/* Takes the reference. type NULL = by the Accept field. */
void http_reply_json(struct req *q, int status, const char *type, json_t *j);
/* text must live in the request's arena. */
void http_reply_text(struct req *q, int status, const char *type, struct strv text);
void http_reply_empty(struct req *q, int status);
/* The exchange ended without a reply (the client left, or was cut): logs that; nothing if there was one. */
void http_reply_abandoned(struct req *q);
/* From q->err. */
void http_reply_err(struct req *q);

#endif
