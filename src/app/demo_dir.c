/* SPDX-License-Identifier: Apache-2.0
 * Private slapd of dirhinge demo: cn=config form, everything below one temporary directory (directories.md 1.2). */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/asset.h"
#include "app/demo_dir.h"
#include "app/token.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/file.h"
#include "dirhinge/base/secret.h"
#include "dirhinge/dir/dir.h"

#define START_TRIES   5 /* a free port may be taken before slapd binds it */
#define START_MS      10000
#define STOP_MS       10000
#define SLAPD_MISSING "slapd is not installed; on Debian and Ubuntu: apt-get install slapd ldap-utils"

static const char *const sbin_dirs[] = {"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec", NULL};
static const char *const module_dirs[] = {"/usr/lib/ldap", "/usr/lib64/openldap", "/usr/libexec/openldap",
					  "/usr/local/libexec/openldap", NULL};
static const char *const schema_dirs[] = {"/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema",
					  NULL};

const char *
demo_dir_file(const struct demo_dir *d, const char *name)
{
	return arena_printf(d->a, "%s/%s", d->path, name);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static int
make_temp_dir(struct demo_dir *d, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
	const char *base = getenv("TMPDIR");

	if (!base || base[0] != '/')
		base = "/tmp";
	char *path = arena_printf(d->a, "%s/dirhinge-demo-XXXXXX", base);
	/* It goes into LDIF, YAML and commands to paste; a socket's name has 107 bytes. */
	if (path[strspn(path, plain)] || strlen(path) > 90)
		return err_set(e, ERR_IO, "TMPDIR must be a short path of letters, digits, dots and dashes: %s", base);
	if (!mkdtemp(path))
		return err_set(e, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
	d->path = path;
	return 0;
}

static int
make_sub_dir(const struct demo_dir *d, const char *name, struct err *e)
{
	const char *path = demo_dir_file(d, name);
	return mkdir(path, 0700) == 0 ? 0 : err_set(e, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

/* The first directory of the list that holds the file; NULL if none does. */
static const char *
find_dir(struct arena *a, const char *const *dirs, const char *file)
{
	for (; *dirs; dirs++)
		if (access(arena_printf(a, "%s/%s", *dirs, file), R_OK) == 0)
			return *dirs;
	return NULL;
}

static int
write_asset(const struct demo_dir *d, const char *file, const char *asset, const struct asset_mark *marks, size_t n,
	    struct err *e)
{
	struct strv text = asset_fill(d->a, asset, marks, n);
	return file_write(demo_dir_file(d, file), text, 0600, e);
}

/* A client's token for the gateway, and as a field for curl. */
static int
write_token(const struct demo_dir *d, const char *token_file, const char *header_file, const char *token, struct err *e)
{
	char *header = arena_printf(d->a, "Authorization: Bearer %s\n", token);
	bool failed = file_write(demo_dir_file(d, token_file), strv_of(token), 0600, e) < 0 ||
		      file_write(demo_dir_file(d, header_file), strv_of(header), 0600, e) < 0;

	secret_wipe(header, strlen(header));
	return failed ? -1 : 0;
}

static int
write_secrets(struct demo_dir *d, const char *password, struct err *e)
{
	bool failed = file_write(demo_dir_file(d, "bind.pw"), strv_of(password), 0600, e) < 0 ||
		      write_token(d, "token", "auth.header", d->token, e) < 0 ||
		      write_token(d, "events.token", "events.header", d->events_token, e) < 0;

	return failed ? -1 : 0;
}

static int
write_files(struct demo_dir *d, struct err *e)
{
	const char *modules = find_dir(d->a, module_dirs, "back_mdb.so");
	const char *schema = find_dir(d->a, schema_dirs, "inetorgperson.ldif");

	if (!modules || !schema)
		return err_set(e, ERR_IO, "slapd's %s are not where they are looked for (%s …)",
			       modules ? "schema files" : "modules", modules ? schema_dirs[0] : module_dirs[0]);
	d->token = token_make(d->a);
	d->events_token = token_make(d->a);
	char *password = token_make(d->a);
	const struct asset_mark marks[] = {
		{"@DIR@", d->path},
		{"@MODULES@", modules},
		{"@SCHEMA@", schema},
		{"@PASSWORD@", password},
		{"@UID@", arena_printf(d->a, "%u", (unsigned)getuid())},
		{"@GID@", arena_printf(d->a, "%u", (unsigned)getgid())},
	};
	bool failed = write_asset(d, "dirhinge.ldif", "schema/ldap/dirhinge.ldif", NULL, 0, e) < 0 ||
		      write_asset(d, "init.ldif", "demo/init.ldif", marks, ARRAY_SIZE(marks), e) < 0 ||
		      write_asset(d, "base.ldif", "demo/base.ldif", marks, ARRAY_SIZE(marks), e) < 0 ||
		      write_asset(d, "tour.sh", "demo/tour.sh", NULL, 0, e) < 0 || write_secrets(d, password, e) < 0;
	secret_wipe(password, strlen(password));
	return failed ? -1 : 0;
}

/* --- slapd ------------------------------------------------------------------------------------------------------- */

/* A port nobody listens on right now, as text; NULL if there is none. */
static const char *
free_port(struct arena *a)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool got = fd >= 0 && bind(fd, (const struct sockaddr *)&sin, size) == 0 &&
		   getsockname(fd, (struct sockaddr *)&sin, &size) == 0;

	if (fd >= 0)
		close(fd);
	return got ? arena_printf(a, "%u", (unsigned)ntohs(sin.sin_port)) : NULL;
}

static char *
percent_slashes(struct arena *a, const char *path)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(1024);

	for (; *path; path++) {
		if (*path == '/')
			buf_adds(&out, "%2F");
		else
			buf_addc(&out, *path);
	}
	return arena_strdup(a, buf_str(&out));
}

static int
load(struct demo_dir *d, const char *slapadd, struct err *e)
{
	const char *config = demo_dir_file(d, "slapd.d");
	const char *log = demo_dir_file(d, "slapadd.log");
	const char *const init[] = {slapadd, "-n", "0", "-F", config, "-l", demo_dir_file(d, "init.ldif"), NULL};
	const char *const base[] = {
		slapadd, "-n", "2", "-F", config, "-S", "1", "-w", "-l", demo_dir_file(d, "base.ldif"), NULL};

	if (child_run(init, log, e) < 0)
		return -1;
	return child_run(base, log, e);
}

/* Waits until slapd answers a bind. False if it ended or the time is over. */
static bool
wait_ready(struct demo_dir *d)
{
	const struct timespec look_again = {.tv_nsec = 10000000};
	deadline_t until = deadline_in(START_MS);
	DH_CLEANUP(secret_free) struct secret *password = NULL;
	struct dir *dir = NULL;
	struct err e = ERR_INIT;
	sigset_t ended;
	bool up = false;

	if (secret_load(demo_dir_file(d, "bind.pw"), &password, &e) < 0)
		return false;
	const struct dir_opts opts = {
		.uris = &d->ldap_uri,
		.n_uris = 1,
		.bind_dn = DEMO_BIND_DN,
		.password = password,
		.flavour = "auto",
		.pool_size = 1,
		.timeout_ms = START_MS,
	};
	if (dir_new(&opts, &dir, &e) < 0)
		return false;
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	while (!up && child_running(&d->slapd) && deadline_left(until) > 0) {
		up = dir_ping(dir, &e) == 0;
		if (!up)
			sigtimedwait(&ended, NULL, &look_again);
	}
	dir_free(&dir);
	return up;
}

static int
start_slapd(struct demo_dir *d, const char *slapd, struct err *e)
{
	const char *port = free_port(d->a);

	if (!port)
		return err_set(e, ERR_IO, "no free port on 127.0.0.1: %s", strerror(errno));
	d->ldap_uri = arena_printf(d->a, "ldap://127.0.0.1:%s", port);
	const struct asset_mark marks[] = {{"@DIR@", d->path}, {"@PORT@", port}};
	if (write_asset(d, "dirhinge.yaml", "demo/config.yaml", marks, ARRAY_SIZE(marks), e) < 0)
		return -1;
	const char *urls = arena_printf(d->a, "%s %s", d->ldap_uri, d->ldapi_uri);
	/* -d keeps it in the foreground: its process is our child and ends by its own id. */
	const char *const argv[] = {slapd, "-h", urls, "-F", demo_dir_file(d, "slapd.d"), "-d", "0", NULL};
	if (child_start(argv, demo_dir_file(d, "slapd.log"), true, &d->slapd, e) < 0)
		return -1;
	if (wait_ready(d))
		return 0;
	child_stop(&d->slapd, STOP_MS);
	return err_set(e, ERR_IO, "slapd did not start on port %s", port);
}

int
demo_dir_open(struct demo_dir *d, struct err *e)
{
	char slapd[256], slapadd[256];

	*d = (struct demo_dir){.a = arena_new(16384)};
	if (!child_find("slapd", sbin_dirs, slapd, sizeof(slapd)) ||
	    !child_find("slapadd", sbin_dirs, slapadd, sizeof(slapadd)))
		return err_set(e, ERR_NOT_IMPLEMENTED, "%s", SLAPD_MISSING);
	if (make_temp_dir(d, e) < 0 || make_sub_dir(d, "slapd.d", e) < 0 || make_sub_dir(d, "db", e) < 0 ||
	    make_sub_dir(d, "accesslog", e) < 0 || write_files(d, e) < 0 || load(d, slapadd, e) < 0)
		return -1;
	d->config_file = demo_dir_file(d, "dirhinge.yaml");
	d->ldapi_uri = arena_printf(d->a, "ldapi://%s", percent_slashes(d->a, demo_dir_file(d, "ldapi")));
	for (int i = 1; start_slapd(d, slapd, e) < 0; i++)
		if (i == START_TRIES)
			return -1;
	return 0;
}

void
demo_dir_close(struct demo_dir *d)
{
	child_stop(&d->slapd, STOP_MS);
	if (d->path && nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
		fprintf(stderr, "dirhinge: %s could not be removed: %s\n", d->path, strerror(errno));
	if (d->token)
		secret_wipe((char *)(uintptr_t)d->token, strlen(d->token));
	if (d->events_token)
		secret_wipe((char *)(uintptr_t)d->events_token, strlen(d->events_token));
	arena_free(&d->a);
	*d = (struct demo_dir){0};
}
