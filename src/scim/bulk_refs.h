/* SPDX-License-Identifier: Apache-2.0
 * Private to scim: references between the operations of one Bulk request. */
#ifndef DIRHINGE_SRC_SCIM_BULK_REFS_H
#define DIRHINGE_SRC_SCIM_BULK_REFS_H

#include "dirhinge/scim/bulk.h"

/* Fills op->needs. All operations of b must be there. */
void scim_bulk_find_refs(struct scim_bulk *b, struct scim_bulk_op *op);

#endif
