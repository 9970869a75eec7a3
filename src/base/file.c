/* SPDX-License-Identifier: Apache-2.0
 * Whole files: read within a limit, replaced so that a crash leaves the old or the new text, never half of it. */
#include "dirhinge/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirhinge/base/buf.h"
#include <stdlib.h>

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int
io_error(struct err *e, const char *doing, const char *path)
{
	return err_set(e, ERR_IO, "cannot %s %s: %s", doing, path, strerror(errno));
}

int
file_read(struct arena *a, const char *path, size_t max, struct strv *text_r, struct err *e)
{
	DH_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return io_error(e, "open", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "cannot read %s: it is a directory", path);
	/* The size is only a hint: pipes and /proc have none, a growing file has another one later. */
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(max);
	char chunk[4096];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(e, "read", path);
		if (n == 0)
			break;
		buf_add(&b, chunk, (size_t)n);
		if (b.full)
			return err_set(e, ERR_IO, "%s is larger than %zu bytes", path, max);
	}
	*text_r = strv_n(arena_strndup(a, buf_str(&b), b.n), b.n);
	return 0;
}

static int
write_all(int fd, struct strv text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text.p += n;
		text.n -= (size_t)n;
	}
	return 0;
}

/* The new name is durable only when the directory that holds it is. */
static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	DH_CLEANUP(buf_done) struct buf dir = BUF_INIT(SIZE_MAX);

	if (slash == NULL)
		buf_adds(&dir, ".");
	else
		buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path));
	DH_CLEANUP(close_fd) int fd = open(buf_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int
file_write(const char *path, struct strv text, unsigned mode, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf temp = BUF_INIT(SIZE_MAX);

	buf_printf(&temp, "%s.XXXXXX", path);
	/* mkostemp opens with mode 0600, so that a secret is never readable, not even for a moment */
	DH_CLEANUP(close_fd) int fd = mkostemp(temp.p, O_CLOEXEC);

	if (fd < 0)
		return io_error(e, "create a file beside", path);
	if (write_all(fd, text) == 0 && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0 && rename(temp.p, path) == 0) {
		if (sync_directory(path) == 0)
			return 0;
		return io_error(e, "make durable the directory of", path);
	}
	(void)io_error(e, "write", path);
	(void)unlink(temp.p);
	return -1;
}
