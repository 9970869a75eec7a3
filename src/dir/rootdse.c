/* SPDX-License-Identifier: Apache-2.0
 * Capabilities from the rootDSE (RFC 4512 5.1) and the subschema entry. */
#include "dir/rootdse.h"

#include "dir/decode.h"
#include "dir/result.h"

#define OID_ASSERTION       "1.3.6.1.1.12"
#define OID_PRE_READ        "1.3.6.1.1.13.1"
#define OID_POST_READ       "1.3.6.1.1.13.2"
#define OID_PAGED           "1.2.840.113556.1.4.319"
#define OID_MATCHED_VALUES  "1.2.826.0.1.3344810.2.3"
#define OID_PERMISSIVE      "1.2.840.113556.1.4.1413"
#define OID_PPOLICY         "1.3.6.1.4.1.42.2.27.8.5.1"
#define OID_SYNC            "1.3.6.1.4.1.4203.1.9.1.1"
#define OID_PASSWORD_MODIFY "1.3.6.1.4.1.4203.1.11.1"
#define OID_START_TLS       "1.3.6.1.4.1.1466.20037"
#define OID_CLASS_ATTRS     "1.3.6.1.4.1.4203.1.5.2"

/* One base search; the entry must be there. */
static int
read_entry(struct arena *a, struct conn *c, const char *base, const char *const *attrs, deadline_t until,
	   const struct dir_entry **en_r, struct err *e)
{
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *res = NULL;
	char *names[8] = {NULL};
	LDAPMessage *msg;
	int result = LDAP_OTHER;
	int msgid, rc;

	for (size_t i = 0; attrs[i]; i++) {
		must(i + 1 < ARRAY_SIZE(names));
		names[i] = unconst(attrs[i]);
	}
	rc = ldap_search_ext(c->ld, base, LDAP_SCOPE_BASE, "(objectClass=*)", names, 0, NULL, NULL, NULL, 1, &msgid);
	if (rc != LDAP_SUCCESS)
		return err_failed(dir_conn_send_failed(c, rc, e));
	if (dir_conn_wait(c, msgid, true, until, &res, e))
		return -1;
	rc = ldap_parse_result(c->ld, res, &result, NULL, NULL, NULL, NULL, 0);
	msg = ldap_first_entry(c->ld, res);
	if (rc == LDAP_SUCCESS && result == LDAP_SUCCESS && msg)
		return dir_decode_entry(a, NULL, c->ld, msg, en_r, e);

	err_set(e, ERR_CONFIG,
		"the directory does not let the gateway's account read its rootDSE or schema; allow read access to "
		"\"\" "
		"and to the subschema entry");
	if (e)
		e->ldap_rc = rc ? rc : result;
	return err_cause(e, "%s: read \"%s\": %s", c->uri->text, base, ldap_err2string(rc ? rc : result));
}

static int
read_schema(struct arena *a, struct conn *c, struct dir_caps *caps, deadline_t until, struct err *e)
{
	static const char *const wanted[] = {"attributeTypes", "objectClasses", "dITContentRules", NULL};
	DH_CLEANUP(arena_free) struct arena *scratch = arena_new(65536);
	struct strv where = dir_entry_first(caps->root_dse, "subschemaSubentry");
	const struct dir_entry *en;

	if (read_entry(scratch, c, where.n ? where.p : "cn=Subschema", wanted, until, &en, e))
		return -1;
	return caps->flavour->implied_rules ? dir_subschema_build_implied(a, en, &caps->schema, e)
					    : dir_subschema_build(a, en, &caps->schema, e);
}

static const char *
vendor(struct arena *a, const struct dir_entry *dse)
{
	struct strv name = dir_entry_first(dse, "vendorName");
	struct strv version = dir_entry_first(dse, "vendorVersion");

	if (name.n == 0)
		return version.n ? version.p : "";
	return version.n ? arena_printf(a, "%s %s", name.p, version.p) : name.p;
}

/* With any options: "lastusn;userroot". */
static bool
has_attr(const struct dir_entry *dse, const char *name)
{
	for (size_t i = 0; i < dse->n_attrs; i++) {
		struct strv d = strv_of(dse->attrs[i].name);

		if (strv_caseeq(strv_n(d.p, strv_chr(d, ';')), strv_of(name)))
			return true;
	}
	return false;
}

int
dir_rootdse_load(struct arena *a, struct conn *c, const struct dir_flavour *wanted, deadline_t until,
		 const struct dir_caps **caps_r, struct err *e)
{
	static const char *const all[] = {"*", "+", NULL};
	struct dir_caps *caps = ARENA_NEW(a, struct dir_caps);
	const struct dir_entry *dse;

	if (read_entry(a, c, "", all, until, &dse, e))
		return -1;
	caps->root_dse = dse;
	caps->flavour = wanted ? wanted : dir_flavour_probe(dse);
	if (caps->flavour == NULL)
		return err_set(e, ERR_CONFIG,
			       "the directory's product is not known; set directory.flavour in the configuration");

	const struct {
		bool *flag;
		const char *attr;
		struct strv oid;
	} rows[] = {
		{&caps->assertion, "supportedControl", STRV(OID_ASSERTION)},
		{&caps->pre_read, "supportedControl", STRV(OID_PRE_READ)},
		{&caps->post_read, "supportedControl", STRV(OID_POST_READ)},
		{&caps->paged, "supportedControl", STRV(OID_PAGED)},
		{&caps->matched_values, "supportedControl", STRV(OID_MATCHED_VALUES)},
		{&caps->permissive_modify, "supportedControl", STRV(OID_PERMISSIVE)},
		{&caps->ppolicy, "supportedControl", STRV(OID_PPOLICY)},
		{&caps->sync, "supportedControl", STRV(OID_SYNC)},
		{&caps->password_modify, "supportedExtension", STRV(OID_PASSWORD_MODIFY)},
		{&caps->start_tls, "supportedExtension", STRV(OID_START_TLS)},
		{&caps->class_attrs, "supportedFeatures", STRV(OID_CLASS_ATTRS)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		*rows[i].flag = dir_entry_has(dse, rows[i].attr, rows[i].oid);
	caps->permissive_modify |= caps->flavour->permissive_unlisted;
	caps->password_modify |= caps->flavour->password_attr != NULL;
	caps->no_versions = caps->flavour->version_sign && !has_attr(dse, caps->flavour->version_sign);
	caps->vendor = vendor(a, dse);
	if (read_schema(a, c, caps, until, e))
		return -1;
	*caps_r = caps;
	return 0;
}
