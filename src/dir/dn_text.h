/* SPDX-License-Identifier: Apache-2.0
 * Private: the one place where names are put together. */
#ifndef DIRHINGE_SRC_DIR_DN_TEXT_H
#define DIRHINGE_SRC_DIR_DN_TEXT_H

#include "dirhinge/base/arena.h"

/* An RDN made by dir_rdn_build() below a DN; parent "" = the root. */
char *dir_dn_join(struct arena *a, const char *rdn, const char *parent);

#endif
