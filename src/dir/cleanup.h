/* SPDX-License-Identifier: Apache-2.0
 * Private: functions for DH_CLEANUP that give back what libldap and liblber made. */
#ifndef DIRHINGE_SRC_DIR_CLEANUP_H
#define DIRHINGE_SRC_DIR_CLEANUP_H

#include <ldap.h>

static inline void
control_free(LDAPControl **c)
{
	if (*c)
		ldap_control_free(*c);
}

static inline void
controls_free(LDAPControl ***c)
{
	if (*c)
		ldap_controls_free(*c);
}

static inline void
str_free(char **s)
{
	ldap_memfree(*s);
}

static inline void
ber_done(BerElement **ber)
{
	if (*ber)
		ber_free(*ber, 1);
}

#endif
