/* SPDX-License-Identifier: Apache-2.0
 * See store_case.h. */
#include "store_case.h"

#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dirhinge/base/buf.h"

struct arena *a;
struct err e;
struct store *s;
const char *dir;

void
store_case_setup_dir(void)
{
	char name[] = "/tmp/dirhinge-store-XXXXXX";

	a = arena_new(4096);
	e = ERR_INIT;
	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = arena_strdup(a, name);
	s = NULL;
}

void
store_case_setup(void)
{
	store_case_setup_dir();
	s = store_case_open(dir);
}

void
store_case_teardown(void)
{
	store_close(&s);
	DIR *d = opendir(dir);
	for (struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			(void)unlink(store_case_path(f->d_name));
	if (d)
		(void)closedir(d);
	(void)rmdir(dir);
	arena_free(&a);
}

struct store *
store_case_open(const char *where)
{
	struct store *opened = NULL;
	int rc = store_open(&(struct store_opts){.dir = where, .retention_ms = RETENTION_MS}, &opened, &e);

	ck_assert_msg(rc == 0, "%s (%s)", e.detail, e.cause);
	return opened;
}

void
store_case_reopen(void)
{
	store_close(&s);
	s = store_case_open(dir);
}

const char *
store_case_path(const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

struct store_event
store_case_event(int64_t n, const char *subject, bool removal)
{
	const char *id = arena_printf(a, "evt_%jd", (intmax_t)n);

	return (struct store_event){
		.id = id,
		.type = removal ? "dsync.user.deleted" : "dsync.user.updated",
		.subject = subject,
		.dn_key = removal ? NULL : arena_printf(a, "uid=%s,dc=example", subject),
		.old_dn_key = arena_printf(a, "uid=%s,dc=example", subject),
		.at_us = n,
		.removal = removal,
		.body = strv_of(arena_printf(a, "{\"id\":\"%s\",\"n\":%jd}", id, (intmax_t)n)),
	};
}

struct append {
	int64_t from, n;
	const char *subject;
	bool removal;
};

static int
append(struct store_tx *tx, void *ctx, struct err *er)
{
	const struct append *p = ctx;

	for (int64_t i = p->from; i < p->from + p->n; i++) {
		struct store_event ev = store_case_event(i, p->subject, p->removal);
		if (store_tx_event(tx, &ev, er))
			return -1;
	}
	return 0;
}

void
store_case_append(int64_t from, int64_t n, const char *subject, bool removal)
{
	struct append p = {from, n, subject, removal};

	ck_assert_msg(store_write(s, append, &p, &e) == 0, "%s (%s)", e.detail, e.cause);
}

static int
add_number(void *ctx, const struct store_event *ev, struct err *er DH_UNUSED)
{
	buf_printf(ctx, "%s%s", ((struct buf *)ctx)->n ? " " : "", ev->id + 4);
	return 0;
}

const char *
store_case_numbers(int64_t after, int64_t limit)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);

	ck_assert_msg(store_events(s, after, limit, add_number, &out, &e) == 0, "%s (%s)", e.detail, e.cause);
	return arena_strdup(a, buf_str(&out));
}

bool
store_case_wait(int64_t seq, deadline_t until)
{
	struct store_waiting w = {.topics = UINT64_MAX, .seq = seq};

	return store_wait(s, &w, until);
}

struct store_state
store_case_user(const char *id)
{
	return (struct store_state){
		.sync_id = arena_printf(a, "sync-%s", id),
		.id = id,
		.kind = STORE_USER,
		.incarnation = 1,
		.dn = arena_printf(a, "uid=%s,dc=Example", id),
		.dn_key = arena_printf(a, "uid=%s,dc=example", id),
		.csn = "20261120090000.000000Z#000000#000#000000",
		.entry = strv_n("en\0try", 6),
		.resource = strv_of(arena_printf(a, "{\"id\":\"%s\"}", id)),
	};
}

void
store_case_sql(const char *sql)
{
	sqlite3 *h = NULL;
	char *why = NULL;

	ck_assert_int_eq(sqlite3_open(store_case_path("dirhinge.db"), &h), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(h, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
	sqlite3_close(h);
}
