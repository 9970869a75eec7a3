/* SPDX-License-Identifier: Apache-2.0
 * Doctor: Active Directory. What an account may do is asked of the domain controller itself, which computes it in
 * allowedChildClassesEffective and allowedAttributesEffective ([MS-ADTS] 3.1.1.4.5). */
#include "app/doctor_kit.h"

const char *
doctor_ad_grant(struct doctor *d)
{
	const struct config *c = d->cfg;

	return arena_printf(d->a,
			    "# in a command prompt of a domain administrator; ACCOUNT is DOMAIN\\name of %s\n"
			    "dsacls \"%s\" /I:T /G \"ACCOUNT:CCDC;user\"\n"
			    "dsacls \"%s\" /I:S /G \"ACCOUNT:GA;;user\"\n"
			    "dsacls \"%s\" /I:T /G \"ACCOUNT:CCDC;group\"\n"
			    "dsacls \"%s\" /I:S /G \"ACCOUNT:GA;;group\"",
			    doctor_account(d), c->user_base, c->user_base, c->group_base, c->group_base);
}

static const struct dir_entry *
read_entry(struct doctor *d, const char *dn, const char *attr)
{
	const struct dir_search s = {
		.base = dn, .scope = DIR_BASE, .attrs = (const char *const[]){attr, "objectClass", NULL}};
	const struct dir_entry *en = NULL;
	struct err e = ERR_INIT;

	return dir_search_one(d->dir, d->a, &s, doctor_until(d), &en, &e) == 1 ? en : NULL;
}

static bool
has_nocase(const struct dir_entry *en, const char *attr, const char *value)
{
	const struct dir_attr *at = dir_entry_attr(en, attr);

	for (size_t i = 0; at && i < at->n; i++)
		if (strv_caseeq(at->values[i], strv_of(value)))
			return true;
	return false;
}

/* --- rights ------------------------------------------------------------------------------------------------------ */

static void
check_children(struct doctor *d, const char *base, const char *class)
{
	static const char attr[] = "allowedChildClassesEffective";
	const struct dir_entry *en = read_entry(d, base, attr);

	if (en && has_nocase(en, attr, class))
		doctor_say(d, FINDING_OK, "rights", NULL, "may create %s entries below %s", class, base);
	else
		doctor_say(d, FINDING_FAIL, "rights", doctor_ad_grant(d), "may not create %s entries below %s", class,
			   base);
}

static int
take_first(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 1;
}

static void
check_attributes(struct doctor *d, const char *what, const struct map_type_opts *t, const char *const *names)
{
	static const char attr[] = "allowedAttributesEffective";
	DH_CLEANUP(buf_done) struct buf no = BUF_INIT(1024);
	const struct dir_entry *en = NULL;
	const struct dir_search s = {
		.base = t->base,
		.scope = DIR_SUB,
		.filter = dir_f_and2(d->a, dir_f_eq(d->a, "objectClass", strv_of(t->object_classes[0])),
				     dir_f_not(d->a, dir_f_present(d->a, "isCriticalSystemObject"))),
		.attrs = (const char *const[]){attr, NULL},
		.page_size = 1,
	};
	struct err e = ERR_INIT;

	if (dir_search_run(d->dir, d->a, true, &s, doctor_until(d), take_first, &en, &e) < 0 || !en) {
		doctor_say(d, FINDING_NOTE, "rights", NULL, "%s: no entry below %s to look at the rights of", what,
			   t->base);
		return;
	}
	for (; *names; names++)
		if (dir_subschema_attr(d->caps->schema, *names) && !has_nocase(en, attr, *names))
			buf_printf(&no, " %s", *names);
	if (no.n)
		doctor_say(d, FINDING_FAIL, "rights", doctor_ad_grant(d), "%s: may not write%s (seen at %s)", what,
			   buf_str(&no), en->dn);
	else
		doctor_say(d, FINDING_OK, "rights", NULL, "%s: may write what SCIM requests change", what);
}

