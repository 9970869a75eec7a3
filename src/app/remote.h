/* SPDX-License-Identifier: Apache-2.0
 * The running daemon as the command line sees it: the admin API on state_dir/admin.sock. Thread rule: main only. */
#ifndef DIRHINGE_APP_REMOTE_H
#define DIRHINGE_APP_REMOTE_H

#include "app/cli.h"
#include "dirhinge/net/local.h"

struct remote {
	struct arena *a;
	const char *socket;
};

/* The socket that belongs to the configuration of -c FILE. ERR_CONFIG. */
int remote_open(struct arena *a, const struct cli_args *args, struct remote *r_r, struct err *e) DH_MUST_USE;
/* "/path?name=value&…" with the values encoded; pairs of name and value, ended by NULL. A pair whose value is NULL is
 * left out. */
const char *remote_target(struct arena *a, const char *path, const char *const *pairs);
/* The answer as JSON, in the arena. body NULL = none, else its reference is taken. An error of the daemon comes as one
 * here: ERR_UNAVAILABLE for 503, else what its status says. */
int remote_call(const struct remote *r, const char *method, const char *target, json_t *body, json_t **answer_r,
		struct err *e) DH_MUST_USE;
/* Turns an answer other than 2xx into an error. */
int remote_failed(struct arena *a, int status, struct strv body, struct err *e);

#endif
