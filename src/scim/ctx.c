/* SPDX-License-Identifier: Apache-2.0
 * Notes on what was tolerated. */
#include "dirhinge/scim/ctx.h"

static const struct {
	enum scim_tolerance kind;
	const char *name;
} names[] = {
	{SCIM_TOL_STRING_BOOL, "string_bool"},     {SCIM_TOL_UNKNOWN_ATTR, "unknown_attribute"},
	{SCIM_TOL_UNKNOWN_URN, "unknown_urn"},     {SCIM_TOL_CREATE_TARGET, "create_target"},
	{SCIM_TOL_UNQUOTED, "unquoted"},           {SCIM_TOL_FLAT_KEYS, "flat_keys"},
	{SCIM_TOL_REMOVE_VALUE, "remove_value"},   {SCIM_TOL_SHAPE, "shape"},
	{SCIM_TOL_NO_SCHEMAS, "no_schemas"},       {SCIM_TOL_DUPLICATES, "duplicates"},
	{SCIM_TOL_FILTER_SUFFIX, "filter_suffix"}, {SCIM_TOL_URN_DOT, "urn_dot"},
	{SCIM_TOL_JSON_STRING, "json_string"},     {SCIM_TOL_UNKNOWN_MEMBER, "unknown_member"},
};

bool
scim_tolerates(struct scim_ctx *c, enum scim_tolerance kind, const char *what)
{
	if ((c->tolerate & (unsigned)kind) == 0)
		return false;
	struct scim_note *n = ARENA_NEW(c->a, struct scim_note);
	*n = (struct scim_note){.kind = kind, .what = arena_strdup(c->a, what), .next = c->notes};
	c->notes = n;
	return true;
}

const char *
scim_tolerance_name(enum scim_tolerance kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].kind == kind)
			return names[i].name;
	return "unknown";
}
