/* SPDX-License-Identifier: Apache-2.0
 * The text of events, their ids and cursors. What readers select stands in tests/vectors/event. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/json.h"
#include "dirhinge/event/cursor.h"
#include "dirhinge/event/event.h"
#include "scratch.h"
#include "unit.h"

static json_t *
json(const char *text)
{
	json_t *j = NULL;

	ck_assert_msg(json_parse(a, strv_of(text), NULL, &j, &e) == 0, "%s: %s", text, e.detail);
	return j;
}

static struct event
update(void)
{
	return (struct event){
		.type = EVENT_USER_UPDATED,
		.source = "main",
		.subject_id = "0190",
		.incarnation = 1,
		.csn = "20261120090000.123456Z#000000#001#000000",
		.at_us = INT64_C(1795165200123456),
		.name = "bjensen",
		.cause = {.kind = "external"},
	};
}

static const char *
text_of(const struct event *ev, const char *id)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);

	event_write(&out, ev, id);
	ck_assert(!out.full);
	(void)json(buf_str(&out));
	return arena_strdup(a, buf_str(&out));
}

/* --- text ----------------------------------------------------------------------------------------------------------
 */

START_TEST(every_field_in_its_place)
{
	struct event ev = update();

	ev.cause.kind = "scim";
	ev.cause.client = "entra";
	ev.cause.request_id = "r\"1";
	ev.cause.actor_dn = "cn=gw";
	ev.cause.coalesced = ev.cause.initial = true;
	ev.data = json("{\"id\":\"0190\",\"n\":1.5,\"b\":true,\"l\":[null,\"\\u00e9\\n\"]}");
	ev.omitted = (const char *const[]){"members", NULL};
	ev.changed = (const char *const[]){"name.familyName", "title", NULL};
	ev.previous = json("{\"name\":{\"familyName\":\"Jensen\"}}");
	ck_assert_str_eq(
		text_of(&ev, "evt_x"),
		"{\"id\":\"evt_x\",\"type\":\"dsync.user.updated\",\"timestamp\":\"2026-11-20T09:00:00.123456Z\","
		"\"source\":\"main\",\"subject\":{\"type\":\"User\",\"id\":\"0190\",\"userName\":\"bjensen\"},"
		"\"cause\":{\"kind\":\"scim\",\"client\":\"entra\",\"request_id\":\"r\\\"1\",\"actor_dn\":\"cn=gw\","
		"\"coalesced\":true,\"initial\":true},"
		"\"data\":{\"id\":\"0190\",\"n\":1.5,\"b\":true,\"l\":[null,\"\xc3\xa9\\n\"]},"
		"\"omitted\":[\"members\"],\"changed\":[\"name.familyName\",\"title\"],"
		"\"previous\":{\"name\":{\"familyName\":\"Jensen\"}}}");
}
END_TEST

START_TEST(nothing_that_is_not_there)
{
	struct event ev = update();

	ev.name = NULL;
	ev.at_us = INT64_C(1795165200000000);
	ck_assert_str_eq(
		text_of(&ev, "evt_x"),
		"{\"id\":\"evt_x\",\"type\":\"dsync.user.updated\",\"timestamp\":\"2026-11-20T09:00:00.000000Z\","
		"\"source\":\"main\",\"subject\":{\"type\":\"User\",\"id\":\"0190\"},\"cause\":{\"kind\":\"external\"}"
		"}");
	ev.changed = (const char *const[]){NULL};
	ck_assert_ptr_nonnull(strstr(text_of(&ev, "evt_x"), ",\"changed\":[]}"));
}
END_TEST

START_TEST(a_membership_names_group_and_member)
{
	struct event ev = update();

	ev.type = EVENT_USER_REMOVED;
	ev.name = "Admins";
	ev.member.id = "42";
	ev.member.type = "User";
	ev.member.name = "ann";
	ck_assert_ptr_nonnull(strstr(text_of(&ev, "evt_x"),
				     "\"subject\":{\"type\":\"Group\",\"id\":\"0190\",\"displayName\":\"Admins\"},"
				     "\"cause\":{\"kind\":\"external\"},"
				     "\"member\":{\"value\":\"42\",\"type\":\"User\",\"userName\":\"ann\"}}"));
	ev.member.type = "Group";
	ck_assert_ptr_nonnull(strstr(text_of(&ev, "evt_x"), "\"type\":\"Group\",\"displayName\":\"ann\""));
}
END_TEST

