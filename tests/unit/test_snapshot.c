/* SPDX-License-Identifier: Apache-2.0
 * Snapshots of ids: what is kept, for whom, how long and how much; and the cursors that point into them. */
#include "gw/cursor.h"
#include "unit.h"

#define IDLE_MS  1000
#define INDEX_MS 3000

static int64_t now; /* the clock of these tests */

static int64_t
clock_of_tests(void)
{
	return now;
}

static struct gw_snaps *
store(size_t max_bytes, size_t per_client)
{
	now = 5000;
	return gw_snaps_new(&(struct gw_snaps_opts){.max_bytes = max_bytes,
						    .max_per_client = per_client,
						    .idle_ms = IDLE_MS,
						    .index_ms = INDEX_MS,
						    .now = clock_of_tests});
}

static struct gw_snap_key
key(const char *client, unsigned char query)
{
	struct gw_snap_key k = {.client = client};
	memset(k.query, query, sizeof(k.query));
	return k;
}

static struct gw_item
item(size_t i)
{
	struct gw_item it = {.type = (unsigned char)(i % 2)};
	memcpy(it.id, &i, sizeof(i));
	return it;
}

/* Builds and keeps one of n items; 0 if there is no room. */
static uint64_t
keep(struct gw_snaps *s, const struct gw_snap_key *k, size_t n)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct gw_snap_build *b = gw_snap_build_new(a, s, k);
	for (size_t i = 0; i < n; i++) {
		struct gw_item it = item(i);
		if (!gw_snap_build_add(b, &it))
			break;
	}
	return gw_snap_build_keep(b);
}

static bool
there(struct gw_snaps *s, uint64_t id, const struct gw_snap_key *k)
{
	struct gw_item one;
	struct gw_window w = {.n = 1, .items = &one};
	return gw_snap_read(s, id, k, &w);
}

static size_t
bytes(struct gw_snaps *s)
{
	struct gw_snaps_stats st;
	gw_snaps_get_stats(s, &st);
	return st.bytes;
}

static size_t
count(struct gw_snaps *s)
{
	struct gw_snaps_stats st;
	gw_snaps_get_stats(s, &st);
	return st.n;
}

/* Sizes around those of the chunks inside. */
START_TEST(windows)
{
	static const size_t sizes[] = {1, 479, 480, 481, 960, 5000};
	struct gw_snaps *s = store(1 << 20, 16);
	struct gw_snap_key k = key("a", 1);
	struct gw_item items[1000];
	for (size_t t = 0; t < ARRAY_SIZE(sizes); t++) {
		uint64_t id = keep(s, &k, sizes[t]);
		ck_assert_uint_ne(id, 0);
		for (size_t first = 0; first <= sizes[t] + 1; first += 239) {
			struct gw_window w = {.first = first, .n = 1000, .items = items};
			ck_assert(gw_snap_read(s, id, &k, &w));
			size_t left = first < sizes[t] ? sizes[t] - first : 0;
			ck_assert_uint_eq(w.n, left < 1000 ? left : 1000);
			ck_assert_uint_eq(w.total, sizes[t]);
			for (size_t i = 0; i < w.n; i++) {
				struct gw_item want = item(first + i);
				ck_assert_mem_eq(&items[i], &want, sizeof(want));
			}
		}
	}
	gw_snaps_free(&s);
	ck_assert_ptr_null(s);
	gw_snaps_free(&s);
}
END_TEST

START_TEST(belong_to_client_and_query)
{
	struct gw_snaps *s = store(1 << 20, 16);
	struct gw_snap_key mine = key("a", 1), other_query = key("a", 2), other_client = key("b", 1);
	uint64_t id = keep(s, &mine, 10);
	ck_assert(there(s, id, &mine));
	ck_assert(!there(s, id, &other_query) && !there(s, id, &other_client) && !there(s, id + 1, &mine));
	ck_assert_uint_eq(gw_snap_find(s, &mine, 5), id);
	ck_assert_uint_eq(gw_snap_find(s, &other_query, 5), 0);
	ck_assert_uint_eq(gw_snap_find(s, &other_client, 5), 0);
	uint64_t newer = keep(s, &mine, 10);
	ck_assert_uint_eq(gw_snap_find(s, &mine, 5), newer);
	ck_assert(there(s, id, &mine)); /* a cursor may still be out */
	gw_snaps_free(&s);
}
END_TEST

