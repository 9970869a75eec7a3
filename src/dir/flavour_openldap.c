/* SPDX-License-Identifier: Apache-2.0
 * OpenLDAP (slapd 2.5 and newer). */
#include <ldap.h>

#include "dirhinge/dir/flavour.h"

static int
probe(const struct dir_entry *root_dse)
{
	if (dir_entry_is_a(root_dse, "OpenLDAProotDSE"))
		return 10;
	/* An access rule may hide objectClass of the rootDSE; configContext is slapd's own. */
	return strv_caseeq(dir_entry_first(root_dse, "configContext"), STRV("cn=config")) ? 5 : 0;
}

/* Diagnostic texts of slapd and its overlays, compared from their beginning. */
static const struct {
	int rc;
	const char *text;
	enum err_code code;
} refinements[] = {
	{LDAP_CONSTRAINT_VIOLATION, "non-unique attributes found", ERR_UNIQUE}, /* slapo-unique, 2.4 */
	{LDAP_CONSTRAINT_VIOLATION, "some attributes not unique", ERR_UNIQUE},
	{LDAP_CONSTRAINT_VIOLATION, "no user modification allowed", ERR_MUTABILITY},
	/* database option "readonly on", or a shadow without an update referral (reliability.md F-13) */
	{LDAP_UNWILLING_TO_PERFORM, "operation restricted", ERR_UNAVAILABLE},
	{LDAP_UNWILLING_TO_PERFORM, "shadow context", ERR_UNAVAILABLE},
	{LDAP_UNWILLING_TO_PERFORM, "no global superior knowledge", ERR_CONFIG},
};

static bool
refine(int ldap_rc, const char *text, enum err_code *code, const char **say DH_UNUSED)
{
	struct strv t = strv_of(text ? text : "");

	for (size_t i = 0; i < ARRAY_SIZE(refinements); i++) {
		if (refinements[i].rc != ldap_rc)
			continue;
		for (size_t at = 0; at < t.n; at++) {
			if (!strv_casestarts(strv_n(t.p + at, t.n - at), strv_of(refinements[i].text)))
				continue;
			*code = refinements[i].code;
			return true;
		}
	}
	/* "attr: no user modification allowed", "uid: value #0 invalid per syntax": the texts above are searched for
	 * anywhere, because slapd puts the attribute in front. */
	return false;
}

const struct dir_flavour dir_flavour_openldap = {
	/* back-mdb keeps an RDN twice, as given and normalised, in one key of at most 511 bytes. */
	.max_rdn = 240,
	.name = "openldap",
	.map = "openldap",
	.id_attr = "entryUUID",
	.dn_attr = "entryDN",
	.created_attr = "createTimestamp",
	.modified_attr = "modifyTimestamp",
	.version_attr = "entryCSN",
	.permissive_unlisted = true,
	.pages_anew = true,
	.canary_class = "applicationProcess",
	.probe = probe,
	.refine = refine,
};
