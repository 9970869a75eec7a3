/* SPDX-License-Identifier: Apache-2.0
 * Doctor: is each server there, is the way to it safe, who are we, what can it do. */
#include "app/doctor_kit.h"

#define LDAP_INVALID_CREDENTIALS_RC 49

/* What protects the connection; plain: nothing does. */
static const char *
transport(const struct config *c, const char *uri, bool *plain_r)
{
	*plain_r = false;
	if (strncmp(uri, "ldaps://", 8) == 0)
		return "TLS, certificate verified";
	if (strncmp(uri, "ldapi://", 8) == 0)
		return "Unix socket";
	if (c->start_tls)
		return "StartTLS, certificate verified";
	/* Elsewhere dir_new() refuses it, unless allow_plaintext is set. */
	*plain_r = c->allow_plaintext;
	return c->allow_plaintext ? "plain LDAP" : "plain LDAP on loopback";
}

static void
say_unreachable(struct doctor *d, const char *uri, const struct err *e)
{
	const char *tls = d->cfg->start_tls ? " -ZZ" : "";
	const char *ca = d->cfg->ca_file ? arena_printf(d->a, "LDAPTLS_CACERT=%s ", d->cfg->ca_file) : "";
	const char *fix;

	if (e->ldap_rc == LDAP_INVALID_CREDENTIALS_RC)
		fix = arena_printf(d->a,
				   "# the password in the file, or the entry, is wrong; set it anew as the directory's "
				   "administrator:\n"
				   "%s -T %s '%s'",
				   doctor_admin(d, "ldappasswd"),
				   d->cfg->bind_password_file ? d->cfg->bind_password_file : "FILE",
				   d->cfg->bind_dn ? d->cfg->bind_dn : "DN");
	else
		fix = arena_printf(d->a, "%sldapsearch -x%s -d 1 -H %s -s base -b '' supportedLDAPVersion", ca, tls,
				   uri);
	doctor_say(d, FINDING_FAIL, "connection", fix, "%s: %s (%s)", uri, e->detail, e->cause);
}

static struct dir *
connect_to(struct doctor *d, const char *uri, struct err *e)
{
	struct dir_opts opts = config_dir_opts(d->cfg);
	struct dir *dir;

	opts.uris = &uri;
	opts.n_uris = 1;
	opts.pool_size = 1;
	if (dir_new(&opts, &dir, e) < 0)
		return NULL;
	if (dir_ping(dir, e) == 0)
		return dir;
	dir_free(&dir);
	return NULL;
}

int
doctor_check_connection(struct doctor *d)
{
	for (size_t i = 0; i < d->cfg->uris.n; i++) {
		const char *uri = d->cfg->uris.v[i];
		struct err e = ERR_INIT;
		bool plain;
		struct dir *dir = connect_to(d, uri, &e);
		if (!dir) {
			say_unreachable(d, uri, &e);
			continue;
		}
		const char *how = transport(d->cfg, uri, &plain);
		doctor_say(d, plain ? FINDING_WARN : FINDING_OK, "connection",
			   plain ? "# use ldaps:// in directory.uris, or set directory.start_tls: true" : NULL,
			   "%s answers and accepts the account (%s)", uri, how);
		if (d->dir) {
			dir_free(&dir);
		} else {
			d->dir = dir;
			d->uri = uri;
		}
	}
	return d->dir ? 0 : -1;
}

static void
check_identity(struct doctor *d)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	const struct dir_search own = {.base = d->cfg->bind_dn, .scope = DIR_BASE, .attrs = no_attrs};
	const struct dir_entry *en;
	struct err e = ERR_INIT;

	if (d->cfg->sasl) {
		doctor_say(d, FINDING_NOTE, "identity", doctor_tool(d, "ldapwhoami"),
			   "SASL EXTERNAL; this shows the entry that the directory takes the process for");
		return;
	}
	int found = dir_search_one(d->dir, d->a, &own, doctor_until(d), &en, &e);
	doctor_say(d, FINDING_OK, "identity", NULL, "bound as %s%s", d->cfg->bind_dn,
		   found == 1 ? "" : " (which may not read its own entry)");
}

void
doctor_check_features(struct doctor *d)
{
	const struct dir_caps *c = d->caps;
	const struct {
		bool there;
		enum finding_level level;
		const char *what, *lost;
	} rows[] = {
		{c->paged, FINDING_FAIL, "paged results (RFC 2696)", "large results cannot be read"},
		{c->post_read, FINDING_WARN, "post-read (RFC 4527)", "each write needs a second request"},
		{c->assertion, FINDING_WARN, "assertion (RFC 4528)",
		 "If-Match is compared before the write, not by it"},
		{c->password_modify, FINDING_WARN, "password modify (RFC 3062)", "passwords cannot be set"},
		{c->matched_values, FINDING_WARN, "matched values (RFC 3876)", "membership tests read whole groups"},
		{c->sync, FINDING_NOTE, "content synchronisation (RFC 4533)", "changes cannot be followed this way"},
	};
	size_t missing = 0;

	check_identity(d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].there)
			continue;
		missing++;
		/* What a product never has is no warning for whoever has that product. */
		doctor_say(d, doctor_kit(d)->bare && rows[i].level == FINDING_WARN ? FINDING_NOTE : rows[i].level,
			   "features", NULL, "no %s: %s", rows[i].what, rows[i].lost);
	}
	doctor_say(d, FINDING_OK, "features", NULL, "%s%s%s; %zu of %zu controls and operations are there",
		   c->flavour->name, c->vendor[0] ? ", " : "", c->vendor, ARRAY_SIZE(rows) - missing, ARRAY_SIZE(rows));
}
