/* SPDX-License-Identifier: Apache-2.0
 * dirhinge config: check, show, schema. */
#include <stdio.h>

#include "app/cli.h"
#include "app/config.h"

static int
check(const struct cli_args *args, const struct config *cfg)
{
	json_t *warnings = json_array();

	for (const char *const *w = cfg->warnings; *w; w++)
		json_array_append_new(warnings, json_string(*w));
	if (args->output == CLI_JSON)
		return cli_print_json(
			json_pack("{s:s, s:b, s:o}", "file", args->config_file, "valid", 1, "warnings", warnings));
	json_decref(warnings);
	for (const char *const *w = cfg->warnings; *w; w++)
		printf("warning: %s\n", *w);
	printf("%s: valid\n", args->config_file);
	return cli_flush();
}

static int
show(const struct cli_args *args, const struct config *cfg)
{
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);

	if (args->output == CLI_JSON)
		return cli_print_json(config_json(cfg));
	config_yaml(&text, cfg);
	fputs(buf_str(&text), stdout);
	return cli_flush();
}

static int
report(const struct cli_args *args, const struct err *e)
{
	char text[sizeof(e->detail) + 64];

	if (args->output == CLI_JSON && str_eq(args->verb, "check")) {
		err_render(e, text, sizeof(text));
		cli_print_json(json_pack("{s:s, s:b, s:s}", "file", args->config_file, "valid", 0, "error", text));
	} else {
		cli_fail(e);
	}
	return CLI_CONFIG;
}

int
config_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	const struct config *cfg;
	struct err e = ERR_INIT;

	if (str_eq(args->verb, "schema"))
		return cli_print_json(config_schema());
	if (config_load(a, args->config_file, &cfg, &e) < 0)
		return report(args, &e);
	return str_eq(args->verb, "check") ? check(args, cfg) : show(args, cfg);
}
