/* SPDX-License-Identifier: Apache-2.0
 * Private: entries that rule the directory itself (reliability.md T-05). Thread rule: no state. */
#ifndef DIRHINGE_SRC_GW_PROTECT_H
#define DIRHINGE_SRC_GW_PROTECT_H

#include "gw/gw_priv.h"

/* ERR_FORBIDDEN if the entry, read with map_attrs_change, is one of them. */
int gw_check_protected(struct gw_run *run, const struct dir_entry *en, struct err *e) DH_MUST_USE;
/* ERR_FORBIDDEN if members of this group would be members of one of them, over any number of groups. */
int gw_check_nesting(struct gw_run *run, const struct gw_group *group, struct err *e) DH_MUST_USE;

#endif