START_TEST(expire)
{
	struct gw_snaps *s = store(1 << 20, 16);
	struct gw_snap_key k = key("a", 1);
	uint64_t id = keep(s, &k, 10);
	for (int i = 0; i < 5; i++) { /* use keeps it alive, for cursors without end */
		now += IDLE_MS - 1;
		ck_assert(there(s, id, &k));
	}
	ck_assert_uint_eq(gw_snap_find(s, &k, 5), 0); /* but paging by index begins anew at some time */
	now += IDLE_MS;
	ck_assert(!there(s, id, &k));
	ck_assert_uint_eq(count(s), 0);
	ck_assert_uint_eq(bytes(s), 0);
	gw_snaps_free(&s);
}
END_TEST

START_TEST(number_per_client)
{
	struct gw_snaps *s = store(1 << 20, 3);
	struct gw_snap_key a = key("a", 1), b = key("b", 1);
	uint64_t other = keep(s, &b, 10), id[4];
	for (size_t i = 0; i < 3; i++, now++)
		id[i] = keep(s, &a, 10);
	ck_assert(there(s, id[0], &a)); /* used now: not the oldest any more */
	now++;
	id[3] = keep(s, &a, 10);
	ck_assert(there(s, id[0], &a) && there(s, id[2], &a) && there(s, id[3], &a));
	ck_assert(!there(s, id[1], &a));
	ck_assert(there(s, other, &b));
	ck_assert_uint_eq(count(s), 4);
	gw_snaps_free(&s);
}
END_TEST

START_TEST(bytes_in_all)
{
	const size_t max = 64 * 1024;
	struct gw_snaps *s = store(max, 16);
	struct gw_snap_key a = key("a", 1), b = key("b", 1);
	uint64_t of_b = keep(s, &b, 10), last = 0;
	for (size_t i = 0; i < 20; i++, now++) {
		last = keep(s, &a, 1000);
		ck_assert_uint_ne(last, 0);
		ck_assert_uint_le(bytes(s), max);
	}
	ck_assert_msg(there(s, of_b, &b), "a client's own snapshots go first");
	ck_assert(there(s, last, &a));
	/* Larger than everything: nothing is kept, nothing stays taken. */
	ck_assert_uint_eq(keep(s, &a, 100000), 0);
	ck_assert_uint_eq(bytes(s), 0);
	ck_assert_uint_ne(keep(s, &a, 1000), 0);
	gw_snaps_free(&s);
}
END_TEST

/* Snapshots being built count, so that many clients at once stay within the bound. */
START_TEST(builds_count)
{
	const size_t max = 64 * 1024;
	struct gw_snaps *s = store(max, 16);
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct gw_snap_build *b[10];
	size_t useless = 0;
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		struct gw_snap_key k = key("a", (unsigned char)i);
		b[i] = gw_snap_build_new(a, s, &k);
	}
	for (size_t n = 0; n < 481; n++)
		for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
			struct gw_item it = item(n);
			useless += !gw_snap_build_add(b[i], &it);
			ck_assert_uint_le(bytes(s), max);
		}
	ck_assert_uint_gt(useless, 0);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		gw_snap_build_free(&b[i]);
	ck_assert_uint_eq(bytes(s), 0);
	gw_snaps_free(&s);
}
END_TEST

