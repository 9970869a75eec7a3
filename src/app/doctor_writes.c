/* SPDX-License-Identifier: Apache-2.0
 * Doctor, --write-test: one test user and one test group go through their lives by the same code as a SCIM request. */
#include "app/doctor.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"

struct trial {
	struct doctor *d;
	struct gw *gw;
	struct principal who;
	const char *user, *group;       /* ids, NULL = not there */
	const char *name, *second_name; /* random, so that nobody has them */
	bool failed;
};

static struct gw_req
request(struct trial *t, enum gw_type type)
{
	return (struct gw_req){.a = t->d->a, .who = &t->who, .type = type, .base_url = "http://localhost"};
}

/* True if the step worked. */
static bool
step(struct trial *t, const char *what, int rc, const struct err *e)
{
	if (rc == 0)
		return true;
	t->failed = true;
	doctor_say(t->d, FINDING_FAIL, "write test", NULL, "%s failed: %s (%s)", what, e->detail, e->cause);
	return false;
}

static const char *
create(struct trial *t, enum gw_type type, json_t *body, const char *what)
{
	struct gw_req q = request(t, type);
	struct gw_result r = {0};
	struct err e = ERR_INIT;

	json_keep(t->d->a, body);
	return step(t, what, gw_create(t->gw, &q, body, &r, &e), &e) ? r.id : NULL;
}

static int
try_patch(struct trial *t, enum gw_type type, const char *id, json_t *op, struct err *e)
{
	struct gw_req q = request(t, type);
	struct gw_result r = {0};
	json_t *body = json_pack("{s:[s], s:[o]}", "schemas", "urn:ietf:params:scim:api:messages:2.0:PatchOp",
				 "Operations", op);

	json_keep(t->d->a, body);
	return gw_patch(t->gw, &q, id, body, &r, e);
}

/* op: one operation of a PatchOp message. True if it worked. */
static bool
patch(struct trial *t, enum gw_type type, const char *id, json_t *op, const char *what)
{
	struct err e = ERR_INIT;

	return step(t, what, try_patch(t, type, id, op, &e), &e);
}

static void
drop(struct trial *t, enum gw_type type, const char *id, const char *what)
{
	struct gw_req q = request(t, type);
	struct err e = ERR_INIT;

	if (id)
		step(t, what, gw_delete(t->gw, &q, id, &e), &e);
}

/* 1 the test user can bind, 0 it cannot, -1 not known. */
static int
can_bind(struct trial *t, const char *password)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	struct doctor *d = t->d;
	const char *names[] = {t->second_name, t->name};
	const char *attr = map_ldap_attr(d->set->users, "userName");
	const struct dir_entry *en = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; !en && i < ARRAY_SIZE(names); i++) {
		const struct dir_search s = {
			.base = d->cfg->map.users.base,
			.scope = DIR_SUB,
			.filter = dir_f_eq(d->a, attr, strv_of(names[i])),
			.attrs = no_attrs,
		};
		if (dir_search_one(d->dir, d->a, &s, doctor_until(d), &en, &e) != 1)
			en = NULL;
	}
	return en ? dir_try_bind(d->dir, en->dn, strv_of(password), doctor_until(d), &e) : -1;
}

static void
say_binds(struct trial *t)
{
	struct doctor *d = t->d;
	const struct map_strategy *s = map_active(d->set->users);
	const char *users = d->cfg->map.users.base;

	if (!map_strategy_stops_binds(s)) {
		doctor_say(d, FINDING_NOTE, "active", NULL,
			   "%s does not stop binds: applications must look at it themselves", map_strategy_name(s));
		return;
	}
	t->failed = true;
	doctor_say(
		d, FINDING_FAIL, "active",
		arena_printf(
			d->a,
			"# the database of %s needs slapo-ppolicy, and a policy with pwdLockout TRUE as its default:\n"
			"%s -LLL -b cn=config '(objectClass=olcPPolicyConfig)' olcPPolicyDefault\n"
			"%s",
			users, doctor_admin(d, "ldapsearch"),
			doctor_config_change(d, "olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config",
					     "replace: olcPPolicyDefault\n"
					     "olcPPolicyDefault: cn=default,ou=policies,dc=example,dc=com")),
		"a disabled user can still bind: %s has no effect on %s", map_strategy_name(s), users);
}