START_TEST(no_password_ever)
{
	struct event ev = update();

	ev.data = json("{\"userName\":\"a\",\"password\":\"s3cret\",\"urn:x\":{\"Password\":\"s3cret\",\"k\":1},"
		       "\"l\":[{\"PASSWORD\":\"s3cret\"}]}");
	ev.previous = json("{\"password\":\"s3cret\",\"title\":\"t\"}");
	const char *text = text_of(&ev, "evt_x");
	ck_assert_ptr_null(strstr(text, "s3cret"));
	ck_assert_ptr_nonnull(strstr(
		text, "\"data\":{\"userName\":\"a\",\"urn:x\":{\"k\":1},\"l\":[{}]},\"previous\":{\"title\":\"t\"}}"));
	ck_assert_ptr_nonnull(json_object_get(ev.data, "password")); /* the caller's is not touched */
}
END_TEST

START_TEST(data_at_hand_is_taken_as_it_is)
{
	struct event ev = update();

	ev.data_text = STRV("{\"ready\":1}");
	ck_assert_ptr_nonnull(strstr(text_of(&ev, "evt_x"), ",\"data\":{\"ready\":1}}"));
}
END_TEST

static const char *
with_cursor(const char *body, const char *cursor)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);

	event_write_cursor(&out, strv_of(body), cursor);
	return arena_strdup(a, buf_str(&out));
}

START_TEST(the_cursor_stands_behind_the_id)
{
	struct event ev = update();

	ck_assert_str_eq(with_cursor("{\"id\":\"evt_x\",\"type\":\"t\"}", "AQ-_"),
			 "{\"id\":\"evt_x\",\"cursor\":\"AQ-_\",\"type\":\"t\"}");
	ck_assert_str_eq(with_cursor("{\"id\":\"evt_x\"}", "AQ"), "{\"id\":\"evt_x\",\"cursor\":\"AQ\"}");
	ck_assert_ptr_nonnull(
		strstr(with_cursor(text_of(&ev, event_id(a, &ev)), "AQ"), "\",\"cursor\":\"AQ\",\"type\":"));
	ck_assert_str_eq(with_cursor("{\"id\":\"evt_x", "AQ"), "{\"id\":\"evt_x"); /* not one of ours */
	ck_assert_str_eq(with_cursor("{\"type\":\"t\"}", "AQ"), "{\"type\":\"t\"}");
	ck_assert_str_eq(with_cursor("", "AQ"), "");
}
END_TEST

/* --- ids -----------------------------------------------------------------------------------------------------------
 */

START_TEST(an_id_is_what_makes_the_event)
{
	struct event base = update();
	const char *id = event_id(a, &base);

	ck_assert_uint_eq(strlen(id), 36);
	ck_assert_uint_eq(strspn(id + 4, "abcdefghijklmnopqrstuvwxyz234567"), 32);
	struct event same = base;
	same.at_us = 1;
	same.name = "other";
	same.cause.kind = "scim";
	same.data = json("{}");
	ck_assert_str_eq(event_id(a, &same), id);
	struct event others[7];
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = base;
	others[0].source = "other";
	others[1].subject_id = "0191";
	others[2].incarnation = 2;
	others[3].csn = "20261120090000.123456Z#000000#002#000000";
	others[4].type = EVENT_USER_DEACTIVATED;
	others[5].member.id = "1";
	others[6].csn = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		ck_assert_str_ne(event_id(a, &others[i]), id);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(event_id(a, &others[i]), event_id(a, &others[k]));
	}
}
END_TEST

/* An id that changed with a version of Dirhinge would make every event new for who has seen it. */
START_TEST(an_id_never_changes)
{
	struct event ev = update();

	/* from Python: hashlib.sha256 over each part behind its length, b32encode, lower case, 32 digits */
	ck_assert_str_eq(event_id(a, &ev), "evt_hwa67qd3cz5rdkwexs5dhy4jjs3f3t4t");
}
END_TEST

