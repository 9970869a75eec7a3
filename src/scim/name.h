/* SPDX-License-Identifier: Apache-2.0
 * Private: attribute names of filters and paths to attributes (RFC 7644 3.10). */
#ifndef DIRHINGE_SCIM_NAME_H
#define DIRHINGE_SCIM_NAME_H

#include "dirhinge/scim/filter.h"
#include "lex.h"

struct scim_name {
	const struct scim_schema *extension; /* nothing but an extension's URN: ref is empty */
	struct scim_ref ref;                 /* as written: no .value is added */
};

/* "attr", "attr.sub", each with an optional URN; an extension's attribute may go without it, with ERR_PATH only under
 * SCIM_TOL_UNKNOWN_URN.
 * 1 resolved, 0 no such attribute (*e filled as for -1, so that the caller may return either), -1 not a name. */
int scim_name_resolve(struct scim_ctx *c, struct scim_lex_word w, enum err_code code, struct scim_name *name_r,
		      struct err *e);

/* Fails if the word cannot be a name at all, known or not. */
int scim_name_check(struct scim_lex_word w, enum err_code code, struct err *e) DH_MUST_USE;

/* Characters of a client's name that fit in a message. */
#define NAME_SHOWN(s) (int)((s).n > 80 ? 80 : (s).n), (s).p

#endif
