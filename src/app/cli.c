/* SPDX-License-Identifier: Apache-2.0
 * Parses the command line and calls the subcommand. */
#include <config.h>

#include <getopt.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/config.h"
#include "dirhinge/base/strv.h"

enum option_bit {
	OPT_CONFIG = 1 << 0,
	OPT_OUTPUT = 1 << 1,
	OPT_CLIENT = 1 << 2,
	OPT_TOUR = 1 << 3,
	OPT_WRITE_TEST = 1 << 4,
	OPT_HELP = 1 << 5,
	OPT_VERSION = 1 << 6,
	OPT_AFTER = 1 << 7,
	OPT_TYPES = 1 << 8,
	OPT_FILTER = 1 << 9,
	OPT_LIMIT = 1 << 10,
	OPT_FOLLOW = 1 << 11,
	OPT_YES = 1 << 12,
	OPT_WHY = 1 << 13,
	OPT_EXPECT = 1 << 14,
};

static const struct option_row {
	enum option_bit bit;
	char letter; /* or 0 */
	const char *name, *arg, *help;
} options[] = {
	{OPT_CONFIG, 'c', "config", "FILE", "configuration file (default " CONFIG_DEFAULT_FILE ")"},
	{OPT_OUTPUT, 'o', "output", "FORM", "table (default) or json"},
	{OPT_CLIENT, 0, "client", "NAME", "name of the client that the token is for"},
	{OPT_TOUR, 0, "tour", NULL, "play a script against the demo, verify each step in the directory, exit"},
	{OPT_WRITE_TEST, 0, "write-test", NULL, "also create, change and remove a test user and a test group"},
	{OPT_AFTER, 0, "after", "CURSOR", "begin behind this event; now: behind the newest"},
	{OPT_TYPES, 0, "types", "LIST", "only these types, with commas between: dsync.user.created,dsync.user.deleted"},
	{OPT_FILTER, 0, "filter", "TEXT", "only events whose resource matches this SCIM filter"},
	{OPT_LIMIT, 'n', "limit", "N", "at most so many events, 1 to 1000 (default: list 100, tail 20)"},
	{OPT_FOLLOW, 'f', "follow", NULL, "stay and print events as they come"},
	{OPT_YES, 0, "yes", NULL, "do it without asking"},
	{OPT_WHY, 0, "why", "TEXT", "the reason, for the record"},
	{OPT_EXPECT, 0, "expect", "N", "decide only if the batch still has the N events that guard show told of"},
	{OPT_HELP, 'h', "help", NULL, "this text"},
	{OPT_VERSION, 'V', "version", NULL, "version of the program and of its libraries"},
};

