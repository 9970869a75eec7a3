/* SPDX-License-Identifier: Apache-2.0
 * Private: the one translation of LDAP results into errors. */
#ifndef DIRHINGE_SRC_DIR_RESULT_H
#define DIRHINGE_SRC_DIR_RESULT_H

#include "dirhinge/dir/flavour.h"

enum result_op { OP_SEARCH, OP_ADD, OP_MODIFY, OP_RENAME, OP_DELETE, OP_PASSWORD };

struct result {
	enum result_op op;
	const char *target;  /* DN or search base; goes to the cause only */
	int rc;              /* LDAP result code */
	const char *text;    /* the server's diagnostic message, may be NULL */
	const char *matched; /* matchedDN, may be NULL */
};

/* Fills *e from a result other than success; always -1. The flavour (may be NULL) refines the code by the text. */
int dir_result_err(const struct dir_flavour *flavour, const struct result *r, struct err *e);

/* "modify", "add"… for causes. */
const char *dir_result_op_name(enum result_op op);

#endif
