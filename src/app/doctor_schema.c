/* SPDX-License-Identifier: Apache-2.0
 * Doctor: do the configured bases exist, does the schema hold what the configuration and the map name. */
#include "app/doctor_kit.h"
#include "dirhinge/dir/dn.h"

/* A command that adds the entry; only for an organizational unit, which nearly all bases are. */
static const char *
add_base(struct doctor *d, const char *dn)
{
	struct strv ou;

	if (dir_dn_rdn_value(d->a, dn, "ou", &ou, NULL) != 1)
		return "# add the entry, or correct the DN in the configuration";
	return arena_printf(d->a,
			    "%s <<'EOF'\ndn: %s\nobjectClass: organizationalUnit\nou: %.*s\nEOF\n"
			    "# if that is not allowed, the same as the directory's administrator",
			    doctor_tool(d, "ldapadd"), dn, (int)ou.n, ou.p);
}

static void
check_base(struct doctor *d, const char *option, const char *dn)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = no_attrs};
	const struct dir_entry *en;
	struct err e = ERR_INIT;

	if (!dn)
		return;
	switch (dir_search_one(d->dir, d->a, &s, doctor_until(d), &en, &e)) {
	case 1:
		doctor_say(d, FINDING_OK, "base", NULL, "%s %s exists", option, dn);
		return;
	case 0:
		doctor_say(d, FINDING_FAIL, "base", add_base(d, dn), "%s %s does not exist or may not be seen", option,
			   dn);
		return;
	default:
		doctor_say(d, FINDING_FAIL, "base", NULL, "%s %s: %s (%s)", option, dn, e.detail, e.cause);
	}
}

/* Searches of a fenced client begin there; around the bases they do not. */
static void
check_fences(struct doctor *d, const char *at, const struct config_client *cl)
{
	const char *const bases[] = {d->cfg->user_base, d->cfg->group_base};

	for (size_t i = 0; i < cl->fence_bases.n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(bases); k++)
			if (dir_dn_under(d->a, cl->fence_bases.v[i], bases[k], false)) {
				check_base(d, at, cl->fence_bases.v[i]);
				break;
			}
}

void
doctor_check_bases(struct doctor *d)
{
	check_base(d, "users.base", d->cfg->user_base);
	check_base(d, "groups.base", d->cfg->group_base);
	check_base(d, "users.delete.move", d->cfg->leavers_base);
	for (size_t i = 0; i < d->cfg->clients.n; i++)
		check_fences(d, arena_printf(d->a, "clients[%zu].fences.bases", i), &d->cfg->clients.clients[i]);
}

static bool
allowed(const struct doctor *d, const struct map_type_opts *t, const char *attr)
{
	for (const char *const *oc = t->object_classes; *oc; oc++)
		if (dir_subschema_must(d->caps->schema, *oc, attr) || dir_subschema_may(d->caps->schema, *oc, attr))
			return true;
	return false;
}

static void
check_attribute(struct doctor *d, const char *section, const char *option, const struct map_type_opts *t,
		const char *attr)
{
	if (!dir_subschema_attr(d->caps->schema, attr))
		doctor_say(d, FINDING_FAIL, "schema", NULL, "%s.%s: the directory does not know the attribute %s",
			   section, option, attr);
	else if (!allowed(d, t, attr))
		doctor_say(d, FINDING_FAIL, "schema", NULL,
			   "%s.%s: none of %s.object_classes allows the attribute %s; add a class that does", section,
			   option, section, attr);
}

static void
check_type(struct doctor *d, const char *section, const struct map_type_opts *t)
{
	size_t before = d->n[FINDING_FAIL];
	DH_CLEANUP(buf_done) struct buf list = BUF_INIT(1024);

	for (const char *const *oc = t->object_classes; *oc; oc++) {
		buf_printf(&list, " %s", *oc);
		if (!dir_subschema_class(d->caps->schema, *oc))
			doctor_say(d, FINDING_FAIL, "schema",
				   arena_printf(
					   d->a,
					   "# load the schema file that defines it:\n%s -f /etc/ldap/schema/FILE.ldif",
					   doctor_admin(d, "ldapadd")),
				   "%s.object_classes: the directory does not know %s", section, *oc);
	}
	if (d->n[FINDING_FAIL] == before)
		check_attribute(d, section, "rdn", t, t->rdn);
	if (d->n[FINDING_FAIL] == before && t->member_attribute)
		check_attribute(d, section, "member_attribute", t, t->member_attribute);
	if (d->n[FINDING_FAIL] == before)
		doctor_say(d, FINDING_OK, "schema", NULL, "%s: classes%s, named by %s", section, buf_str(&list),
			   t->rdn);
}