START_TEST(own_writes)
{
	struct gw_snaps *s = store(1 << 20, 16);
	struct gw_snap_key k = key("a", 1);
	uint64_t id = keep(s, &k, 100);
	gw_snap_served(s, id, 0, 9, 10); /* one of ten had gone */
	ck_assert_uint_eq(gw_snap_find(s, &k, 50), id);
	gw_snaps_written(s);
	/* The crawl goes on, also of a client that counts what it got; a page again is the same. */
	ck_assert_uint_eq(gw_snap_find(s, &k, 10), id);
	ck_assert_uint_eq(gw_snap_find(s, &k, 9), id);
	ck_assert_uint_eq(gw_snap_find(s, &k, 0), id);
	ck_assert_uint_eq(gw_snap_find(s, &k, 50), 0);
	uint64_t newer = keep(s, &k, 100);
	ck_assert_uint_eq(gw_snap_find(s, &k, 50), newer);
	/* What was written while it was read counts as later. */
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	struct gw_snap_key other = key("a", 2);
	struct gw_snap_build *b = gw_snap_build_new(a, s, &other);
	gw_snaps_written(s);
	ck_assert_uint_ne(gw_snap_build_keep(b), 0);
	ck_assert_uint_eq(gw_snap_find(s, &other, 50), 0);
	gw_snaps_free(&s);
}
END_TEST

/* --- cursors ------------------------------------------------------------------------------------------------------ */

static const unsigned char seal[GW_SEAL_SIZE] = "a key of thirty-two bytes length";

START_TEST(sealed)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct gw_snap_key k = key("a", 1), other_query = key("a", 2), other_client = key("b", 1);
	const struct gw_cursor c = {.snapshot = 7, .first = 100000, .count = 1000, .expires = 9000};
	struct gw_cursor out;
	struct err e = ERR_INIT;
	char *text = gw_cursor_seal(a, seal, &k, &c);
	/* RFC 9865 2: only unreserved characters of RFC 3986 */
	ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
			  strlen(text));
	ck_assert_int_eq(gw_cursor_open(a, seal, &k, text, 8999, &out, &e), 0);
	ck_assert(out.snapshot == 7 && out.first == 100000 && out.count == 1000 && out.expires == 9000);
	ck_assert_int_eq(gw_cursor_open(a, seal, &k, text, 9000, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR_EXPIRED);
	ck_assert_int_eq(gw_cursor_open(a, seal, &other_query, text, 0, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR);
	ck_assert_int_eq(gw_cursor_open(a, seal, &other_client, text, 0, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR);
	const unsigned char other_seal[GW_SEAL_SIZE] = {1};
	ck_assert_int_eq(gw_cursor_open(a, other_seal, &k, text, 0, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR);
	/* A foreign cursor that has expired as well says no more than one that never was. */
	ck_assert_int_eq(gw_cursor_open(a, seal, &other_client, text, 9999, &out, &e), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR);
}
END_TEST

START_TEST(forged)
{
	static const char *const bad[] = {"", "A", "AAAA", "====", "\xff", "a b", "0", "-1", "../../etc/passwd"};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct gw_snap_key k = key("a", 1);
	const struct gw_cursor c = {.snapshot = 7, .first = 10, .count = 10, .expires = 9000};
	struct gw_cursor out = {0};
	struct err e = ERR_INIT;
	char *text = gw_cursor_seal(a, seal, &k, &c);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(gw_cursor_open(a, seal, &k, bad[i], 0, &out, &e), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
	}
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		ck_assert_int_eq(gw_cursor_open(a, seal, &k, text, 0, &out, &e), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
		text[i] = was;
		char *cut = arena_strndup(a, text, i);
		ck_assert_int_eq(gw_cursor_open(a, seal, &k, cut, 0, &out, &e), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
	}
	ck_assert_uint_eq(out.snapshot, 0);
	ck_assert_int_eq(gw_cursor_open(a, seal, &k, arena_printf(a, "%sA", text), 0, &out, &e), -1);
	ck_assert_int_eq(gw_cursor_open(a, seal, &k, text, 0, &out, &e), 0);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"store", windows, 0},      {"store", belong_to_client_and_query, 0},
		{"store", expire, 0},       {"store", number_per_client, 0},
		{"store", bytes_in_all, 0}, {"store", builds_count, 0},
		{"store", own_writes, 0},   {"cursor", sealed, 0},
		{"cursor", forged, 0},
	};

	return unit_run("snapshot", tests, ARRAY_SIZE(tests));
}
