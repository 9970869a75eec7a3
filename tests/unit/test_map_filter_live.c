/* SPDX-License-Identifier: Apache-2.0
 * Filters against a real slapd: whoever SCIM would find, the LDAP filter finds, and where the map calls it exact nobody
 * else. */
#include "map_case.h"

/* --- filters ----------------------------------------------------------------------------------------------------- */

static void
make_crowd(void)
{
	static const char *const crowd[] = {
		"{\"userName\":\"f.jensen\",\"externalId\":\"E1\",\"name\":{\"givenName\":\"Barbara\",\"familyName\":"
		"\"Jensen\",\"formatted\":\"Barbara Jensen\"},\"emails\":[{\"type\":\"work\",\"value\":"
		"\"bj@x.example\",\"primary\":true},{\"type\":\"home\",\"value\":\"Home@x.example\"}],\"title\":\"Tour "
		"Guide\",\"displayName\":\"Babs\"}",
		"{\"userName\":\"f.Smith\",\"externalId\":\"e1\",\"emails\":[{\"value\":\"smith@x.example\"}],"
		"\"preferredLanguage\":\"en-US\",\"profileUrl\":\"HTTP://X.example/\",\"active\":false}",
		"{\"userName\":\"f.zoë\",\"name\":{\"familyName\":\"Žižek\"},\"phoneNumbers\":[{\"type\":\"work\","
		"\"value\":\"+1-201 555\"},{\"type\":\"fax\",\"value\":\"99\"},{\"type\":\"work\",\"value\":\"1;2\"}],"
		"\"addresses\":[{\"type\":\"work\",\"locality\":\"Berlin\",\"formatted\":\"a $ b\\nc\"}]}",
		"{\"userName\":\"f.(*)\\\\\",\"roles\":[{\"value\":\"ad\\\"min\",\"display\":\"Admin  "
		"x\",\"primary\":true}],\"emails\":[{\"type\":\"other\",\"value\":\"ü@x.example\"}],\"ims\":[{\"type\":"
		"\"xmpp\",\"value\":\"z\"}],\"title\":\" padded \"}",
		"{\"userName\":\"f.plain\",\"addresses\":[{\"type\":\"other\",\"locality\":\"berlin\"}],"
		"\"" SCIM_URN_ENTERPRISE
		"\":{\"department\":\"Sales\",\"employeeNumber\":\"7\",\"manager\":{\"value\":\"nobody\"}}}",
		"{\"userName\":\"f.plain2\",\"title\":\"tour guide\",\"nickName\":\"a  "
		"b\",\"photos\":[{\"type\":\"photo\","
		"\"value\":\"https://e.example/P.jpg\"}]}",
	};
	const char *dns[ARRAY_SIZE(crowd)];
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
		dns[i] = map_live_create(&l, users, map_case_json("%s", crowd[i]), NULL, 0);
	map_live_create(&l, groups, map_case_json("{\"displayName\":\"f group\"}"), dns, 2);
	map_live_change(
		&l, users, dns[5],
		map_case_with(dns[5],
			      arena_printf(l.a, "{\"" SCIM_URN_ENTERPRISE "\":{\"manager\":{\"value\":\"%s\"}}}",
					   map_case_id(users, dns[0]))));
}

struct found {
	const char **dns;
	size_t n;
};

static int
take(void *ctx, const struct dir_entry *en, struct err *why DH_UNUSED)
{
	struct found *f = ctx;
	if (f->n < 512)
		f->dns[f->n++] = arena_strdup(l.a, en->dn);
	return 0;
}

static struct found
search(const struct dir_filter *filter)
{
	struct found f = {.dns = ARENA_ARRAY(l.a, 512, const char *)};
	const struct dir_search s = {
		.base = PEOPLE, .scope = DIR_SUB, .filter = filter, .attrs = (const char *const[]){"1.1", NULL}};
	ok(dir_search_run(l.dir, l.a, false, &s, l.r.until, take, &f, &e));
	ck_assert_uint_lt(f.n, 512);
	return f;
}

static bool
holds(const struct found *f, const char *dn)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->dns[i], dn))
			return true;
	return false;
}

/* LDAP must find whoever SCIM finds, and where the map says so nobody else. */
static void
check_filter(const char *text, const struct found *crowd, json_t *const *res)
{
	struct scim_ctx c = {.a = l.a, .type = map_type(users)};
	const struct scim_filter *f;
	struct map_query q;
	char *ldap;
	ck_assert_msg(scim_filter_parse(&c, strv_of(text), &f, &e) == 0, "%s: %s", text, e.detail);
	ck_assert_msg(map_query(&l.r, users, f, &q, &e) == 0, "%s: %s", text, e.detail);
	ok(dir_filter_text(l.a, q.filter, &ldap, &e));
	struct found got = search(q.filter);
	size_t n = 0;
	for (size_t i = 0; i < crowd->n; i++) {
		bool scim = scim_filter_match(map_type(users), f, res[i]), dir = holds(&got, crowd->dns[i]);
		n += scim;
		ck_assert_msg(dir || !scim, "%s misses %s: %s", text, crowd->dns[i], ldap);
		ck_assert_msg(scim || !dir || !q.exact, "%s finds %s as well: %s", text, crowd->dns[i], ldap);
	}
	ck_assert_msg(!q.at_most_one || n <= 1, "%s finds %zu", text, n);
}

