/* SPDX-License-Identifier: Apache-2.0
 * Secrets in memory of their own that is wiped before it goes back to the heap. */
#include "dirhinge/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX ((size_t)64 * 1024)

struct secret {
	size_t n;
	char bytes[]; /* a NUL behind them */
};

struct secret *
secret_new(struct strv value)
{
	must(value.n < SIZE_MAX / 2);
	struct secret *s = mem_new(sizeof(*s) + value.n + 1);

	s->n = value.n;
	if (value.n > 0)
		memcpy(s->bytes, value.p, value.n);
	return s;
}

void
secret_free(struct secret **sp)
{
	struct secret *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	secret_wipe(s->bytes, s->n);
	free(s);
}

struct strv
secret_view(const struct secret *s)
{
	return strv_n(s->bytes, s->n);
}

void
secret_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* What was opened is what is checked: by descriptor, so that nobody can exchange the file in between. */
static int
check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, ERR_CONFIG, "cannot examine the secret file %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "the secret file %s is not a regular file", path);
	if ((st.st_mode & 0077) != 0)
		return err_set(e, ERR_CONFIG,
			       "the secret file %s has mode %04o, others than its owner can use it; "
			       "fix it with: chmod 0600 %s",
			       path, (unsigned)(st.st_mode & 07777), path);
	if ((uint64_t)st.st_size > FILE_MAX)
		return err_set(e, ERR_CONFIG, "the secret file %s is larger than %zu bytes", path, FILE_MAX);
	return 0;
}

/* Fills s from fd; a file that grew beyond its limit since check_file() is refused. */
static int
read_file(int fd, const char *path, struct secret *s, struct err *e)
{
	for (;;) {
		ssize_t n = read(fd, s->bytes + s->n, FILE_MAX + 1 - s->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_CONFIG, "cannot read the secret file %s: %s", path, strerror(errno));
		s->n += (size_t)n;
		if (s->n > FILE_MAX)
			return err_set(e, ERR_CONFIG, "the secret file %s is larger than %zu bytes", path, FILE_MAX);
		if (n == 0)
			return 0;
	}
}

int
secret_load(const char *path, struct secret **s_r, struct err *e)
{
	/* O_NONBLOCK: a FIFO in place of the file must not hang the start */
	DH_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_CONFIG, "the secret file %s is a symbolic link; name the file itself", path);
	if (fd < 0)
		return err_set(e, ERR_CONFIG, "cannot open the secret file %s: %s", path, strerror(errno));
	if (check_file(fd, path, e) < 0)
		return -1;
	DH_CLEANUP(secret_free) struct secret *whole = mem_new(sizeof(*whole) + FILE_MAX + 2);

	if (read_file(fd, path, whole, e) < 0)
		return -1;
	size_t n = whole->n;

	if (n > 0 && whole->bytes[n - 1] == '\n')
		n -= n > 1 && whole->bytes[n - 2] == '\r' ? 2 : 1;
	if (n == 0)
		return err_set(e, ERR_CONFIG, "the secret file %s is empty", path);
	*s_r = secret_new(strv_n(whole->bytes, n));
	return 0;
}
