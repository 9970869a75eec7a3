/* SPDX-License-Identifier: Apache-2.0
 * Doctor: what the change feed needs of the directory, and which guarantee it can give. */
#include <errno.h>
#include <sys/stat.h>

#include "app/doctor_kit.h"
#include "dirhinge/dir/dn.h"
#include "dirhinge/dir/feed.h"

#define CHECK      "change feed"
#define ACCESSLOG  "cn=accesslog"
#define CANARY_RDN "dirhinge-canary"

struct feed_check {
	struct doctor *d;
	const char *suffix; /* of the database of the users; NULL = not known */
	const struct dir_entry *syncprov, *accesslog;
	const char *log_dn;
	bool history;
};

/* --- state_dir --------------------------------------------------------------------------------------------------- */

static void
check_state_dir(struct doctor *d)
{
	const char *dir = d->cfg->state_dir;
	const char *make =
		arena_printf(d->a, "install -d -m 0700 -o dirhinge %s   # the user that dirhinge runs as", dir);
	struct stat st;

	if (stat(dir, &st) < 0)
		doctor_say(d, errno == ENOENT ? FINDING_NOTE : FINDING_WARN, CHECK, make,
			   "state_dir %s: %s; the daemon makes it if it may write beside it", dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		doctor_say(d, FINDING_FAIL, CHECK, make, "state_dir %s is not a directory", dir);
	else if (st.st_mode & 077)
		doctor_say(d, FINDING_WARN, CHECK, arena_printf(d->a, "chmod 0700 %s", dir),
			   "state_dir %s can be entered by others; it holds the resources of all users", dir);
	else
		doctor_say(d, FINDING_OK, CHECK, NULL, "state_dir %s keeps events and what they are compared with",
			   dir);
}

/* --- the provider ------------------------------------------------------------------------------------------------ */

static const char *
find_suffix(struct doctor *d)
{
	const struct dir_attr *of_db = d->database ? dir_entry_attr(d->database, "olcSuffix") : NULL;
	const struct dir_attr *all = of_db ? of_db : dir_entry_attr(d->caps->root_dse, "namingContexts");

	for (size_t i = 0; all && i < all->n; i++) {
		const char *dn = arena_strndup(d->a, all->values[i].p, all->values[i].n);
		if (dir_dn_under(d->a, d->cfg->user_base, dn, true))
			return dn;
	}
	return NULL;
}

static int
note_one(void *ctx, const struct dir_entry *en, struct err *e)
{
	(void)en;
	(void)e;
	++*(size_t *)ctx;
	return 1;
}

static const struct dir_entry *
read_entry(struct doctor *d, const char *dn, const char *const *attrs)
{
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = attrs};
	const struct dir_entry *en = NULL;
	struct err e = ERR_INIT;

	return dir_search_one(d->dir, d->a, &s, doctor_until(d), &en, &e) == 1 ? en : NULL;
}

static bool
overlay_named(const struct dir_entry *en, const char *name)
{
	struct strv value = dir_entry_first(en, "olcOverlay");
	size_t close = value.n && value.p[0] == '{' ? strv_chr(value, '}') + 1 : 0;

	return close < value.n && strv_caseeq(strv_n(value.p + close, value.n - close), strv_of(name));
}

static int
note_overlay(void *ctx, const struct dir_entry *en, struct err *e)
{
	struct feed_check *f = ctx;

	(void)e;
	if (overlay_named(en, "syncprov"))
		f->syncprov = en;
	if (overlay_named(en, "accesslog"))
		f->accesslog = en;
	return 0;
}

static bool
read_overlays(struct feed_check *f)
{
	struct doctor *d = f->d;
	struct err e = ERR_INIT;

	if (!d->database)
		return false;
	const struct dir_search s = {
		.base = d->database->dn,
		.scope = DIR_ONE,
		.filter = dir_f_eq(d->a, "objectClass", STRV("olcOverlayConfig")),
	};
	return dir_search_run(d->config_dir, d->a, true, &s, doctor_until(d), note_overlay, f, &e) == 0;
}

static const char *
load_syncprov(struct doctor *d)
{
	return arena_printf(d->a,
			    "%s <<'EOF'\ndn: cn=module{0},cn=config\nchangetype: modify\nadd: olcModuleLoad\n"
			    "olcModuleLoad: syncprov\n\ndn: olcOverlay=syncprov,%s\nchangetype: add\n"
			    "objectClass: olcOverlayConfig\nobjectClass: olcSyncProvConfig\nolcOverlay: syncprov\n"
			    "olcSpCheckpoint: 1000 1\nolcSpSessionlog: 100000\nEOF",
			    doctor_admin(d, "ldapmodify"),
			    d->database ? d->database->dn : "olcDatabase={1}mdb,cn=config");
}

