/* SPDX-License-Identifier: Apache-2.0
 * Client certificates, checked with the library that libmicrohttpd speaks TLS with. */
#include "tls.h"

#include <gnutls/gnutls.h>

bool
http_tls_peer_verified(void *session)
{
	unsigned int status = 0;
	return session && gnutls_certificate_verify_peers2(session, &status) == GNUTLS_E_SUCCESS && status == 0;
}
