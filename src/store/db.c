/* SPDX-License-Identifier: Apache-2.0
 * SQLite, and nothing of what is kept in it. */
#include "store/db.h"

#include <stdlib.h>

#include "dirhinge/base/log.h"

#define BUSY_MS 5000 /* somebody looks at the file with the sqlite3 command */

static const char *const texts[] = {
#define TEXT(id, text) [id] = text,
	STORE_SQL_TABLE(TEXT)
#undef TEXT
};

void
store_db_fatal(struct store_db *d, const char *doing)
{
	log_event(LOG_ERROR_, "the event store failed; ending, so that the next start recovers what is on the disk",
		  LOG_S("doing", doing), LOG_S("file", d->path), LOG_S("reason", sqlite3_errmsg(d->h)),
		  LOG_I("sqlite", sqlite3_extended_errcode(d->h)), LOG_I("errno", sqlite3_system_errno(d->h)), LOG_END);
	abort();
}

/* A write or fsync that failed may "succeed" when tried again, with the data gone (reliability.md fact 9). The shared
 * index counts too: where it fails in a commit, the log may already hold the transaction. */
static bool
may_have_lost(int rc)
{
	switch (rc) {
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_DIR_FSYNC:
	case SQLITE_IOERR_TRUNCATE:
	case SQLITE_IOERR_SHMSIZE:
	case SQLITE_IOERR_SHMMAP:
	case SQLITE_IOERR_SHMOPEN:
		return true;
	default:
		return false;
	}
}

int
store_db_fail(struct store_db *d, const char *doing, struct err *e)
{
	int rc = d->h ? sqlite3_extended_errcode(d->h) : SQLITE_CANTOPEN;
	const char *text = d->h ? sqlite3_errmsg(d->h) : "out of memory";

	d->failed = true;
	if (d->serving && may_have_lost(rc))
		store_db_fatal(d, doing);
	switch (rc & 0xff) {
	case SQLITE_FULL:
		(void)err_set(e, ERR_IO, "the disk of the event store is full");
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		(void)err_set(e, ERR_BUSY, "the event store is in use by another program");
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		(void)err_set(e, ERR_IO, "the event store is damaged");
		break;
	case SQLITE_NOMEM:
		store_db_fatal(d, doing);
	default:
		(void)err_set(e, ERR_IO, "the event store failed");
		break;
	}
	return err_cause(e, "%s %s: %s (SQLite %d)", doing, d->path, text, rc);
}

