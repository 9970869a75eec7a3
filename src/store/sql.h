/* SPDX-License-Identifier: Apache-2.0
 * Every statement of the store. Prepared once a connection, when first used. */
#ifndef DIRHINGE_SRC_STORE_SQL_H
#define DIRHINGE_SRC_STORE_SQL_H

#define EVENT_COLS "seq, id, type, subject, dn_key, old_dn_key, at_us, removal, of_n, member_n, sum, body"
#define STATE_HEAD "n, sync_id, id, kind, flags, incarnation, dn, dn_key, csn"
#define STATE_COLS STATE_HEAD ", sum, entry, resource"
#define LIVE       "flags & 1 = 0"

/* A statement for many rows: to begin and end one costs as much as a small row does. OR FAIL: undoing one that failed
 * half-way would cost a copy of each page; the transaction is undone as a whole. */
#define LOT_ROWS      16
#define ROWS_4(row)   row "," row "," row "," row
#define ROWS_16(row)  ROWS_4(row) "," ROWS_4(row) "," ROWS_4(row) "," ROWS_4(row)
#define FIRST_INSERT  "INSERT OR FAIL INTO event(type, at_us, removal, stored_us, of_n, member_n, sum, body) VALUES"
#define FIRST_ROW     "(?, ?, 0, ?, ?, ?, ?, x'')"
#define MEMBER_INSERT "INSERT OR FAIL INTO member(grp, dn_key, member_id) VALUES"
#define MEMBER_ROW    "(?, ?, ?)"
#define MEMBER_KNOWN  " ON CONFLICT(grp, dn_key) DO UPDATE SET member_id = excluded.member_id"

