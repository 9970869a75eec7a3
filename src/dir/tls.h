/* SPDX-License-Identifier: Apache-2.0
 * Private: TLS of a handle, the same rules for both libraries that libldap may have been built with. */
#ifndef DIRHINGE_SRC_DIR_TLS_H
#define DIRHINGE_SRC_DIR_TLS_H

#include <ldap.h>

#include "dirhinge/base/err.h"

/* Before connecting: verification demanded, trust only from ca_file (NULL = the system's authorities). ERR_CONFIG. */
int dir_tls_setup(LDAP *ld, const char *ca_file, struct err *e) DH_MUST_USE;

/* After the handshake and before anything else: TLS is there and its version is 1.2 or newer; else -1 and why. */
int dir_tls_check(LDAP *ld, const char **why_r) DH_MUST_USE;

#endif
