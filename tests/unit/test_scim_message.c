/* SPDX-License-Identifier: Apache-2.0
 * Messages and discovery documents, member by member. */
#include "dirhinge/scim/message.h"
#include "unit.h"

#define BASE "https://h/scim/v2"

static void
expect(struct arena *a, json_t *doc, const char *text)
{
	ck_assert_ptr_nonnull(doc);
	ck_assert_str_eq(json_text(a, json_keep(a, doc)), text);
}

static void
expect_list(struct arena *a, const struct scim_list *l, const char *text)
{
	struct strv got = scim_list_text(a, l);

	ck_assert_str_eq(got.p, text);
	ck_assert_uint_eq(got.n, strlen(text));
}

START_TEST(lists)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);

	struct strv two[] = {STRV("{\"id\":\"1\"}"), {0}, STRV("{\"id\":\"2\"}"), {0}};

	expect_list(a, &(struct scim_list){.start_index = 1},
		    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":0,"
		    "\"startIndex\":1,\"itemsPerPage\":0,\"Resources\":[]}");
	expect_list(a, &(struct scim_list){.resources = two, .n = 4, .total = 17, .start_index = 5},
		    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":17,"
		    "\"startIndex\":5,\"itemsPerPage\":2,\"Resources\":[{\"id\":\"1\"},{\"id\":\"2\"}]}");
	expect_list(a, &(struct scim_list){.resources = two + 1, .n = 1, .total = 3, .next_cursor = "c\"d"},
		    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":3,"
		    "\"itemsPerPage\":0,\"Resources\":[],\"nextCursor\":\"c\\\"d\"}");
}
END_TEST

START_TEST(errors)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct err e = ERR_INIT;

	(void)err_at(&e, 12, ERR_FILTER, "expected an operator");
	expect(a, scim_error(&e),
	       "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"scimType\":\"invalidFilter\","
	       "\"detail\":\"expected an operator at byte 12\",\"status\":\"400\"}");
	(void)err_set(&e, ERR_NOT_FOUND, NULL);
	expect(a, scim_error(&e),
	       "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],"
	       "\"detail\":\"the resource does not exist\",\"status\":\"404\"}");
	(void)err_set(&e, ERR_UNIQUE, "another User already has this userName");
	(void)err_cause(&e, "uid=ann,dc=example,dc=com");
	expect(a, scim_error(&e),
	       "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"scimType\":\"uniqueness\","
	       "\"detail\":\"another User already has this userName\",\"status\":\"409\"}");
}
END_TEST

START_TEST(config)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_limits all = {.max_results = 200,
					.bulk_max_operations = 100,
					.bulk_max_payload = 1048576,
					.bulk = true,
					.sort = true,
					.etag = true,
					.change_password = true};
	const struct scim_limits few = {.max_results = 10, .bulk_max_operations = 100, .bulk_max_payload = 1};

	expect(a, scim_service_provider_config(&all, BASE),
	       "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig\"],"
	       "\"patch\":{\"supported\":true},"
	       "\"bulk\":{\"supported\":true,\"maxOperations\":100,\"maxPayloadSize\":1048576},"
	       "\"filter\":{\"supported\":true,\"maxResults\":200},\"changePassword\":{\"supported\":true},"
	       "\"sort\":{\"supported\":true},\"etag\":{\"supported\":true},"
	       "\"authenticationSchemes\":[{\"type\":\"oauthbearertoken\",\"name\":\"OAuth Bearer Token\","
	       "\"description\":\"A bearer token in the Authorization header\","
	       "\"specUri\":\"https://www.rfc-editor.org/rfc/rfc6750\",\"primary\":true}],"
	       "\"meta\":{\"resourceType\":\"ServiceProviderConfig\","
	       "\"location\":\"https://h/scim/v2/ServiceProviderConfig\"}}");
	json_t *doc = json_keep(a, scim_service_provider_config(&few, BASE));
	ck_assert_str_eq(json_text(a, json_object_get(doc, "bulk")),
			 "{\"supported\":false,\"maxOperations\":0,\"maxPayloadSize\":0}");
	ck_assert_str_eq(json_text(a, json_object_get(doc, "etag")), "{\"supported\":false}");
}
END_TEST

static const struct scim_type *
build(struct arena *a)
{
	static const char core[] = "{\"schemas\":[\"old\"],\"id\":\"urn:t:Thing\",\"name\":\"Thing\",\"description\":"
				   "\"A thing\",\"attributes\":[{\"name\":\"title\",\"description\":\"Its title\"}],"
				   "\"meta\":{\"resourceType\":\"Schema\",\"location\":\"/old\"}}";
	static const char ext[] = "{\"id\":\"urn:t:More\",\"name\":\"More\",\"attributes\":[{\"name\":\"badge\"}]}";
	static const char *const extensions[] = {"urn:t:More"};
	static const struct scim_type_spec spec = {.name = "Thing",
						   .endpoint = "/Things",
						   .description = "A thing",
						   .core_urn = "urn:t:Thing",
						   .extension_urns = extensions,
						   .n_extensions = 1};
	json_t *docs[2] = {0};
	const struct scim_type *t = NULL;
	struct err e = ERR_INIT;

	ck_assert_int_eq(json_parse(a, strv_of(core), NULL, &docs[0], &e), 0);
	ck_assert_int_eq(json_parse(a, strv_of(ext), NULL, &docs[1], &e), 0);
	ck_assert_int_eq(scim_type_build(a, &spec, (const json_t *const[]){docs[0], docs[1]}, 2, NULL, NULL, &t, &e),
			 0);
	return t;
}

START_TEST(types)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);

	expect(a, scim_resource_type_doc(build(a), BASE),
	       "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:ResourceType\"],\"id\":\"Thing\","
	       "\"name\":\"Thing\",\"endpoint\":\"/Things\",\"description\":\"A thing\",\"schema\":\"urn:t:Thing\","
	       "\"schemaExtensions\":[{\"schema\":\"urn:t:More\",\"required\":false}],"
	       "\"meta\":{\"resourceType\":\"ResourceType\",\"location\":\"https://h/scim/v2/ResourceTypes/Thing\"}}");
}
END_TEST

START_TEST(schemas)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct scim_type *t = build(a);
	const char *frozen = json_text(a, t->core->doc);

	expect(a, scim_schema_doc(t->core, BASE),
	       "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Schema\"],\"id\":\"urn:t:Thing\","
	       "\"name\":\"Thing\",\"description\":\"A thing\",\"attributes\":[{\"name\":\"title\","
	       "\"description\":\"Its title\",\"type\":\"string\",\"mutability\":\"readWrite\","
	       "\"returned\":\"default\",\"uniqueness\":\"none\",\"multiValued\":false,\"required\":false,"
	       "\"caseExact\":false}],"
	       "\"meta\":{\"resourceType\":\"Schema\",\"location\":\"https://h/scim/v2/Schemas/urn:t:Thing\"}}");
	/* the shared document stays as it was */
	ck_assert_str_eq(json_text(a, t->core->doc), frozen);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"messages", lists, 0},  {"messages", errors, 0},   {"discovery", config, 0},
		{"discovery", types, 0}, {"discovery", schemas, 0},
	};

	return unit_run("scim message", tests, ARRAY_SIZE(tests));
}
