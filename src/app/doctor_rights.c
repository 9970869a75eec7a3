/* SPDX-License-Identifier: Apache-2.0
 * Doctor: may the account write, and read everything. Rights are probed with a modify that deletes a random value:
 * slapd looks at the rights first (50), then finds that the value is not there (16), so nothing ever changes. An
 * assertion would not do: slapd evaluates it before the rights. */
#include <stdio.h>

#include "app/doctor_kit.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"

#define RC_NO_SUCH_ATTRIBUTE   16
#define RC_INSUFFICIENT_ACCESS 50
#define RC_SIZE_LIMIT          4
#define LIMIT_TRIED            5000 /* entries; slapd's default limit is 500 */

#define SYNTAX_DN   "1.3.6.1.4.1.1466.115.121.1.12"
#define SYNTAX_TIME "1.3.6.1.4.1.1466.115.121.1.24"

/* Written by SCIM requests, if the entry's classes allow them. */
static const char *const user_attrs[] = {
	"sn",
	"cn",
	"givenName",
	"displayName",
	"mail",
	"telephoneNumber",
	"title",
	"description",
	"manager",
	"userPassword",
	"employeeNumber",
	"pwdEndTime",
	"pwdPolicySubentry",
	"pwdAccountLockedTime",
	"shadowExpire",
	NULL,
};

/* A value of the attribute's syntax that no entry holds. */
static struct strv
absent_value(struct doctor *d, const struct dir_attr_type *t)
{
	unsigned char raw[16];
	unsigned pick;

	crypto_random(raw, sizeof(raw));
	memcpy(&pick, raw, sizeof(pick));
	const char *hex = hex_encode(d->a, strv_n((const char *)raw, sizeof(raw)));
	if (str_eq(t->syntax, SYNTAX_DN))
		return strv_of(arena_printf(d->a, "cn=dirhinge-doctor-%s", hex));
	if (str_eq(t->syntax, SYNTAX_TIME)) /* 1931: nobody's account ended then */
		return strv_of(arena_printf(d->a, "193101%02u%02u%02u%02uZ", 1 + pick % 28, pick / 28 % 24,
					    pick / 672 % 60, pick / 40320 % 60));
	return strv_of(arena_printf(d->a, "dirhinge-doctor-%s", hex));
}

/* 1 allowed, 0 denied, -1 cannot be told. */
static int
may_write(struct doctor *d, const char *dn, const char *attr)
{
	const struct dir_attr_type *t = dir_subschema_attr(d->caps->schema, attr);
	struct dir_mods mods;
	struct err e = ERR_INIT;

	if (!t || !t->has_equality)
		return -1;
	dir_mods_init(&mods, d->a);
	dir_mods_value(&mods, DIR_MOD_DELETE, attr, absent_value(d, t));
	if (dir_modify(d->dir, d->a, dn, &mods, &(struct dir_write){0}, doctor_until(d), &e) == 0)
		return -1;
	return e.ldap_rc == RC_NO_SUCH_ATTRIBUTE ? 1 : e.ldap_rc == RC_INSUFFICIENT_ACCESS ? 0 : -1;
}

static int
take_first(void *ctx, const struct dir_entry *en, struct err *e)
{
	(void)e;
	*(const struct dir_entry **)ctx = en;
	return 1;
}

/* Some entry with this object class; NULL if there is none to be seen. */
static const struct dir_entry *
sample(struct doctor *d, const char *base, const char *object_class)
{
	static const char *const attrs[] = {"objectClass", NULL};
	const struct dir_entry *en = NULL;
	const struct dir_search s = {
		.base = base,
		.scope = DIR_SUB,
		.filter = dir_f_eq(d->a, "objectClass", strv_of(object_class)),
		.attrs = attrs,
		.page_size = d->caps->paged ? 1 : 0,
	};
	struct err e = ERR_INIT;

	if (dir_search_run(d->dir, d->a, true, &s, doctor_until(d), take_first, &en, &e) < 0)
		return NULL;
	return en;
}

