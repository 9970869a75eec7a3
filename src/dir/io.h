/* SPDX-License-Identifier: Apache-2.0
 * Private: a layer under libldap's (and its TLS library's) input and output that ends with the deadline. */
#ifndef DIRHINGE_SRC_DIR_IO_H
#define DIRHINGE_SRC_DIR_IO_H

#include <lber.h>

#include "dirhinge/base/clock.h"

struct io {
	ber_socket_t fd;
	deadline_t until; /* reads and writes fail with ETIMEDOUT after it */
	bool expired;     /* one did */
	bool nowait;      /* reads return at once instead (EAGAIN): whoever reads waits for the socket himself */
	/* Read ahead: liber asks for the first bytes of a message, then for the rest, and answers come in small ones.
	 */
	size_t at, n;
	char ahead[8192];
};

/* True if something was received that nobody has asked for yet: it does not show at the descriptor. */
static inline bool
dir_io_pending(const struct io *io)
{
	return io->at < io->n;
}

/* Puts the layer below everything that is added to sb later. io stays where it is while sb lives. -1 if liber does not
 * accept it. */
int dir_io_install(struct io *io, Sockbuf *sb);

#endif
