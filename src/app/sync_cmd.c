/* SPDX-License-Identifier: Apache-2.0
 * dirhinge sync: status, reconcile, reset. */
#include "app/remote.h"
#include "app/table.h"
#include "dirhinge/base/json.h"

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
	if (remote_open(a, args, &r, &e) < 0 ||
	    remote_call(&r, status ? "GET" : "POST",
			status ? "/admin/v1/sync" : arena_printf(a, "/admin/v1/sync/%s", args->verb), NULL, &answer,
			&e) < 0)
		return cli_fail(&e);
	if (args->output == CLI_JSON)
		return cli_print_json(json_incref(answer));
	table_print_object(a, answer);
	return cli_flush();
}
