/* SPDX-License-Identifier: Apache-2.0
 * Doctor: the products it knows. */
#include "app/doctor_kit.h"

static const char *
openldap_schema(struct doctor *d)
{
	return arena_printf(d->a, "# from the source tree, on the directory's host\n%s -f schema/ldap/dirhinge.ldif",
			    doctor_admin(d, "ldapadd"));
}

static const char *
no_limit_known(struct doctor *d DH_UNUSED)
{
	return NULL;
}

static const struct doctor_kit kits[] = {
	{&dir_flavour_openldap, doctor_probe_rights, doctor_openldap_server, doctor_openldap_grant,
	 doctor_openldap_unlimited, openldap_schema, false},
	{&dir_flavour_active_directory, doctor_ad_rights, doctor_ad_server, doctor_ad_grant, no_limit_known, NULL,
	 true},
	{&dir_flavour_389ds, doctor_probe_rights, doctor_389ds_server, doctor_389ds_grant, doctor_389ds_unlimited,
	 doctor_389ds_schema, true},
};

const struct doctor_kit *
doctor_kit(const struct doctor *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(kits); i++)
		if (kits[i].flavour == d->caps->flavour)
			return &kits[i];
	return &kits[0];
}

const char *
doctor_account(const struct doctor *d)
{
	return d->cfg->bind_dn ? d->cfg->bind_dn : "gidNumber=…+uidNumber=…,cn=peercred,cn=external,cn=auth";
}

void
doctor_check_rights(struct doctor *d)
{
	doctor_kit(d)->rights(d);
}

void
doctor_check_server(struct doctor *d)
{
	doctor_kit(d)->server(d);
}
