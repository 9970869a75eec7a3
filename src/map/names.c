/* SPDX-License-Identifier: Apache-2.0
 * Which characters a user name may not hold (contrib/decisions/0010-unicode.md). Two names are equal when the directory
 * says so (reliability.md T-09); it takes names for different that nobody can tell apart on a screen. */
#include "dirhinge/base/unicode.h"
#include "map/plan.h"

int
map_check_name(struct map_run *r, const struct map_row *row, struct strv value, struct err *e)
{
	struct strv prepared;
	if (unicode_prepare_name(r->a, value, &prepared, e) == 0)
		return 0;
	char why[sizeof e->detail];
	err_render(e, why, sizeof why);
	return err_set(e, ERR_VALUE, "%s: %s", row->leaf->path, why);
}
