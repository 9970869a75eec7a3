/* SPDX-License-Identifier: Apache-2.0
 * Scopes, client profiles and the one decision: may this client read or write this type. */
#include "dirhinge/policy/policy.h"

static const struct scope_row {
	const char *name;
	unsigned bit;
} scopes[] = {
	{"users:read", POLICY_USERS_READ},     {"users:write", POLICY_USERS_WRITE}, {"groups:read", POLICY_GROUPS_READ},
	{"groups:write", POLICY_GROUPS_WRITE}, {"events:read", POLICY_EVENTS_READ}, {"admin", POLICY_ADMIN},
};

const char *const policy_scope_names[] = {
	"users:read", "users:write", "groups:read", "groups:write", "events:read", "admin", NULL,
};
_Static_assert(ARRAY_SIZE(policy_scope_names) == ARRAY_SIZE(scopes) + 1, "a scope without a name");

static const struct profile_row {
	const char *name;
	unsigned tolerate;
} profiles[] = {
	{"strict", SCIM_TOL_STRICT},
	{"entra", SCIM_TOL_ENTRA},
	{"okta", SCIM_TOL_OKTA},
	{"lenient", SCIM_TOL_LENIENT},
};

const char *const policy_profile_names[] = {"strict", "entra", "okta", "lenient", NULL};
_Static_assert(ARRAY_SIZE(policy_profile_names) == ARRAY_SIZE(profiles) + 1, "a profile without a name");

/* Any one of the bits is enough; the last column is the scope to name when none is there. */
static const struct grant_row {
	const char *type;
	enum policy_verb verb;
	unsigned any_of;
	const char *missing;
} grants[] = {
	{"User", POLICY_READ, POLICY_USERS_READ | POLICY_USERS_WRITE, "users:read"},
	{"User", POLICY_WRITE, POLICY_USERS_WRITE, "users:write"},
	{"Group", POLICY_READ, POLICY_GROUPS_READ | POLICY_GROUPS_WRITE, "groups:read"},
	{"Group", POLICY_WRITE, POLICY_GROUPS_WRITE, "groups:write"},
};

unsigned
policy_scope_parse(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (str_eq(scopes[i].name, text))
			return scopes[i].bit;
	return 0;
}

bool
policy_profile(const char *name, unsigned *tolerate_r)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (!str_eq(profiles[i].name, name))
			continue;
		*tolerate_r = profiles[i].tolerate;
		return true;
	}
	return false;
}

int
policy_check(const struct principal *who, enum policy_verb verb, const char *type_name, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		const struct grant_row *g = &grants[i];
		if (g->verb != verb || !str_eq(g->type, type_name))
			continue;
		if (who->scopes & g->any_of)
			return 0;
		return err_set(e, ERR_FORBIDDEN, "the client \"%s\" lacks the scope %s", who->name, g->missing);
	}
	/* a type without a row is nobody's */
	return err_set(e, ERR_FORBIDDEN, "no scope allows access to the type %s", type_name);
}

static bool
below(struct strv dn, struct strv base)
{
	if (dn.n < base.n || memcmp(dn.p + dn.n - base.n, base.p, base.n) != 0)
		return false;
	return dn.n == base.n || base.n == 0 || dn.p[dn.n - base.n - 1] == ',';
}

bool
policy_sees(const struct principal *who, const char *dn_key)
{
	bool seen = !who->fences;
	for (const char *const *f = who->fences; !seen && *f; f++)
		seen = below(strv_of(dn_key), strv_of(*f));
	return seen;
}
