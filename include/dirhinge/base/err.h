/* SPDX-License-Identifier: Apache-2.0
 * The error object and the one error table (contrib/decisions/0003).
 *
 * A fallible function returns 0, or -1 with *e filled; lookups return 1 found, 0 not found, -1 error. Outputs are
 * untouched on failure. Two texts: .detail may be shown to the client (no DN, no filter, no bind name, no value of
 * a secret), .cause is for the operator's log. Thread rule: confined, plain value, no allocation. */
#ifndef DIRHINGE_BASE_ERR_H
#define DIRHINGE_BASE_ERR_H

#include <stdarg.h>

#include "dirhinge/base/defs.h"

/* code, HTTP status, scimType (RFC 7644 3.12) or NULL, Retry-After in seconds (0 = do not retry), default text */
#define ERR_TABLE(X)                                                                                        \
	X(ERR_OK, 200, NULL, 0, "ok")                                                                       \
	X(ERR_FILTER, 400, "invalidFilter", 0, "the filter is not valid")                                   \
	X(ERR_TOO_MANY, 400, "tooMany", 0, "the query matches more than the server is willing to examine")  \
	X(ERR_UNIQUE, 409, "uniqueness", 0, "a value that must be unique is already in use")                \
	X(ERR_MUTABILITY, 400, "mutability", 0, "the attribute cannot be changed")                          \
	X(ERR_SYNTAX, 400, "invalidSyntax", 0, "the request body is not valid")                             \
	X(ERR_PATH, 400, "invalidPath", 0, "the path is not valid")                                         \
	X(ERR_NO_TARGET, 400, "noTarget", 0, "the path does not name anything that can be operated on")     \
	X(ERR_VALUE, 400, "invalidValue", 0, "a value is missing or not allowed")                           \
	X(ERR_VERSION, 400, "invalidVers", 0, "the protocol version is not supported")                      \
	X(ERR_SENSITIVE, 400, "sensitive", 0, "the query must not be sent in a URL")                        \
	X(ERR_CURSOR, 400, "invalidCursor", 0, "the cursor is not valid for this query")                    \
	X(ERR_CURSOR_EXPIRED, 400, "expiredCursor", 0, "the cursor has expired; begin again without it")    \
	X(ERR_COUNT, 400, "invalidCount", 0, "count is too large or differs from the first page's")         \
	X(ERR_REQUEST, 400, NULL, 0, "the HTTP request is not valid")                                       \
	X(ERR_UNAUTHORIZED, 401, NULL, 0, "a valid bearer token is needed")                                 \
	X(ERR_FORBIDDEN, 403, NULL, 0, "the client is not allowed to do this")                              \
	X(ERR_NOT_FOUND, 404, NULL, 0, "the resource does not exist")                                       \
	X(ERR_METHOD, 405, NULL, 0, "the method is not allowed here")                                       \
	X(ERR_CONFLICT, 409, NULL, 0, "the request conflicts with the state of the resource")               \
	X(ERR_GONE, 410, NULL, 0, "the cursor is older than what is kept; begin again with a snapshot")     \
	X(ERR_PRECONDITION, 412, NULL, 0, "the resource has changed since the given version")               \
	X(ERR_TOO_LARGE, 413, NULL, 0, "the request is too large")                                          \
	X(ERR_URI_TOO_LONG, 414, NULL, 0, "the request target is too long")                                 \
	X(ERR_MEDIA_TYPE, 415, NULL, 0, "the content type is not supported")                                \
	X(ERR_RATE, 429, NULL, 5, "too many requests")                                                      \
	X(ERR_INTERNAL, 500, NULL, 0, "internal error")                                                     \
	X(ERR_NOT_IMPLEMENTED, 501, NULL, 0, "not supported by this server")                                \
	X(ERR_UNAVAILABLE, 503, NULL, 5, "the directory is not available")                                  \
	X(ERR_UNKNOWN_OUTCOME, 503, NULL, 5, "the directory did not confirm the change; try again")         \
	X(ERR_BUSY, 503, NULL, 1, "the server is busy")                                                     \
	X(ERR_CONFIG, 500, NULL, 0, "the configuration is not valid")                                       \
	X(ERR_IO, 500, NULL, 0, "input or output failed")                                                   \
	X(ERR_PARSE, 400, NULL, 0, "the text is not valid")                                                 \
	X(ERR_DIR_MISSING_VALUE, 500, NULL, 0, "the directory does not hold the value to delete")           \
	X(ERR_DIR_HAS_VALUE, 500, NULL, 0, "the directory already holds the value")                         \
	X(ERR_DIR_OBJECT_CLASS, 400, "invalidValue", 0, "the directory's schema does not allow this entry") \
	X(ERR_DIR_UNSUPPORTED, 501, NULL, 0, "the directory does not support this operation")

enum err_code {
#define ERR_ENUM(code, http, type, retry, text) code,
	ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

#define ERR_NO_OFFSET UINT32_MAX

struct err {
	enum err_code code;
	int ldap_rc;          /* LDAP result code behind it, 0 if none */
	uint32_t offset;      /* byte in the parsed input, ERR_NO_OFFSET if none */
	uint32_t line;        /* line in a parsed file, 0 if none */
	uint32_t retry_after; /* seconds, 0 = what the table says */
	const char *where;    /* "file.c:123" of the first err_set */
	char detail[384]; /* for the client; long enough for file, line, option and remedy of a configuration error */
	char cause[416];  /* for the log only, outermost context first */
};

#define ERR_INIT ((struct err){.offset = ERR_NO_OFFSET})

/* Fill *e and return -1, so that "return err_set(e, ERR_PATH, "…")" reads as one step. fmt is the client's text;
 * NULL takes the table's default text. A failure overwrites an earlier one. e may be NULL. */
#define err_set(e, code, ...)     err_failed(err_set_at((e), DH_WHERE, (code), ERR_NO_OFFSET, __VA_ARGS__))
/* The same with the byte offset in the parsed input; the offset is part of the rendered client text. */
#define err_at(e, off, code, ...) err_failed(err_set_at((e), DH_WHERE, (code), (uint32_t)(off), __VA_ARGS__))
/* where: a string literal, DH_WHERE. */
int err_set_at(struct err *e, const char *where, enum err_code code, uint32_t offset, const char *fmt, ...)
	DH_PRINTF(5, 6);

/* Puts context in front of .cause ("patch User 28…: ldap modify: …"); always returns -1. */
#define err_cause(e, ...) err_failed(err_cause_add((e), __VA_ARGS__))
int err_cause_add(struct err *e, const char *fmt, ...) DH_PRINTF(2, 3);

/* Always -1: compilers and analyzers see that the callers fail, and what they leave unset is not used. */
static inline int
err_failed(int rc DH_UNUSED)
{
	return -1;
}

void err_clear(struct err *e);

int err_http(enum err_code code);
const char *err_scim_type(enum err_code code); /* NULL if none */
int err_retry_after(enum err_code code);       /* seconds, 0 if none */
const char *err_text(enum err_code code);      /* default text */
const char *err_name(enum err_code code);      /* "ERR_FILTER" */

/* Client text with the offset or line appended if there is one ("… at byte 12"); cut to size. */
void err_render(const struct err *e, char *out, size_t size);

#endif
