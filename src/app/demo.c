/* SPDX-License-Identifier: Apache-2.0
 * dirhinge demo: a private directory and a gateway to play with, gone without a trace at the end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/demo_dir.h"
#include "app/serve.h"
#include "app/wire.h"
#include "dirhinge/base/log.h"

#define TOUR_STOP_MS 5000

static const char *const tour_needs[] = {"curl", "ldapsearch", "ldapwhoami", "ldapmodify"};

struct demo {
	struct demo_dir dir;
	struct app app;
	bool serving;
	struct child tour;
};

static char *
base_url(const struct demo *d)
{
	return arena_printf(d->dir.a, "http://%s%s", http_address(d->app.http), d->app.cfg->base_path);
}

static char *
events_url(const struct demo *d)
{
	return arena_printf(d->dir.a, "http://%s/events", http_address(d->app.http));
}

/* This program as a shell finds it, which is not in PATH when it was only built. */
static const char *
self(const struct demo *d)
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	return n > 0 && (size_t)n < sizeof(path) ? arena_strndup(d->dir.a, path, (size_t)n) : "dirhinge";
}

static void
print_events(const struct demo *d)
{
	const char *dir = d->dir.path;

	printf("See every change of the directory, whoever made it: this in another window,\n\n"
	       "  %s events tail --follow -c %s\n\n"
	       "and here a change that does not go through the gateway:\n\n"
	       "  ldapmodify -x -H %s -D " DEMO_BIND_DN " -y %s/bind.pw <<'EOF'\n"
	       "  dn: uid=jdoe,ou=people,dc=example,dc=com\n"
	       "  changetype: modify\n"
	       "  replace: title\n"
	       "  title: Director\n"
	       "  EOF\n\n"
	       "An application reads the same with its own token, waiting up to 20 s for something new:\n\n"
	       "  curl -s -H @%s/events.header '%s?wait=20'\n\n",
	       self(d), d->dir.config_file, d->dir.ldap_uri, dir, dir, events_url(d));
}

static void
print_access(const struct demo *d)
{
	const char *url = base_url(d), *dir = d->dir.path;

	printf("\nSCIM base URL   %s\n"
	       "Bearer token    %s\n"
	       "LDAP            %s  (or %s)\n"
	       "Bind DN         " DEMO_BIND_DN "\n"
	       "Bind password   in %s/bind.pw\n"
	       "Metrics         http://%s/metrics\n"
	       "Configuration   %s\n\n",
	       url, d->dir.token, d->dir.ldap_uri, d->dir.ldapi_uri, dir, http_address(d->app.admin),
	       d->dir.config_file);
	printf("Create a user, look at its entry, find it, ask the doctor:\n\n"
	       "  curl -s -H @%s/auth.header -H 'Content-Type: application/scim+json' %s/Users -d \\\n"
	       "    '{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"jdoe\","
	       "\"name\":{\"givenName\":\"Jane\",\"familyName\":\"Doe\"}}'\n\n"
	       "  ldapsearch -x -LLL -H %s -D " DEMO_BIND_DN " -y %s/bind.pw \\\n"
	       "    -b ou=people,dc=example,dc=com '(uid=jdoe)' '*' +\n\n"
	       "  curl -s -H @%s/auth.header '%s/Users?filter=userName%%20eq%%20%%22jdoe%%22'\n\n"
	       "  %s doctor -c %s\n\n",
	       dir, url, d->dir.ldap_uri, dir, dir, url, self(d), d->dir.config_file);
	print_events(d);
	printf("Ctrl-C ends the demo and removes %s.\n\n", dir);
	fflush(stdout);
}

static int
start_tour(struct demo *d, struct err *e)
{
	static const char *const no_dirs[] = {NULL};
	const char *const argv[] = {"/bin/sh", demo_dir_file(&d->dir, "tour.sh"), NULL};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(tour_needs); i++)
		if (!child_find(tour_needs[i], no_dirs, path, sizeof(path)))
			return err_set(e, ERR_NOT_IMPLEMENTED,
				       "the tour needs %s; on Debian and Ubuntu: apt-get install curl ldap-utils",
				       tour_needs[i]);
	setenv("DEMO_DIR", d->dir.path, 1);
	setenv("DEMO_URL", base_url(d), 1);
	setenv("DEMO_LDAP", d->dir.ldap_uri, 1);
	setenv("DEMO_BIND_DN", DEMO_BIND_DN, 1);
	setenv("DEMO_EVENTS", events_url(d), 1);
	setenv("DEMO_CONFIG", d->dir.config_file, 1);
	setenv("DEMO_SELF", self(d), 1);
	return child_start(argv, NULL, false, &d->tour, e);
}

/* Waits for the end of the tour, of slapd, or for a signal. */
static int
wait_end(struct demo *d, const sigset_t *waited)
{
	bool tour = d->tour.pid > 0;

	for (;;) {
		if (tour && !child_running(&d->tour))
			return child_wait(&d->tour) ? CLI_DONE : CLI_FAILED;
		if (!child_running(&d->dir.slapd)) {
			fputs("dirhinge: the demo's slapd ended by itself\n", stderr);
			return CLI_FAILED;
		}
		int got = sigwaitinfo(waited, NULL);
		if (got == SIGINT || got == SIGTERM || got == SIGHUP)
			return tour ? CLI_FAILED : CLI_DONE;
	}
}

static int
play(struct demo *d, bool tour, const sigset_t *waited)
{
	struct err e = ERR_INIT;

	if (demo_dir_open(&d->dir, &e) < 0 || app_start(d->dir.config_file, &d->app, &e) < 0)
		return cli_fail(&e);
	d->serving = true;
	app_connect(&d->app);
	if (!d->app.ready)
		return CLI_UNREACHABLE;
	if (!tour)
		print_access(d);
	else if (start_tour(d, &e) < 0)
		return cli_fail(&e);
	return wait_end(d, waited);
}

int
demo_run(const struct cli_args *args)
{
	struct demo d = {0};
	sigset_t waited;

	process_setup(&waited);
	log_setup(args->tour ? LOG_WARN_ : LOG_INFO_, LOG_AUTO);
	int rc = play(&d, args->tour, &waited);
	child_stop(&d.tour, TOUR_STOP_MS);
	if (d.serving)
		app_stop(&d.app);
	demo_dir_close(&d.dir);
	return rc;
}
