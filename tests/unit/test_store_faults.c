/* SPDX-License-Identifier: Apache-2.0
 * What may go wrong with a file: the process killed at any write, a disk that is full or fails, a second instance, old,
 * new, foreign and damaged files. What was acknowledged is there afterwards, and nothing is told that was not written.
 * (reliability.md F-05, F-30, F-31, F-32, F-54, F-57, F-59) */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/base/file.h"
#include "dirhinge/base/thread.h"
#include "store/store_priv.h"
#include "store_case.h"
#include "unit.h"

/* --- SQLite's writes and fsyncs pass through here -------------------------------------------------------------------
 */

static struct {
	int at;          /* counts down with every write and fsync; at 0 it happens */
	int kill;        /* SIGKILL itself */
	int sync_errno;  /* this fsync fails */
	int write_errno; /* this write fails, and all later ones */
} fault;

static bool
now(void)
{
	if (fault.at <= 0)
		return false;
	if (--fault.at > 0)
		return false;
	if (fault.kill)
		(void)kill(getpid(), SIGKILL);
	return true;
}

/* Stands before libc's for the whole program: libsqlite3 calls this one. */
int
fdatasync(int fd)
{
	struct stat st;

	/* SQLite takes no notice of a directory that cannot be synced; store_open() has done it before. */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) && now() && fault.sync_errno) {
		errno = fault.sync_errno;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static ssize_t
faulty_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (now() && fault.write_errno) {
		fault.at = 1;
		errno = fault.write_errno;
		return -1;
	}
	return pwrite(fd, p, n, at);
}

static void
hook_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	ck_assert_int_eq(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)(uintptr_t)faulty_pwrite), SQLITE_OK);
	if (vfs->xGetSystemCall(vfs, "pwrite64"))
		ck_assert_int_eq(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)(uintptr_t)faulty_pwrite),
				 SQLITE_OK);
}

static void
setup(void)
{
	store_case_setup_dir();
	hook_writes();
}

/* --- one step of a feed: an event, a state, the cookie --------------------------------------------------------------
 */

static int
step(struct store_tx *tx, void *ctx, struct err *er)
{
	int64_t n = *(int64_t *)ctx;
	const char *subject = arena_printf(a, "u%jd", (intmax_t)n);
	struct store_event ev = store_case_event(n, subject, n % 5 == 0);
	struct store_state st = store_case_user(subject);

	if (store_tx_event(tx, &ev, er) || store_tx_state_put(tx, &st, er))
		return -1;
	return store_tx_meta_put(tx, "cookie", strv_of(arena_printf(a, "%jd", (intmax_t)n)), er);
}

static int64_t
cookie(void)
{
	struct strv v;
	int rc = store_meta_get(s, a, "cookie", &v, &e);

	ck_assert_msg(rc >= 0, "%s (%s)", e.detail, e.cause);
	return rc == 1 ? strtoll(v.p, NULL, 10) : 0;
}

static int
check_next(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	int64_t n = ++*(int64_t *)ctx;
	struct store_event want = store_case_event(n, arena_printf(a, "u%jd", (intmax_t)n), n % 5 == 0);

	ck_assert_str_eq(ev->id, want.id);
	ck_assert(strv_eq(ev->body, want.body));
	return 0;
}

/* Everything up to the cookie is there, and nothing behind it. */
static int64_t
check_whole(void)
{
	int64_t n = 0;
	struct store_range r;

	ck_assert_msg(store_events(s, 0, INT64_MAX, check_next, &n, &e) == 0, "%s (%s)", e.detail, e.cause);
	ck_assert_int_eq(n, cookie());
	ck_assert_int_eq(store_state_count(s, STORE_USER), n);
	store_range(s, &r);
	ck_assert_int_eq(r.head, n);
	return n;
}

/* --- killed ----------------------------------------------------------------------------------------------------------
 */

/* Commits from the cookie on and tells each number through the pipe when it is acknowledged. */
static void
child_commits(int out, int64_t n)
{
	int64_t dropped;

	s = store_case_open(dir);
	for (n++;; n++) {
		if (store_write(s, step, &n, &e) || write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
		if (n % 20 == 0 && store_maintain(s, clock_wall_us(), &dropped, &e))
			_exit(1);
	}
}

static int64_t
kill_after(int64_t from, int acks)
{
	int fds[2], status;
	int64_t n = from;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(fds[0]);
		child_commits(fds[1], from);
	}
	(void)close(fds[1]);
	for (int i = 0; i < acks; i++)
		ck_assert_int_eq(read(fds[0], &n, sizeof(n)), sizeof(n));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		; /* what it acknowledged before it died */
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return n;
}

