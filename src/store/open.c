/* SPDX-License-Identifier: Apache-2.0
 * Opening: the directory, the lock, the key, the database as it should be, and what is counted in memory. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dirhinge/base/file.h"
#include "dirhinge/base/secret.h"
#include "store/fill.h"

static int
prepare_dir(const char *dir, struct err *e)
{
	struct statfs fs;
	struct stat st;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_set(e, ERR_CONFIG, "cannot make state_dir %s: %s", dir, strerror(errno));
	if (stat(dir, &st) || statfs(dir, &fs))
		return err_set(e, ERR_CONFIG, "cannot use state_dir %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "state_dir %s is not a directory", dir);
	if (st.st_mode & 0002)
		return err_set(e, ERR_CONFIG, "state_dir %s can be written by everybody; chmod 0700 %s", dir, dir);
	const char *network = store_network_fs((uint64_t)fs.f_type);
	if (network)
		return err_set(
			e, ERR_CONFIG,
			"state_dir %s is on a network file system (%s), where the database is not safe; choose a "
			"directory on a local disk",
			dir, network);
	return 0;
}

/* Beside the database and not in it: a cursor from before a lost or restored database is then still recognised, and
 * answered with 410 instead of 400. */
static int
load_key(struct store *s, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const char *path = arena_printf(a, "%s/" STORE_KEY_NAME, s->dir);
	struct strv text;

	if (access(path, F_OK) == 0) {
		if (file_read(a, path, 4096, &text, e))
			return -1;
		if (text.n == sizeof(s->key)) {
			memcpy(s->key, text.p, sizeof(s->key));
			secret_wipe((void *)(uintptr_t)text.p, text.n);
			return 0;
		}
	}
	if (store_random(s->key, sizeof(s->key), e))
		return -1;
	return file_write(path, strv_n((const char *)s->key, sizeof(s->key)), 0600, e);
}

/* SQLite gives the WAL the mode of the database, but would make that one readable. */
static int
make_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, ERR_IO, "cannot open %s: %s", path, strerror(errno));
	(void)close(fd);
	return 0;
}

static int
quick_check(struct store_db *d, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->h, "PRAGMA quick_check(1)", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	int result = 0;
	if (!str_eq(said, "ok")) {
		result = store_db_fail(d, "check", e);
		if (said) {
			(void)err_set(e, ERR_IO, "the event store is damaged");
			result = err_cause(e, "%s", said);
		}
	}
	(void)sqlite3_finalize(st);
	return result;
}

/* What is wrong with the file is said with what to do, because nobody can serve events before it is done. */
static int
explain(const struct store *s, struct err *e)
{
	char cause[sizeof(e->cause)];

	if (!e || e->code != ERR_IO || !str_eq(e->detail, "the event store is damaged"))
		return -1;
	memcpy(cause, e->cause, sizeof(cause));
	(void)err_set(
		e, ERR_IO,
		"%s is damaged. Put back a copy of it, or begin anew with 'dirhinge sync reset': the directory is not "
		"touched, state is read from it again, and applications get 410 and take a snapshot; events not yet "
		"read are lost",
		s->path);
	return err_cause(e, "%s", cause);
}

static int
load_tally(struct store *s, struct err *e)
{
	struct store_db *d = &s->w;
	struct store_tally t = {0};
	int64_t last;

	if (store_db_number(d, SQL_EVENT_MIN, 0, &t.oldest, e) || store_db_number(d, SQL_EVENT_MAX, 0, &t.head, e) ||
	    store_db_number(d, SQL_EVENT_LAST, 0, &last, e) || store_db_number(d, SQL_EVENT_COUNT, 0, &t.events, e) ||
	    store_db_number(d, SQL_HELD_COUNT, 0, &t.held, e) || store_first_load(d, &t.first, e) ||
	    store_db_count_state(d, STORE_USER, &t.users, e) || store_db_count_state(d, STORE_GROUP, &t.groups, e))
		return -1;
	if (t.events == 0) { /* retention took them all: the head stays where the last one was */
		t.head = last;
		t.oldest = last + 1;
	}
	s->tally = t;
	s->recent.behind = t.head;
	return 0;
}

void
store_generation_make(char out[17])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[8];

	must(store_random(raw, sizeof(raw), NULL) == 0);
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[16] = '\0';
}

