/* SPDX-License-Identifier: Apache-2.0
 * What json_parse takes, prints as a text that it takes again with the same value. */
#include "dirhinge/base/json.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;
	json_t *root = NULL, *again = NULL;

	if (json_parse(a, strv_n((const char *)data, size), NULL, &root, &e) < 0) {
		must(root == NULL && (e.code == ERR_SYNTAX || e.code == ERR_TOO_LARGE));
		must(e.offset == ERR_NO_OFFSET || e.offset <= size);
		return 0;
	}
	must(json_parse(a, strv_of(json_text_canonical(a, root)), NULL, &again, &e) == 0);
	must(json_equal(root, again));
	return 0;
}
