/* SPDX-License-Identifier: Apache-2.0
 * Private: what a directory can do, read over a bound connection. */
#ifndef DIRHINGE_SRC_DIR_ROOTDSE_H
#define DIRHINGE_SRC_DIR_ROOTDSE_H

#include "dir/conn.h"
#include "dirhinge/dir/flavour.h"

/* Reads rootDSE and subschema. wanted NULL = the flavour whose probe fits best. ERR_CONFIG if none does or the schema
 * cannot be read. */
int dir_rootdse_load(struct arena *a, struct conn *c, const struct dir_flavour *wanted, deadline_t until,
		     const struct dir_caps **caps_r, struct err *e) DH_MUST_USE;

#endif
