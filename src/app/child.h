/* SPDX-License-Identifier: Apache-2.0
 * Child processes of dirhinge demo: started without a shell, ended by their own id only. Thread rule: main only,
 * with SIGCHLD blocked. */
#ifndef DIRHINGE_APP_CHILD_H
#define DIRHINGE_APP_CHILD_H

#include <sys/types.h>

#include "dirhinge/base/err.h"

struct child {
	pid_t pid;  /* 0 = not running */
	int status; /* of waitpid(), once it has ended */
};

/* log: file that gets its output, NULL = ours. apart: a process group of its own, so that the terminal's Ctrl-C does
 * not reach it. It is ended when this process dies. argv[0] is a path. */
int child_start(const char *const *argv, const char *log, bool apart, struct child *c, struct err *e) DH_MUST_USE;
/* True if it is still running; keeps .status when it is not. */
bool child_running(struct child *c);
/* Waits for its end. True if it exited with 0. */
bool child_wait(struct child *c);
/* SIGTERM, after grace_ms SIGKILL; returns when it has ended. Nothing if not running. */
void child_stop(struct child *c, int64_t grace_ms);

/* child_start and child_wait; ERR_IO with the last lines of log if it fails. */
int child_run(const char *const *argv, const char *log, struct err *e) DH_MUST_USE;

/* Path of a program: in dirs (NULL-terminated) or PATH; false if it is not there. */
bool child_find(const char *name, const char *const *dirs, char *path, size_t size);

#endif
