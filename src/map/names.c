/* SPDX-License-Identifier: Apache-2.0
 * User names before they are written (contrib/decisions/0010-unicode.md). Two names are equal when the directory says
 * so (reliability.md T-09); it takes names for different that nobody can tell apart on a screen. */
#include "dirhinge/base/unicode.h"
#include "map/plan.h"

int
map_prepare_name(struct map_run *r, const struct map_row *row, struct strv *value, struct err *e)
{
	if (unicode_prepare_name(r->a, *value, value, e) == 0)
		return 0;
	char why[sizeof e->detail];
	err_render(e, why, sizeof why);
	return err_set(e, ERR_VALUE, "%s: %s", row->leaf->path, why);
}