/* contextCSN at the suffix is what syncprov keeps there: it tells without cn=config. */
static bool
check_provider(struct feed_check *f, bool config)
{
	static const char *const csn[] = {"contextCSN", NULL};
	struct doctor *d = f->d;
	const struct dir_entry *en = f->suffix ? read_entry(d, f->suffix, csn) : NULL;
	bool keeps = en && dir_entry_first(en, "contextCSN").n > 0;

	if (f->syncprov || (!config && keeps)) {
		doctor_say(d, FINDING_OK, CHECK, NULL, "syncprov tells the changes of %s",
			   f->suffix ? f->suffix : "the database");
		return true;
	}
	if (config || f->suffix) {
		doctor_say(d, FINDING_FAIL, CHECK, load_syncprov(d),
			   "the overlay syncprov is not on the database of users.base: nothing tells what changes");
		return false;
	}
	doctor_say(d, FINDING_WARN, CHECK, load_syncprov(d),
		   "it cannot be told whether the overlay syncprov is on the database of users.base");
	return true;
}

static void
check_sessionlog(struct feed_check *f)
{
	struct doctor *d = f->d;
	bool source = dir_entry_first(f->syncprov, "olcSpSessionlogSource").n > 0;

	if (source || dir_entry_first(f->syncprov, "olcSpSessionlog").n > 0)
		doctor_say(d, FINDING_OK, CHECK, NULL,
			   "syncprov remembers deletes: after a short gap only changes are sent%s",
			   source ? "" : "; with olcSpSessionlogSource also after slapd's restart");
	else
		doctor_say(d, FINDING_WARN, CHECK,
			   doctor_config_change(d, f->syncprov->dn, "add: olcSpSessionlog\nolcSpSessionlog: 100000"),
			   "syncprov has no session log: after each gap the ids of all entries are sent");
}

/* --- history ----------------------------------------------------------------------------------------------------- */

static bool
value_is(const struct dir_entry *en, const char *attr, const char *const *any_of)
{
	const struct dir_attr *v = dir_entry_attr(en, attr);

	for (size_t i = 0; v && i < v->n; i++)
		for (const char *const *want = any_of; *want; want++)
			if (strv_caseeq(v->values[i], strv_of(*want)))
				return true;
	return false;
}

/* "writes" is add, delete, modify and modrdn; each may be named alone. */
static bool
logs_writes(const struct dir_entry *en)
{
	static const char *const sets[] = {"writes", "all", NULL};
	static const char *const single[] = {"add", "delete", "modify", "modrdn"};
	const struct dir_attr *v = dir_entry_attr(en, "olcAccessLogOps");
	size_t found = 0;

	if (value_is(en, "olcAccessLogOps", sets))
		return true;
	for (size_t i = 0; v && i < v->n; i++) /* "add delete modify modrdn" may be one value */
		for (struct strv rest = v->values[i]; rest.n;) {
			size_t n = strv_chr(rest, ' ');
			for (size_t k = 0; k < ARRAY_SIZE(single); k++)
				found |= strv_caseeq(strv_n(rest.p, n), strv_of(single[k])) ? 1U << k : 0;
			rest = n < rest.n ? strv_n(rest.p + n + 1, rest.n - n - 1) : strv_n(rest.p, 0);
		}
	return found == 0xf || (found == 0 && v && v->n && strv_casestarts(v->values[0], STRV("writes ")));
}

/* The overlay names the log, or the suffix does for those who may not read cn=config. */
static const char *
find_log(struct feed_check *f)
{
	static const char *const context[] = {"auditContext", NULL};
	struct doctor *d = f->d;
	const struct dir_entry *en = f->suffix ? read_entry(d, f->suffix, context) : NULL;
	struct strv dn = f->accesslog ? dir_entry_first(f->accesslog, "olcAccessLogDB") : STRV("");

	if (!dn.n && en)
		dn = dir_entry_first(en, "auditContext");
	return dn.n ? arena_strndup(d->a, dn.p, dn.n) : ACCESSLOG;
}

