/* SPDX-License-Identifier: Apache-2.0
 * PATCH (RFC 7644 3.5.2): all operations on a copy, then one modify. Member operations are folded into value-level
 * changes without reading the members. */
#include "gw/update.h"

static int
wanted(struct gw_run *run, struct gw_update *u, const json_t *before, json_t **after_r, struct err *e)
{
	return scim_patch_apply(&run->ctx, &u->patch, before, after_r, e);
}

static int
patch(struct gw_run *run, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	struct gw_update u = {.verb = "patch", .wanted = wanted};
	if (scim_patch_parse(&run->ctx, body, &u.patch, e) < 0)
		return -1;
	const struct scim_attr *members =
		run->q->type == GW_GROUPS ? scim_type_attr(run->type, STRV(""), STRV("members")) : NULL;
	if (members && scim_patch_take_members(&run->ctx, &u.patch, members, &u.delta, e) < 0)
		return -1;
	u.whole_list = u.delta.needs_current;
	/* RFC 7644 3.5.2: 200 needs the whole resource, which would mean reading every member back; a client that names
	 * attributes gets its 200. */
	u.no_answer = u.delta.touched && !scim_project_given(run->project);
	u.short_answer = !scim_project_given(run->project);
	return gw_update(run, &u, id, r, e);
}

int
gw_patch(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	struct gw_run run;
	if (gw_begin(g, q, &run, e) < 0)
		return -1;
	int rc = patch(&run, id, body, r, e);
	gw_written(&run);
	return gw_end(&run, rc, e);
}