void
doctor_ad_rights(struct doctor *d)
{
	static const char *const user[] = {"userPrincipalName",
					   "sAMAccountName",
					   "userAccountControl",
					   "accountExpires",
					   "displayName",
					   "givenName",
					   "sn",
					   "mail",
					   "proxyAddresses",
					   "manager",
					   "c",
					   "co",
					   "countryCode",
					   "title",
					   NULL};
	const struct map_type_opts *users = &d->cfg->map.users, *groups = &d->cfg->map.groups;
	const char *const group[] = {groups->member_attribute, "sAMAccountName", NULL};

	check_children(d, users->base, users->object_classes[0]);
	check_children(d, groups->base, groups->object_classes[0]);
	check_attributes(d, "users", users, user);
	check_attributes(d, "groups", groups, group);
}

/* --- the forest -------------------------------------------------------------------------------------------------- */

static void
check_recycle_bin(struct doctor *d)
{
	struct strv config = dir_entry_first(d->caps->root_dse, "configurationNamingContext");
	struct strv forest = dir_entry_first(d->caps->root_dse, "rootDomainNamingContext");
	const char *dn = arena_printf(d->a,
				      "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,"
				      "CN=Services,%.*s", /* paste: ok */
				      (int)config.n, config.p);
	const struct dir_entry *en = read_entry(d, dn, "msDS-EnabledFeatureBL");

	if (en && dir_entry_attr(en, "msDS-EnabledFeatureBL"))
		doctor_say(d, FINDING_OK, "recycle bin", NULL,
			   "on: what is deleted by mistake comes back with its memberships");
	else
		doctor_say(
			d, FINDING_WARN, "recycle bin",
			arena_printf(d->a,
				     "# PowerShell of an enterprise administrator; it cannot be turned off again\n"
				     "Enable-ADOptionalFeature 'Recycle Bin Feature' -Scope ForestOrConfigurationSet "
				     "-Target FOREST   # FOREST is the DNS name of %.*s",
				     (int)forest.n, forest.p),
			"off: a deleted entry loses most of its attributes and all of its memberships");
}

/* [MS-ADTS] 3.1.1.5.1.3: a new password only goes over an encrypted connection. */
static void
check_tls(struct doctor *d)
{
	bool plain = strncmp(d->uri, "ldap://", 7) == 0 && !d->cfg->start_tls;

	if (plain)
		doctor_say(d, FINDING_FAIL, "passwords",
			   "# use ldaps:// in directory.uris, or directory.start_tls: true",
			   "cannot be set over a connection without TLS, so that no user can be created active");
	else
		doctor_say(d, FINDING_OK, "passwords", NULL, "can be set: the connection is encrypted");
}

/* Numbers of changes belong to one domain controller ([MS-ADTS] 3.1.1.1.9). */
static void
check_uris(struct doctor *d)
{
	struct strv name = dir_entry_first(d->caps->root_dse, "dnsHostName");
	struct strv domain = dir_entry_first(d->caps->root_dse, "ldapServiceName");

	for (size_t i = 0; i < d->cfg->uris.n; i++) {
		const char *host = strstr(d->cfg->uris.v[i], "://");
		size_t n = host ? strcspn(host + 3, ":/") : 0;

		if (host && domain.n > n && strv_casestarts(domain, strv_n(host + 3, n)) && domain.p[n] == ':')
			doctor_say(d, FINDING_WARN, "servers",
				   arena_printf(d->a, "# in directory.uris, for instance\nuris: [ldaps://%.*s]",
						(int)name.n, name.p),
				   "%s is the name of the domain: each connection may go to another domain controller, "
				   "which does not know yet what was written to the last one",
				   d->cfg->uris.v[i]);
	}
	doctor_say(d, FINDING_OK, "servers", NULL, "connected to %.*s", (int)name.n, name.p);
}

/* The feed reads tombstones; by default only administrators may. */
static void
note_deleted_objects(struct doctor *d)
{
	struct strv domain = dir_entry_first(d->caps->root_dse, "defaultNamingContext");
	const char *dn = arena_printf(d->a, "CN=Deleted Objects,%.*s", (int)domain.n, domain.p); /* paste: ok */

	if (d->cfg->feed_wanted)
		doctor_say(
			d, FINDING_NOTE, "deletions",
			arena_printf(d->a, "dsacls \"%s\" /takeownership\ndsacls \"%s\" /G \"ACCOUNT:LCRP\"", dn, dn),
			"the change feed sees deletions if the account may read the deleted objects; without that it "
			"reads everything again with every new connection");
}

void
doctor_ad_server(struct doctor *d)
{
	check_tls(d);
	check_uris(d);
	check_recycle_bin(d);
	note_deleted_objects(d);
}