static bool
log_holds(struct feed_check *f, const char *kind)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	struct doctor *d = f->d;
	size_t n = 0;
	struct err e = ERR_INIT;
	const struct dir_search s = {.base = f->log_dn,
				     .scope = DIR_ONE,
				     .filter = dir_f_eq(d->a, "objectClass", strv_of(kind)),
				     .attrs = no_attrs};

	return dir_search_run(d->dir, d->a, false, &s, doctor_until(d), note_one, &n, &e) == 0 && n > 0;
}

static const char *
show_log_config(struct doctor *d)
{
	const char *lines = arena_printf(
		d->a,
		"add: olcAccess\nolcAccess: {0}to dn.subtree=\"cn=config\" attrs=entry,objectClass,olcAccessLogDB,"
		"olcAccessLogOps by dn.exact=\"%s\" read by * break",
		d->cfg->bind_dn ? d->cfg->bind_dn : "DN");

	return doctor_config_change(d, "olcDatabase={0}config,cn=config", lines);
}

static const char *
grant_log(struct doctor *d, const char *log_dn)
{
	const char *who = d->cfg->bind_dn ? d->cfg->bind_dn : "DN";

	return arena_printf(
		d->a,
		"# on the database with olcSuffix: %s (look its number up: slapcat -n 0 | grep -B 20 olcSuffix)\n"
		"%s <<'EOF'\ndn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\n"
		"olcAccess: {0}to * by dn.exact=\"%s\" read by * none\n-\nadd: olcLimits\n"
		"olcLimits: dn.exact=\"%s\" size=unlimited time=unlimited\nEOF",
		log_dn, doctor_admin(d, "ldapmodify"), who, who);
}

static const char *
log_writes_fix(struct feed_check *f)
{
	return doctor_config_change(
		f->d, f->accesslog->dn,
		"replace: olcAccessLogOps\nolcAccessLogOps: writes\n-\nreplace: olcAccessLogSuccess\n"
		"olcAccessLogSuccess: TRUE\n-\nreplace: olcAccessLogOld\n"
		"olcAccessLogOld: (objectClass=*)");
}

/* As the feed does it (dir/feed_logcheck.c): it believes a log when cn=config tells it that all writes are in it, or
 * when each kind of them is. */
static void
judge_log(struct feed_check *f)
{
	static const char *const kinds[] = {"auditAdd", "auditModify", "auditModRDN", "auditDelete"};
	struct doctor *d = f->d;
	const char *missing = "";

	f->history = d->database && d->config_dir == d->dir;
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !f->history; i++)
		if (!log_holds(f, kinds[i]))
			missing = arena_printf(d->a, "%s%s%s", missing, *missing ? ", " : "", kinds[i]);
	f->history = f->history || !*missing;
	if (f->history)
		doctor_say(d, FINDING_OK, CHECK, NULL, "the history in %s can be read", f->log_dn);
	else
		doctor_say(d, FINDING_NOTE, CHECK, show_log_config(d),
			   "this account may not see in cn=config that %s holds all writes, and some kinds are not in "
			   "it yet "
			   "(%s); the feed uses it as soon as one of the two has changed",
			   f->log_dn, missing);
}

static void
check_history(struct feed_check *f, bool config)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	struct doctor *d = f->d;

	f->log_dn = find_log(f);
	if (config && !f->accesslog) {
		doctor_say(d, FINDING_NOTE, CHECK, NULL,
			   "there is no overlay accesslog: of changes made while Dirhinge is away it sees the sum, not "
			   "each; "
			   "slapo-accesslog(5) with olcAccessLogOps: writes keeps them");
		return;
	}
	if (!read_entry(d, f->log_dn, no_attrs)) {
		doctor_say(
			d, f->accesslog ? FINDING_WARN : FINDING_NOTE, CHECK, grant_log(d, f->log_dn),
			"%s cannot be read with this account: of changes made while Dirhinge is away it sees the sum, "
			"not each",
			f->log_dn);
		return;
	}
	if (f->accesslog && !logs_writes(f->accesslog)) {
		doctor_say(d, FINDING_WARN, CHECK, log_writes_fix(f),
			   "the accesslog does not hold all writes (olcAccessLogOps), so it is no history");
		return;
	}
	judge_log(f);
}

/* --- canaries ---------------------------------------------------------------------------------------------------- */

