/* SPDX-License-Identifier: Apache-2.0
 * Starting and stopping real slapds. */
#include "live.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/dir/dn.h"

enum { READY_MS = 15000 };

static struct {
	char top[64];
	char script[512];
	int trap; /* listening socket to which referrals point */
	int trap_port;
	struct live *running[8];
	struct secret *password;
} world;

static int
listener(int *port_r)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&sa, n) == 0 && listen(fd, 16) == 0);
	must(getsockname(fd, (struct sockaddr *)&sa, &n) == 0);
	*port_r = ntohs(sa.sin_port);
	return fd;
}

int
live_free_port(void)
{
	int port;

	close(listener(&port));
	return port;
}

/* Runs the script and waits for it. */
static int
script(const char *verb, const char *arg)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", world.script, verb, arg, (char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void
live_begin(void)
{
	const char *src = getenv("srcdir");
	const char *tmp = getenv("TMPDIR");
	char certs[96];

	snprintf(world.script, sizeof(world.script), "%s/tests/unit/slapd.sh", src ? src : ".");
	if (script("check", "dir") == 77) {
		puts("SKIP: slapd is not installed");
		exit(77);
	}
	snprintf(world.top, sizeof(world.top), "%.40s/dirhinge-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(world.top));
	snprintf(certs, sizeof(certs), "%s/certs", world.top);
	must(script("certs", certs) == 0);
	world.trap = listener(&world.trap_port);
	world.password = secret_new(STRV("gwsecret"));
}

bool
live_end(void)
{
	struct pollfd trap = {.fd = world.trap, .events = POLLIN};
	bool clean = poll(&trap, 1, 0) == 0;
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(world.running); i++)
		if (world.running[i])
			live_kill(world.running[i]);
	close(world.trap);
	secret_free(&world.password);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", world.top, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return clean;
}

const char *
live_cert(const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/certs/%s", world.top, file);
	return path;
}

const char *
live_trust_dir(void)
{
	static char dir[128];

	snprintf(dir, sizeof(dir), "%s/certs/trust", world.top);
	return dir;
}

const struct secret *
live_password(void)
{
	return world.password;
}

static void
spawn(struct live *l)
{
	char trap[16];

	snprintf(trap, sizeof(trap), "%d", world.trap_port);
	l->pid = fork();
	must(l->pid >= 0);
	if (l->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* survives exec: a crash of the test leaves no slapd behind */
		dup2(null, STDOUT_FILENO);
		if (l->feed)
			execl("/bin/sh", "sh", world.script, "feed", l->dir, l->feed, l->ldap, l->ldapi, (char *)NULL);
		execl("/bin/sh", "sh", world.script, "dir", l->dir, l->cert, trap, l->ldap, l->ldaps, l->ldapi,
		      (char *)NULL);
		_exit(127);
	}
	for (size_t i = 0; i < ARRAY_SIZE(world.running); i++) {
		if (world.running[i] == NULL || world.running[i] == l) {
			world.running[i] = l;
			return;
		}
	}
	must(false); /* too many slapds */
}

void
live_again(struct live *l)
{
	deadline_t until = deadline_in(READY_MS);
	const char *uris[] = {l->ldapi};
	struct dir_opts o = {.uris = uris, .n_uris = 1, .sasl_external = true, .pool_size = 1, .timeout_ms = 2000};
	struct err e = ERR_INIT;
	bool ready = false;

	spawn(l);
	/* A handle of its own for each try, so that no try waits for the pause after the last. */
	while (!ready && deadline_left(until) > 0) {
		struct dir *d;

		must(dir_new(&o, &d, &e) == 0);
		ready = dir_ping(d, &e) == 0;
		dir_free(&d);
		if (!ready)
			poll(NULL, 0, 20);
	}
	if (!ready) {
		fprintf(stderr, "slapd %s does not answer: %s\n", l->name, e.cause);
		live_end();
		abort();
	}
}

