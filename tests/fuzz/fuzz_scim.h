/* SPDX-License-Identifier: Apache-2.0
 * A resource type with every kind of attribute, and one resource of it, for the SCIM fuzz targets: in the program, so
 * that a target needs no files. Built once and kept for the life of the process. */
#ifndef DIRHINGE_TESTS_FUZZ_SCIM_H
#define DIRHINGE_TESTS_FUZZ_SCIM_H

#include "dirhinge/scim/ctx.h"

struct fuzz_scim {
	const struct scim_type *type;
	const json_t *resource; /* normal form */
};

const struct fuzz_scim *fuzz_scim(void);

#endif
