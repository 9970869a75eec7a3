/* SPDX-License-Identifier: Apache-2.0
 * What libmicrohttpd leaves to its user: it asks for a client certificate but lets the request in without a valid one.
 * Thread rule: no state. */
#ifndef DIRHINGE_HTTP_TLS_H
#define DIRHINGE_HTTP_TLS_H

#include <stdbool.h>

/* session: a gnutls_session_t. True if the peer sent a certificate chain that the client CA file vouches for. */
bool http_tls_peer_verified(void *session);

#endif