static void
start(struct live *l, const char *name, const char *cert, const char *feed)
{
	int plain = live_free_port(), tls = live_free_port();

	*l = (struct live){.cert = cert, .feed = feed};
	snprintf(l->name, sizeof(l->name), "%s", name);
	snprintf(l->dir, sizeof(l->dir), "%s/%s", world.top, name);
	snprintf(l->ldap, sizeof(l->ldap), "ldap://127.0.0.1:%d", plain);
	snprintf(l->localhost, sizeof(l->localhost), "ldap://localhost:%d", plain);
	snprintf(l->ldaps, sizeof(l->ldaps), "ldaps://127.0.0.1:%d", tls);

	size_t n = (size_t)snprintf(l->ldapi, sizeof(l->ldapi), "ldapi://");

	for (const char *p = l->dir; *p; p++)
		n += (size_t)snprintf(l->ldapi + n, sizeof(l->ldapi) - n, *p == '/' ? "%%2F" : "%c", *p);
	snprintf(l->ldapi + n, sizeof(l->ldapi) - n, "%%2Fldapi");
	live_again(l);
}

void
live_start(struct live *l, const char *name, const char *cert)
{
	start(l, name, cert, NULL);
}

void
live_start_feed(struct live *l, const char *name, const char *settings)
{
	start(l, name, NULL, settings);
}

static void
end(struct live *l, int sig)
{
	if (l->pid <= 0)
		return;
	kill(l->pid, sig);
	kill(l->pid, SIGCONT);
	waitpid(l->pid, NULL, 0);
	l->pid = 0;
	for (size_t i = 0; i < ARRAY_SIZE(world.running); i++)
		if (world.running[i] == l)
			world.running[i] = NULL;
}

void
live_kill(struct live *l)
{
	end(l, SIGKILL);
}

void
live_end_gently(struct live *l)
{
	end(l, SIGTERM);
}

void
live_stop(struct live *l)
{
	int status;

	must(l->pid > 0 && kill(l->pid, SIGSTOP) == 0 && waitpid(l->pid, &status, WUNTRACED) == l->pid &&
	     WIFSTOPPED(status));
}

void
live_cont(struct live *l)
{
	must(l->pid > 0);
	kill(l->pid, SIGCONT);
}

void
live_restore(struct live *l)
{
	if (l->pid > 0)
		live_cont(l);
	else
		live_again(l);
}

static struct dir *
open_dir(struct dir_opts o, const char *const *uris, size_t n)
{
	struct err e = ERR_INIT;
	struct dir *d = NULL;

	o.uris = uris;
	o.n_uris = n;
	if (!o.sasl_external && o.bind_dn == NULL) {
		o.bind_dn = "cn=gateway," SUFFIX;
		o.password = world.password;
	}
	if (o.pool_size == 0)
		o.pool_size = 4;
	if (o.timeout_ms == 0)
		o.timeout_ms = 5000;
	if (dir_new(&o, &d, &e))
		ck_abort_msg("dir_new: %s | %s", e.detail, e.cause);
	return d;
}

struct dir *
live_dir(struct dir_opts o, const char *uri)
{
	return open_dir(o, &uri, 1);
}

struct dir *
live_dir2(struct dir_opts o, const char *uri1, const char *uri2)
{
	const char *const uris[] = {uri1, uri2};

	return open_dir(o, uris, 2);
}

void
live_user(struct dir *d, const char *uid)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct err e = ERR_INIT;
	struct dir_mods m;
	char *dn;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", STRV("inetOrgPerson"));
	dir_mods_value(&m, DIR_MOD_ADD, "uid", strv_of(uid));
	dir_mods_value(&m, DIR_MOD_ADD, "cn", strv_of(uid));
	dir_mods_value(&m, DIR_MOD_ADD, "sn", STRV("Test"));
	if (dir_dn_child(a, "uid", strv_of(uid), PEOPLE, &dn, &e) || dir_add(d, a, dn, &m, NULL, deadline_in(5000), &e))
		ck_abort_msg("add %s: %s | %s", uid, e.detail, e.cause);
}

int64_t
live_since(int64_t begun)
{
	return clock_mono_ms() - begun;
}

int
live_run(Suite *s, struct live *server)
{
	SRunner *sr = srunner_create(s);
	int failed;
	bool clean;

	srunner_set_fork_status(sr, CK_NOFORK);
	live_begin();
	live_start(server, "a", "good");
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	clean = live_end();
	if (!clean)
		fputs("somebody followed a referral\n", stderr);
	return failed == 0 && clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
