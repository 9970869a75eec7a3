/* SPDX-License-Identifier: Apache-2.0
 * Doctor: 389 Directory Server: plugins, limits, and what its configuration alone tells. */
#include "app/doctor_kit.h"

#define DSCONF "dsconf -D 'cn=Directory Manager' ldaps://HOST"

const char *
doctor_389ds_grant(struct doctor *d)
{
	const struct config *c = d->cfg;
	const char *rule = arena_printf(d->a,
					"changetype: modify\nadd: aci\naci: (targetattr=\"*\")(version 3.0; acl "
					"\"dirhinge\"; allow (all) userdn=\"ldap:///%s\";)", /* paste: ok */
					doctor_account(d));

	return arena_printf(d->a,
			    "ldapmodify -x -D 'cn=Directory Manager' -W -H %s <<'EOF'\ndn: %s\n%s\n\ndn: %s\n%s\nEOF",
			    d->uri, c->user_base, rule, c->group_base, rule);
}

const char *
doctor_389ds_unlimited(struct doctor *d)
{
	return arena_printf(d->a,
			    "ldapmodify -x -D 'cn=Directory Manager' -W -H %s <<'EOF'\ndn: %s\nchangetype: modify\n"
			    "replace: nsSizeLimit\nnsSizeLimit: -1\n-\n"
			    "replace: nsPagedSizeLimit\nnsPagedSizeLimit: -1\n-\n"
			    "replace: nsLookThroughLimit\nnsLookThroughLimit: -1\n-\n"
			    "replace: nsPagedLookThroughLimit\nnsPagedLookThroughLimit: -1\n-\n"
			    "replace: nsIDListScanLimit\nnsIDListScanLimit: -1\n-\n"
			    "replace: nsPagedIDListScanLimit\nnsPagedIDListScanLimit: -1\nEOF",
			    d->uri, doctor_account(d));
}

const char *
doctor_389ds_schema(struct doctor *d DH_UNUSED)
{
	return "# on the directory's host; dirhinge installs the file in share/dirhinge/ldap\n"
	       "cp 99dirhinge.ldif /etc/dirsrv/slapd-INSTANCE/schema/ && dsconf INSTANCE schema reload";
}

/* --- plugins ----------------------------------------------------------------------------------------------------- */

static int
take_first(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	*(const struct dir_entry **)ctx = en;
	return 1;
}

/* SCIM ids need the entryUUID of every entry: those from before the plugin have none. */
static void
check_ids(struct doctor *d)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	const char *class = d->cfg->map.users.object_classes[0];
	const struct dir_entry *without = NULL;
	const struct dir_search s = {
		.base = d->cfg->user_base,
		.scope = DIR_SUB,
		.filter = dir_f_and2(d->a, dir_f_eq(d->a, "objectClass", strv_of(class)),
				     dir_f_not(d->a, dir_f_present(d->a, d->caps->flavour->id_attr))),
		.attrs = no_attrs,
		.page_size = 1,
	};
	struct err e = ERR_INIT;

	if (dir_search_run(d->dir, d->a, true, &s, doctor_until(d), take_first, &without, &e) < 0)
		doctor_say(d, FINDING_WARN, "entryUUID", NULL, "cannot be told: %s (%s)", e.detail, e.cause);
	else if (without)
		doctor_say(d, FINDING_FAIL, "entryUUID",
			   arena_printf(d->a, DSCONF " plugin entryuuid enable\n" DSCONF " plugin entryuuid fixup %s",
					d->cfg->user_base),
			   "%s has none: it has no SCIM id and is not seen", without->dn);
	else
		doctor_say(d, FINDING_OK, "entryUUID", NULL, "every user has one, which is the SCIM id");
}

static void
check_versions(struct doctor *d)
{
	if (d->caps->no_versions)
		doctor_say(d, FINDING_WARN, "versions", DSCONF " plugin usn enable && dsctl INSTANCE restart",
			   "the USN plugin is off: changes within a second cannot be told apart, so that there is no "
			   "ETag and If-Match is refused");
	else
		doctor_say(d, FINDING_OK, "versions", NULL, "the USN plugin numbers the changes");
}

static void
check_feed_plugins(struct doctor *d)
{
	if (d->caps->sync)
		doctor_say(d, FINDING_OK, "plugins", NULL, "Content Synchronization tells of changes");
	else
		doctor_say(d, FINDING_WARN, "plugins",
			   DSCONF " plugin retro-changelog enable\n" DSCONF
				  " plugin retro-changelog set --attribute nsuniqueid:targetUniqueId\n" DSCONF
				  " plugin contentsync enable && dsctl INSTANCE restart",
			   "Content Synchronization is off: changes cannot be followed");
}

static bool
watches(const struct dir_entry *en, const char *attr)
{
	struct strv on = dir_entry_first(en, "nsslapd-pluginEnabled");

	return strv_caseeq(on, STRV("on")) && dir_entry_has(en, "uniqueness-attribute-name", strv_of(attr));
}

struct uniqueness {
	const char *attr;
	bool found, seen;
};

static int
on_plugin(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct uniqueness *u = ctx;

	u->seen = true;
	u->found |= watches(en, u->attr);
	return 0;
}

static void
check_uniqueness(struct doctor *d)
{
	struct uniqueness u = {.attr = d->cfg->user_rdn};
	const struct dir_search s = {
		.base = "cn=plugins,cn=config",
		.scope = DIR_ONE,
		.filter = dir_f_eq(d->a, "nsslapd-pluginInitfunc", STRV("NSUniqueAttr_Init")),
	};
	const char *fix =
		arena_printf(d->a,
			     DSCONF " plugin attr-uniq add --enabled on --attr-name %s --subtree %s -- '%s unique'"
				    "\ndsctl INSTANCE restart",
			     u.attr, d->cfg->user_base, u.attr);
	struct err e = ERR_INIT;

	if (dir_search_run(d->dir, d->a, false, &s, doctor_until(d), on_plugin, &u, &e) < 0 || !u.seen)
		doctor_say(
			d, FINDING_NOTE, "uniqueness", DSCONF " plugin attr-uniq list",
			"cn=config is not readable with this account; the Attribute Uniqueness plugin should watch %s",
			u.attr);
	else if (u.found)
		doctor_say(d, FINDING_OK, "uniqueness", NULL, "the Attribute Uniqueness plugin watches %s", u.attr);
	else
		doctor_say(
			d, FINDING_WARN, "uniqueness", fix,
			"no Attribute Uniqueness plugin watches %s: two users of one name in different containers are "
			"possible",
			u.attr);
}

void
doctor_389ds_server(struct doctor *d)
{
	check_ids(d);
	check_versions(d);
	check_feed_plugins(d);
	check_uniqueness(d);
	doctor_say(d, FINDING_NOTE, "indexes", DSCONF " backend index list --just-names userRoot",
		   "eq is needed for entryUUID, %s, mail, member%s", d->cfg->user_rdn,
		   d->set->extended ? ", dirhingeExternalId" : "");
}
