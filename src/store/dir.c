/* SPDX-License-Identifier: Apache-2.0
 * The state directory: made, judged, locked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_priv.h"

/* Where SQLite's shared index does not work between processes, or locks are not what they seem (sqlite.org/wal.html).
 * Numbers of statfs(2). FUSE is not in the list: containers stand on it. */
const char *
store_network_fs(uint64_t magic)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} kinds[] = {
		{0x6969, "nfs"},        {0x517b, "smb"},        {0xff534d42, "cifs"},   {0xfe534d42, "smb2"},
		{0x73757245, "coda"},   {0x5346414f, "afs"},    {0x01021997, "9p"},     {0x00c36400, "ceph"},
		{0x0bd00bd0, "lustre"}, {0x47504653, "gpfs"},   {0x01161970, "gfs2"},   {0x7461636f, "ocfs2"},
		{0x564c, "ncp"},        {0x786f4256, "vboxsf"}, {0xbacbacbc, "vmhgfs"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].magic == (uint32_t)magic)
			return kinds[i].name;
	return NULL;
}

int
store_random(void *out, size_t n, struct err *e)
{
	if (getentropy(out, n))
		return err_set(e, ERR_IO, "no random bytes from the system: %s", strerror(errno));
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The pid stands in the file from the lock to the orderly end: found under a free lock, it tells of a crash. */
static int
take_lock(int fd, const char *path, bool *clean_r, struct err *e)
{
	char pid[24] = "";
	bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (!free && errno != EWOULDBLOCK)
		return err_set(e, ERR_IO, "cannot lock %s: %s", path, strerror(errno));
	if (pread(fd, pid, sizeof(pid) - 1, 0) < 0)
		return err_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
	pid[strcspn(pid, "\n")] = '\0';
	if (!free)
		return err_set(e, ERR_CONFLICT,
			       "another dirhinge uses %s (pid %s); stop it, or give this one a state_dir of its own",
			       path, pid[0] ? pid : "unknown");
	*clean_r = pid[0] == '\0';
	int n = snprintf(pid, sizeof(pid), "%jd\n", (intmax_t)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)n, 0) != n)
		return err_set(e, ERR_IO, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

int
store_lock_dir(const char *dir, int *fd_r, bool *clean_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	const char *path = arena_printf(a, "%s/" STORE_LOCK_NAME, dir);
	/* The file stays: removing it would let two processes lock two files of one name. */
	DH_CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, ERR_IO, "cannot open %s: %s", path, strerror(errno));
	if (take_lock(fd, path, clean_r, e))
		return -1;
	*fd_r = fd;
	fd = -1;
	return 0;
}

void
store_unlock_dir(int *fd, bool clean)
{
	/* if the pid stays, the next start checks a little more */
	if (*fd >= 0 && clean && ftruncate(*fd, 0) == 0)
		(void)fsync(*fd);
	close_fd(fd); /* releases the lock */
}

static int
put_aside(const char *dir, const char *suffix, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(512);
	const char *from = arena_printf(a, "%s/" STORE_DB_NAME "%s", dir, suffix);
	const char *to = arena_printf(a, "%s/" STORE_DB_NAME ".old%s", dir, suffix);

	/* what stands there from the last time would be taken for a part of this one */
	if ((unlink(to) && errno != ENOENT) || (rename(from, to) && errno != ENOENT))
		return err_set(e, ERR_IO, "cannot move %s to %s: %s", from, to, strerror(errno));
	return 0;
}

int
store_discard(const char *dir, struct err *e)
{
	bool clean;
	int fd = -1;

	if (store_lock_dir(dir, &fd, &clean, e))
		return -1;
	/* the log first: without its database it is nothing, but a new database would take it for its own */
	int rc = put_aside(dir, "-wal", e) || put_aside(dir, "-shm", e) || put_aside(dir, "", e) ? -1 : 0;
	store_unlock_dir(&fd, false);
	return rc;
}
