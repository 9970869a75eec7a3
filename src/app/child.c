/* SPDX-License-Identifier: Apache-2.0
 * Child processes: fork and exec with a clean signal state. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/child.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/file.h"

#define LOG_MAX    (1024 * 1024)
#define TAIL_BYTES 160

/* In the child, where only async-signal-safe functions may be called. */
DH_NORETURN static void
become(const char *const *argv, const char *log, bool apart, pid_t parent)
{
	sigset_t none;

	/* A handler of ours must not run in the child: all are blocked until they are gone. */
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		signal(sig, SIG_DFL);
	if (apart)
		setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before the line above */
		_exit(127);
	if (log) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(127);
	}
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int
child_start(const char *const *argv, const char *log, bool apart, struct child *c, struct err *e)
{
	pid_t parent = getpid();
	sigset_t all, before;

	fflush(NULL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, log, apart, parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return err_set(e, ERR_IO, "%s cannot be started: %s", argv[0], strerror(errno));
	*c = (struct child){.pid = pid};
	return 0;
}

bool
child_running(struct child *c)
{
	if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->pid = 0;
	return c->pid > 0;
}

bool
child_wait(struct child *c)
{
	while (c->pid > 0) {
		if (waitpid(c->pid, &c->status, 0) == c->pid)
			c->pid = 0;
		else
			must(errno == EINTR);
	}
	return WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}

void
child_stop(struct child *c, int64_t grace_ms)
{
	const struct timespec look_again = {.tv_nsec = 100000000};
	deadline_t until = deadline_in(grace_ms);
	sigset_t ended;

	if (!child_running(c))
		return;
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	kill(c->pid, SIGTERM);
	while (child_running(c) && deadline_left(until) > 0)
		sigtimedwait(&ended, NULL, &look_again);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
	child_wait(c);
}

int
child_run(const char *const *argv, const char *log, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct child c = {0};
	struct strv text = {"", 0};

	if (child_start(argv, log, false, &c, e) < 0)
		return -1;
	if (child_wait(&c))
		return 0;
	if (file_read(a, log, LOG_MAX, &text, NULL) < 0)
		text = (struct strv){"", 0};
	text = strv_trim(text);
	size_t cut = text.n > TAIL_BYTES ? text.n - TAIL_BYTES : 0;
	return err_set(e, ERR_IO, "%s failed: %.*s", argv[0], (int)(text.n - cut), text.p + cut);
}

bool
child_find(const char *name, const char *const *dirs, char *path, size_t size)
{
	const char *list = getenv("PATH");

	for (; *dirs; dirs++)
		if (snprintf(path, size, "%s/%s", *dirs, name) < (int)size && access(path, X_OK) == 0)
			return true;
	while (list && *list) {
		size_t n = strcspn(list, ":");
		if (n && snprintf(path, size, "%.*s/%s", (int)n, list, name) < (int)size && access(path, X_OK) == 0)
			return true;
		list += list[n] ? n + 1 : n;
	}
	return false;
}
