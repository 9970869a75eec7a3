/* SPDX-License-Identifier: Apache-2.0
 * Private: the parts of the filter parser that paths use, and the check of values. */
#ifndef DIRHINGE_SCIM_FILTER_PARSE_H
#define DIRHINGE_SCIM_FILTER_PARSE_H

#include "dirhinge/scim/filter.h"
#include "lex.h"

struct parse {
	struct scim_ctx *c;
	struct scim_lex l;
	const struct scim_attr *in; /* inside brackets: the attribute in front of them */
	bool brackets;              /* inside brackets */
	bool resolve;               /* names are looked up */
	bool pass_unknown;          /* an unknown name inside brackets sets .unknown instead of failing */
	bool unknown;
	unsigned depth, comparisons;
};

/* At '[': the filter up to and with ']'. attr NULL: names are not looked up. */
int scim_filter_brackets(struct parse *p, const struct scim_attr *attr, const struct scim_filter **f_r,
			 struct err *e) DH_MUST_USE;

/* RFC 7644 3.4.2.2: does the operator apply to the attribute? attr is not NULL. */
int scim_filter_check_op(const struct scim_attr *attr, enum scim_op op, uint32_t offset, enum err_code code,
			 struct err *e) DH_MUST_USE;

/* The value in the type of the attribute (NULL = not looked up), what is tolerated mended. */
int scim_filter_check_value(struct scim_ctx *c, const struct scim_attr *attr, const struct scim_lex_value *v,
			    enum err_code code, const json_t **value_r, struct err *e) DH_MUST_USE;

/* Normal form of a filter that stands inside brackets. */
char *scim_filter_text_in(struct arena *a, const struct scim_filter *f);

/* "eq" -> SCIM_EQ, any case; false if there is no such operator. */
bool scim_filter_op_parse(struct strv word, enum scim_op *op_r);
const char *scim_filter_op_name(enum scim_op op);

#endif