START_TEST(a_kill_loses_nothing_that_was_acknowledged)
{
	unsigned seed = 4711;
	int64_t n = 0;

	for (int round = 0; round < 30; round++) {
		int64_t acknowledged = kill_after(n, 1 + (int)(rand_r(&seed) % 40));
		s = store_case_open(dir);
		n = check_whole();
		ck_assert_int_ge(n, acknowledged);
		ck_assert_int_le(n, acknowledged + 1);
		store_close(&s);
	}
	ck_assert_int_gt(n, 100);
}
END_TEST

/* Runs fn in a child that dies at its nth write or fsync; false if it came to its end before. */
static bool
dies_at(int n, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fault.at = n;
		fault.kill = 1;
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void
remove_files(void)
{
	static const char *const names[] = {"dirhinge.db", "dirhinge.db-wal", "dirhinge.db-shm", "cursor.key"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlink(store_case_path(names[i]));
}

static void
open_and_close(void)
{
	s = store_case_open(dir);
	store_close(&s);
}

START_TEST(killed_at_any_write_of_the_first_start)
{
	int n = 1;

	for (; dies_at(n, open_and_close); n++) {
		s = store_case_open(dir);
		ck_assert_uint_eq(strlen(store_generation(s)), 16);
		ck_assert_int_eq(check_whole(), 0);
		store_close(&s);
		remove_files();
	}
	ck_assert_int_gt(n, 10); /* it was killed before and behind each of them */
}
END_TEST

static void
three_commits(void)
{
	s = store_case_open(dir);
	for (int64_t n = cookie() + 1, end = n + 3; n < end; n++)
		if (store_write(s, step, &n, &e))
			_exit(1);
	store_close(&s);
}

START_TEST(killed_at_any_write_of_commits_and_checkpoints)
{
	int n = 1;

	open_and_close();
	for (; dies_at(n, three_commits); n++) {
		s = store_case_open(dir);
		(void)check_whole();
		store_close(&s);
	}
	ck_assert_int_gt(n, 20);
}
END_TEST

#define FILLED 400

static int
fill(struct store_tx *tx, void *ctx DH_UNUSED, struct err *er)
{
	if (store_tx_fill(tx, er))
		return -1;
	for (int64_t n = 1; n <= FILLED; n++) {
		struct store_state st = store_case_user(arena_printf(a, "u%jd", (intmax_t)n));
		const struct store_member m = {"g", st.dn_key, st.id};
		if (store_tx_state_put(tx, &st, er) || store_tx_member_put(tx, &m, er))
			return -1;
		const struct store_first f = {"dsync.user.created", n, store_tx_row(tx), 0};
		if (store_tx_first(tx, &f, 1, er))
			return -1;
	}
	return store_tx_meta_put(tx, "cookie", STRV("400"), er);
}

static void
first_refresh(void)
{
	s = store_case_open(dir);
	if (store_write(s, fill, NULL, &e))
		_exit(1);
	store_close(&s);
}

static int
count_member(void *ctx, const struct store_member *m DH_UNUSED, struct err *er DH_UNUSED)
{
	++*(int64_t *)ctx;
	return 0;
}

static int
check_filled(struct store_tx *tx, void *ctx, struct err *er)
{
	int64_t users = *(int64_t *)ctx, found = 0;

	for (int64_t n = 1; n <= FILLED; n++) {
		struct store_state st, want = store_case_user(arena_printf(a, "u%jd", (intmax_t)n));
		int there = users > 0;
		ck_assert_int_eq(store_tx_state(tx, a, want.sync_id, &st, er), there);
		ck_assert_int_eq(store_tx_state_by_dn(tx, a, want.dn_key, &st, er), there);
		ck_assert_int_eq(store_tx_state_by_id(tx, a, want.id, &st, er), there);
		ck_assert_int_eq(store_tx_members_of_dn(tx, want.dn_key, count_member, &found, er), 0);
		ck_assert_int_eq(store_tx_members_of_id(tx, want.id, count_member, &found, er), 0);
	}
	ck_assert_int_eq(found, 2 * users);
	return 0;
}

/* Its indexes are dropped and made again in the one transaction. */
START_TEST(killed_at_any_write_of_a_first_refresh)
{
	int n = 1, whole = 0, none = 0;

	for (; dies_at(n, first_refresh); n += 1 + n / 10) {
		s = store_case_open(dir);
		int64_t users = store_state_count(s, STORE_USER);
		struct store_range r;
		store_range(s, &r);
		ck_assert(users == 0 || users == FILLED);
		ck_assert_int_eq(cookie(), users);
		ck_assert_int_eq(r.head, users);
		ck_assert_int_eq(store_write(s, check_filled, &users, &e), 0);
		whole += users > 0;
		none += users == 0;
		store_close(&s);
		remove_files();
	}
	/* it was killed before the commit, and behind it */
	ck_assert_int_gt(none, 10);
	ck_assert_int_gt(whole, 0);
}
END_TEST

/* --- disks that fail
 * -------------------------------------------------------------------------------------------------- */

/* In a child, because the store ends the process: SIGABRT, and the next start has all that was acknowledged. */
static void
aborts(int at, int sync_errno, int write_errno)
{
	int status, fds[2];
	int64_t n = 0, acknowledged = 0;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		s = store_case_open(dir);
		n = cookie();
		fault.at = at;
		fault.sync_errno = sync_errno;
		fault.write_errno = write_errno;
		for (int64_t end = n++ + 3000; n < end; n++)
			if (store_write(s, step, &n, &e) || write(fds[1], &n, sizeof(n)) != sizeof(n))
				_exit(1);
		_exit(2);
	}
	(void)close(fds[1]);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		acknowledged = n;
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
	s = store_case_open(dir);
	ck_assert_int_ge(check_whole(), acknowledged);
	store_close(&s);
}

START_TEST(a_failed_fsync_ends_the_process)
{
	open_and_close();
	for (int at = 1; at < 40; at++)
		aborts(at, EIO, EIO); /* the nth write or fsync, whatever it is */
	aborts(2000, EIO, EIO);       /* beyond a checkpoint */
}
END_TEST

static int64_t
fill_until_refused(int64_t n)
{
	for (n++; n < 10000 && store_write(s, step, &n, &e) == 0; n++)
		;
	ck_assert_int_lt(n, 10000);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_msg(strstr(e.detail, "full"), "%s", e.detail);
	return n - 1;
}

START_TEST(a_full_disk_undoes_and_waits)
{
	s = store_case_open(dir);
	for (int at = 1; at < 12; at++) {
		fault.at = at;
		fault.write_errno = ENOSPC;
		int64_t n = fill_until_refused(cookie());
		ck_assert_int_eq(check_whole(), n);
		fault.at = 0; /* room again */
		n++;
		ck_assert_int_eq(store_write(s, step, &n, &e), 0);
		ck_assert_int_eq(check_whole(), n);
	}
	int64_t n = cookie();
	store_case_reopen();
	ck_assert_int_eq(check_whole(), n);
}
END_TEST

static int
big_step(struct store_tx *tx, void *ctx, struct err *er)
{
	int64_t n = *(int64_t *)ctx;

	for (int i = 0; i < 100; i++) {
		struct store_event ev = store_case_event(n + i, "big", false);
		ev.body = strv_n(arena_alloc(a, 100000), 100000);
		if (store_tx_event(tx, &ev, er))
			return -1;
	}
	return 0;
}

START_TEST(a_full_file_system)
{
	int64_t n = 0;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700")) {
		printf("SKIPPED: a_full_file_system needs the right to mount (%s)\n", strerror(errno));
		return;
	}
	s = store_case_open(dir);
	n = 1000000;
	ck_assert_int_eq(store_write(s, big_step, &n, &e), -1); /* SQLite meets the end */
	ck_assert_msg(e.code == ERR_IO && strstr(e.detail, "full"), "%s (%s)", e.detail, e.cause);
	ck_assert_int_eq(check_whole(), 0);
	n = fill_until_refused(0); /* we stop before it does */
	ck_assert_int_gt(n, 10);
	ck_assert_int_eq(check_whole(), n);
	ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=64m,mode=700"), 0);
	n++;
	ck_assert_int_eq(store_write(s, step, &n, &e), 0);
	ck_assert_int_eq(check_whole(), n);
	store_close(&s);
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

/* --- other instances and files
 * ---------------------------------------------------------------------------------------- */

static int
open_again(void)
{
	struct store *other = NULL;

	e = ERR_INIT;
	int rc = store_open(&(struct store_opts){.dir = dir, .retention_ms = RETENTION_MS}, &other, &e);
	ck_assert(rc == 0 || other == NULL);
	store_close(&other);
	return rc;
}

START_TEST(a_second_instance_is_told_who_is_there)
{
	const char *pid = arena_printf(a, "pid %jd)", (intmax_t)getpid());

	s = store_case_open(dir);
	pid_t child = fork();
	int status;
	if (child == 0)
		_exit(open_again() == -1 && e.code == ERR_CONFLICT && strstr(e.detail, pid) ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(store_discard(dir, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	int64_t n = 1;
	ck_assert_int_eq(store_write(s, step, &n, &e), 0); /* the first one is not disturbed */
	store_close(&s);
	ck_assert_int_eq(open_again(), 0);
}
END_TEST

START_TEST(newer_and_foreign_files_are_refused)
{
	open_and_close();
	store_case_sql("PRAGMA user_version = 99");
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_msg(strstr(e.detail, "newer") && strstr(e.detail, "99"), "%s", e.detail);
	store_case_sql("PRAGMA user_version = 1; PRAGMA application_id = 7");
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	remove_files();
	store_case_sql("CREATE TABLE somebody(x)");
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	store_case_sql("SELECT x FROM somebody"); /* and it is as it was */
}
END_TEST

START_TEST(directories)
{
	static const uint64_t network[] = {0x6969, 0xff534d42, 0xfe534d42, 0x01021997};
	static const uint64_t local[] = {0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x65735546, 0x794c7630};
	const char *file = store_case_path("file");

	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		ck_assert_ptr_nonnull(store_network_fs(network[i]));
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		ck_assert_ptr_null(store_network_fs(local[i]));
	ck_assert_int_eq(file_write(file, STRV("x"), 0600, &e), 0);
	const char *kept = dir;
	dir = file;
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	dir = arena_printf(a, "%s/no/such", kept);
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	dir = kept;
	ck_assert_int_eq(chmod(dir, 0777), 0);
	ck_assert_int_eq(open_again(), -1);
	ck_assert_msg(e.code == ERR_CONFIG && strstr(e.detail, "chmod"), "%s", e.detail);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(open_again(), 0);
}
END_TEST

/* --- damage
 * ------------------------------------------------------------------------------------------------------------ */

static void
commit_some(int64_t upto)
{
	s = store_case_open(dir);
	for (int64_t n = cookie() + 1; n <= upto; n++)
		ck_assert_int_eq(store_write(s, step, &n, &e), 0);
	store_close(&s);
}

static struct strv
file_bytes(const char *name)
{
	struct strv bytes;

	ck_assert_int_eq(file_read(a, store_case_path(name), 64 << 20, &bytes, &e), 0);
	return bytes;
}

START_TEST(a_destroyed_file_is_named_with_the_remedy)
{
	struct strv key, generation;

	commit_some(20);
	s = store_case_open(dir);
	generation = strv_of(arena_strdup(a, store_generation(s)));
	key = strv_n(arena_memdup(a, store_key(s).p, store_key(s).n), store_key(s).n);
	store_close(&s);
	ck_assert_int_eq(file_write(store_case_path("dirhinge.db"), STRV("not a database at all"), 0600, &e), 0);
	ck_assert_int_eq(open_again(), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_msg(strstr(e.detail, "dirhinge sync reset") && strstr(e.detail, "damaged"), "%s", e.detail);
	ck_assert_int_eq(store_discard(dir, &e), 0);
	s = store_case_open(dir);
	ck_assert_str_ne(store_generation(s), generation.p);
	ck_assert(strv_eq(store_key(s), key)); /* old cursors are known as old: 410 and not 400 */
	ck_assert_int_eq(check_whole(), 0);
	ck_assert_int_eq(access(store_case_path("dirhinge.db.old"), F_OK), 0);
}
END_TEST

static int
check_genuine(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	int64_t n = strtoll(ev->id + 4, NULL, 10);
	struct store_event want = store_case_event(n, arena_printf(a, "u%jd", (intmax_t)n), n % 5 == 0);

	ck_assert_str_eq(ev->id, want.id);
	ck_assert_str_eq(ev->type, want.type);
	ck_assert_str_eq(ev->subject, want.subject);
	ck_assert_str_eq(ev->old_dn_key, want.old_dn_key);
	ck_assert(str_eq(ev->dn_key, want.dn_key) && ev->at_us == n && ev->removal == want.removal);
	ck_assert(strv_eq(ev->body, want.body));
	++*(int *)ctx;
	return 0;
}

static int
check_state(void *ctx, const struct store_state *st, struct err *er DH_UNUSED)
{
	struct store_state want = store_case_user("u1");

	/* ids of all users differ in digits alone, and a key is not summed: the rest is */
	ck_assert(strv_eq(st->entry, want.entry));
	ck_assert(strv_starts(st->resource, STRV("{\"id\":\"u")) && st->resource.p[st->resource.n - 1] == '}');
	++*(int *)ctx;
	return 0;
}

START_TEST(no_flipped_bit_is_ever_told)
{
	unsigned seed = 1147;
	int refused = 0, unread = 0, told = 0, states = 0;

	commit_some(200);
	struct strv good = file_bytes("dirhinge.db");
	for (int round = 0; round < 300; round++) {
		char *bad = arena_memdup(a, good.p, good.n);
		size_t at = (size_t)rand_r(&seed) % good.n;
		bad[at] = (char)(bad[at] ^ 1 << rand_r(&seed) % 8);
		remove_files();
		ck_assert_int_eq(file_write(store_case_path("dirhinge.db"), strv_n(bad, good.n), 0600, &e), 0);
		int rc = store_open(&(struct store_opts){.dir = dir, .retention_ms = RETENTION_MS}, &s, &e);
		if (rc < 0) {
			ck_assert(e.code == ERR_IO || e.code == ERR_CONFIG);
			refused++;
			continue;
		}
		rc = store_events(s, 0, INT64_MAX, check_genuine, &told, &e);
		ck_assert(rc == 0 || e.code == ERR_IO);
		unread += rc < 0;
		rc = store_state_list(s, STORE_USER, "", INT64_MAX, check_state, &states, &e);
		ck_assert(rc == 0 || e.code == ERR_IO);
		unread += rc < 0;
		store_close(&s);
	}
	/* each of the three happened: the test has seen what it is for */
	ck_assert_int_gt(refused, 0);
	ck_assert_int_gt(unread, 0);
	ck_assert_int_gt(told, 1000);
	ck_assert_int_gt(states, 1000);
}
END_TEST

START_TEST(an_old_copy_has_other_marks)
{
	uint64_t before, after = 0;
	struct store_event other = store_case_event(99, "u99", false);

	commit_some(5);
	struct strv old = file_bytes("dirhinge.db");
	commit_some(8);
	s = store_case_open(dir);
	const char *generation = arena_strdup(a, store_generation(s));
	ck_assert_int_eq(store_event_mark(s, 7, &before, &e), 1);
	store_close(&s);
	remove_files();
	ck_assert_int_eq(file_write(store_case_path("dirhinge.db"), old, 0600, &e), 0);
	s = store_case_open(dir);
	ck_assert_int_eq(check_whole(), 5);
	ck_assert_str_eq(store_generation(s), generation);
	ck_assert_int_eq(store_event_mark(s, 7, &after, &e), 0); /* beyond the head */
	store_case_append(101, 3, "u101", false);
	ck_assert_int_eq(store_event_mark(s, 7, &after, &e), 1);
	ck_assert(before != after); /* the same number, another event */
	(void)other;
}
END_TEST

/* --- retention
 * ---------------------------------------------------------------------------------------------------------- */

START_TEST(old_events_go_and_numbers_do_not_come_back)
{
	struct store_range r;
	int64_t dropped = -1;
	uint64_t mark;

	s = store_case_open(dir);
	store_case_append(1, 1700, "u1", false);
	ck_assert_int_eq(store_maintain(s, clock_wall_us(), &dropped, &e), 0);
	ck_assert_int_eq(dropped, 0);
	store_close(&s);
	store_case_sql("UPDATE event SET stored_us = 1 WHERE seq <= 1200");
	s = store_case_open(dir);
	ck_assert_int_eq(store_maintain(s, clock_wall_us(), &dropped, &e), 0);
	ck_assert_int_eq(dropped, 1200);
	store_range(s, &r);
	ck_assert_int_eq(r.oldest, 1201);
	ck_assert_int_eq(r.head, 1700);
	ck_assert_int_eq(store_event_mark(s, 1200, &mark, &e), 0);
	ck_assert_int_eq(store_maintain(s, clock_wall_us() + (RETENTION_MS + 1000) * 1000, &dropped, &e), 0);
	ck_assert_int_eq(dropped, 500);
	for (int restarted = 0; restarted < 2; restarted++) {
		store_range(s, &r);
		ck_assert_int_eq(r.oldest, 1701);
		ck_assert_int_eq(r.head, 1700);
		store_case_reopen();
	}
	store_case_append(2000, 1, "u1", false);
	store_range(s, &r);
	ck_assert_int_eq(r.oldest, 1701);
	ck_assert_int_eq(r.head, 1701);
}
END_TEST

/* --- many at once
 * ------------------------------------------------------------------------------------------------------- */

#define ROUNDS 300

struct reader {
	struct thread t;
	int64_t seen;
	const char *wrong;
};

static int
follow(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	struct reader *r = ctx;

	if (strtoll(ev->id + 4, NULL, 10) != ev->seq || ev->seq != r->seen + 1)
		r->wrong = "a gap or a repetition";
	r->seen = ev->seq;
	return 0;
}

static void *
read_all(void *arg)
{
	struct reader *r = arg;
	struct err er = ERR_INIT;
	struct store_range range;

	while (r->seen < ROUNDS * 3 && !r->wrong) {
		if (!store_case_wait(r->seen, deadline_in(40000)))
			r->wrong = "not woken";
		store_range(s, &range);
		int64_t before = r->seen;
		if (store_events(s, r->seen, 100, follow, r, &er))
			r->wrong = "an error";
		if (r->seen == before || (r->seen < range.head && r->seen < before + 100))
			r->wrong = "the head was told, and the event was not there";
	}
	return NULL;
}

START_TEST(readers_beside_a_writer)
{
	struct reader readers[12] = {{.seen = 0}};
	int64_t dropped;

	s = store_case_open(dir);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		thread_start(&readers[i].t, "reader", read_all, &readers[i]);
	for (int64_t i = 0; i < ROUNDS; i++) {
		store_case_append(1 + i * 3, 3, "u1", false);
		if (i % 50 == 0)
			ck_assert_int_eq(store_maintain(s, clock_wall_us(), &dropped, &e), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		thread_join(&readers[i].t);
		ck_assert_msg(!readers[i].wrong, "reader %zu at %jd: %s", i, (intmax_t)readers[i].seen,
			      readers[i].wrong);
		ck_assert_int_eq(readers[i].seen, ROUNDS * 3);
	}
}
END_TEST

struct writer {
	struct thread t;
	int64_t from;
	bool failed;
};

static int
append_one(struct store_tx *tx, void *ctx, struct err *er)
{
	char id[32], body[48];
	int n = snprintf(id, sizeof(id), "evt_%jd", (intmax_t) * (int64_t *)ctx);
	struct store_event ev = {.id = id, .type = "t", .subject = "u"};

	ck_assert_int_gt(n, 4);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"}", id);
	ev.body = strv_of(body);
	return store_tx_event(tx, &ev, er);
}

static void *
write_some(void *arg)
{
	struct writer *w = arg;
	struct err er = ERR_INIT;

	for (int64_t n = w->from; n < w->from + 50; n++)
		w->failed |= store_write(s, append_one, &n, &er) != 0;
	return NULL;
}

START_TEST(writers_take_turns)
{
	struct writer writers[6] = {{.from = 0}};
	struct store_stats st;

	s = store_case_open(dir);
	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		writers[i].from = (int64_t)(i + 1) * 1000;
		thread_start(&writers[i].t, "writer", write_some, &writers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		thread_join(&writers[i].t);
		ck_assert(!writers[i].failed);
	}
	store_get_stats(s, &st);
	ck_assert_int_eq(st.events, 300);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_kill_loses_nothing_that_was_acknowledged,
		killed_at_any_write_of_the_first_start,
		killed_at_any_write_of_commits_and_checkpoints,
		killed_at_any_write_of_a_first_refresh,
		a_failed_fsync_ends_the_process,
		a_full_disk_undoes_and_waits,
		a_full_file_system,
		a_second_instance_is_told_who_is_there,
		newer_and_foreign_files_are_refused,
		directories,
		a_destroyed_file_is_named_with_the_remedy,
		no_flipped_bit_is_ever_told,
		an_old_copy_has_other_marks,
		old_events_go_and_numbers_do_not_come_back,
		readers_beside_a_writer,
		writers_take_turns,
	};
	Suite *suite = suite_create("store faults");
	TCase *t = unit_add_case(suite, "faults", setup, store_case_teardown, tests, ARRAY_SIZE(tests));

	tcase_set_timeout(t, 300);
	return unit_run_suite(suite);
}