static const struct command {
	const char *name;
	const char *verbs[5];
	unsigned operands; /* bit per verb: it takes an ID */
	unsigned options;  /* enum option_bit; OPT_HELP is always there */
	const char *summary;
	const char *text;
	const char *examples;
	int (*run)(const struct cli_args *);
} commands[] = {
	{
		.name = "serve",
		.options = OPT_CONFIG,
		.summary = "run the gateway in the foreground",
		.text = "Serves SCIM over HTTP and writes to the directory; logs to stderr. SIGHUP reads the "
			"configuration\n"
			"again (clients and tokens change at once), SIGTERM lets requests finish and exits with 0.",
		.examples = "  dirhinge serve -c /etc/dirhinge/dirhinge.yaml\n"
			    "  kill -HUP $(pidof dirhinge)\n",
		.run = serve_run,
	},
	{
		.name = "demo",
		.options = OPT_TOUR,
		.summary = "start a private directory and a gateway, print how to use them",
		.text = "Starts slapd and the gateway on loopback with all files in a temporary directory and removes\n"
			"everything when it ends. Needs slapd; --tour needs curl and ldapsearch too.",
		.examples = "  dirhinge demo\n"
			    "  dirhinge demo --tour\n",
		.run = demo_run,
	},
	{
		.name = "config",
		.verbs = {"check", "show", "schema"},
		.options = OPT_CONFIG | OPT_OUTPUT,
		.summary = "check a configuration file, show effective values, print its JSON Schema",
		.text = "check   reads the file and all files that it names; says what is wrong with file and line\n"
			"show    prints every option with its effective value; secrets are masked\n"
			"schema  prints the JSON Schema of the file for editors",
		.examples = "  dirhinge config check -c dirhinge.yaml\n"
			    "  dirhinge config show -c dirhinge.yaml --output json\n"
			    "  dirhinge config schema > dirhinge.schema.json\n",
		.run = config_run,
	},
	{
		.name = "doctor",
		.options = OPT_CONFIG | OPT_OUTPUT | OPT_WRITE_TEST,
		.summary = "probe the directory and print what to fix",
		.text = "Checks connection, TLS, identity, schema, rights, limits, indexes and overlays. Nothing "
			"lasting is\n"
			"written; --write-test goes through the life of one test user and one test group and removes "
			"both.",
		.examples = "  dirhinge doctor -c /etc/dirhinge/dirhinge.yaml\n"
			    "  dirhinge doctor --write-test --output json\n",
		.run = doctor_run,
	},
	{
		.name = "token",
		.verbs = {"create"},
		.options = OPT_CONFIG | OPT_OUTPUT | OPT_CLIENT,
		.summary = "make a bearer token for a client",
		.text = "create  prints a new token once, its SHA-256 and the lines for the configuration file; "
			"nothing is\n"
			"        stored or logged",
		.examples = "  dirhinge token create --client entra\n"
			    "  dirhinge token create --client okta --output json\n",
		.run = token_run,
	},
	{
		.name = "events",
		.verbs = {"list", "tail"},
		.options = OPT_CONFIG | OPT_OUTPUT | OPT_AFTER | OPT_TYPES | OPT_FILTER | OPT_LIMIT | OPT_FOLLOW,
		.summary = "show the changes of the directory as the running daemon recorded them",
		.text = "list  a page of events, from the oldest kept or from --after on\n"
			"tail  the newest events; with --follow those to come too, also over restarts of the daemon\n\n"
			"With --output json, tail prints one event a line.",
		.examples = "  dirhinge events list --types dsync.user.deactivated,dsync.user.deleted\n"
			    "  dirhinge events tail --follow\n"
			    "  dirhinge events tail -f --after now --output json | jq .subject\n",
		.run = events_run,
	},
	{
		.name = "sync",
		.verbs = {"status", "reconcile", "reset"},
		.options = OPT_CONFIG | OPT_OUTPUT | OPT_YES,
		.summary = "how the daemon follows the directory; compare anew, begin anew",
		.text = "status     what the change feed is doing and what it guarantees\n"
			"reconcile  compares all that is known with all that is there, now, and says what it found\n"
			"reset      forgets events, state and held batches and begins anew: every reader has to take "
			"a\n"
			"           snapshot again (410). Needs --yes",
		.examples = "  dirhinge sync status\n"
			    "  dirhinge sync reconcile --output json\n",
		.run = sync_run,
	},
	{
		.name = "guard",
		.verbs = {"list", "show", "release", "reject"},
		.operands = 1 << 1 | 1 << 2 | 1 << 3,
		.options = OPT_CONFIG | OPT_OUTPUT | OPT_WHY | OPT_EXPECT,
		.summary = "decide on removals that are held because there are too many at once",
		.text = "list        batches that wait for a decision\n"
			"show ID     the events of one\n"
			"release ID  they are right: the events go out, in their order\n"
			"reject ID   they are a mistake: the events are thrown away and the entries looked at again",
		.examples = "  dirhinge guard list\n"
			    "  dirhinge guard show 7\n"
			    "  dirhinge guard release 7 --expect 41 --why 'department closed, ticket 4711'\n",
		.run = guard_run,
	},
};

int
cli_fail(const struct err *e)
{
	char text[sizeof(e->detail) + 64];

	err_render(e, text, sizeof(text));
	fprintf(stderr, "dirhinge: %s\n", text);
	if (e->cause[0] && e->code != ERR_CONFIG)
		fprintf(stderr, "dirhinge: %s\n", e->cause);
	switch ((int)e->code) {
	case ERR_CONFIG:
		return CLI_CONFIG;
	case ERR_UNAVAILABLE:
		return CLI_UNREACHABLE;
	default:
		return CLI_FAILED;
	}
}

int
cli_usage(const char *problem)
{
	fprintf(stderr, "dirhinge: %s\n", problem);
	return CLI_USAGE;
}

int
cli_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CLI_DONE;
	fputs("dirhinge: standard output cannot be written\n", stderr);
	return CLI_FAILED;
}

int
cli_print_json(json_t *j)
{
	int rc = json_dumpf(j, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_decref(j);
	putchar('\n');
	return rc < 0 ? CLI_FAILED : cli_flush();
}

static void
print_options(unsigned mask)
{
	puts("\nOptions:");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];
		char form[32];
		if (!(mask & o->bit))
			continue;
		snprintf(form, sizeof(form), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		if (o->letter)
			printf("  -%c, %-15s  %s\n", o->letter, form, o->help);
		else
			printf("      %-15s  %s\n", form, o->help);
	}
}

