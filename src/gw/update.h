/* SPDX-License-Identifier: Apache-2.0
 * One change of an existing resource: how the wanted resource follows from the present one, and how members are said.
 */
#ifndef DIRHINGE_SRC_GW_UPDATE_H
#define DIRHINGE_SRC_GW_UPDATE_H

#include "gw/gw_priv.h"

/* Members that the answer to a PATCH lists at the most. */
#define GW_SHOWN_MEMBERS 1000

struct gw_update {
	const char *verb; /* for error contexts: "replace", "patch" */
	int (*wanted)(struct gw_run *run, struct gw_update *u, const json_t *before, json_t **after_r, struct err *e);
	const json_t *body;      /* PUT: normal form */
	struct scim_patch patch; /* PATCH: what is left without member operations */
	struct scim_member_delta delta;
	bool put_members;    /* PUT with members */
	bool whole_list;     /* PATCH with a selection that the present members decide */
	bool no_answer;      /* 204: members were changed and nobody asked to see them */
	bool short_answer;   /* 204 also for a group of more than GW_SHOWN_MEMBERS */
	const char *version; /* out: after the change */
};

int gw_update(struct gw_run *run, struct gw_update *u, const char *id, struct gw_result *r, struct err *e) DH_MUST_USE;

#endif
