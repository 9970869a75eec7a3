/* SPDX-License-Identifier: Apache-2.0
 * Doctor: Active Directory. What an account may do is asked of the domain controller itself, which computes it in
 * allowedChildClassesEffective and allowedAttributesEffective ([MS-ADTS] 3.1.1.4.5). */
#include "app/doctor_kit.h"
#include "dirhinge/dir/dn.h"
#include "dirhinge/dir/feed.h"

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

/* --- the change feed --------------------------------------------------------------------------------------------- */

/* [MS-ADTS] 5.1.3.2.1: DS-Replication-Get-Changes, which tells no passwords. */
#define REPLICATE "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"

static const char *
domain(const struct doctor *d)
{
	struct strv dn = dir_entry_first(d->caps->root_dse, "defaultNamingContext");

	return dn.n ? dn.p : "DC=DOMAIN";
}

static const char *
grant_replicate(struct doctor *d)
{
	return arena_printf(d->a,
			    "# in a command prompt of a domain administrator; ACCOUNT is DOMAIN\\name of %s\n"
			    "dsacls \"%s\" /G \"ACCOUNT:CA;Replicating Directory Changes\"\n"
			    "# the same with ADSI Edit: %s, Properties, Security\n"
			    "# Samba; SID is the account's (objectSid)\n"
			    "samba-tool dsacl set --objectdn=\"%s\" --sddl=\"(OA;;CR;" REPLICATE ";;SID)\"",
			    doctor_account(d), domain(d), domain(d), domain(d));
}

static const char *
grant_deleted(struct doctor *d)
{
	const char *dn = arena_printf(d->a, "CN=Deleted Objects,%s", domain(d)); /* paste: ok */

	return arena_printf(d->a,
			    "# in a command prompt of a domain administrator; ACCOUNT is DOMAIN\\name of %s\n"
			    "dsacls \"%s\" /takeownership\ndsacls \"%s\" /G \"ACCOUNT:LCRP\"",
			    doctor_account(d), dn, dn);
}

/* The daemon's own question, so that the answer is the one that it will get. */
static struct dir_feed *
open_feed(struct doctor *d, struct err *e)
{
	static const char *const attrs[] = {"objectClass", NULL};
	const struct config *c = d->cfg;
	bool same = str_eq(dir_dn_normal(d->a, c->user_base), dir_dn_normal(d->a, c->group_base));
	const struct dir_feed_opts opts = {
		.dir = d->dir,
		.bases = (const char *const[]){c->user_base, same ? NULL : c->group_base, NULL},
		.filter = dir_f_eq(d->a, "objectClass", STRV("group")),
		.attrs = attrs,
		.dirsync = config_dirsync(c),
	};
	struct dir_feed *f = NULL;

	if (dir_feed_new(&opts, &f, e) < 0)
		return NULL;
	if (dir_feed_open(f, strv_n(NULL, 0), doctor_until(d), e) < 0)
		dir_feed_free(&f);
	return f;
}

static void
say_source(struct doctor *d, const struct dir_feed *f)
{
	const char *source = dir_feed_source(f), *why = dir_feed_note(f);

	if (!*why)
		doctor_say(d, FINDING_OK, "replication", NULL,
			   "the account may replicate the domain: changes are told by %s, deletions and single members "
			   "too",
			   source);
	else if (config_dirsync(d->cfg) == DIR_DIRSYNC_OFF)
		doctor_say(d, FINDING_NOTE, "replication", NULL, "events.dirsync is never: %s is polled", source);
	else
		doctor_say(d, FINDING_NOTE, "replication", grant_replicate(d), "%s: changes are told by %s%s", why,
			   source,
			   strv_starts(strv_of(source), STRV("DirSync"))
				   ? ""
				   : ", and for one member that comes or goes the whole group is read");
}

static void
say_deleted(struct doctor *d, const struct dir_feed *f)
{
	bool sees = dir_feed_sees_deleted(f), by_right = !*dir_feed_note(f);

	if (sees)
		doctor_say(d, FINDING_OK, "deletions", NULL, "the account may read the deleted objects");
	else if (by_right)
		doctor_say(d, FINDING_OK, "deletions", NULL,
			   "the account may not read the deleted objects, and need not: DirSync tells them");
	else
		doctor_say(d, FINDING_WARN, "deletions", grant_deleted(d),
			   "the account may not read the deleted objects: a deletion is only seen when everything is "
			   "compared, with each new connection and every events.reconcile");
}

void
doctor_ad_feed(struct doctor *d)
{
	struct err e = ERR_INIT;
	struct dir_feed *f = open_feed(d, &e);

	if (f == NULL) {
		doctor_say(d, FINDING_FAIL, "replication", NULL, "the change feed cannot be opened: %s (%s)", e.detail,
			   e.cause);
		return;
	}
	say_source(d, f);
	say_deleted(d, f);
	doctor_say(d, FINDING_OK, "change feed", NULL,
		   "guarantee C: the net change between two questions, a second apart");
	dir_feed_free(&f);
}

void
doctor_ad_server(struct doctor *d)
{
	check_tls(d);
	check_uris(d);
	check_recycle_bin(d);
}
