/* SPDX-License-Identifier: Apache-2.0
 * Bodies of events, as a damaged log might hold them: a cursor is put into what begins like an event and nothing else
 * is changed; what a reader with filter and fence gets is the body or a created or deleted event that tells no more
 * than the resource, and two views that exclude each other never both get the same event. */
#include "dirhinge/base/json.h"
#include "dirhinge/event/select.h"
#include "fuzz.h"
#include "fuzz_scim.h"

static void
splice(struct arena *a, struct strv body)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 24);
	static const struct strv mark = {",\"cursor\":\"AQ\"", 14};
	json_t *event = NULL;

	event_write_cursor(&out, body, "AQ");
	must(!out.full && (out.n == body.n || out.n == body.n + mark.n));
	if (out.n == body.n) {
		must(out.n == 0 || memcmp(out.p, body.p, out.n) == 0);
		return;
	}
	/* taking it out again gives the body; and an event with it is as good JSON as without */
	const char *at = memmem(out.p, out.n, mark.p, mark.n);
	must(at != NULL);
	if (json_parse(a, body, NULL, &event, NULL) || json_object_get(event, "cursor"))
		return;
	const char *id = json_string_value(json_object_get(event, "id"));
	if (id && !strpbrk(id, "\"\\") && strv_starts(body, STRV("{\"id\":\"")) &&
	    memchr(body.p + 7, '\\', strlen(id)) == NULL) {
		must(json_parse(a, buf_view(&out), NULL, &event, NULL) == 0);
		must(str_eq(json_string_value(json_object_get(event, "cursor")), "AQ"));
	}
}

static bool
sees(const void *who, const char *dn_key)
{
	return strchr(who, dn_key[0]) != NULL;
}

static void
check_turned(struct arena *a, struct strv got)
{
	/* names that differ in case are possible here, and never come from a map: json_parse would refuse them */
	json_t *event = json_keep(a, json_loadb(got.p, got.n, JSON_REJECT_DUPLICATES, NULL));

	must(event != NULL);
	const char *id = json_string_value(json_object_get(event, "id"));
	const char *type = json_string_value(json_object_get(event, "type"));
	must(id && type && strlen(id) >= 3);
	must(str_eq(strrchr(type, '.'), ".created") ? str_eq(id + strlen(id) - 3, "-in")
						    : str_eq(strrchr(type, '.'), ".deleted"));
	must(!json_object_get(event, "changed") && !json_object_get(event, "previous"));
	must(!json_object_get(event, "member"));
}

static json_t *
without_parts(struct arena *a, struct strv text)
{
	static const char *const parts[] = {"data", "previous", "omitted"};
	json_t *event = json_keep(a, json_loadb(text.p, text.n, 0, NULL));

	must(event != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		(void)json_object_del(event, parts[i]);
	return event;
}

/* The same event, but without members or manager: with another id it is another one. */
static bool
is_cut(struct arena *a, struct strv body, struct strv got)
{
	if (!json_equal(without_parts(a, body), without_parts(a, got)))
		return false;
	json_t *event = json_keep(a, json_loadb(got.p, got.n, 0, NULL));
	must(json_array_size(json_object_get(event, "omitted")) == 1);
	return true;
}

/* 1 the same or less of it, 2 created, 3 deleted, 0 nothing, -1 not readable */
static int
view(struct arena *a, const char *filter, const char *fence, const struct event_seen *ev)
{
	struct event_select s = {.users = true, .groups = true, .user_type = fuzz_scim()->type};
	struct strv got = {NULL, 0};
	struct err e = ERR_INIT;

	s.group_type = s.user_type;
	if (filter)
		must(event_select_filter(a, &s, strv_of(filter), &e) == 0);
	if (fence) {
		s.sees = sees;
		s.who = fence;
	}
	int rc = event_select_match(a, &s, ev, &got, &e);
	if (rc < 0)
		must(e.code == ERR_INTERNAL && got.p == NULL);
	if (rc <= 0)
		return rc;
	if (got.p == ev->body.p || (fence && is_cut(a, ev->body, got)))
		return 1;
	check_turned(a, got);
	return memmem(got.p, got.n, "-in\",\"type\":", 12) ? 2 : 3;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const filters[][2] = {
		{"title eq \"x\"", "not (title eq \"x\")"},
		{"name.familyName sw \"a\"", "not (name.familyName sw \"a\")"},
		{"emails[type eq \"work\" and value co \"a\"]", "not (emails[type eq \"work\" and value co \"a\"])"},
		{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr",
		 "not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr)"},
	};
	static const char *const dns[] = {"a", "b", "c", NULL};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);

	if (size < 2)
		return 0;
	struct event_seen ev = {
		.type = event_type_name((enum event_type)(data[0] % EVENT_N_TYPES)),
		.dn_key = dns[data[1] % 4],
		.old_dn_key = dns[data[1] / 4 % 4],
		.body = strv_n((const char *)data + 2, size - 2),
	};
	splice(a, ev.body);
	must(view(a, NULL, NULL, &ev) == 1);
	(void)view(a, NULL, "ab", &ev);
	const char *const *f = filters[data[1] / 16 % ARRAY_SIZE(filters)];
	int with = view(a, f[0], NULL, &ev), without = view(a, f[1], NULL, &ev);
	must(with != 1 || without != 1); /* a filter and its negation: an event as it is goes to one of them at most */
	must((with < 0) == (without < 0));
	(void)view(a, f[0], "bc", &ev);
	return 0;
}
