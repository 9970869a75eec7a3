/* SPDX-License-Identifier: Apache-2.0
 * Small parts of the program: embedded files, child processes, messages to the service manager. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/asset.h"
#include "app/child.h"
#include "app/notify.h"
#include "dirhinge/base/clock.h"

static const char *const no_dirs[] = {NULL};

START_TEST(marks_are_filled)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	const struct asset_mark marks[] = {{"@DIR@", "/a/b"}, {"@PORT@", "389"}};
	struct strv raw, text = asset_fill(a, "demo/config.yaml", marks, ARRAY_SIZE(marks));

	ck_assert(app_asset("demo/config.yaml", &raw));
	ck_assert_ptr_nonnull(strstr(raw.p, "@PORT@"));
	ck_assert_ptr_nonnull(strstr(text.p, "state_dir: /a/b\n"));
	ck_assert_ptr_nonnull(strstr(text.p, "\"ldap://127.0.0.1:389\""));
	ck_assert_ptr_null(strstr(text.p, "@"));
	ck_assert_uint_eq(strlen(text.p), text.n);
}
END_TEST

START_TEST(a_mark_without_value_aborts)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	asset_fill(a, "demo/config.yaml", NULL, 0);
}
END_TEST

START_TEST(every_file_of_the_demo_is_there)
{
	static const char *const names[] = {"demo/init.ldif", "demo/base.ldif", "demo/config.yaml", "demo/tour.sh",
					    "schema/ldap/dirhinge.ldif"};
	struct strv text;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(app_asset(names[i], &text) && text.n > 100, "%s", names[i]);
	ck_assert(!app_asset("demo/none", &text));
}
END_TEST

static void
block_child_signal(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

START_TEST(a_program_is_found)
{
	char path[256];

	ck_assert(child_find("sh", no_dirs, path, sizeof(path)));
	ck_assert_int_eq(access(path, X_OK), 0);
	ck_assert(child_find("sh", (const char *const[]){"/nowhere", "/bin", NULL}, path, sizeof(path)));
	ck_assert_str_eq(path, "/bin/sh");
	ck_assert(!child_find("no-such-program", no_dirs, path, sizeof(path)));
}
END_TEST

START_TEST(a_failing_program_is_told_with_its_last_words)
{
	char log[] = "/tmp/dirhinge-test-child-XXXXXX";
	int fd = mkstemp(log);
	const char *const good[] = {"/bin/sh", "-c", "echo fine", NULL};
	const char *const bad[] = {"/bin/sh", "-c", "echo it went wrong >&2; exit 3", NULL};
	const char *const absent[] = {"/nowhere/program", NULL};
	struct err e = ERR_INIT;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(child_run(good, log, &e), 0);
	ck_assert_int_eq(child_run(bad, log, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(e.detail, "/bin/sh failed"));
	ck_assert_ptr_nonnull(strstr(e.detail, "it went wrong"));
	ck_assert_int_eq(child_run(absent, log, &e), -1);
	unlink(log);
}
END_TEST

START_TEST(a_child_that_ignores_the_signal_is_killed)
{
	const char *const argv[] = {"/bin/sh", "-c", "trap '' TERM; echo ready; exec cat /dev/zero > /dev/null", NULL};
	const char *const quiet[] = {"/bin/cat", "/dev/zero", NULL};
	struct child c;
	struct err e = ERR_INIT;

	char log[] = "/tmp/dirhinge-test-child-XXXXXX";
	int fd = mkstemp(log);
	struct stat st;

	block_child_signal();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(child_start(argv, log, true, &c, &e), 0);
	/* until it said that the signal is ignored */
	deadline_t until = deadline_in(10000);
	do
		ck_assert_int_gt((int)deadline_left(until), 0);
	while (poll(NULL, 0, 5) == 0 && fstat(fd, &st) == 0 && st.st_size == 0);
	child_stop(&c, 100);
	ck_assert_int_eq(c.pid, 0);
	ck_assert(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
	close(fd);
	unlink(log);
	ck_assert_int_eq(child_start(quiet, "/dev/null", true, &c, &e), 0);
	ck_assert(child_running(&c));
	child_stop(&c, 10000);
	ck_assert_int_eq(c.pid, 0);
	ck_assert(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGTERM);
	child_stop(&c, 10000); /* nothing left to do */
}
END_TEST

/* What NOTIFY_SOCKET gets; abstract: a name in the abstract namespace. */
static void
expect_notice(bool abstract)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char env[sizeof(sun.sun_path)], text[128] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(env, sizeof(env), "%s/tmp/dirhinge-test-notify-%d", abstract ? "@" : "", (int)getpid());
	memcpy(sun.sun_path, env, strlen(env));
	if (abstract)
		sun.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(env));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sun, size), 0);
	setenv("NOTIFY_SOCKET", env, 1);
	notify_send("READY=1");
	ck_assert_int_eq((int)recv(fd, text, sizeof(text), 0), 7);
	ck_assert_int_eq(memcmp(text, "READY=1", 7), 0);
	int64_t before = clock_mono_us();
	notify_reloading();
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt((int)n, 0);
	text[n] = '\0';
	long long at = 0;
	ck_assert_int_eq(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld", &at), 1);
	ck_assert(at >= before && at <= clock_mono_us());
	close(fd);
	if (!abstract)
		unlink(env);
	notify_send("READY=1"); /* nobody listens: no harm */
}

START_TEST(the_service_manager_is_told)
{
	expect_notice(false);
	expect_notice(true);
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"asset", marks_are_filled, 0},
		{"asset", a_mark_without_value_aborts, SIGABRT},
		{"asset", every_file_of_the_demo_is_there, 0},
		{"child", a_program_is_found, 0},
		{"child", a_failing_program_is_told_with_its_last_words, 0},
		{"child", a_child_that_ignores_the_signal_is_killed, 0},
		{"notify", the_service_manager_is_told, 0},
	};
	return unit_run("app", tests, ARRAY_SIZE(tests));
}