static bool
fits(const struct doctor *d, const struct dir_entry *en, const char *attr)
{
	const struct dir_attr *classes = dir_entry_attr(en, "objectClass");

	for (size_t i = 0; classes && i < classes->n; i++)
		if (dir_subschema_must(d->caps->schema, classes->values[i].p, attr) ||
		    dir_subschema_may(d->caps->schema, classes->values[i].p, attr))
			return true;
	return strncmp(attr, "pwd", 3) == 0; /* operational */
}

const char *
doctor_openldap_grant(struct doctor *d)
{
	const struct config *c = d->cfg;
	const char *who = doctor_account(d);

	return doctor_config_change(
		d, NULL,
		arena_printf(d->a,
			     "add: olcAccess\nolcAccess: {0}to dn.subtree=\"%s\" by dn.exact=\"%s\" manage by * break\n"
			     "olcAccess: {1}to dn.subtree=\"%s\" by dn.exact=\"%s\" manage by * break",
			     c->user_base, who, c->group_base, who));
}

static void
probe(struct doctor *d, const char *what, const struct map_type_opts *t, const char *const *attrs)
{
	const struct dir_entry *en = sample(d, t->base, t->object_classes[0]);
	DH_CLEANUP(buf_done) struct buf yes = BUF_INIT(1024), no = BUF_INIT(1024);

	if (!en) {
		doctor_say(d, FINDING_NOTE, "rights", NULL, "%s: no entry below %s to probe the rights with", what,
			   t->base);
		return;
	}
	for (; *attrs; attrs++) {
		int may = fits(d, en, *attrs) ? may_write(d, en->dn, *attrs) : -1;
		if (may >= 0)
			buf_printf(may ? &yes : &no, " %s", *attrs);
	}
	if (yes.n)
		doctor_say(d, FINDING_OK, "rights", NULL, "%s: may write%s", what, buf_str(&yes));
	if (no.n)
		doctor_say(d, FINDING_FAIL, "rights", doctor_kit(d)->grant(d), "%s: may not write%s (probed at %s)",
			   what, buf_str(&no), en->dn);
}

void
doctor_probe_rights(struct doctor *d)
{
	const struct map_type_opts *groups = &d->cfg->map.groups;
	const char *const group_attrs[] = {groups->member_attribute, "description", NULL};

	probe(d, "users", &d->cfg->map.users, user_attrs);
	probe(d, "groups", groups, group_attrs);
}

static int
count_one(void *ctx, const struct dir_entry *en, struct err *e)
{
	(void)en;
	(void)e;
	++*(size_t *)ctx;
	return 0;
}

const char *
doctor_openldap_unlimited(struct doctor *d)
{
	return doctor_config_change(
		d, NULL,
		arena_printf(d->a, "add: olcLimits\nolcLimits: dn.exact=\"%s\" size=unlimited time=unlimited",
			     doctor_account(d)));
}

void
doctor_check_limit(struct doctor *d)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	const struct dir_search s = {
		.base = d->cfg->user_base, .scope = DIR_SUB, .attrs = no_attrs, .size_limit = LIMIT_TRIED};
	size_t n = 0;
	struct err e = ERR_INIT;
	int rc = dir_search_run(d->dir, d->a, false, &s, doctor_until(d), count_one, &n, &e);

	if (rc == 0 || (e.ldap_rc == RC_SIZE_LIMIT && n >= LIMIT_TRIED))
		doctor_say(d, FINDING_OK, "size limit", NULL,
			   "none was met: %zu entries below users.base in one search", n);
	else if (e.ldap_rc == RC_SIZE_LIMIT)
		doctor_say(d, FINDING_FAIL, "size limit", doctor_kit(d)->unlimited(d),
			   "the directory returns at most %zu entries to this account", n);
	else if (e.code != ERR_NOT_FOUND)
		doctor_say(d, FINDING_WARN, "size limit", NULL, "cannot be told: %s (%s)", e.detail, e.cause);
}
