/* SPDX-License-Identifier: Apache-2.0
 * dirhinge serve: the gateway in the foreground, steered by signals. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "app/cli.h"
#include "app/notify.h"
#include "app/serve.h"
#include "app/wire.h"
#include "dirhinge/base/log.h"

#define CONNECT_RETRY_S 1
#define TRIM_S          30

/* A thread a connection: malloc's own numbers are made for programs with a thread a core. Each of its arenas keeps what
 * the busiest moment took, and a large block freed once raises the threshold above which they come from the system. */
#define HEAPS        2
#define HEAP_LARGE   (128 * 1024)
#define HEAP_SPARE   (1024 * 1024)
#define HEAP_TOO_BIG ((size_t)8 * 1024 * 1024) /* free in the heaps: worth being looked for */

/* gcc says it by a macro, clang by a feature. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

void
process_setup(sigset_t *waited_r)
{
	umask(0077);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#ifndef SANITIZED
	/* Memory holds the bind password; the leak sanitizer is the one tracer that has to get in. */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	setenv("LDAPNOINIT", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(waited_r);
	sigaddset(waited_r, SIGTERM);
	sigaddset(waited_r, SIGINT);
	sigaddset(waited_r, SIGHUP);
	sigaddset(waited_r, SIGCHLD);
	sigprocmask(SIG_BLOCK, waited_r, NULL);
}

static void
reload(struct app *app)
{
	struct err e = ERR_INIT;

	notify_reloading();
	if (app_reload(app, &e) < 0)
		log_err(LOG_ERROR_, "the configuration is not taken over; the former one stays in force", &e);
	notify_send("READY=1");
}

static void
heap_setup(void)
{
#ifndef SANITIZED
	(void)mallopt(M_ARENA_MAX, HEAPS);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SPARE);
#endif
}

/* What a busy minute took is free in the middle of the heaps, where malloc does not give it back by itself. */
static void
heap_trim(void)
{
#ifndef SANITIZED
	if (mallinfo2().fordblks > HEAP_TOO_BIG)
		(void)malloc_trim(HEAP_SPARE);
#endif
}

/* The next signal, or 0 when it is time to look after the directory and the heap. */
static int
next_signal(const struct app *app, const sigset_t *waited)
{
	const struct timespec pause = {.tv_sec = app->ready ? TRIM_S : CONNECT_RETRY_S};
	int got;

	do
		got = sigtimedwait(waited, NULL, &pause);
	while (got < 0 && errno == EINTR);
	return got < 0 ? 0 : got;
}

int
serve_run(const struct cli_args *args)
{
	struct err e = ERR_INIT;
	struct app app;
	sigset_t waited;
	int got = 0;

	process_setup(&waited);
	heap_setup();
	log_setup(LOG_INFO_, LOG_AUTO);
	if (app_start(args->config_file, &app, &e) < 0) {
		log_err(LOG_ERROR_, "cannot start", &e);
		return e.code == ERR_CONFIG ? CLI_CONFIG : CLI_FAILED;
	}
	notify_send("READY=1");
	app_connect(&app);
	while (got != SIGTERM && got != SIGINT) {
		got = next_signal(&app, &waited);
		if (got == SIGHUP)
			reload(&app);
		else if (got == 0 && !app.ready)
			app_connect(&app);
		else if (got == 0)
			heap_trim();
	}
	notify_send("STOPPING=1");
	log_event(LOG_INFO_, "stopping", LOG_S("signal", got == SIGTERM ? "SIGTERM" : "SIGINT"), LOG_END);
	app_stop(&app);
	log_event(LOG_INFO_, "stopped", LOG_END);
	return CLI_DONE;
}
