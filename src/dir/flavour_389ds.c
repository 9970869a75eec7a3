/* SPDX-License-Identifier: Apache-2.0
 * 389 Directory Server (1.4.4 and newer: entryUUID), also as Red Hat Directory Server. */
#include <ldap.h>

#include "dirhinge/dir/flavour.h"

static int
probe(const struct dir_entry *root_dse)
{
	if (strv_casestarts(dir_entry_first(root_dse, "vendorVersion"), STRV("389-Directory/")))
		return 10;
	return strv_caseeq(dir_entry_first(root_dse, "vendorName"), STRV("389 Project")) ? 10 : 0;
}

static const struct {
	int rc;
	const char *text; /* the message begins with it */
	enum err_code code;
} refinements[] = {
	/* Attribute Uniqueness plugin */
	{LDAP_CONSTRAINT_VIOLATION, "Another entry with the same attribute value already exists", ERR_UNIQUE},
	{LDAP_OBJECT_CLASS_VIOLATION, "unknown attribute", ERR_CONFIG},
	/* cn=config nsslapd-readonly, or a read-only replica without referral */
	{LDAP_UNWILLING_TO_PERFORM, "database is read-only", ERR_UNAVAILABLE},
	{LDAP_UNWILLING_TO_PERFORM, "Server is read-only", ERR_UNAVAILABLE},
};

static bool
refine(int ldap_rc, const char *text, enum err_code *code, const char **say DH_UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(refinements); i++)
		if (refinements[i].rc == ldap_rc &&
		    strv_casestarts(strv_of(text ? text : ""), strv_of(refinements[i].text))) {
			*code = refinements[i].code;
			return true;
		}
	return false;
}

const struct dir_flavour dir_flavour_389ds = {
	.name = "389ds",
	.map = "389ds",
	.id_attr = "entryUUID",
	.dn_attr = "entryDN",
	.created_attr = "createTimestamp",
	.modified_attr = "modifyTimestamp",
	/* Whole seconds cannot tell two changes apart; the USN plugin numbers them. */
	.version_attr = "entryusn",
	.version_sign = "lastusn",
	.active = "ns-account-lock",
	/* Only the MemberOf plugin fills it, and only for what was changed since it was turned on. */
	.member_of_idle = true,
	.canary_class = "applicationProcess",
	.probe = probe,
	.refine = refine,
};
