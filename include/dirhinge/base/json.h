/* SPDX-License-Identifier: Apache-2.0
 * jansson behind limits. <jansson.h> is the value type of the house and may be used above base; parsing text from
 * outside happens only here. main calls json_object_seed(0) before any thread (hash flooding, and the seed is made
 * once). Thread rule: no state; a json_t is confined until frozen (never changed again). */
#ifndef DIRHINGE_BASE_JSON_H
#define DIRHINGE_BASE_JSON_H

#include <jansson.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

#define JSON_MAX_DEPTH 32

struct json_limits {
	size_t max_bytes; /* 0 = 1 MiB */
	size_t max_depth; /* 0 = JSON_MAX_DEPTH */
};

/* Parses one JSON text (RFC 8259) of an object or array. Checked before jansson sees it: size, UTF-8 (no BOM), depth
 * (iteratively), NUL bytes. Checked after: keys that differ only in ASCII case are refused like duplicates (SCIM names
 * are case-insensitive, RFC 7643 2.1). Errors are ERR_SYNTAX with byte offset (ERR_TOO_LARGE for the size).
 * The tree's reference is given back when the arena is freed. */
int json_parse(struct arena *a, struct strv text, const struct json_limits *lim, json_t **root_r,
	       struct err *e) DH_MUST_USE;

/* Keeps a reference until the arena dies; returns j. */
json_t *json_keep(struct arena *a, json_t *j);

/* Compact text in the arena, or behind what is in a buffer. Keys keep their order; sorted if canonical. */
void json_print(struct buf *out, const json_t *j);
void json_print_text(struct buf *out, struct strv utf8); /* one string, quoted */
char *json_text(struct arena *a, const json_t *j);
char *json_text_canonical(struct arena *a, const json_t *j);

/* Case-insensitive object member (ASCII), or NULL; key_r (may be NULL) gets the spelling found. */
json_t *json_get_ci(const json_t *obj, const char *key, const char **key_r);

/* "object", "array", "string", "number", "boolean", "null" for messages. */
const char *json_kind(const json_t *j);

/* RFC 7643 2.5: absent, null, [] and (by use) "" mean unassigned; this tests null and []. NULL counts as unassigned. */
bool json_unassigned(const json_t *j);

#endif
