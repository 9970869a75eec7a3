/* SPDX-License-Identifier: Apache-2.0
 * Resource types for tests. */
#include "types.h"

#include <stdio.h>

#include "dirhinge/base/file.h"
#include "vectors.h"

#define MAX_SCHEMA (1u << 20)

static const char *const user_extensions[] = {SCIM_URN_ENTERPRISE};
static const char *const gadget_extensions[] = {"urn:example:params:scim:schemas:extension:2.0:Gadget"};

static const struct {
	struct scim_type_spec spec;
	const char *files[2];
} types[] = {
	{{.name = "User",
	  .endpoint = "/Users",
	  .description = "User Account",
	  .core_urn = SCIM_URN_USER,
	  .extension_urns = user_extensions,
	  .n_extensions = ARRAY_SIZE(user_extensions)},
	 {"schema/scim/user.json", "schema/scim/enterprise.json"}},
	{{.name = "Group", .endpoint = "/Groups", .description = "Group", .core_urn = SCIM_URN_GROUP},
	 {"schema/scim/group.json"}},
	{{.name = "Gadget",
	  .endpoint = "/Gadgets",
	  .description = "For tests",
	  .core_urn = "urn:example:params:scim:schemas:2.0:Gadget",
	  .extension_urns = gadget_extensions,
	  .n_extensions = ARRAY_SIZE(gadget_extensions)},
	 {"tests/vectors/scim/gadget.json", "tests/vectors/scim/gadget-extension.json"}},
};

static const json_t *
load(struct arena *a, const char *file, struct err *e)
{
	struct strv text;
	json_t *doc;

	if (file_read(a, vec_path(a, file), MAX_SCHEMA, &text, e) < 0 || json_parse(a, text, NULL, &doc, e) < 0)
		return NULL;
	return doc;
}

const struct scim_type *
types_load(struct arena *a, const char *name)
{
	struct err e = ERR_INIT;
	const struct scim_type *t = NULL;
	const json_t *docs[2] = {0};
	size_t i = 0, n = 0;

	while (i < ARRAY_SIZE(types) && !str_eq(types[i].spec.name, name))
		i++;
	if (i == ARRAY_SIZE(types))
		return NULL;
	for (; n < ARRAY_SIZE(docs) && types[i].files[n]; n++)
		if ((docs[n] = load(a, types[i].files[n], &e)) == NULL)
			break;
	if (e.code == ERR_OK && scim_type_build(a, &types[i].spec, docs, n, NULL, NULL, &t, &e) == 0)
		return t;
	fprintf(stderr, "type %s: %s %s\n", name, e.detail, e.cause);
	return NULL;
}

static bool
one_tolerance(struct strv name, unsigned *tolerate)
{
	if (strv_eq(name, STRV("strict")))
		return true;
	if (strv_eq(name, STRV("lenient"))) {
		*tolerate |= SCIM_TOL_LENIENT;
		return true;
	}
	if (strv_eq(name, STRV("entra"))) {
		*tolerate |= SCIM_TOL_ENTRA;
		return true;
	}
	for (unsigned bit = 1; bit != 0 && bit <= SCIM_TOL_UNKNOWN_MEMBER; bit <<= 1)
		if (strv_eq(name, strv_of(scim_tolerance_name((enum scim_tolerance)bit)))) {
			*tolerate |= bit;
			return true;
		}
	return false;
}

bool
types_tolerance(struct strv text, unsigned *tolerate_r)
{
	unsigned tolerate = 0;

	while (text.n > 0) {
		size_t comma = strv_chr(text, ',');
		if (!one_tolerance(strv_n(text.p, comma), &tolerate))
			return false;
		text = comma < text.n ? strv_n(text.p + comma + 1, text.n - comma - 1) : strv_n(text.p, 0);
	}
	*tolerate_r = tolerate;
	return true;
}
