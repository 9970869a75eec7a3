/* SPDX-License-Identifier: Apache-2.0
 * From an Authorization field to a client (RFC 6750 2.1). Thread rule: no state. */
#ifndef DIRHINGE_HTTP_AUTH_H
#define DIRHINGE_HTTP_AUTH_H

#include "dirhinge/crypto/hash.h"
#include "dirhinge/policy/policy.h"

/* ERR_UNAUTHORIZED. field.p NULL = absent. Takes the same time whichever client's token it is, or none. */
int http_auth_check(const struct crypto_digest *sha256, struct strv field, const struct principal *clients, size_t n,
		    const struct principal **who_r, struct err *e) DH_MUST_USE;

#endif
