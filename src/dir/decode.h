/* SPDX-License-Identifier: Apache-2.0
 * Private: entries from libldap's messages and from BER, copied into an arena. */
#ifndef DIRHINGE_SRC_DIR_DECODE_H
#define DIRHINGE_SRC_DIR_DECODE_H

#include <ldap.h>

#include "dirhinge/base/err.h"
#include "dirhinge/dir/flavour.h"

/* A search entry message; ids as text (fl NULL: as they are). ERR_UNAVAILABLE if the server's bytes are no entry. */
int dir_decode_entry(struct arena *a, const struct dir_flavour *fl, LDAP *ld, LDAPMessage *msg,
		     const struct dir_entry **en_r, struct err *e) DH_MUST_USE;
/* The same, for who completes it. */
int dir_decode_open_entry(struct arena *a, const struct dir_flavour *fl, LDAP *ld, LDAPMessage *msg,
			  struct dir_entry **en_r, struct err *e) DH_MUST_USE;

/* The SearchResultEntry inside a read-entry control (RFC 4527 3.1). */
int dir_decode_read_control(struct arena *a, const struct berval *value, const struct dir_entry **en_r,
			    struct err *e) DH_MUST_USE;

/* libldap's structures have no const; nothing of ours is ever written through them. */
static inline char *
unconst(const char *p)
{
	return (char *)(uintptr_t)p;
}
static inline struct berval
strv_bv(struct strv v)
{
	return (struct berval){v.n, unconst(v.n ? v.p : "")};
}

#endif
