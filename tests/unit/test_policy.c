/* SPDX-License-Identifier: Apache-2.0
 * Scopes, profiles, decisions. */
#include <stdlib.h>

#include "dirhinge/policy/policy.h"
#include "unit.h"

START_TEST(every_scope_name_parses_to_its_own_bit)
{
	unsigned all = 0;
	for (size_t i = 0; policy_scope_names[i]; i++) {
		unsigned bit = policy_scope_parse(policy_scope_names[i]);
		ck_assert_msg(bit && !(bit & (bit - 1)), "%s", policy_scope_names[i]);
		ck_assert_msg(!(all & bit), "%s has the bit of another one", policy_scope_names[i]);
		all |= bit;
	}
	ck_assert_uint_eq(all, POLICY_USERS_READ | POLICY_USERS_WRITE | POLICY_GROUPS_READ | POLICY_GROUPS_WRITE |
				       POLICY_EVENTS_READ | POLICY_ADMIN);
	ck_assert_uint_eq(policy_scope_parse("users:write"), POLICY_USERS_WRITE);
	ck_assert_uint_eq(policy_scope_parse("users:Write"), 0);
	ck_assert_uint_eq(policy_scope_parse("users"), 0);
	ck_assert_uint_eq(policy_scope_parse(""), 0);
}
END_TEST

START_TEST(profiles)
{
	unsigned t = 77;
	for (size_t i = 0; policy_profile_names[i]; i++)
		ck_assert_msg(policy_profile(policy_profile_names[i], &t), "%s", policy_profile_names[i]);
	ck_assert(policy_profile("strict", &t));
	ck_assert_uint_eq(t, 0);
	ck_assert(policy_profile("entra", &t));
	ck_assert(t & SCIM_TOL_CREATE_TARGET);
	ck_assert(t & SCIM_TOL_JSON_STRING);
	ck_assert(policy_profile("lenient", &t));
	ck_assert(t & SCIM_TOL_STRING_BOOL);
	t = 77;
	ck_assert(!policy_profile("Strict", &t));
	ck_assert_uint_eq(t, 77);
}
END_TEST

/* client scopes x verb x type */
static const struct {
	unsigned scopes;
	enum policy_verb verb;
	const char *type;
	const char *missing; /* NULL = allowed */
} matrix[] = {
	{POLICY_USERS_READ, POLICY_READ, "User", NULL},
	{POLICY_USERS_READ, POLICY_WRITE, "User", "users:write"},
	{POLICY_USERS_WRITE, POLICY_READ, "User", NULL},
	{POLICY_USERS_WRITE, POLICY_WRITE, "User", NULL},
	{POLICY_USERS_WRITE, POLICY_READ, "Group", "groups:read"},
	{POLICY_USERS_WRITE, POLICY_WRITE, "Group", "groups:write"},
	{POLICY_GROUPS_READ, POLICY_READ, "Group", NULL},
	{POLICY_GROUPS_READ, POLICY_WRITE, "Group", "groups:write"},
	{POLICY_GROUPS_WRITE, POLICY_READ, "Group", NULL},
	{POLICY_GROUPS_WRITE, POLICY_WRITE, "Group", NULL},
	{POLICY_GROUPS_WRITE, POLICY_READ, "User", "users:read"},
	{POLICY_ADMIN | POLICY_EVENTS_READ, POLICY_READ, "User", "users:read"},
	{POLICY_ADMIN | POLICY_EVENTS_READ, POLICY_WRITE, "Group", "groups:write"},
	{0, POLICY_READ, "User", "users:read"},
	{~0u, POLICY_READ, "Device", "Device"},
};

START_TEST(decision)
{
	const struct principal who = {.name = "entra", .profile = "entra", .scopes = matrix[_i].scopes};
	struct err e = ERR_INIT;
	int rc = policy_check(&who, matrix[_i].verb, matrix[_i].type, &e);
	if (!matrix[_i].missing) {
		ck_assert_int_eq(rc, 0);
		return;
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(e.code, ERR_FORBIDDEN);
	ck_assert_msg(strstr(e.detail, matrix[_i].missing), "%s", e.detail);
}
END_TEST

/* Keys as dir_dn_normal makes them: a comma of a value is \2c there, so that a plain one always ends an RDN. */
static const char *const sales_and_one[] = {"ou=sales,dc=x", "cn=one,ou=groups,dc=x", NULL}, *const nothing[] = {NULL},
			 *const whole[] = {"", NULL};
static const struct sight {
	const char *const *fences;
	const char *dn;
	bool sees;
} sights[] = {
	{NULL, "ou=labs,dc=x", true},
	{NULL, "", true},
	{sales_and_one, "ou=sales,dc=x", true},
	{sales_and_one, "uid=a,ou=sales,dc=x", true},
	{sales_and_one, "uid=a,ou=inner,ou=sales,dc=x", true},
	{sales_and_one, "cn=one,ou=groups,dc=x", true},
	{sales_and_one, "cn=two,ou=groups,dc=x", false},
	{sales_and_one, "ou=groups,dc=x", false},
	{sales_and_one, "dc=x", false},
	{sales_and_one, "ou=wholesales,dc=x", false},
	{sales_and_one, "uid=a,ou=wholesales,dc=x", false},
	{sales_and_one, "cn=a\\2cou=sales,dc=x", false},
	{sales_and_one, "ou=sales,dc=x,dc=y", false},
	{sales_and_one, "", false},
	{nothing, "uid=a,ou=sales,dc=x", false},
	{whole, "uid=a,ou=sales,dc=x", true},
};

START_TEST(fences)
{
	const struct principal who = {.name = "sales", .fences = sights[_i].fences};
	ck_assert_msg(policy_sees(&who, sights[_i].dn) == sights[_i].sees, "%s", sights[_i].dn);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = unit_add_case(s, "policy", NULL, NULL, NULL, 0);
	tcase_add_test(t, every_scope_name_parses_to_its_own_bit);
	tcase_add_test(t, profiles);
	tcase_add_loop_test(t, decision, 0, (int)ARRAY_SIZE(matrix));
	tcase_add_loop_test(t, fences, 0, (int)ARRAY_SIZE(sights));
	return unit_run_suite(s);
}
