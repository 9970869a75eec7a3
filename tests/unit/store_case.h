/* SPDX-License-Identifier: Apache-2.0
 * A store in a directory of its own, for the running test, and the small things every test of it does. */
#ifndef DIRHINGE_TESTS_STORE_CASE_H
#define DIRHINGE_TESTS_STORE_CASE_H

#include "dirhinge/store/first.h"
#include "dirhinge/store/held.h"

extern struct arena *a;
extern struct err e;
extern struct store *s;
extern const char *dir; /* "/tmp/…", removed by the teardown */

#define RETENTION_MS (INT64_C(30) * 86400 * 1000)

/* Fixtures: with and without an open store. */
void store_case_setup(void);
void store_case_setup_dir(void);
void store_case_teardown(void);

/* Opens or fails the test. */
struct store *store_case_open(const char *where);
void store_case_reopen(void);
const char *store_case_path(const char *name); /* of a file in dir */

/* Event number n of a subject; type "dsync.user.updated", or a removal "dsync.user.deleted". */
struct store_event store_case_event(int64_t n, const char *subject, bool removal);
/* One transaction with events [from, from + n) of a subject. */
void store_case_append(int64_t from, int64_t n, const char *subject, bool removal);
/* "1 2 3": the numbers of the events that can be read after a seq. */
const char *store_case_numbers(int64_t after, int64_t limit);
/* Waits for any event with a higher number. */
bool store_case_wait(int64_t seq, deadline_t until);
/* A live user with this id. */
struct store_state store_case_user(const char *id);

/* Runs an SQL text on the database file with a connection of its own; the store must be closed. */
void store_case_sql(const char *sql);

#endif
