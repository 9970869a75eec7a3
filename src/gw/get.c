/* SPDX-License-Identifier: Apache-2.0
 * GET of one resource (RFC 7644 3.4.1). */
#include "gw/gw_priv.h"

static int
get(struct gw_run *run, const char *id, struct gw_result *r, struct err *e)
{
	const struct dir_entry *en;
	if (gw_fetch(run, id, map_attrs(&run->m, run->map, run->project, NULL), &en, e) < 0)
		return -1;
	if (gw_none_match(run, en)) {
		*r = (struct gw_result){
			.id = map_id(&run->m, en), .version = map_version(&run->m, en), .not_modified = true};
		r->location = map_location(&run->m, run->map, r->id);
		return 0;
	}
	return gw_show(run, en, r, e);
}

int
gw_get(struct gw *g, struct gw_req *q, const char *id, struct gw_result *r, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	return gw_end(&run, get(&run, id, r, e), e);
}