/* That active:false reads back is not enough: it has to keep the leaver out. */
static void
disable(struct trial *t)
{
	struct doctor *d = t->d;
	unsigned char raw[16];
	struct err e = ERR_INIT;

	crypto_random(raw, sizeof(raw));
	const char *password = arena_printf(d->a, "Dr-%s", hex_encode(d->a, strv_n((const char *)raw, sizeof(raw))));
	int rc = try_patch(t, GW_USERS, t->user,
			   json_pack("{s:s, s:s, s:s}", "op", "replace", "path", "password", "value", password), &e);
	if (rc < 0)
		doctor_say(d, FINDING_WARN, "passwords", NULL, "a password could not be set: %s (%s)", e.detail,
			   e.cause);
	bool known = rc == 0 && can_bind(t, password) == 1;
	if (!patch(t, GW_USERS, t->user, json_pack("{s:s, s:s, s:b}", "op", "replace", "path", "active", "value", 0),
		   "disabling the user"))
		return;
	int bind = known ? can_bind(t, password) : -1;
	if (bind == 1)
		say_binds(t);
	else if (bind == 0)
		doctor_say(d, FINDING_OK, "active", NULL, "the test user could bind, and cannot since it is disabled");
	else
		doctor_say(d, FINDING_NOTE, "active", NULL,
			   "whether a disabled user can bind was not seen: the test user could not bind before");
}

static void
live(struct trial *t)
{
	t->user = create(t, GW_USERS,
			 json_pack("{s:[s], s:s, s:{s:s, s:s}}", "schemas", SCIM_URN_USER, "userName", t->name, "name",
				   "givenName", "Doctor", "familyName", "Dirhinge"),
			 "creating a user");
	if (!t->user)
		return;
	t->group = create(t, GW_GROUPS, json_pack("{s:[s], s:s}", "schemas", SCIM_URN_GROUP, "displayName", t->name),
			  "creating a group");
	if (t->group)
		patch(t, GW_GROUPS, t->group,
		      json_pack("{s:s, s:s, s:[{s:s}]}", "op", "add", "path", "members", "value", "value", t->user),
		      "adding the user to the group");
	patch(t, GW_USERS, t->user,
	      json_pack("{s:s, s:s, s:s}", "op", "replace", "path", "userName", "value", t->second_name),
	      "renaming the user");
	if (map_active(t->d->set->users))
		disable(t);
}

void
doctor_check_writes(struct doctor *d)
{
	const struct gw_opts opts = {
		.dir = d->dir,
		.map = &d->cfg->map,
		.user_delete = GW_DELETE_HARD,
		.timeout_ms = d->cfg->timeout_ms,
		.max_results = 1,
		.max_examined = 1000,
	};
	struct gw *gw = gw_new(&opts);
	unsigned char raw[8];

	crypto_random(raw, sizeof(raw));
	const char *hex = hex_encode(d->a, strv_n((const char *)raw, sizeof(raw)));
	struct trial t = {
		.d = d,
		.gw = gw,
		.who = {.name = "doctor", .profile = "strict", .scopes = POLICY_USERS_WRITE | POLICY_GROUPS_WRITE},
		.name = arena_printf(d->a, "dirhinge-doctor-%s", hex),
		.second_name = arena_printf(d->a, "dirhinge-doctor-2-%s", hex),
	};
	live(&t);
	drop(&t, GW_GROUPS, t.group, "deleting the group");
	drop(&t, GW_USERS, t.user, "deleting the user");
	if (!t.failed)
		doctor_say(d, FINDING_OK, "write test", NULL,
			   "a test user and a test group were created, changed, renamed and deleted");
	gw_free(&gw);
}
