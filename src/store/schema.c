/* SPDX-License-Identifier: Apache-2.0
 * The tables, and how older ones become these. A step is never changed once released: a change is a new step. */
#include "store/store_priv.h"

#define APPLICATION_ID INT64_C(0x44726867) /* "Drhg" */

/* Bodies come last: a row is read up to the column that is asked for. Rows with bodies are rowid tables, small ones are
 * kept in their key. */
static const char *const steps[] = {
	"CREATE TABLE log(generation TEXT NOT NULL, begun_us INTEGER NOT NULL) STRICT;"
	"INSERT INTO log VALUES('', 0);"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE event(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
	" subject TEXT NOT NULL, dn_key TEXT, old_dn_key TEXT, at_us INTEGER NOT NULL, removal INTEGER NOT NULL,"
	" stored_us INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE TABLE state(n INTEGER PRIMARY KEY, sync_id TEXT NOT NULL UNIQUE, id TEXT NOT NULL,"
	" kind INTEGER NOT NULL, flags INTEGER NOT NULL, incarnation INTEGER NOT NULL, dn TEXT NOT NULL,"
	" dn_key TEXT NOT NULL, csn TEXT NOT NULL, gone_us INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" entry BLOB NOT NULL, resource BLOB NOT NULL) STRICT;"
	"CREATE INDEX state_id ON state(id, kind, flags);"
	"CREATE INDEX state_dn ON state(dn_key) WHERE " LIVE ";"
	"CREATE INDEX state_gone ON state(gone_us) WHERE flags & 1;"
	"CREATE TABLE member(grp TEXT NOT NULL, dn_key TEXT NOT NULL, member_id TEXT,"
	" PRIMARY KEY(grp, dn_key)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX member_dn ON member(dn_key);"
	"CREATE INDEX member_member ON member(member_id) WHERE member_id IS NOT NULL;"
	"CREATE TABLE batch(id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, opened_us INTEGER NOT NULL,"
	" decided_us INTEGER, released INTEGER, who TEXT, why TEXT, events INTEGER) STRICT;"
	"CREATE TABLE held(place INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,"
	" type TEXT NOT NULL, subject TEXT NOT NULL, dn_key TEXT, old_dn_key TEXT, at_us INTEGER NOT NULL,"
	" removal INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE INDEX held_subject ON held(subject);"
	"CREATE INDEX held_batch ON held(batch);"
	"CREATE TABLE removals(second INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;",
	"CREATE TABLE told(batch INTEGER NOT NULL, id TEXT NOT NULL, sum INTEGER NOT NULL, resource BLOB NOT NULL,"
	" UNIQUE(batch, id)) STRICT;"
	"CREATE TABLE told_member(batch INTEGER NOT NULL, grp TEXT NOT NULL, member_id TEXT NOT NULL,"
	" dn_key TEXT NOT NULL, lost INTEGER NOT NULL, PRIMARY KEY(batch, grp, member_id)) STRICT, WITHOUT ROWID;",

	/* Constraints become indexes with a name, so that a first refresh can put them off (fill.c); an event may be
	 * told from rows (first.c). */
	"ALTER TABLE state RENAME TO state_1;"
	"CREATE TABLE state(n INTEGER PRIMARY KEY, sync_id TEXT NOT NULL, id TEXT NOT NULL,"
	" kind INTEGER NOT NULL, flags INTEGER NOT NULL, incarnation INTEGER NOT NULL, dn TEXT NOT NULL,"
	" dn_key TEXT NOT NULL, csn TEXT NOT NULL, gone_us INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" entry BLOB NOT NULL, resource BLOB NOT NULL) STRICT;"
	"INSERT INTO state SELECT * FROM state_1;"
	"DROP TABLE state_1;"
	"CREATE UNIQUE INDEX state_sync ON state(sync_id);"
	"CREATE INDEX state_id ON state(id, kind, flags);"
	"CREATE INDEX state_dn ON state(dn_key) WHERE " LIVE ";"
	"CREATE INDEX state_gone ON state(gone_us) WHERE flags & 1;"
	"CREATE TABLE origin(n INTEGER PRIMARY KEY, sync_id TEXT NOT NULL, id TEXT NOT NULL,"
	" kind INTEGER NOT NULL, flags INTEGER NOT NULL, incarnation INTEGER NOT NULL, dn TEXT NOT NULL,"
	" dn_key TEXT NOT NULL, csn TEXT NOT NULL, sum INTEGER NOT NULL, entry BLOB NOT NULL, resource BLOB NOT NULL) "
	"STRICT;"
	"ALTER TABLE event RENAME TO event_1;"
	"CREATE TABLE event(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, type TEXT NOT NULL, subject TEXT,"
	" dn_key TEXT, old_dn_key TEXT, at_us INTEGER NOT NULL, removal INTEGER NOT NULL, stored_us INTEGER NOT NULL,"
	" of_n INTEGER, member_n INTEGER, sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"INSERT INTO event SELECT seq, id, type, subject, dn_key, old_dn_key, at_us, removal, stored_us, NULL, NULL,"
	" sum, body FROM event_1;"
	/* the sequence is its table's: numbers that retention took out must not come again */
	"DELETE FROM sqlite_sequence WHERE name = 'event';"
	"INSERT INTO sqlite_sequence SELECT 'event', seq FROM sqlite_sequence WHERE name = 'event_1';"
	"DROP TABLE event_1;"
	"CREATE UNIQUE INDEX event_id ON event(id) WHERE id IS NOT NULL;",
};

static int
pragma_number(struct store_db *d, const char *pragma, int64_t *n_r, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(d->h, pragma, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW) {
		(void)store_db_fail(d, pragma, e);
		(void)sqlite3_finalize(st);
		return -1;
	}
	*n_r = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return 0;
}

static int
step_up(struct store_db *d, int64_t from, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);

	for (size_t i = (size_t)from; i < ARRAY_SIZE(steps); i++)
		if (store_db_exec(d, steps[i], e))
			return -1;
	return store_db_exec(d,
			     arena_printf(a, "PRAGMA application_id = %jd; PRAGMA user_version = %zu",
					  (intmax_t)APPLICATION_ID, ARRAY_SIZE(steps)),
			     e);
}

int
store_migrate(struct store_db *d, struct err *e)
{
	int64_t version, application, tables;

	if (pragma_number(d, "PRAGMA user_version", &version, e) ||
	    pragma_number(d, "PRAGMA application_id", &application, e) ||
	    pragma_number(d, "SELECT count(*) FROM sqlite_schema", &tables, e))
		return -1;
	if (tables > 0 && application != APPLICATION_ID)
		return err_set(e, ERR_CONFIG, "%s is not a database of Dirhinge; choose another state_dir", d->path);
	if (version > (int64_t)ARRAY_SIZE(steps))
		return err_set(
			e, ERR_CONFIG,
			"%s was written by a newer Dirhinge (schema %jd, this one knows %zu); run that version, or "
			"restore the copy that was made before the upgrade",
			d->path, (intmax_t)version, ARRAY_SIZE(steps));
	if (version == (int64_t)ARRAY_SIZE(steps))
		return 0;
	if (store_db_exec(d, "BEGIN IMMEDIATE", e))
		return -1;
	if (step_up(d, version, e) || store_db_exec(d, "COMMIT", e)) {
		if (!sqlite3_get_autocommit(d->h))
			(void)sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return 0;
}
