/* SPDX-License-Identifier: Apache-2.0
 * Private: the strategy user-account-control. Thread rule: frozen. */
#ifndef DIRHINGE_SRC_MAP_ACCOUNT_H
#define DIRHINGE_SRC_MAP_ACCOUNT_H

#include "map/map_priv.h"

extern const char *const map_account_attrs[];
bool map_account_disabled(const struct dir_entry *en, int64_t now_us);
void map_account_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods);
const struct dir_filter *map_account_filter(struct map_run *r, const struct dir_caps *caps, bool *exact_r);

#endif