/* clang-format off */
#define STORE_SQL_TABLE(X) \
	X(SQL_BEGIN, "BEGIN IMMEDIATE") \
	X(SQL_COMMIT, "COMMIT") \
	X(SQL_ROLLBACK, "ROLLBACK") \
	X(SQL_INDEX, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?") \
	/* events */ \
	X(SQL_EVENT_ADD, "INSERT INTO event(id, type, subject, dn_key, old_dn_key, at_us, removal, stored_us, sum, body)" \
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) WHERE id IS NOT NULL DO NOTHING") \
	X(SQL_EVENT_HAS, "SELECT 1 FROM event WHERE id = ?") \
	X(SQL_EVENT_AT, "SELECT " EVENT_COLS " FROM event WHERE seq = ?") \
	X(SQL_EVENT_PAGE, "SELECT " EVENT_COLS " FROM event WHERE seq > ? ORDER BY seq LIMIT ?") \
	X(SQL_EVENT_MIN, "SELECT min(seq) FROM event") \
	X(SQL_EVENT_MAX, "SELECT max(seq) FROM event") \
	X(SQL_EVENT_COUNT, "SELECT count(*) FROM event") \
	X(SQL_EVENT_LAST, "SELECT seq FROM sqlite_sequence WHERE name = 'event'") \
	X(SQL_EVENT_AGES, "SELECT seq, stored_us FROM event ORDER BY seq LIMIT ?") \
	X(SQL_EVENT_DROP, "DELETE FROM event WHERE seq <= ?") \
	/* events told from rows */ \
	X(SQL_FIRST_ADD, FIRST_INSERT FIRST_ROW) \
	X(SQL_FIRST_ADD_LOT, FIRST_INSERT ROWS_16(FIRST_ROW)) \
	X(SQL_FIRST_ROW, "SELECT " STATE_COLS " FROM origin WHERE n = ?1 UNION ALL SELECT " STATE_COLS " FROM state" \
		" WHERE n = ?1") \
	X(SQL_FIRST_KEEP, "INSERT INTO origin(" STATE_COLS ") SELECT " STATE_COLS " FROM state WHERE n = ?" \
		" ON CONFLICT(n) DO NOTHING") \
	X(SQL_FIRST_FORGET, "DELETE FROM origin WHERE n IN (SELECT n FROM origin LIMIT ?)") \
	/* state */ \
	X(SQL_STATE_KIND, "SELECT kind, flags, n FROM state WHERE sync_id = ?") \
	X(SQL_STATE_ANY, "SELECT 1 FROM state LIMIT 1") \
	X(SQL_STATE_AT, "SELECT " STATE_COLS " FROM state WHERE n = ?") \
	X(SQL_STATE_ADD, "INSERT INTO state(sync_id, id, kind, flags, incarnation, dn, dn_key, csn, gone_us, sum, entry," \
		" resource) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(SQL_STATE_GET, "SELECT " STATE_COLS " FROM state WHERE sync_id = ?") \
	X(SQL_STATE_BY_DN, "SELECT " STATE_COLS " FROM state WHERE dn_key = ? AND " LIVE " ORDER BY flags & 2 LIMIT 1") \
	X(SQL_STATE_BY_ID, "SELECT " STATE_COLS " FROM state WHERE id = ? AND " LIVE " ORDER BY flags & 2 LIMIT 1") \
	X(SQL_STATE_EACH, "SELECT " STATE_HEAD " FROM state WHERE n > ? AND n <= ? ORDER BY n LIMIT ?") \
	X(SQL_STATE_LAST, "SELECT max(n) FROM state") \
	X(SQL_STATE_LIST, "SELECT " STATE_COLS " FROM state WHERE id > ? AND (kind = ? OR (?2 = 0 AND kind <= 2))" \
		" AND " LIVE " ORDER BY id LIMIT ?") \
	X(SQL_STATE_PUT, "UPDATE state SET id = ?2, kind = ?3, flags = ?4, incarnation = ?5, dn = ?6, dn_key = ?7," \
		" csn = ?8, gone_us = ?9, sum = ?10, entry = ?11, resource = ?12 WHERE sync_id = ?1") \
	X(SQL_STATE_BURY, "UPDATE state SET id = ?2, kind = ?3, flags = ?4, incarnation = ?5, dn = ?6, dn_key = ?7," \
		" csn = ?8, gone_us = ?9 WHERE sync_id = ?1") \
	X(SQL_STATE_COUNT, "SELECT count(*) FROM state WHERE kind = ? AND " LIVE) \
	X(SQL_STATE_REVIVE, "UPDATE state SET flags = flags & ~1 | 2, gone_us = 0 WHERE flags & 1 AND id IN" \
		" (SELECT subject FROM held WHERE batch = ?)") \
	X(SQL_STATE_FORGET, "UPDATE state SET entry = x'', resource = x'', gone_us = 0, sum = ? WHERE n IN (SELECT n FROM state" \
		" WHERE flags & 1 AND gone_us BETWEEN 1 AND ? AND entry <> x'' AND NOT EXISTS" \
		" (SELECT 1 FROM held WHERE subject = state.id) LIMIT ?)") \
	/* members */ \
	X(SQL_MEMBER_PUT, MEMBER_INSERT MEMBER_ROW MEMBER_KNOWN) \
	X(SQL_MEMBER_PUT_LOT, MEMBER_INSERT ROWS_16(MEMBER_ROW) MEMBER_KNOWN) \
	X(SQL_MEMBER_DROP, "DELETE FROM member WHERE grp = ? AND dn_key = ?") \
	X(SQL_MEMBER_DROP_ALL, "DELETE FROM member WHERE grp = ?") \
	X(SQL_MEMBERS, "SELECT grp, dn_key, member_id FROM member WHERE grp = ? AND dn_key > ? ORDER BY dn_key LIMIT ?") \
	X(SQL_MEMBERS_KNOWN, "SELECT grp, dn_key, member_id FROM member WHERE grp = ? AND member_id IS NOT NULL" \
		" ORDER BY dn_key LIMIT ?") \
	X(SQL_MEMBERS_OF_DN, "SELECT grp, dn_key, member_id FROM member WHERE dn_key = ? ORDER BY grp") \
	X(SQL_MEMBERS_OF_ID, "SELECT grp, dn_key, member_id FROM member WHERE member_id = ? ORDER BY grp, dn_key") \
	/* named values */ \
	X(SQL_META_GET, "SELECT value FROM meta WHERE name = ?") \
	X(SQL_META_PUT, "INSERT INTO meta(name, value) VALUES(?, ?)" \
		" ON CONFLICT(name) DO UPDATE SET value = excluded.value") \
	X(SQL_META_DROP, "DELETE FROM meta WHERE name = ?") \
	X(SQL_GENERATION, "SELECT generation FROM log") \
	X(SQL_GENERATION_SET, "UPDATE log SET generation = ?, begun_us = ?") \
	/* held batches */ \
	X(SQL_HELD_ADD, "INSERT INTO held(batch, id, type, subject, dn_key, old_dn_key, at_us, removal, sum, body)" \
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING") \
	X(SQL_HELD_HAS, "SELECT 1 FROM held WHERE id = ?") \
	X(SQL_HELD_BATCH, "SELECT max(batch) FROM held WHERE subject = ?") \
	X(SQL_HELD_COUNT, "SELECT count(*) FROM held") \
	X(SQL_HELD_TAKE, "INSERT INTO held(batch, id, type, subject, dn_key, old_dn_key, at_us, removal, sum, body)" \
		" SELECT ?, id, type, subject, dn_key, old_dn_key, at_us, removal, sum, body FROM event WHERE seq > ?" \
		" AND subject IN (SELECT subject FROM event WHERE seq > ?2 AND removal = 1) ORDER BY seq") \
	X(SQL_HELD_LAST, "SELECT max(place) FROM held") \
	X(SQL_HELD_TAKEN, "DELETE FROM event WHERE seq > ? AND id IN (SELECT id FROM held WHERE place > ?)") \
	X(SQL_HELD_PAGE, "SELECT place, id, type, subject, dn_key, old_dn_key, at_us, removal, NULL, NULL, sum, body FROM held" \
		" WHERE place > ? AND batch = ? ORDER BY place LIMIT ?") \
	X(SQL_HELD_RELEASE, "INSERT INTO event(id, type, subject, dn_key, old_dn_key, at_us, removal, stored_us, sum, body)" \
		" SELECT id, type, subject, dn_key, old_dn_key, at_us, removal, ?, sum, body FROM held WHERE batch = ?" \
		" ORDER BY place ON CONFLICT(id) WHERE id IS NOT NULL DO NOTHING") \
	X(SQL_HELD_COUNT_OF, "SELECT count(*) FROM held WHERE batch = ?") \
	X(SQL_HELD_DROP, "DELETE FROM held WHERE batch = ?") \
	X(SQL_BATCH_OPEN, "SELECT max(id) FROM batch WHERE decided_us IS NULL") \
	X(SQL_BATCH_NEW, "INSERT INTO batch(reason, opened_us) VALUES(?, ?)") \
	X(SQL_BATCH_LIST, "SELECT b.id, b.reason, b.opened_us, coalesce(sum(h.removal), 0), count(h.id)," \
		" count(DISTINCT h.subject) FROM batch b LEFT JOIN held h ON h.batch = b.id WHERE b.decided_us IS NULL" \
		" GROUP BY b.id ORDER BY b.id") \
	X(SQL_BATCH_GET, "SELECT decided_us IS NOT NULL FROM batch WHERE id = ?") \
	X(SQL_BATCH_DECIDE, "UPDATE batch SET decided_us = ?2, released = ?3, who = ?4, why = ?5, events = ?6 WHERE id = ?1") \
	/* what readers know of the subjects of a batch */ \
	X(SQL_STATE_OF_ID, "SELECT " STATE_COLS " FROM state WHERE id = ? ORDER BY flags & 1, n DESC LIMIT 1") \
	X(SQL_MEMBER_HAS, "SELECT 1 FROM member WHERE grp = ? AND member_id = ?") \
	X(SQL_HELD_SUBJECTS, "SELECT DISTINCT batch, subject FROM held WHERE place > ?") \
	X(SQL_TOLD_PUT, "INSERT INTO told(batch, id, sum, resource) VALUES(?, ?, ?, ?) ON CONFLICT(batch, id) DO NOTHING") \
	X(SQL_TOLD_GET, "SELECT sum, resource FROM told WHERE batch = ? AND id = ?") \
	X(SQL_TOLD_SUBJECTS, "SELECT batch, id FROM told WHERE batch = ?") \
	X(SQL_TOLD_MEMBER, "INSERT INTO told_member(batch, grp, member_id, dn_key, lost) VALUES(?, ?, ?, ?, ?)" \
		" ON CONFLICT(batch, grp, member_id) DO NOTHING") \
	X(SQL_TOLD_MEMBER_BACK, "DELETE FROM told_member WHERE batch = ? AND grp = ? AND member_id = ? AND lost = ?") \
	X(SQL_TOLD_MEMBERS_COME, "INSERT INTO member(grp, dn_key, member_id) SELECT t.grp, s.dn_key, s.id FROM told_member t" \
		" JOIN state s ON s.id = t.member_id AND s." LIVE " WHERE t.batch = ? AND t.lost AND NOT EXISTS" \
		" (SELECT 1 FROM member m WHERE m.grp = t.grp AND m.member_id = t.member_id)" \
		" ON CONFLICT(grp, dn_key) DO UPDATE SET member_id = excluded.member_id") \
	X(SQL_TOLD_MEMBERS_GO, "DELETE FROM member WHERE (grp, member_id) IN (SELECT grp, member_id FROM told_member" \
		" WHERE batch = ? AND NOT lost)") \
	X(SQL_TOLD_GROUPS, "UPDATE state SET flags = flags | 8 WHERE " LIVE " AND id IN" \
		" (SELECT grp FROM told_member WHERE batch = ?)") \
	X(SQL_TOLD_DROP, "DELETE FROM told WHERE batch = ?") \
	X(SQL_TOLD_MEMBERS_DROP, "DELETE FROM told_member WHERE batch = ?") \
	/* the guard's window, by the second */ \
	X(SQL_REMOVALS_ADD, "INSERT INTO removals(second, n) VALUES(?, ?) ON CONFLICT(second) DO UPDATE SET n = n + excluded.n") \
	X(SQL_REMOVALS_SINCE, "SELECT coalesce(sum(n), 0) FROM removals WHERE second >= ?") \
	X(SQL_REMOVALS_DROP, "DELETE FROM removals WHERE second < ?")
/* clang-format on */

enum store_sql {
#define STORE_SQL_ENUM(id, text) id,
	STORE_SQL_TABLE(STORE_SQL_ENUM)
#undef STORE_SQL_ENUM
		SQL_N
};

#endif
