/* SPDX-License-Identifier: Apache-2.0
 * Active Directory (Windows Server 2012 R2 and newer) and Samba as a domain controller. */
#include <ldap.h>

#include "dirhinge/dir/flavour.h"

#define CAPABILITY_AD \
	"1.2.840.113556.1.4.800" /* [MS-ADTS] 3.1.1.3.4.3.1: not AD LDS, which has no accounts of a domain */

static int
probe(const struct dir_entry *root_dse)
{
	return dir_entry_has(root_dse, "supportedCapabilities", STRV(CAPABILITY_AD)) ? 10 : 0;
}

#define NAME_TAKEN "another account or group of the domain has this name, or the one that is made from it"
#define PASSWORD   "the password is missing, or the domain's password policy refuses it"
#define TOO_LONG   "a value is longer than the directory allows, or not of the form that it wants"

/* The diagnostic message of a domain controller begins with a Win32 error in hex ([MS-ERREF] 2.2); Samba says the same
 * in words. An LDAP result alone does not tell a name that is taken from a member that is there. */
static const struct {
	int rc;
	const char *text; /* somewhere in the message */
	enum err_code code;
	const char *say; /* to the client; NULL = as the code says */
} refinements[] = {
	{LDAP_ALREADY_EXISTS, "already in use", ERR_UNIQUE, NAME_TAKEN}, /* Samba: sAMAccountName */
	{LDAP_ALREADY_EXISTS, "00000524", ERR_UNIQUE, NAME_TAKEN},       /* ERROR_USER_EXISTS */
	{LDAP_ALREADY_EXISTS, "00000526", ERR_UNIQUE, NAME_TAKEN},       /* ERROR_GROUP_EXISTS */
	{LDAP_ALREADY_EXISTS, "00000563", ERR_UNIQUE, NAME_TAKEN},       /* ERROR_ALIAS_EXISTS */
	{LDAP_ALREADY_EXISTS, "00002071", ERR_UNIQUE, NAME_TAKEN},       /* ERROR_DS_OBJ_STRING_NAME_EXISTS */
	{LDAP_ALREADY_EXISTS, "already exists for target", ERR_DIR_HAS_VALUE, NULL},
	{LDAP_ALREADY_EXISTS, "00000562", ERR_DIR_HAS_VALUE, NULL},            /* ERROR_MEMBER_IN_ALIAS */
	{LDAP_ALREADY_EXISTS, "00000528", ERR_DIR_HAS_VALUE, NULL},            /* ERROR_MEMBER_IN_GROUP */
	{LDAP_CONSTRAINT_VIOLATION, "already in use", ERR_UNIQUE, NAME_TAKEN}, /* Samba: userPrincipalName */
	{LDAP_CONSTRAINT_VIOLATION, "000021C8", ERR_UNIQUE, NAME_TAKEN}, /* ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST */
	{LDAP_CONSTRAINT_VIOLATION, "000021C7", ERR_UNIQUE, NAME_TAKEN}, /* ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST */
	{LDAP_CONSTRAINT_VIOLATION, "ATT_OR_VALUE_EXISTS", ERR_DIR_HAS_VALUE, NULL},
	{LDAP_CONSTRAINT_VIOLATION, "00002081", ERR_DIR_HAS_VALUE, NULL}, /* ERROR_DS_SINGLE_VALUE_CONSTRAINT */
	{LDAP_CONSTRAINT_VIOLATION, "00002082", ERR_VALUE, TOO_LONG},     /* ERROR_DS_RANGE_CONSTRAINT */
	{LDAP_CONSTRAINT_VIOLATION, "0000052D", ERR_VALUE, PASSWORD},     /* ERROR_PASSWORD_RESTRICTION */
	{LDAP_INVALID_SYNTAX, "invalid value", ERR_VALUE, TOO_LONG},      /* Samba */
	{LDAP_UNWILLING_TO_PERFORM, "doesn't exist for target", ERR_DIR_MISSING_VALUE, NULL},
	{LDAP_UNWILLING_TO_PERFORM, "already deleted for target", ERR_DIR_MISSING_VALUE, NULL},
	{LDAP_NO_SUCH_ATTRIBUTE, "was not found in the schema", ERR_CONFIG, NULL},
	{LDAP_UNWILLING_TO_PERFORM, "00000561", ERR_DIR_MISSING_VALUE, NULL}, /* ERROR_MEMBER_NOT_IN_ALIAS */
	{LDAP_UNWILLING_TO_PERFORM, "00000529", ERR_DIR_MISSING_VALUE, NULL}, /* ERROR_MEMBER_NOT_IN_GROUP */
	{LDAP_UNWILLING_TO_PERFORM, "0000052D", ERR_VALUE, PASSWORD},         /* or enabled without one */
	{LDAP_UNWILLING_TO_PERFORM, "0000209A", ERR_MUTABILITY, NULL},        /* attribute owned by the system */
};

