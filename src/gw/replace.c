/* SPDX-License-Identifier: Apache-2.0
 * PUT (RFC 7644 3.5.1): the difference between what is there and what was sent; absent is not empty. */
#include "gw/update.h"

static int
wanted(struct gw_run *run, struct gw_update *u, const json_t *before, json_t **after_r, struct err *e)
{
	return scim_replace(&run->ctx, before, u->body, after_r, e);
}

static int
replace(struct gw_run *run, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	json_t *res;
	if (scim_resource_normalise(&run->ctx, body, SCIM_FOR_REPLACE, &res, e) < 0)
		return -1;
	struct gw_update u = {
		.verb = "replace",
		.wanted = wanted,
		.body = res,
		.put_members = run->q->type == GW_GROUPS && json_object_get(res, "members"),
	};
	return gw_update(run, &u, id, r, e);
}

int
gw_replace(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	int rc = replace(&run, id, body, r, e);
	gw_written(&run);
	return gw_end(&run, rc, e);
}