static const char *const operators[] = {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"};
static const char *const paths[] = {
	"userName",
	"externalId",
	"name.givenName",
	"name.familyName",
	"name.formatted",
	"displayName",
	"title",
	"nickName",
	"profileUrl",
	"preferredLanguage",
	"emails.value",
	"emails.type",
	"emails.display",
	"phoneNumbers.value",
	"addresses.locality",
	"addresses.formatted",
	"roles.value",
	"roles.display",
	"photos.value",
	"ims.value",
	"id",
	"meta.resourceType",
	SCIM_URN_ENTERPRISE ":department",
	SCIM_URN_ENTERPRISE ":employeeNumber",
	SCIM_URN_ENTERPRISE ":manager.value",
};
static const char *const values[] = {
	"f.jensen",
	"F.JENSEN",
	"f.smith",
	"f.",
	"zoë",
	"(*)",
	"\\\\",
	"E1",
	"e1",
	"Jensen",
	"Barbara",
	"Tour Guide",
	"guide",
	"padded",
	" padded ",
	"a  b",
	"-",
	" ",
	"work",
	"home",
	"other",
	"bj@x.example",
	"home@x",
	"ü@x",
	"smith@x.example",
	"x.example",
	"http://x.example/",
	"HTTP://X.example/",
	"+1-201-555",
	"+1 201 555",
	"1;2",
	"99",
	"Berlin",
	"a $ b",
	"ad\\\"min",
	"Admin",
	"x",
	"https://e.example/P.jpg",
	"User",
	"nobody",
	"Sales",
	"7",
	"en",
	"Žižek",
};

START_TEST(filters_find_what_scim_finds)
{
	static const char *const more[] = {
		"active eq true",
		"active eq false",
		"active ne false",
		"active pr",
		"not (active eq true)",
		"userName pr",
		"title pr",
		"not (title pr)",
		"emails pr",
		"not (emails pr)",
		"name pr",
		"name.familyName pr",
		"externalId pr",
		"profileUrl pr",
		"roles.primary eq true",
		"emails.primary eq false",
		"roles pr",
		"emails[type eq \"work\" and value co \"x.example\"]",
		"emails[type eq \"home\" and value sw \"bj\"]",
		"emails[not (type eq \"work\")]",
		"emails[type ne \"work\"]",
		"not (emails[type eq \"work\"])",
		"emails[primary eq true].value pr or title eq \"x\"",
		"phoneNumbers[type eq \"fax\" and value eq \"99\"]",
		"addresses[type eq \"work\" and locality eq \"berlin\"]",
		"userName sw \"f.\" and not (emails.value co \"x\")",
		"title eq null",
		"title ne null",
		"meta.created ge \"2026-01-01T00:00:00Z\"",
		"meta.lastModified lt \"2026-01-01T00:00:00.5Z\"",
		"not (meta.lastModified lt \"2126-01-01T00:00:00Z\")",
		"schemas eq \"" SCIM_URN_USER "\"",
		"schemas eq \"" SCIM_URN_ENTERPRISE "\"",
		SCIM_URN_ENTERPRISE ":manager pr",
		SCIM_URN_ENTERPRISE ":manager.displayName eq \"Babs\"",
	};
	make_crowd();
	struct found crowd = search(dir_f_eq(l.a, "objectClass", STRV("inetOrgPerson")));
	json_t **res = ARENA_ARRAY(l.a, crowd.n, json_t *);
	for (size_t i = 0; i < crowd.n; i++)
		res[i] = map_live_read(&l, users, crowd.dns[i]);
	ck_assert_uint_ge(crowd.n, 6);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		if (!strstr(more[i], "].value"))
			check_filter(more[i], &crowd, res);
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			for (size_t o = 0; o < ARRAY_SIZE(operators); o++)
				check_filter(arena_printf(l.a, "%s %s \"%s\"", paths[p], operators[o], values[v]),
					     &crowd, res);
	const char *boss = NULL;
	for (size_t i = 0; i < crowd.n; i++)
		if (str_eq(json_string_value(json_object_get(res[i], "userName")), "f.jensen"))
			boss = json_string_value(json_object_get(res[i], "id"));
	check_filter(arena_printf(l.a, SCIM_URN_ENTERPRISE ":manager.value eq \"%s\"", boss), &crowd, res);
	check_filter(arena_printf(l.a, "id eq \"%s\"", boss), &crowd, res);
	check_filter(arena_printf(l.a, "id ne \"%s\"", boss), &crowd, res);
	json_t *g = json_array_get(json_object_get(res[0], "groups"), 0);
	for (size_t i = 0; i < crowd.n && !g; i++)
		g = json_array_get(json_object_get(res[i], "groups"), 0);
	check_filter(arena_printf(l.a, "groups.value eq \"%s\"", json_string_value(json_object_get(g, "value"))),
		     &crowd, res);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {filters_find_what_scim_finds};
	Suite *s = suite_create("map_filter_live");
	map_live_begin();
	map_case_add(s, tests, ARRAY_SIZE(tests));
	int status = unit_run_suite(s);
	map_live_end();
	return status;
}
