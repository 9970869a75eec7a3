/* SPDX-License-Identifier: Apache-2.0
 * The command line: one table of subcommands, one of options. Thread rule: main only. */
#ifndef DIRHINGE_APP_CLI_H
#define DIRHINGE_APP_CLI_H

#include "dirhinge/base/err.h"
#include "dirhinge/base/json.h"

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_CONFIG = 3,
	CLI_UNREACHABLE = 4,
};

enum cli_output { CLI_TABLE, CLI_JSON };

struct cli_args {
	const char *verb; /* "check" of "config check"; NULL if the subcommand has none */
	const char *config_file;
	const char *client;
	enum cli_output output;
	bool tour;
	bool write_test;
	bool follow, yes;
	const char *after, *types, *filter, *limit, *why, *expect;
	const char *operand; /* the ID of guard show, release, reject */
};

int cli_main(int argc, char **argv);

/* "dirhinge: …" on stderr; returns the exit code that belongs to the error. */
int cli_fail(const struct err *e);
/* "dirhinge: …" on stderr for options that do not go together; CLI_USAGE. */
int cli_usage(const char *problem);
/* Prints a JSON object, indented, and gives its reference back; exit code of the command. */
int cli_print_json(json_t *j);
/* Everything written to stdout arrived; CLI_FAILED with a message otherwise. */
int cli_flush(void);

/* The subcommands, each in its own file. */
int serve_run(const struct cli_args *args);
int demo_run(const struct cli_args *args);
int config_run(const struct cli_args *args);
int doctor_run(const struct cli_args *args);
int token_run(const struct cli_args *args);
int events_run(const struct cli_args *args);
int sync_run(const struct cli_args *args);
int guard_run(const struct cli_args *args);

#endif
