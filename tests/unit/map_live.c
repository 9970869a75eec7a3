/* SPDX-License-Identifier: Apache-2.0
 * See map_live.h. */
#include "map_live.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/dir/dn.h"

enum { READY_MS = 15000 };

static struct {
	char top[64], uri[256], script[512], schema[512];
	pid_t pid;
} server;

static pid_t
spawn(const char *verb, const char *dir)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid)
		return pid;
	int null = open("/dev/null", O_RDWR);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* survives exec: a crash of the test leaves no slapd behind */
	dup2(null, STDOUT_FILENO);
	execl("/bin/sh", "sh", server.script, verb, dir, server.schema, (char *)NULL);
	_exit(127);
}

static int
finish(pid_t pid)
{
	int status;
	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct dir *
connect_dir(void)
{
	const char *const uris[] = {server.uri};
	const struct dir_opts o = {.uris = uris,
				   .n_uris = 1,
				   .sasl_external = true,
				   .flavour = "auto",
				   .pool_size = 4,
				   .timeout_ms = 5000};
	struct err e = ERR_INIT;
	struct dir *d = NULL;
	if (dir_new(&o, &d, &e) < 0)
		fprintf(stderr, "%s | %s\n", e.detail, e.cause);
	must(d);
	return d;
}

static void
wait_ready(void)
{
	deadline_t until = deadline_in(READY_MS);
	for (;;) {
		struct dir *d = connect_dir();
		struct err e = ERR_INIT;
		int rc = dir_ping(d, &e);
		dir_free(&d);
		if (rc == 0)
			return;
		if (deadline_left(until) == 0 || waitpid(server.pid, NULL, WNOHANG) == server.pid) {
			fprintf(stderr, "slapd does not answer: %s | %s\n", e.detail, e.cause);
			abort();
		}
		poll(NULL, 0, 5); /* nothing tells when a socket will be there */
	}
}

void
map_live_begin(void)
{
	const char *src = getenv("srcdir"), *tmp = getenv("TMPDIR");
	char path[160];
	src = src ? src : ".";
	snprintf(server.script, sizeof(server.script), "%s/tests/unit/slapd.sh", src);
	snprintf(server.schema, sizeof(server.schema), "%s/schema/ldap", src);
	if (finish(spawn("check", "map")) == 77) {
		puts("SKIP: slapd is not installed");
		exit(77);
	}
	snprintf(server.top, sizeof(server.top), "%.40s/dirhinge-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(server.top));
	size_t n = (size_t)snprintf(server.uri, sizeof(server.uri), "ldapi://");
	for (const char *p = server.top; *p; p++)
		if (*p == '/')
			n += (size_t)snprintf(server.uri + n, sizeof(server.uri) - n, "%%2F");
		else
			server.uri[n++] = *p;
	snprintf(server.uri + n, sizeof(server.uri) - n, "%%2Fldapi");
	snprintf(path, sizeof(path), "%s", server.top);
	server.pid = spawn("map", path);
	wait_ready();
}

void
map_live_end(void)
{
	kill(server.pid, SIGKILL);
	finish(server.pid);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", server.top, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		finish(pid);
}

int
map_live_schema(void)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/schema", server.top);
	return finish(spawn("schema", path));
}

/* --- through the map --------------------------------------------------------------------------------------------- */

static struct err e;

#define ok(call) ck_assert_msg((call) == 0, "%s | %s", e.detail, e.cause)

void
map_live_open(struct map_live *l, const char *active)
{
	static const char *const users[] = {"inetOrgPerson", NULL}, *const groups[] = {"groupOfNames", NULL};
	const struct dir_caps *caps;
	const struct map_set *set;
	e = ERR_INIT;
	*l = (struct map_live){.a = arena_new(65536), .dir = connect_dir()};
	l->opts = (struct map_opts){
		.users = {.base = PEOPLE, .rdn = "uid", .object_classes = users, .active = active},
		.groups = {.base = GROUPS, .rdn = "cn", .object_classes = groups, .member_attribute = "member"},
	};
	ok(dir_caps(l->dir, &caps, &e));
	ok(map_load(l->a, &l->opts, caps, &set, &e));
	l->r = (struct map_run){
		.a = l->a,
		.dir = l->dir,
		.caps = caps,
		.set = set,
		.until = deadline_in(60000),
		.client = "okta",
		.base_url = "https://scim.example.com/v2",
		.now_us = clock_wall_us(),
	};
}

void
map_live_close(struct map_live *l)
{
	dir_free(&l->dir);
	arena_free(&l->a);
}

const char *
map_live_create(struct map_live *l, const struct map *m, const json_t *res, const char *const *members, size_t n)
{
	struct map_change c;
	char *dn;
	ok(map_to_entry(&l->r, m, res, members, n, &dn, &c, &e));
	ok(dir_add(l->dir, l->a, dn, &c.mods, NULL, l->r.until, &e));
	if (c.password.p)
		ok(map_set_password(&l->r, m, dn, c.password, c.disabled, &e));
	return dn;
}

const struct dir_entry *
map_live_entry(struct map_live *l, const struct map *m, const char *dn)
{
	const char *const *attrs = m == l->r.set->users ? map_attrs_change(&l->r, m) : map_attrs(&l->r, m, NULL, NULL);
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = attrs};
	const struct dir_entry *en = NULL;
	int rc = dir_search_one(l->dir, l->a, &s, l->r.until, &en, &e);
	ck_assert_msg(rc == 1, "%s: %d %s | %s", dn, rc, e.detail, e.cause);
	return en;
}

json_t *
map_live_read(struct map_live *l, const struct map *m, const char *dn)
{
	struct map_refs *refs = map_refs_new(&l->r);
	const struct dir_entry *en = map_live_entry(l, m, dn);
	struct scim_view *res;
	ok(map_to_scim(&l->r, m, en, refs, &res, &e));
	if (m == l->r.set->users)
		map_refs_want_groups(refs, res, en);
	ok(map_refs_resolve(&l->r, refs, &e));
	return json_keep(l->a, scim_view_tree(res));
}

const char *
map_live_change(struct map_live *l, const struct map *m, const char *dn, const json_t *after)
{
	struct map_change c;
	ok(map_to_mods(&l->r, m, map_live_read(l, m, dn), after, map_live_entry(l, m, dn), &c, &e));
	if (c.mods.n)
		ok(dir_modify(l->dir, l->a, dn, &c.mods, NULL, l->r.until, &e));
	if (c.password.p)
		ok(map_set_password(&l->r, m, dn, c.password, c.disabled, &e));
	if (!c.new_rdn)
		return dn;
	ok(dir_rename(l->dir, l->a, dn, c.new_rdn, NULL, NULL, l->r.until, &e));
	return arena_printf(l->a, "%s,%s", c.new_rdn, dir_dn_parent(l->a, dn));
}

int
map_live_bind(struct map_live *l, const char *dn, const char *password)
{
	int rc = dir_try_bind(l->dir, dn, strv_of(password), deadline_in(5000), &e);
	ck_assert_msg(rc >= 0, "%s | %s", e.detail, e.cause);
	return rc;
}
