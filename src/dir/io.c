/* SPDX-License-Identifier: Apache-2.0
 * Input and output with a deadline. libldap bounds the TCP connect and the wait for an answer; in between, in a TLS
 * handshake, a half-received record or a request that the peer does not read, libldap 2.5 would wait (or spin) without
 * end. */
#include "dir/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* False when the deadline has passed. */
static bool
ready(struct io *io, short events)
{
	struct pollfd pfd = {.fd = io->fd, .events = events};

	for (;;) {
		int64_t left = deadline_left(io->until);

		if (left == 0)
			break;
		if (poll(&pfd, 1, left > 1000000 ? 1000000 : (int)left) > 0)
			return true;
	}
	io->expired = true;
	errno = ETIMEDOUT;
	return false;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

static ber_slen_t
receive(struct io *io, void *buf, size_t len)
{
	for (;;) {
		ssize_t n = recv(io->fd, buf, len, MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (errno != EINTR && (!would_block() || io->nowait || !ready(io, POLLIN)))
			return -1;
	}
}

static ber_slen_t
io_read(Sockbuf_IO_Desc *desc, void *buf, ber_len_t len)
{
	struct io *io = desc->sbiod_pvt;

	if (!dir_io_pending(io)) {
		if (len >= sizeof(io->ahead))
			return receive(io, buf, len);
		ber_slen_t n = receive(io, io->ahead, sizeof(io->ahead));

		if (n <= 0)
			return n;
		io->at = 0;
		io->n = (size_t)n;
	}
	if (len > io->n - io->at)
		len = io->n - io->at;
	memcpy(buf, io->ahead + io->at, len);
	io->at += len;
	return (ber_slen_t)len;
}

static ber_slen_t
io_write(Sockbuf_IO_Desc *desc, void *buf, ber_len_t len)
{
	struct io *io = desc->sbiod_pvt;

	for (;;) {
		ssize_t n = send(io->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			return n;
		if (errno != EINTR && (!would_block() || !ready(io, POLLOUT)))
			return -1;
	}
}

static int
io_setup(Sockbuf_IO_Desc *desc, void *arg)
{
	desc->sbiod_pvt = arg;
	return 0;
}

static int
io_ctrl(Sockbuf_IO_Desc *desc, int opt, void *arg)
{
	const struct io *io = desc->sbiod_pvt;

	/* libldap asks before it waits at the descriptor. */
	if (opt == LBER_SB_OPT_DATA_READY && dir_io_pending(io))
		return 1;
	return LBER_SBIOD_CTRL_NEXT(desc, opt, arg);
}

static int
io_nothing(Sockbuf_IO_Desc *desc DH_UNUSED)
{
	return 0; /* the socket belongs to the layer below */
}

int
dir_io_install(struct io *io, Sockbuf *sb)
{
	static const Sockbuf_IO layer = {
		.sbi_setup = io_setup,
		.sbi_remove = io_nothing,
		.sbi_ctrl = io_ctrl,
		.sbi_read = io_read,
		.sbi_write = io_write,
		.sbi_close = io_nothing,
	};

	if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &io->fd) != 1 || io->fd < 0)
		return -1;
	/* liblber has no const here, but writes to it nowhere. */
	return ber_sockbuf_add_io(sb, (Sockbuf_IO *)(uintptr_t)&layer, LBER_SBIOD_LEVEL_PROVIDER + 1, io);
}
