/* SPDX-License-Identifier: Apache-2.0
 * Request targets: path segments and query parameters from the raw bytes of the request line, decoded by one decoder
 * only. Thread rule: no state. */
#ifndef DIRHINGE_HTTP_URI_H
#define DIRHINGE_HTTP_URI_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

#define URI_MAX          4096
#define URI_SEGMENTS_MAX 16
#define URI_PARAMS_MAX   32

struct uri_param {
	const char *name, *value; /* value "" for "name" alone */
};

struct uri {
	const char *path; /* decoded, for the log; "*" in asterisk-form */
	const char *segments[URI_SEGMENTS_MAX];
	size_t n_segments; /* a trailing slash makes an empty one; "/" has none */
	bool asterisk;
	struct strv authority; /* of an absolute-form target; p NULL otherwise */
	struct uri_param params[URI_PARAMS_MAX];
	size_t n_params;
};

/* Refused with ERR_REQUEST: NUL and control bytes raw or encoded, broken percent-encoding, invalid UTF-8, an encoded
 * slash or backslash in a segment, "." and ".." segments, a fragment. ERR_URI_TOO_LONG above URI_MAX bytes. A query
 * parameter given twice is ERR_VALUE. */
int http_uri_parse(struct arena *a, const char *target, struct uri *u_r, struct err *e) DH_MUST_USE;

/* Names are compared without case (wire case A21: startindex). NULL if absent. */
const char *http_uri_param(const struct uri *u, const char *name);

/* One decoded piece. plus: '+' means a blank (query strings; wire case A2). */
int http_uri_decode(struct arena *a, struct strv in, bool plus, char **out_r, struct err *e) DH_MUST_USE;

#endif
