/* SPDX-License-Identifier: Apache-2.0
 * The program. */
#include <jansson.h>

#include "app/cli.h"

int
main(int argc, char **argv)
{
	/* Hash seed of jansson, before any thread and any object. */
	json_object_seed(0);
	return cli_main(argc, argv);
}