static void
check_extended(struct doctor *d)
{
	DH_CLEANUP(buf_done) struct buf lost = BUF_INIT(4096);

	for (const char *const *p = d->set->lost; *p; p++)
		buf_printf(&lost, "%s%s", lost.n ? ", " : "", *p);
	const struct doctor_kit *kit = doctor_kit(d);

	if (d->set->extended)
		doctor_say(d, FINDING_OK, "dirhinge schema", NULL, "loaded");
	else if (kit->our_schema)
		doctor_say(d, FINDING_WARN, "dirhinge schema", kit->our_schema(d),
			   "not loaded: externalId and some attributes have no home");
	if (lost.n)
		doctor_say(d, d->set->extended || !kit->our_schema ? FINDING_NOTE : FINDING_WARN, "map", NULL,
			   "not in this directory, so not in /Schemas: %s", buf_str(&lost));
	else
		doctor_say(d, FINDING_OK, "map", NULL, "every SCIM attribute of the map has a home");
}

static int
stop_at_one(void *ctx, const struct dir_entry *en, struct err *e)
{
	bool *found = ctx;

	(void)en;
	(void)e;
	*found = true;
	return 1;
}

/* A policy that turns locks on, anywhere in the directory. */
static bool
sees_lockout(struct doctor *d)
{
	static const char *const context_attrs[] = {"namingContexts", NULL}, *const no_attrs[] = {"1.1", NULL};
	const struct dir_search root = {.base = "", .scope = DIR_BASE, .attrs = context_attrs};
	const struct dir_entry *en;
	struct err e = ERR_INIT;
	bool found = false;

	if (dir_search_one(d->dir, d->a, &root, doctor_until(d), &en, &e) != 1)
		return false;
	const struct dir_attr *contexts = dir_entry_attr(en, context_attrs[0]);
	for (size_t i = 0; contexts && i < contexts->n && !found; i++) {
		const struct dir_search s = {
			.base = contexts->values[i].p,
			.scope = DIR_SUB,
			.filter = dir_f_and2(d->a, dir_f_eq(d->a, "objectClass", STRV("pwdPolicy")),
					     dir_f_eq(d->a, "pwdLockout", STRV("TRUE"))),
			.attrs = no_attrs,
		};
		/* What may not be read holds no policy that can be seen. */
		if (dir_search_run(d->dir, d->a, false, &s, doctor_until(d), stop_at_one, &found, &e) < 0)
			continue;
	}
	return found;
}

/* slapo-ppolicy ignores pwdAccountLockedTime where the policy that applies does not say pwdLockout TRUE. */
static void
check_lockout(struct doctor *d)
{
	if (d->write_test || !str_eq(map_strategy_name(map_active(d->set->users)), "ppolicy-lock") || sees_lockout(d))
		return;
	doctor_say(d, FINDING_WARN, "active",
		   arena_printf(d->a,
				"# which policy applies by default, and what it says:\n"
				"%s -LLL -b cn=config '(objectClass=olcPPolicyConfig)' olcPPolicyDefault\n"
				"%s -LLL -b 'DN of the policy' -s base pwdLockout\n"
				"# what only a trial can tell:\n"
				"dirhinge doctor --write-test -c %s",
				doctor_admin(d, "ldapsearch"), doctor_admin(d, "ldapsearch"), yaml_name(d->cfg->doc)),
		   "ppolicy-lock keeps nobody from binding unless the policy of the user says pwdLockout TRUE, and no "
		   "such pwdPolicy entry can be seen");
}

static void
check_active(struct doctor *d)
{
	const struct map_strategy *s = map_active(d->set->users);

	if (s) {
		doctor_say(d, FINDING_OK, "active", NULL, "active:false is kept by %s%s", map_strategy_name(s),
			   d->write_test ? "" : "; --write-test shows whether it keeps a user from binding");
		check_lockout(d);
		return;
	}
	doctor_say(d, FINDING_FAIL, "active",
		   arena_printf(d->a,
				"# load slapo-ppolicy and add it to the database\n%s <<'EOF'\n"
				"dn: cn=module{0},cn=config\nchangetype: modify\nadd: olcModuleLoad\n"
				"olcModuleLoad: ppolicy\n\n"
				"dn: olcOverlay=ppolicy,%s\nchangetype: add\nobjectClass: olcOverlayConfig\n"
				"objectClass: olcPPolicyConfig\nolcOverlay: ppolicy\nEOF",
				doctor_admin(d, "ldapmodify"),
				d->database ? d->database->dn : "olcDatabase={1}mdb,cn=config"),
		   "users.active is %s, but the directory has nothing for it: active:false is refused, nobody can be "
		   "disabled",
		   d->cfg->user_active);
}

void
doctor_check_schema(struct doctor *d)
{
	check_type(d, "users", &d->cfg->map.users);
	check_type(d, "groups", &d->cfg->map.groups);
	check_extended(d);
	check_active(d);
}
