/* SPDX-License-Identifier: Apache-2.0
 * Who may do what. Pure. Thread rule: frozen. */
#ifndef DIRHINGE_POLICY_POLICY_H
#define DIRHINGE_POLICY_POLICY_H

#include "dirhinge/base/err.h"
#include "dirhinge/scim/ctx.h"

enum policy_scope {
	POLICY_USERS_READ = 1 << 0,
	POLICY_USERS_WRITE = 1 << 1, /* includes read */
	POLICY_GROUPS_READ = 1 << 2,
	POLICY_GROUPS_WRITE = 1 << 3, /* includes read */
	POLICY_EVENTS_READ = 1 << 4,
	POLICY_ADMIN = 1 << 5,
};

enum policy_verb { POLICY_READ, POLICY_WRITE };

/* A configured client, found by its token. */
struct principal {
	const char *name;         /* [A-Za-z0-9._-]+ */
	const char *profile;      /* "strict", "entra", "okta", "lenient" */
	unsigned tolerate;        /* enum scim_tolerance of the profile */
	unsigned scopes;          /* enum policy_scope */
	int64_t deletes_per_hour; /* 0 = no limit */
	const char *const
		*fences; /* dir_dn_normal of the bases it is confined to, NULL-terminated; NULL = not fenced */
	unsigned char token_sha256[32];
};

/* "users:write" -> bit; 0 if unknown. */
unsigned policy_scope_parse(const char *text);
extern const char *const policy_scope_names[]; /* NULL-terminated */
/* Tolerances of a profile; false if unknown. */
bool policy_profile(const char *name, unsigned *tolerate_r);
extern const char *const policy_profile_names[]; /* NULL-terminated */

/* type_name "User" or "Group". ERR_FORBIDDEN names the missing scope. */
int policy_check(const struct principal *who, enum policy_verb verb, const char *type_name, struct err *e) DH_MUST_USE;

/* True if an entry with this normal DN (dir_dn_normal) lies below one of the client's fences or is one of them, or if
 * it has none. Everything else does not exist for it. */
bool policy_sees(const struct principal *who, const char *dn_key);

#endif