static int
print_help(const struct command *c)
{
	if (c) {
		printf("Usage: dirhinge %s", c->name);
		for (size_t i = 0; c->verbs[i]; i++)
			printf("%s%s", i ? "|" : " ", c->verbs[i]);
		printf("%s [options]\n\n%s\n", c->operands ? " [ID]" : "", c->text);
		print_options(c->options | OPT_HELP);
		printf("\nExamples:\n%s", c->examples);
		return cli_flush();
	}
	puts("Usage: dirhinge COMMAND [options]\n\n"
	     "The hinge between cloud identity providers and a directory: SCIM 2.0 in, LDAP out.\n\nCommands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	print_options(OPT_HELP | OPT_VERSION);
	puts("\nExamples:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fputs(commands[i].examples, stdout);
	puts("\nExit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 directory or daemon unreachable.\n"
	     "dirhinge COMMAND --help tells more.");
	return cli_flush();
}

static int
usage(const struct command *c, const char *problem, const char *what)
{
	fprintf(stderr, "dirhinge: %s%s\nTry: dirhinge %s%s--help\n", problem, what ? what : "", c ? c->name : "",
		c ? " " : "");
	return CLI_USAGE;
}

static int
print_version(void)
{
	printf("dirhinge %s\njansson %s\n", PACKAGE_VERSION, jansson_version_str());
	return cli_flush();
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* 1 or more */
static bool
is_count(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && n < 10 && !text[n] && text[0] != '0';
}

/* 1 to 1000 */
static bool
is_limit(const char *text)
{
	size_t n = strlen(text);
	bool digits = n > 0 && text[strspn(text, "0123456789")] == '\0';
	return digits && text[0] != '0' && (n < 4 || str_eq(text, "1000"));
}

static bool
take_option(struct cli_args *args, enum option_bit bit, const char *value)
{
	switch (bit) {
	case OPT_CONFIG:
		args->config_file = value;
		return value[0];
	case OPT_OUTPUT:
		args->output = str_eq(value, "json") ? CLI_JSON : CLI_TABLE;
		return str_eq(value, "json") || str_eq(value, "table");
	case OPT_CLIENT:
		args->client = value;
		return value[0];
	case OPT_TOUR:
		return args->tour = true;
	case OPT_WRITE_TEST:
		return args->write_test = true;
	case OPT_AFTER:
		args->after = value;
		return value[0];
	case OPT_TYPES:
		args->types = value;
		return value[0];
	case OPT_FILTER:
		args->filter = value;
		return value[0];
	case OPT_LIMIT:
		args->limit = value;
		return is_limit(value);
	case OPT_FOLLOW:
		return args->follow = true;
	case OPT_YES:
		return args->yes = true;
	case OPT_WHY:
		args->why = value;
		return true;
	case OPT_EXPECT:
		args->expect = value;
		return is_count(value);
	case OPT_HELP:
	case OPT_VERSION:
		return true;
	}
	return false;
}

/* getopt's tables for the options of one command. */
struct getopt_tables {
	char letters[2 * ARRAY_SIZE(options) + 2];
	struct option longs[ARRAY_SIZE(options) + 1];
};

static void
make_tables(unsigned mask, struct getopt_tables *t)
{
	size_t n_letters = 0, n_longs = 0;

	memset(t, 0, sizeof(*t));
	t->letters[n_letters++] = ':'; /* a missing argument is told apart from an unknown option */
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];
		if (!(mask & o->bit))
			continue;
		int value = 256 + (int)i;
		t->longs[n_longs++] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL, value};
		if (!o->letter)
			continue;
		t->letters[n_letters++] = o->letter;
		if (o->arg)
			t->letters[n_letters++] = ':';
	}
}

static const struct option_row *
row_of(int got)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (got == 256 + (int)i || (options[i].letter && got == options[i].letter))
			return &options[i];
	return NULL;
}

/* Options and verb of a command; true when there is nothing left to do but return *exit_r. */
static bool
parse_args(const struct command *c, int argc, char **argv, struct cli_args *args, int *exit_r)
{
	struct getopt_tables t;
	int got;

	make_tables(c->options | OPT_HELP, &t);
	opterr = 0;
	while ((got = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		const struct option_row *o = row_of(got);
		if (!o) {
			*exit_r = usage(c, got == ':' ? "an argument is missing for " : "unknown option ",
					argv[optind - 1]);
			return true;
		}
		if (o->bit == OPT_HELP) {
			*exit_r = print_help(c);
			return true;
		}
		if (!take_option(args, o->bit, optarg)) {
			*exit_r = usage(c, "not a value of this option: ", optarg);
			return true;
		}
	}
	if (c->verbs[0]) {
		size_t i = 0;
		while (optind < argc && c->verbs[i] && !str_eq(c->verbs[i], argv[optind]))
			i++;
		if (optind >= argc || !c->verbs[i]) {
			*exit_r = usage(c, optind < argc ? "unknown action " : "an action is missing", argv[optind]);
			return true;
		}
		args->verb = argv[optind++];
		if (c->operands & (1U << i)) {
			if (optind >= argc) {
				*exit_r = usage(c, "an ID is missing", NULL);
				return true;
			}
			args->operand = argv[optind++];
		}
	}
	if (optind < argc) {
		*exit_r = usage(c, "unexpected argument ", argv[optind]);
		return true;
	}
	return false;
}

int
cli_main(int argc, char **argv)
{
	struct cli_args args = {.config_file = CONFIG_DEFAULT_FILE};
	int rc;

	if (argc < 2)
		return usage(NULL, "a command is missing", NULL);
	if (str_eq(argv[1], "--version") || str_eq(argv[1], "-V"))
		return print_version();
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return print_help(NULL);
	const struct command *c = find_command(argv[1]);
	if (!c)
		return usage(NULL, argv[1][0] == '-' ? "unknown option " : "unknown command ", argv[1]);
	if (parse_args(c, argc - 1, argv + 1, &args, &rc))
		return rc;
	return c->run(&args);
}
