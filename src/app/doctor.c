/* SPDX-License-Identifier: Apache-2.0
 * dirhinge doctor: runs the checks and prints what they found, each with the command that mends it. */
#include <stdio.h>
#include <stdlib.h>

#include "app/cli.h"
#include "app/doctor.h"
#include "dirhinge/base/log.h"

static const char *const level_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_WARN] = "warn",
	[FINDING_FAIL] = "fail",
};

void
doctor_say(struct doctor *d, enum finding_level level, const char *name, const char *fix, const char *fmt, ...)
{
	struct finding *f = ARENA_NEW(d->a, struct finding);
	va_list ap;

	va_start(ap, fmt);
	*f = (struct finding){.level = level, .name = name, .fix = fix, .text = arena_vprintf(d->a, fmt, ap)};
	va_end(ap);
	*d->end = f;
	d->end = &f->next;
	d->n[level]++;
}

const char *
doctor_tool(struct doctor *d, const char *tool)
{
	const struct config *c = d->cfg;
	const char *uri = d->uri ? d->uri : c->uris.v[0];
	const char *tls = c->start_tls ? " -ZZ" : "";

	if (c->sasl)
		return arena_printf(d->a, "%s -Q -Y EXTERNAL -H %s", tool, uri);
	return arena_printf(d->a, "%s%s -x%s -H %s -D '%s' -y %s", c->ca_file ? "LDAPTLS_CACERT=" : "",
			    c->ca_file ? arena_printf(d->a, "%s %s", c->ca_file, tool) : tool, tls, uri, c->bind_dn,
			    c->bind_password_file);
}

const char *
doctor_admin(struct doctor *d, const char *tool)
{
	const char *uri = "ldapi:///";

	for (size_t i = 0; i < d->cfg->uris.n; i++)
		if (strncmp(d->cfg->uris.v[i], "ldapi://", 8) == 0)
			uri = d->cfg->uris.v[i];
	return arena_printf(d->a, "%s -Q -Y EXTERNAL -H %s", tool, uri);
}

const char *
doctor_config_change(struct doctor *d, const char *dn, const char *ldif_lines)
{
	static const char look_up[] =
		"# on the directory's host; look the database's number up: slapcat -n 0 | grep -B 20 olcSuffix\n";
	const char *known = dn ? dn : d->database ? d->database->dn : NULL;

	return arena_printf(d->a, "%s%s <<'EOF'\ndn: %s\nchangetype: modify\n%s\nEOF", known ? "" : look_up,
			    doctor_admin(d, "ldapmodify"), known ? known : "olcDatabase={1}mdb,cn=config", ldif_lines);
}

deadline_t
doctor_until(const struct doctor *d)
{
	return deadline_in(d->cfg->timeout_ms);
}

/* --- output ------------------------------------------------------------------------------------------------------ */

static void
print_fix(const char *fix)
{
	while (*fix) {
		int n = (int)strcspn(fix, "\n");
		printf("      %.*s\n", n, fix);
		fix += fix[n] ? n + 1 : n;
	}
}

static int
print_table(const struct doctor *d)
{
	for (const struct finding *f = d->first; f; f = f->next) {
		printf("%-4s  %-15s  %s\n", level_names[f->level], f->name, f->text);
		if (f->fix)
			print_fix(f->fix);
	}
	printf("\n%zu ok, %zu warnings, %zu failures\n", d->n[FINDING_OK], d->n[FINDING_WARN], d->n[FINDING_FAIL]);
	return cli_flush();
}

static int
print_json(const struct doctor *d)
{
	json_t *checks = json_array();

	for (const struct finding *f = d->first; f; f = f->next)
		json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s*}", "status", level_names[f->level],
							"check", f->name, "text", f->text, "fix", f->fix));
	return cli_print_json(json_pack("{s:o, s:I, s:I, s:I}", "checks", checks, "ok", (json_int_t)d->n[FINDING_OK],
					"warnings", (json_int_t)d->n[FINDING_WARN], "failures",
					(json_int_t)d->n[FINDING_FAIL]));
}

/* --- run --------------------------------------------------------------------------------------------------------- */

static void
run_checks(struct doctor *d)
{
	static void (*const checks[])(struct doctor *) = {
		doctor_check_features, doctor_check_bases,  doctor_check_schema, doctor_check_rights,
		doctor_check_limit,    doctor_check_server, doctor_check_feed,
	};
	struct err e = ERR_INIT;

	for (const char *const *w = d->cfg->warnings; *w; w++)
		doctor_say(d, FINDING_WARN, "configuration", NULL, "%s", *w);
	if (doctor_check_connection(d) < 0)
		return;
	if (dir_caps(d->dir, &d->caps, &e) < 0 || map_load(d->a, &d->cfg->map, d->caps, &d->set, &e) < 0) {
		doctor_say(d, FINDING_FAIL, "map", NULL, "%s (%s)", e.detail, e.cause);
		return;
	}
	doctor_find_database(d);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](d);
	if (d->write_test)
		doctor_check_writes(d);
	else
		doctor_say(d, FINDING_NOTE, "write test",
			   arena_printf(d->a, "dirhinge doctor --write-test -c %s", yaml_name(d->cfg->doc)),
			   "creating, renaming and deleting entries was not tried; this does it with a test entry");
}

int
doctor_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct doctor d = {.a = a, .write_test = args->write_test};
	struct err e = ERR_INIT;

	d.end = &d.first;
	setenv("LDAPNOINIT", "1", 1);
	if (config_load(a, args->config_file, &d.cfg, &e) < 0)
		return cli_fail(&e);
	run_checks(&d);
	bool unreachable = !d.dir;
	dir_free(&d.own_dir);
	dir_free(&d.dir);
	int rc = args->output == CLI_JSON ? print_json(&d) : print_table(&d);
	if (rc != CLI_DONE)
		return rc;
	return unreachable ? CLI_UNREACHABLE : d.n[FINDING_FAIL] ? CLI_FAILED : CLI_DONE;
}