int
store_db_exec(struct store_db *d, const char *sql, struct err *e)
{
	return sqlite3_exec(d->h, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_db_fail(d, sql, e);
}

static int
open_with(struct store_db *d, const char *path, int flags, const char *pragmas, struct err *e)
{
	static const int options[] = {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE};

	*d = (struct store_db){.path = path};
	if (sqlite3_open_v2(path, &d->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(d->h, BUSY_MS) != SQLITE_OK) {
		(void)store_db_fail(d, "open", e);
		store_db_close(d);
		return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		must(sqlite3_db_config(d->h, options[i], 1, NULL) == SQLITE_OK);
	must(sqlite3_db_config(d->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK);
	if (store_db_exec(d, pragmas, e)) {
		store_db_close(d);
		return -1;
	}
	return 0;
}

int
store_db_open_writer(struct store_db *d, const char *path, struct err *e)
{
	/* WAL and FULL: one fsync a commit, and every commit is on the disk when it returns. No checkpoint but ours:
	 * with one connection that writes and checkpoints the WAL-reset bug cannot occur (dependencies.md 5.3). What is
	 * deleted is overwritten: it is about people. A sort that is larger than the cache (fill.c) goes through a file
	 * without a name, so that memory does not grow with the directory. Pages of a new file are larger than SQLite's
	 * own: of a first refresh, rows fill them better and half as many writes remain. A file that is there keeps the
	 * pages it has. */
	return open_with(d, path, SQLITE_OPEN_READWRITE,
			 "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA "
			 "wal_autocheckpoint = 0;"
			 "PRAGMA secure_delete = ON; PRAGMA mmap_size = 0; PRAGMA foreign_keys = OFF;"
			 "PRAGMA temp_store = FILE; PRAGMA cache_size = " STORE_CACHE,
			 e);
}

int
store_db_open_reader(struct store_db *d, const char *path, struct err *e)
{
	return open_with(d, path, SQLITE_OPEN_READONLY,
			 "PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
			 "PRAGMA cache_size = -1024",
			 e);
}

void
store_db_close(struct store_db *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->stmts); i++)
		(void)sqlite3_finalize(d->stmts[i]);
	must(sqlite3_close(d->h) == SQLITE_OK);
	*d = (struct store_db){.path = d->path};
}

/* --- queries ------------------------------------------------------------------------------------------------------ */

int
store_q_begin(struct store_q *q, struct store_db *d, enum store_sql id, struct err *e)
{
	sqlite3_stmt **st = &d->stmts[id];

	if (!*st && sqlite3_prepare_v3(d->h, texts[id], -1, SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK)
		return store_db_fail(d, texts[id], e);
	must(!sqlite3_stmt_busy(*st));
	*q = (struct store_q){.d = d, .st = *st, .next = 1};
	return 0;
}

void
store_q_int(struct store_q *q, int64_t v)
{
	must(sqlite3_bind_int64(q->st, q->next++, v) == SQLITE_OK);
}

void
store_q_text(struct store_q *q, const char *s)
{
	int rc = s ? sqlite3_bind_text64(q->st, q->next, s, strlen(s), SQLITE_STATIC, SQLITE_UTF8)
		   : sqlite3_bind_null(q->st, q->next);

	must(rc == SQLITE_OK);
	q->next++;
}

void
store_q_blob(struct store_q *q, struct strv v)
{
	must(sqlite3_bind_blob64(q->st, q->next++, v.n ? v.p : "", v.n, SQLITE_STATIC) == SQLITE_OK);
}

int
store_q_step(struct store_q *q, struct err *e)
{
	switch (sqlite3_step(q->st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_db_fail(q->d, sqlite3_sql(q->st), e);
	}
}

int
store_q_run(struct store_q *q, struct err *e)
{
	int rc = store_q_step(q, e);

	must(rc != 1);
	return rc;
}

void
store_q_end(struct store_q *q)
{
	if (!q->st)
		return;
	(void)sqlite3_reset(q->st); /* repeats the error of the last step */
	(void)sqlite3_clear_bindings(q->st);
	q->st = NULL;
}

int64_t
store_q_col_int(const struct store_q *q, int col)
{
	return sqlite3_column_int64(q->st, col);
}

bool
store_q_col_null(const struct store_q *q, int col)
{
	return sqlite3_column_type(q->st, col) == SQLITE_NULL;
}

const char *
store_q_col_text(const struct store_q *q, struct arena *a, int col)
{
	const unsigned char *s = sqlite3_column_text(q->st, col);

	return s ? arena_strndup(a, (const char *)s, (size_t)sqlite3_column_bytes(q->st, col)) : NULL;
}

struct strv
store_q_col_blob(const struct store_q *q, struct arena *a, int col)
{
	const void *p = sqlite3_column_blob(q->st, col);
	size_t n = (size_t)sqlite3_column_bytes(q->st, col);

	return strv_n(arena_strndup(a, p ? p : "", n), n);
}

int
store_db_number(struct store_db *d, enum store_sql id, int64_t none, int64_t *n_r, struct err *e)
{
	DH_CLEANUP(store_q_end) struct store_q q = {0};

	if (store_q_begin(&q, d, id, e))
		return -1;
	int rc = store_q_step(&q, e);

	if (rc < 0)
		return -1;
	*n_r = rc == 1 && sqlite3_column_type(q.st, 0) != SQLITE_NULL ? sqlite3_column_int64(q.st, 0) : none;
	return 0;
}