static bool
refine(int ldap_rc, const char *text, enum err_code *code, const char **say)
{
	struct strv t = strv_of(text ? text : "");

	for (size_t i = 0; i < ARRAY_SIZE(refinements); i++) {
		struct strv find = strv_of(refinements[i].text);

		if (refinements[i].rc != ldap_rc)
			continue;
		for (size_t at = 0; at + find.n <= t.n; at++) {
			if (!strv_casestarts(strv_n(t.p + at, t.n - at), find))
				continue;
			*code = refinements[i].code;
			*say = refinements[i].say;
			return true;
		}
	}
	return false;
}

/* --- protected entries (reliability.md T-05) --- */

/* By the last number of the SID, which no rename and no translation changes: domain accounts and groups, and those of
 * the builtin domain. */
static const uint32_t protected_rids[] = {
	498, /* Enterprise Read-only Domain Controllers */
	500, /* Administrator */
	502, /* krbtgt */
	512, /* Domain Admins */
	516, /* Domain Controllers */
	517, /* Cert Publishers */
	518, /* Schema Admins */
	519, /* Enterprise Admins */
	520, /* Group Policy Creator Owners */
	521, /* Read-only Domain Controllers */
	526, /* Key Admins */
	527, /* Enterprise Key Admins */
	544, /* Administrators */
	548, /* Account Operators */
	549, /* Server Operators */
	550, /* Print Operators */
	551, /* Backup Operators */
	552, /* Replicator */
};

/* [MS-DTYP] 2.4.2.2: the last sub-authority, little-endian; 0 if v is no SID. A RID from 1000 on is of the domain's own
 * making. */
static uint32_t
rid_of(struct strv v)
{
	const unsigned char *p = (const unsigned char *)v.p;

	if (v.n < 12 || p[0] != 1 || p[1] == 0 || v.n != 8 + 4 * (size_t)p[1])
		return 0;
	p += v.n - 4;
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* adminCount: a member of such a group, now or once (AdminSDHolder). */
static bool
is_protected(const struct dir_entry *en)
{
	struct strv count = dir_entry_first(en, "adminCount");
	uint32_t rid = rid_of(dir_entry_first(en, "objectSid"));

	if (count.n && !strv_eq(count, STRV("0")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(protected_rids); i++)
		if (rid == protected_rids[i])
			return true;
	return strv_caseeq(dir_entry_first(en, "isCriticalSystemObject"), STRV("TRUE"));
}

static const char *const protect_attrs[] = {"objectSid", "adminCount", "isCriticalSystemObject", NULL};
static const char *const server_fills[] = {"instanceType", "nTSecurityDescriptor", "objectCategory", "objectSid", NULL};

const struct dir_flavour dir_flavour_active_directory = {
	.name = "active-directory",
	.map = "active-directory",
	.id_attr = "objectGUID",
	.dn_attr = "distinguishedName",
	.created_attr = "whenCreated",
	.modified_attr = "whenChanged",
	.version_attr = "uSNChanged",
	.active = "user-account-control",
	.guid_id = true,
	.guid_base = true,
	.links_follow = true,
	.implied_rules = true,
	.loose_equality = true,
	.time_fraction = true,
	.member_of = "memberOf",
	.ranged = "member",
	.range_step = 1500, /* MaxValRange of a domain controller since 2003 */
	.polled = true,
	.max_page = 1000, /* MaxPageSize */
	/* rangeUpper of cn is 64 characters; a domain controller counts them itself. */
	.max_rdn = 0,
	.password_attr = "unicodePwd",
	.server_fills = server_fills,
	.protect_attrs = protect_attrs,
	.is_protected = is_protected,
	.canary_class = "contact",
	.probe = probe,
	.refine = refine,
};
