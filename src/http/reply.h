/* SPDX-License-Identifier: Apache-2.0
 * Replies. reply.c is the only place where an error becomes a status and a SCIM error document, and where a request is
 * logged. Thread rule: confined. */
#ifndef DIRHINGE_HTTP_REPLY_H
#define DIRHINGE_HTTP_REPLY_H

#include <jansson.h>

#include "dirhinge/base/strv.h"

#define REPLY_FIELDS_MAX 16

struct req;

/* A reply without end, sent as it is made (server-sent events). */
struct reply_stream {
	size_t (*pull)(void *ctx, char *out, size_t max); /* at least 1 byte, may block; 0 = the end */
	void (*done)(void *ctx);                          /* once, when the exchange is over however it ended */
	void *ctx;
};

struct reply {
	int status;
	struct strv body;
	bool close;
	struct reply_stream stream; /* .pull NULL = .body is all */
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
/* From now on s->done is called when the request is freed. */
void http_reply_stream(struct req *q, const char *type, const struct reply_stream *s);
void http_reply_empty(struct req *q, int status);
/* The exchange ended without a reply (the client left, or was cut): logs that; nothing if there was one. */
void http_reply_abandoned(struct req *q);
/* From q->err. */
void http_reply_err(struct req *q);

#endif
