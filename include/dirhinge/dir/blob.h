/* SPDX-License-Identifier: Apache-2.0
 * An entry as bytes for keeping: DN, then attributes and values with their lengths. The form is versioned, bounded when
 * read, and fuzzed. Thread rule: no state. */
#ifndef DIRHINGE_DIR_BLOB_H
#define DIRHINGE_DIR_BLOB_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/err.h"
#include "dirhinge/dir/entry.h"

void dir_blob_write(struct buf *out, const struct dir_entry *en);
/* The entry in a; its values are copies. ERR_PARSE with an offset. */
int dir_blob_read(struct arena *a, struct strv bytes, const struct dir_entry **en_r, struct err *e) DH_MUST_USE;

#endif
