/* SPDX-License-Identifier: Apache-2.0
 * Doctor: what only cn=config tells about an OpenLDAP server: indexes, uniqueness, overlays. */
#include "app/doctor_kit.h"
#include "dirhinge/dir/dn.h"

struct overlays {
	struct doctor *d;
	bool unique, unique_uid, memberof, refint, dynlist;
};

/* --- the database that holds the users --------------------------------------------------------------------------- */

struct database_search {
	struct doctor *d;
	const struct dir_entry *found;
};

static int
match_suffix(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct database_search *m = ctx;
	const struct dir_attr *suffix = dir_entry_attr(en, "olcSuffix");

	(void)e;
	for (size_t i = 0; suffix && i < suffix->n; i++)
		if (dir_dn_under(m->d->a, m->d->cfg->user_base, suffix->values[i].p, true))
			m->found = en;
	return m->found ? 1 : 0;
}

static const struct dir_entry *
find_database(struct doctor *d, struct dir *dir)
{
	struct database_search m = {.d = d};
	const struct dir_search s = {
		.base = "cn=config",
		.scope = DIR_ONE,
		.filter = dir_f_eq(d->a, "objectClass", STRV("olcDatabaseConfig")),
	};
	struct err e = ERR_INIT;

	if (dir_search_run(dir, d->a, true, &s, doctor_until(d), match_suffix, &m, &e) < 0)
		return NULL;
	return m.found;
}

/* With the gateway's account, else as the socket's peer if a socket is configured. */
void
doctor_find_database(struct doctor *d)
{
	struct dir_opts opts = config_dir_opts(d->cfg);
	const char *uri = NULL;
	struct err e = ERR_INIT;

	if (d->caps->flavour != &dir_flavour_openldap)
		return;
	d->config_dir = d->dir;
	d->database = find_database(d, d->dir);
	for (size_t i = 0; i < d->cfg->uris.n; i++)
		if (strncmp(d->cfg->uris.v[i], "ldapi://", 8) == 0)
			uri = d->cfg->uris.v[i];
	if (d->database || !uri || d->cfg->sasl)
		return;
	opts.uris = &uri;
	opts.n_uris = 1;
	opts.pool_size = 1;
	opts.bind_dn = NULL;
	opts.password = NULL;
	opts.sasl_external = true;
	if (dir_new(&opts, &d->own_dir, &e) < 0)
		return;
	d->config_dir = d->own_dir;
	d->database = find_database(d, d->own_dir);
}

/* --- indexes ----------------------------------------------------------------------------------------------------- */

/* Does "uid,mail eq,sub" give attr an equality index? With no types the database's default counts. */
static bool
index_covers(struct strv value, const char *attr, struct strv defaults)
{
	size_t n = strv_chr(value, ' ');
	struct strv names = strv_n(value.p, n), types = strv_trim(strv_n(value.p + n, value.n - n));
	bool named = false;

	if (names.n && names.p[0] == '{') { /* {0} of an ordered value */
		size_t close = strv_chr(names, '}');
		names = close < names.n ? strv_n(names.p + close + 1, names.n - close - 1) : names;
	}
	while (names.n && !named) {
		size_t k = strv_chr(names, ',');
		named = strv_caseeq(strv_n(names.p, k), strv_of(attr));
		names = k < names.n ? strv_n(names.p + k + 1, names.n - k - 1) : strv_n(names.p, 0);
	}
	types = types.n ? types : defaults;
	while (named && types.n) {
		size_t k = strv_chr(types, ',');
		if (strv_caseeq(strv_trim(strv_n(types.p, k)), STRV("eq")))
			return true;
		types = k < types.n ? strv_n(types.p + k + 1, types.n - k - 1) : strv_n(types.p, 0);
	}
	return false;
}

static bool
is_indexed(const struct dir_attr *indexes, const char *attr)
{
	struct strv defaults = {"", 0};

	for (size_t i = 0; indexes && i < indexes->n; i++)
		if (strv_casestarts(indexes->values[i], STRV("default ")))
			defaults = strv_n(indexes->values[i].p + 8, indexes->values[i].n - 8);
	for (size_t i = 0; indexes && i < indexes->n; i++)
		if (index_covers(indexes->values[i], attr, defaults))
			return true;
	return false;
}

static void
check_indexes(struct doctor *d)
{
	const char *const wanted[] = {
		"objectClass",
		"entryUUID",
		"entryCSN",
		d->cfg->user_rdn,
		d->cfg->group_rdn,
		d->cfg->group_member,
		d->set->extended ? "dirhingeExternalId" : NULL,
	};
	const struct dir_attr *indexes = dir_entry_attr(d->database, "olcDbIndex");
	DH_CLEANUP(buf_done) struct buf missing = BUF_INIT(1024);

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i] && !is_indexed(indexes, wanted[i]))
			buf_printf(&missing, "%s%s", missing.n ? "," : "", wanted[i]);
	if (!missing.n)
		doctor_say(d, FINDING_OK, "indexes", NULL, "all attributes that are searched for are indexed");
	else
		doctor_say(d, FINDING_WARN, "indexes",
			   doctor_config_change(
				   d, d->database->dn,
				   arena_printf(d->a, "add: olcDbIndex\nolcDbIndex: %s eq", buf_str(&missing))),
			   "no equality index for %s: searches read the whole database", buf_str(&missing));
}

