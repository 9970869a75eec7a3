/* SPDX-License-Identifier: Apache-2.0
 * One operation of a PATCH while it is applied; shared by patch_apply.c and patch_select.c. */
#ifndef DIRHINGE_SRC_SCIM_PATCH_APPLY_H
#define DIRHINGE_SRC_SCIM_PATCH_APPLY_H

#include "dirhinge/scim/patch.h"
#include "scim/normal.h"

struct step {
	struct scim_ctx *c;
	struct arena *tmp; /* dies with the operation */
	json_t *res;       /* the copy that is being changed */
	const struct scim_patch_op *op;
	const struct scim_place *at; /* for messages: "Operations[2]: emails" */
};

/* The elements an operation works on: of a multi-valued complex attribute, or the one value of a single-valued. */
struct targets {
	json_t *list; /* the array; NULL for a single value */
	json_t **v;
	size_t *index; /* in list */
	size_t n;
};

/* What the path selects; everything without filter. */
void scim_targets_find(const struct step *s, struct targets *t_r);
/* attr[filter], attr[filter].sub, and attr.sub of a multi-valued attribute: add and replace. */
int scim_step_put_selected(const struct step *s, struct err *e) DH_MUST_USE;
/* The same for remove. */
int scim_step_remove_selected(const struct step *s, struct err *e) DH_MUST_USE;
/* remove attr with a list of values: just those. */
int scim_step_remove_listed(const struct step *s, struct err *e) DH_MUST_USE;

/* Puts the operation's value into one sub-attribute of obj. */
int scim_step_put_sub(const struct step *s, json_t *obj, const json_t *value, struct err *e) DH_MUST_USE;
/* Takes one sub-attribute out of obj. */
int scim_step_remove_sub(const struct step *s, json_t *obj, struct err *e) DH_MUST_USE;
/* Drops elements and values that say nothing any more, and the attribute with its last value. */
void scim_step_tidy(const struct step *s);
/* RFC 7644 3.5.2: setting primary on one element clears it on the others. */
void scim_list_clear_primary(json_t *list);
/* add never takes away: null members of its value say nothing. */
void scim_drop_nulls(json_t *obj);

#endif