START_TEST(types_have_names)
{
	enum event_type t;

	for (int i = 0; i < EVENT_N_TYPES; i++) {
		ck_assert(event_type_parse(strv_of(event_type_name((enum event_type)i)), &t));
		ck_assert_int_eq(t, i);
	}
	ck_assert(!event_type_parse(STRV("dsync.user"), &t));
	ck_assert(event_type_removal(EVENT_USER_DEACTIVATED) && !event_type_removal(EVENT_USER_ADDED));
}
END_TEST

/* --- cursors -------------------------------------------------------------------------------------------------------
 */

static const struct event_log lg = {.key = {"0123456789abcdef0123456789abcdef", 32}, .generation = "00112233445566ff"};

static int
parse(const struct event_log *log, const char *text, struct event_cursor *c)
{
	e = ERR_INIT;
	return event_cursor_parse(log, strv_of(text), c, &e);
}

START_TEST(cursors_come_back)
{
	static const struct event_cursor cs[] = {{0, 0}, {1, UINT64_MAX}, {INT64_MAX, 1}, {77, 0xdeadbeef}};

	for (size_t i = 0; i < ARRAY_SIZE(cs); i++) {
		struct event_cursor c = {-1, 0};
		const char *text = event_cursor_text(a, &lg, &cs[i]);
		ck_assert_str_eq(text, event_cursor_text(a, &lg, &cs[i]));
		ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
				  strlen(text));
		ck_assert_int_eq(parse(&lg, text, &c), 0);
		ck_assert(c.seq == cs[i].seq && c.mark == cs[i].mark);
	}
}
END_TEST

START_TEST(no_byte_of_a_cursor_can_be_changed)
{
	struct event_cursor c = {-1, 0};
	struct strv raw;

	ck_assert_int_eq(
		base64url_decode(a, strv_of(event_cursor_text(a, &lg, &(struct event_cursor){5, 6})), &raw, &e), 0);
	for (size_t i = 0; i < raw.n * 8; i++) {
		char *copy = arena_memdup(a, raw.p, raw.n);
		copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
		ck_assert_int_eq(parse(&lg, base64url_encode(a, strv_n(copy, raw.n)), &c), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
	}
	for (size_t n = 0; n < raw.n; n++) {
		ck_assert_int_eq(parse(&lg, base64url_encode(a, strv_n(raw.p, n)), &c), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
	}
	ck_assert_int_eq(c.seq, -1);
}
END_TEST

START_TEST(cursors_of_others)
{
	struct event_log other = lg;
	struct event_cursor c = {-1, 0};
	const char *text = event_cursor_text(a, &lg, &(struct event_cursor){5, 6});

	other.generation = "00112233445566fe";
	ck_assert_int_eq(parse(&other, text, &c), -1);
	ck_assert_int_eq(e.code, ERR_GONE);
	other = lg;
	other.key = STRV("another key");
	ck_assert_int_eq(parse(&other, text, &c), -1);
	ck_assert_int_eq(e.code, ERR_CURSOR);
	static const char *const garbage[] = {"", "AQ", "%%%", "0", "AQ==", "../../etc/passwd"};
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		ck_assert_int_eq(parse(&lg, garbage[i], &c), -1);
		ck_assert_int_eq(e.code, ERR_CURSOR);
	}
	ck_assert_int_eq(parse(&lg, arena_printf(a, "%s=", text), &c), -1);
	ck_assert_int_eq(parse(&lg, arena_printf(a, "%s%s", text, text), &c), -1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_field_in_its_place,
		nothing_that_is_not_there,
		a_membership_names_group_and_member,
		no_password_ever,
		data_at_hand_is_taken_as_it_is,
		the_cursor_stands_behind_the_id,
		an_id_is_what_makes_the_event,
		an_id_never_changes,
		types_have_names,
		cursors_come_back,
		no_byte_of_a_cursor_can_be_changed,
		cursors_of_others,
	};
	Suite *suite = suite_create("event");

	unit_add_case(suite, "event", scratch_setup, scratch_teardown, tests, ARRAY_SIZE(tests));
	return unit_run_suite(suite);
}
