/* SPDX-License-Identifier: Apache-2.0
 * Filters (RFC 7644 3.4.2.2): text to tree with byte offsets and limits, evaluation on a resource.
 * Thread rule: a tree is confined to its arena; const after parsing. */
#ifndef DIRHINGE_SCIM_FILTER_H
#define DIRHINGE_SCIM_FILTER_H

#include "dirhinge/scim/ctx.h"

#define SCIM_FILTER_MAX_BYTES       4096
#define SCIM_FILTER_MAX_DEPTH       16
#define SCIM_FILTER_MAX_COMPARISONS 50

enum scim_op { SCIM_EQ, SCIM_NE, SCIM_CO, SCIM_SW, SCIM_EW, SCIM_PR, SCIM_GT, SCIM_GE, SCIM_LT, SCIM_LE };
enum scim_filter_kind { SCIM_AND, SCIM_OR, SCIM_NOT, SCIM_COMPARE, SCIM_VALUE_PATH };

/* A resolved attribute name. Complex multi-valued attributes without sub-attribute mean .value where there is one
 * (standards.md P16): sub is set then. manager without sub means manager.value. */
struct scim_ref {
	const struct scim_attr *attr; /* top level (or, inside [ ], the sub-attribute itself, sub NULL) */
	const struct scim_attr *sub;  /* NULL if none */
};

struct scim_filter {
	enum scim_filter_kind kind;
	uint32_t offset;
	const struct scim_filter *left;  /* AND, OR, NOT, VALUE_PATH: the filter in brackets */
	const struct scim_filter *right; /* AND, OR */
	struct scim_ref ref;             /* COMPARE, VALUE_PATH */
	enum scim_op op;                 /* COMPARE */
	const json_t *value;             /* COMPARE; NULL for pr. String, true/false, integer, real; null with eq, ne */
};

/* Operators and names are case-insensitive, not binds tighter than and, and tighter than or; "not(" and "not (" both
 * parse (erratum 7319). Unknown attribute, unknown operator, ordering of booleans or binaries, a value of the wrong
 * type (after SCIM_TOL_STRING_BOOL): ERR_FILTER with offset. With c->type NULL names are not resolved (ref.attr NULL):
 * used by fuzzing only. */
int scim_filter_parse(struct scim_ctx *c, struct strv text, const struct scim_filter **f_r, struct err *e) DH_MUST_USE;

/* True if resource (normal form) matches. f must be resolved. "ne" is the negation of "eq", as in the directory's
 * (!(a=x)): it holds without the attribute, and fails if any value is equal. "eq null" is "not pr", "ne null" is "pr".
 * Everything else is true if any value satisfies it. */
bool scim_filter_match(const struct scim_type *t, const struct scim_filter *f, const json_t *resource);
/* True if one element (or complex value) of attr matches the bracket filter. */
bool scim_filter_match_element(const struct scim_filter *f, const json_t *element);

/* Normal form, for tests, logs (strings and numbers hidden if redact) and cursors: canonical names, every and/or in
 * parentheses but chains of one operator in one pair. It parses to the same tree unless it exceeds a limit. */
char *scim_filter_text(struct arena *a, const struct scim_filter *f, bool redact);

/* Visits each comparison and value path; stops when fn returns false. */
typedef bool (*scim_filter_visit_fn)(void *ctx, const struct scim_filter *node);
bool scim_filter_visit(const struct scim_filter *f, scim_filter_visit_fn fn, void *ctx);

#endif