/* --- overlays ---------------------------------------------------------------------------------------------------- */

static bool
overlay_is(const struct dir_entry *en, const char *name)
{
	struct strv value = dir_entry_first(en, "olcOverlay");
	size_t close = value.n && value.p[0] == '{' ? strv_chr(value, '}') + 1 : 0;

	return close < value.n && strv_caseeq(strv_n(value.p + close, value.n - close), strv_of(name));
}

/* Does slapo-unique watch the naming attribute of users? */
static bool
unique_has(const struct doctor *d, const struct dir_entry *en)
{
	const struct dir_attr *uris = dir_entry_attr(en, "olcUniqueURI");
	const struct dir_attr *names = dir_entry_attr(en, "olcUniqueAttribute");
	struct strv rdn = strv_of(d->cfg->user_rdn);

	for (size_t i = 0; names && i < names->n; i++)
		if (strv_caseeq(names->values[i], rdn))
			return true;
	for (size_t i = 0; uris && i < uris->n; i++) {
		struct strv u = uris->values[i];
		size_t n = strv_chr(u, '?');
		struct strv rest = n < u.n ? strv_n(u.p + n + 1, u.n - n - 1) : strv_n(u.p, 0);
		struct strv attrs = strv_n(rest.p, strv_chr(rest, '?'));
		while (attrs.n) {
			size_t k = strv_chr(attrs, ',');
			if (strv_caseeq(strv_n(attrs.p, k), rdn))
				return true;
			attrs = k < attrs.n ? strv_n(attrs.p + k + 1, attrs.n - k - 1) : strv_n(attrs.p, 0);
		}
	}
	return false;
}

static int
note_overlay(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct overlays *o = ctx;

	(void)e;
	o->memberof |= overlay_is(en, "memberof");
	o->refint |= overlay_is(en, "refint");
	o->dynlist |= overlay_is(en, "dynlist");
	if (overlay_is(en, "unique")) {
		o->unique = true;
		o->unique_uid |= unique_has(o->d, en);
	}
	return 0;
}

static void
say_unique(struct doctor *d, const struct overlays *o)
{
	const char *class = d->cfg->map.users.object_classes[0]; /* a keystring, as config checks */
	const char *uri = arena_printf(d->a, "olcUniqueURI: ldap:///?%s?sub?(objectClass=%s)" /* paste: ok */,
				       d->cfg->user_rdn, class);
	const char *fix;

	if (o->unique_uid) {
		doctor_say(d, FINDING_OK, "uniqueness", NULL, "slapo-unique keeps %s unique", d->cfg->user_rdn);
		return;
	}
	if (o->unique)
		fix = doctor_config_change(d, arena_printf(d->a, "olcOverlay=unique,%s", d->database->dn),
					   arena_printf(d->a, "add: olcUniqueURI\n%s", uri));
	else
		fix = arena_printf(d->a,
				   "# load the module first (cn=module{0},cn=config, olcModuleLoad: unique), then\n"
				   "%s <<'EOF'\n"
				   "dn: olcOverlay=unique,%s\nobjectClass: olcOverlayConfig\n"
				   "objectClass: olcUniqueConfig\nolcOverlay: unique\n%s\nEOF",
				   doctor_admin(d, "ldapadd"), d->database->dn, uri);
	doctor_say(d, FINDING_WARN, "uniqueness", fix,
		   "slapo-unique does not watch %s: two users with the same name in different containers are possible",
		   d->cfg->user_rdn);
}

static void
check_overlays(struct doctor *d)
{
	struct overlays o = {.d = d};
	const struct dir_search search = {
		.base = d->database->dn,
		.scope = DIR_ONE,
		.filter = dir_f_eq(d->a, "objectClass", STRV("olcOverlayConfig")),
	};
	struct err e = ERR_INIT;

	if (dir_search_run(d->config_dir, d->a, false, &search, doctor_until(d), note_overlay, &o, &e) < 0) {
		doctor_say(d, FINDING_WARN, "overlays", NULL, "cannot be read: %s (%s)", e.detail, e.cause);
		return;
	}
	say_unique(d, &o);
	if (o.memberof)
		doctor_say(d, FINDING_NOTE, "overlays", NULL,
			   "slapo-memberof is deprecated and changes users without a trace in the change feed; "
			   "slapo-dynlist computes memberOf instead");
	if (o.refint)
		doctor_say(
			d, FINDING_NOTE, "overlays", NULL,
			"slapo-refint changes groups without a new entryCSN; Dirhinge cleans memberships up itself and "
			"works with or without it");
	if (!o.memberof && !o.refint)
		doctor_say(d, FINDING_OK, "overlays", NULL, "nothing changes entries behind the change feed%s",
			   o.dynlist ? "; slapo-dynlist computes memberOf" : "");
}

void
doctor_openldap_server(struct doctor *d)
{
	if (d->database) {
		check_indexes(d);
		check_overlays(d);
		return;
	}
	doctor_say(d, FINDING_NOTE, "cn=config",
		   arena_printf(
			   d->a,
			   "%s -LLL -b cn=config '(|(olcSuffix=*)(objectClass=olcOverlayConfig))' olcSuffix olcDbIndex "
			   "olcLimits olcOverlay olcUniqueURI",
			   doctor_admin(d, "ldapsearch")),
		   "not readable with this account: indexes, uniqueness and overlays were not checked");
}
