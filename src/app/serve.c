/* SPDX-License-Identifier: Apache-2.0
 * dirhinge serve: the gateway in the foreground, steered by signals. */
#include <errno.h>
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

/* The next signal, or 0 when it is time to try the directory again. */
static int
next_signal(const struct app *app, const sigset_t *waited)
{
	const struct timespec pause = {.tv_sec = CONNECT_RETRY_S};
	int got;

	do
		got = app->ready ? sigwaitinfo(waited, NULL) : sigtimedwait(waited, NULL, &pause);
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
		else if (got == 0)
			app_connect(&app);
	}
	notify_send("STOPPING=1");
	log_event(LOG_INFO_, "stopping", LOG_S("signal", got == SIGTERM ? "SIGTERM" : "SIGINT"), LOG_END);
	app_stop(&app);
	log_event(LOG_INFO_, "stopped", LOG_END);
	return CLI_DONE;
}