static int
read_generation(struct store *s, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, &s->w, SQL_GENERATION, e) || store_q_step(&q, e) != 1)
		return -1;
	s->generation = store_q_col_text(&q, s->a, 0);
	return 0;
}

static int
load_generation(struct store *s, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};
	char text[17];

	if (read_generation(s, e))
		return -1;
	if (s->generation[0])
		return 0;
	store_generation_make(text);
	if (store_q_begin(&q, &s->w, SQL_GENERATION_SET, e))
		return -1;
	store_q_text(&q, text);
	store_q_int(&q, clock_wall_us());
	s->generation = arena_strdup(s->a, text);
	return store_q_run(&q, e);
}

static int
on_commit(void *ctx, sqlite3 *h DH_UNUSED, const char *db DH_UNUSED, int pages)
{
	struct store *s = ctx;

	s->wal_pages = pages;
	return SQLITE_OK;
}

/* The names of the files must be on the disk like what is in them: SQLite tries, but takes no notice of a failure. */
static int
sync_dir(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return failed ? err_set(e, ERR_IO, "cannot make durable %s: %s", dir, strerror(failed)) : 0;
}

static int
open_database(struct store *s, struct err *e)
{
	/* what the WAL holds was not copied back by an orderly end */
	bool check = !s->clean || store_file_size(s->wal_path) > 0 || store_file_size(s->path) <= STORE_SMALL_FILE;

	if (make_file(s->path, e) || store_db_open_writer(&s->w, s->path, e) || (check && quick_check(&s->w, e)))
		return -1;
	if (store_migrate(&s->w, e) || load_generation(s, e) || load_tally(s, e) || sync_dir(s->dir, e))
		return -1;
	s->w.compose = s->compose;
	(void)sqlite3_wal_hook(s->w.h, on_commit, s);
	s->w.serving = true;
	store_checkpoint(s, true);
	return 0;
}

int
store_open(const struct store_opts *opts, struct store **s_r, struct err *e)
{
	struct arena *a = arena_new(4096);
	DH_CLEANUP(store_close) struct store *s = ARENA_NEW(a, struct store);

	s->a = a;
	s->dir = arena_strdup(a, opts->dir);
	s->path = arena_printf(a, "%s/" STORE_DB_NAME, opts->dir);
	s->wal_path = arena_printf(a, "%s-wal", s->path);
	s->retention_us = opts->retention_ms * 1000;
	s->compose = opts->compose;
	s->lock_fd = -1;
	mutex_init(&s->gate.lock);
	cond_init(&s->gate.turn);
	mutex_init(&s->lock);
	cond_init(&s->free_reader);
	if (prepare_dir(s->dir, e) || store_lock_dir(s->dir, &s->lock_fd, &s->clean, e) || load_key(s, e))
		return -1;
	if (open_database(s, e))
		return explain(s, e);
	store_count_setup(s, opts->metrics);
	*s_r = TAKE(s);
	return 0;
}

void
store_close(struct store **s)
{
	struct store *st = *s;

	if (!st)
		return;
	bool clean = st->w.serving;
	for (size_t i = 0; i < STORE_READERS; i++) {
		must(!st->reader_busy[i]); /* a reader would still point here */
		if (st->reader_open[i])
			store_db_close(&st->readers[i]);
	}
	struct store_lot *old = NULL;
	store_recent_clear(&st->recent, 0, &old);
	store_lots_free(&old);
	if (st->w.h) {
		if (st->w.serving)
			store_checkpoint(st, true);
		store_db_close(&st->w);
	}
	store_unlock_dir(&st->lock_fd, clean);
	secret_wipe(st->key, sizeof(st->key));
	cond_done(&st->free_reader);
	mutex_done(&st->lock);
	cond_done(&st->gate.turn);
	mutex_done(&st->gate.lock);
	struct arena *a = st->a;
	*s = NULL;
	arena_free(&a);
}

const char *
store_generation(struct store *s)
{
	mutex_lock(&s->lock);
	const char *generation = s->generation; /* an old one lives on in the arena */
	mutex_unlock(&s->lock);
	return generation;
}

struct strv
store_key(struct store *s)
{
	return strv_n((const char *)s->key, sizeof(s->key));
}