static void
check_canary(struct doctor *d, const char *base)
{
	static const char *const no_attrs[] = {"1.1", NULL};
	struct err e = ERR_INIT;
	char *dn;

	if (dir_dn_child(d->a, "cn", STRV(CANARY_RDN), base, &dn, &e) < 0)
		return;
	if (read_entry(d, dn, no_attrs))
		doctor_say(d, FINDING_OK, CHECK, NULL, "the canary %s is there", dn);
	else
		doctor_say(
			d, FINDING_NOTE, CHECK,
			arena_printf(d->a,
				     "%s <<'EOF'\ndn: %s\nobjectClass: %s\ncn: " CANARY_RDN
				     "\ndescription: canary of Dirhinge; keep it\nEOF",
				     doctor_tool(d, "ldapadd"), dn, d->caps->flavour->canary_class),
			"there is no canary %s yet: the daemon makes it at its first start if it may; without it every "
			"deletion that is found by comparing waits for an operator",
			dn);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

/* Asks for a search to be held open, as the feed does; what it would bring is next to nothing. NULL: it cannot be told.
 */
static struct dir_feed *
try_feed(struct doctor *d)
{
	const char *const bases[] = {d->cfg->user_base, NULL}, *const attrs[] = {"cn", NULL};
	const struct dir_feed_opts opts = {
		.dir = d->dir,
		.bases = bases,
		.filter = dir_f_eq(d->a, "cn", STRV(CANARY_RDN)),
		.attrs = attrs,
		.poll = d->cfg->feed_poll,
	};
	struct dir_feed *feed = NULL;
	struct err e = ERR_INIT;

	if (dir_feed_new(&opts, &feed, &e) == 0 && dir_feed_open(feed, strv_n(NULL, 0), doctor_until(d), &e) < 0)
		dir_feed_free(&feed);
	return feed;
}

/* True if the directory is only looked at. */
static bool
say_polled(const struct feed_check *f)
{
	struct doctor *d = f->d;
	struct dir_feed *feed = try_feed(d);
	bool polled = feed && dir_feed_poll_ms(feed) > 0;

	if (polled)
		doctor_say(d, *dir_feed_note(feed) ? FINDING_WARN : FINDING_OK, CHECK, NULL,
			   "guarantee %s every %lld s%s%s",
			   f->history ? "A: every change, looked for" : "B: the net change",
			   (long long)(d->cfg->poll_ms / 1000), *dir_feed_note(feed) ? "; " : "", dir_feed_note(feed));
	dir_feed_free(&feed);
	return polled;
}

static void
say_guarantee(const struct feed_check *f)
{
	struct doctor *d = f->d;

	if (say_polled(f))
		return;
	if (f->history)
		doctor_say(d, FINDING_OK, CHECK, NULL,
			   "guarantee A: every change, also of the time while Dirhinge was away");
	else
		doctor_say(d, FINDING_OK, CHECK, NULL,
			   "guarantee B: every change while Dirhinge is connected, the sum of the changes over a gap");
}

static void
check_openldap(struct doctor *d)
{
	struct feed_check f = {.d = d, .suffix = find_suffix(d)};
	bool config = read_overlays(&f);

	if (!d->caps->sync) {
		doctor_say(d, FINDING_FAIL, CHECK, load_syncprov(d),
			   "the directory does not offer RFC 4533: the overlay syncprov is not loaded");
		return;
	}
	if (!check_provider(&f, config))
		return;
	if (f.syncprov)
		check_sessionlog(&f);
	if (d->cfg->feed_history)
		check_history(&f, config);
	say_guarantee(&f);
}

void
doctor_check_feed(struct doctor *d)
{
	const struct config *c = d->cfg;

	if (!c->feed_wanted) {
		doctor_say(d, FINDING_NOTE, CHECK, NULL,
			   "off: no client has the scope events:read and the file has no section events");
		return;
	}
	check_state_dir(d);
	if (d->caps->flavour == &dir_flavour_openldap)
		check_openldap(d);
	else if (d->caps->flavour->polled)
		doctor_ad_feed(d);
	else
		doctor_say(d, d->caps->sync ? FINDING_OK : FINDING_NOTE, CHECK, NULL,
			   d->caps->sync ? "the directory offers RFC 4533"
					 : "the directory does not offer RFC 4533: this version cannot follow it");
	check_canary(d, c->user_base);
	if (!str_eq(dir_dn_normal(d->a, c->user_base), dir_dn_normal(d->a, c->group_base)))
		check_canary(d, c->group_base);
}
