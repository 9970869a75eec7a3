/* SPDX-License-Identifier: Apache-2.0
 * Private: a compact map from sync ids (128 bits in hex, however grouped) to a small number, for sets as large as the
 * directory: 25 to 50 bytes an id. Thread rule: confined. */
#ifndef DIRHINGE_SRC_SYNC_IDMAP_H
#define DIRHINGE_SRC_SYNC_IDMAP_H

#include "dirhinge/base/err.h"

struct idmap;

struct idmap *sync_idmap_new(void);
void sync_idmap_free(struct idmap **m);
/* ERR_PARSE if the id does not hold exactly 32 hex digits. */
int sync_idmap_put(struct idmap *m, const char *id, uint64_t value, struct err *e) DH_MUST_USE;
/* False if it is not there. */
bool sync_idmap_get(const struct idmap *m, const char *id, uint64_t *value_r);
size_t sync_idmap_count(const struct idmap *m);

#endif
