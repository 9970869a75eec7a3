/* SPDX-License-Identifier: Apache-2.0
 * What an entry shows as a tree, for tests that change or compare it. */
#ifndef DIRHINGE_TESTS_MAP_TREE_H
#define DIRHINGE_TESTS_MAP_TREE_H

#include "dirhinge/map/map.h"

/* Without references. */
static inline int
map_tree(struct map_run *r, const struct map *m, const struct dir_entry *en, json_t **res_r, struct err *e)
{
	struct scim_view *view;

	if (map_to_scim(r, m, en, NULL, &view, e) < 0)
		return -1;
	*res_r = json_keep(r->a, scim_view_tree(view));
	return 0;
}

#endif
