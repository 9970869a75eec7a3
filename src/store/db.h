/* SPDX-License-Identifier: Apache-2.0
 * One SQLite connection: how it is opened, its prepared statements, what its errors mean. Thread rule: confined. */
#ifndef DIRHINGE_SRC_STORE_DB_H
#define DIRHINGE_SRC_STORE_DB_H

#include <sqlite3.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"
#include "dirhinge/store/store.h"
#include "store/sql.h"

#define STORE_CACHE "-16384" /* of the writer, in KiB as SQLite wants it */

struct store_db {
	sqlite3 *h;
	const char *path;         /* borrowed */
	store_compose_fn compose; /* as store_opts */
	sqlite3_stmt *stmts[SQL_N];
	bool serving; /* from now on a failed write ends the process */
	bool failed;  /* a statement failed: the transaction must not be committed */
};

/* The one connection that writes and checkpoints. */
int store_db_open_writer(struct store_db *d, const char *path, struct err *e) DH_MUST_USE;
/* A connection that cannot write; only while the writer is open. */
int store_db_open_reader(struct store_db *d, const char *path, struct err *e) DH_MUST_USE;
void store_db_close(struct store_db *d);

/* Statements without parameters and rows. */
int store_db_exec(struct store_db *d, const char *sql, struct err *e) DH_MUST_USE;
/* Fills *e from what SQLite says of the last call. Ends the process if a write may be lost (see the header). */
int store_db_fail(struct store_db *d, const char *doing, struct err *e);
/* The database can no longer be trusted to hold what it was given: a line in the log, then abort(). */
DH_NORETURN void store_db_fatal(struct store_db *d, const char *doing);

/* A prepared statement in use. Values are bound in order, and must live until the query ends. */
struct store_q {
	struct store_db *d;
	sqlite3_stmt *st; /* NULL: not begun */
	int next;
};
int store_q_begin(struct store_q *q, struct store_db *d, enum store_sql id, struct err *e) DH_MUST_USE;
void store_q_int(struct store_q *q, int64_t v);
void store_q_text(struct store_q *q, const char *s); /* NULL = SQL NULL */
void store_q_blob(struct store_q *q, struct strv v); /* never NULL */
/* 1: a row, 0: no more, -1. */
int store_q_step(struct store_q *q, struct err *e) DH_MUST_USE;
/* The same for statements without rows: 0, -1. */
int store_q_run(struct store_q *q, struct err *e) DH_MUST_USE;
void store_q_end(struct store_q *q); /* a cleanup function */
/* Columns of the row, copied into a. */
int64_t store_q_col_int(const struct store_q *q, int col);
bool store_q_col_null(const struct store_q *q, int col);
const char *store_q_col_text(const struct store_q *q, struct arena *a, int col); /* NULL if SQL NULL */
struct strv store_q_col_blob(const struct store_q *q, struct arena *a, int col);

/* One number from a statement of one row, with up to one number bound; SQL NULL gives none. */
int store_db_number(struct store_db *d, enum store_sql id, int64_t none, int64_t *n_r, struct err *e) DH_MUST_USE;

#endif
