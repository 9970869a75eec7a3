/* SPDX-License-Identifier: Apache-2.0
 * dirhinge sync: status, reconcile, reset. */
#include "app/config.h"
#include "app/remote.h"
#include "app/table.h"
#include "dirhinge/base/json.h"
#include "dirhinge/store/store.h"

/* No daemon runs, or it runs without a store that could not be opened: then the store is put aside, and the next start
 * makes a new one. A daemon that uses it holds the lock, so that this is never done behind its back. */
static int
reset_stopped(struct arena *a, const struct cli_args *args, json_t **answer_r)
{
	const struct config *cfg;
	struct err e = ERR_INIT;
	if (config_load(a, args->config_file, &cfg, &e) < 0 || store_discard(cfg->state_dir, &e) < 0)
		return -1;
	*answer_r =
		json_keep(a, json_pack("{s:s, s:s}", "state", "stopped", "reset",
				       arena_printf(a, "%s/dirhinge.db is now dirhinge.db.old; (re)start the daemon",
						    cfg->state_dir)));
	return 0;
}

int
sync_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	bool status = str_eq(args->verb, "status");
	struct remote r;
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	if (args->yes && !str_eq(args->verb, "reset"))
		return cli_usage("--yes belongs to sync reset");
	if (str_eq(args->verb, "reset") && !args->yes)
		return cli_usage("sync reset forgets every event, all known state and what the guard holds, and ends "
				 "every reader's cursor; say --yes if that is meant");
	if (remote_open(a, args, &r, &e) < 0)
		return cli_fail(&e);
	bool reset = str_eq(args->verb, "reset");
	if (remote_call(&r, status ? "GET" : "POST",
			status ? "/admin/v1/sync" : arena_printf(a, "/admin/v1/sync/%s", args->verb), NULL, &answer,
			&e) < 0 &&
	    (!reset || (e.code != ERR_UNAVAILABLE && e.code != ERR_NOT_IMPLEMENTED) ||
	     reset_stopped(a, args, &answer) < 0))
		return cli_fail(&e);
	if (args->output == CLI_JSON)
		return cli_print_json(json_incref(answer));
	table_print_object(a, answer);
	return cli_flush();
}
