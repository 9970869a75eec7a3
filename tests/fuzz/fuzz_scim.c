/* SPDX-License-Identifier: Apache-2.0
 * Types and resource of the SCIM fuzz targets. */
#include "fuzz_scim.h"

#define CORE      "urn:ietf:params:scim:schemas:core:2.0:User"
#define EXTENSION "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

#define MULTI(name)                                                                                                 \
	"{\"name\":\"" name "\",\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":[{\"name\":\"value\"}," \
	"{\"name\":\"type\"},{\"name\":\"display\"},{\"name\":\"primary\",\"type\":\"boolean\"},"                   \
	"{\"name\":\"$ref\",\"type\":\"reference\"},{\"name\":\"pin\",\"returned\":\"never\"}]}"

static const char core_doc[] = "{\"id\":\"" CORE "\",\"name\":\"User\",\"attributes\":["
			       "{\"name\":\"userName\",\"required\":true,\"uniqueness\":\"server\"},"
			       "{\"name\":\"name\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"familyName\"},{"
			       "\"name\":\"givenName\"}]},"
			       "{\"name\":\"title\",\"caseExact\":true},{\"name\":\"active\",\"type\":\"boolean\"},"
			       "{\"name\":\"password\",\"returned\":\"never\",\"mutability\":\"writeOnly\"},"
			       "{\"name\":\"size\",\"type\":\"integer\"},{\"name\":\"weight\",\"type\":\"decimal\"},"
			       "{\"name\":\"key\",\"type\":\"binary\"},{\"name\":\"link\",\"type\":\"reference\"},"
			       "{\"name\":\"tags\",\"multiValued\":true},{\"name\":\"codes\",\"type\":\"integer\","
			       "\"multiValued\":true}," MULTI("emails") "," MULTI("roles") "]}";

static const char extension_doc[] =
	"{\"id\":\"" EXTENSION "\",\"name\":\"EnterpriseUser\",\"attributes\":["
	"{\"name\":\"department\"},{\"name\":\"manager\",\"type\":\"complex\",\"subAttributes\":["
	"{\"name\":\"value\"},{\"name\":\"$ref\",\"type\":\"reference\"}]}]}";

static const char resource_doc[] =
	"{\"schemas\":[\"" CORE "\",\"" EXTENSION "\"],\"id\":\"U1\",\"externalId\":\"x1\",\"userName\":\"bjensen\","
	"\"name\":{\"familyName\":\"M\\u00fcller\"},\"active\":true,\"size\":10,\"weight\":2.5,\"key\":\"AAEC\","
	"\"tags\":[\"red\",\"green\"],\"codes\":[1,2,3],\"emails\":[{\"value\":\"a@b.c\",\"type\":\"work\","
	"\"primary\":true},{\"value\":\"d@e.f\",\"type\":\"home\"}],\"meta\":{\"resourceType\":\"User\","
	"\"created\":\"2026-01-31T09:00:00Z\"},\"" EXTENSION "\":{\"manager\":{\"value\":\"U2\"}}}";

static json_t *
parse(struct arena *a, const char *text)
{
	struct err e;
	json_t *root = NULL;
	must(json_parse(a, strv_of(text), NULL, &root, &e) == 0);
	return root;
}

const struct fuzz_scim *
fuzz_scim(void)
{
	static const char *const extensions[] = {EXTENSION};
	static const struct scim_type_spec spec = {.name = "User",
						   .endpoint = "/Users",
						   .description = "User account",
						   .core_urn = CORE,
						   .extension_urns = extensions,
						   .n_extensions = 1};
	static struct fuzz_scim made;
	static struct arena *a; /* a leak checker at the end finds it here */
	if (!made.type) {
		a = arena_new(65536);
		const json_t *docs[] = {parse(a, core_doc), parse(a, extension_doc)};
		struct err e;
		must(scim_type_build(a, &spec, docs, ARRAY_SIZE(docs), NULL, NULL, &made.type, &e) == 0);
		made.resource = parse(a, resource_doc);
	}
	return &made;
}
