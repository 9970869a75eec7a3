/* SPDX-License-Identifier: Apache-2.0
 * sortBy and sortOrder (RFC 7644 3.4.2.3): which value of a resource sorts it, as bytes that compare with memcmp. Pure.
 */
#ifndef DIRHINGE_SCIM_SORT_H
#define DIRHINGE_SCIM_SORT_H

#include "dirhinge/scim/ctx.h"

struct scim_sort {
	const struct scim_attr *attr; /* top level */
	const struct scim_attr *sub;  /* or NULL */
	bool descending;
};

/* 1 parsed, 0 the attribute is unknown and that is tolerated (noted): no order is asked for, -1 ERR_VALUE.
 * A complex attribute means its "value" (standards.md P16). order: NULL, "ascending", "descending" in any case. */
int scim_sort_parse(struct scim_ctx *c, const char *by, const char *order, struct scim_sort *s_r,
		    struct err *e) DH_MUST_USE;
/* The attribute as scim_project_parse takes it. */
const char *scim_sort_path(const struct scim_sort *s);
/* p NULL: the resource has no value, or is of a type without the attribute. */
struct strv scim_sort_key(struct arena *a, const struct scim_type *t, const struct scim_sort *s, const json_t *res);
/* Whether x stands before (< 0) or behind y. Without value: last when ascending, first when descending. */
int scim_sort_cmp(const struct scim_sort *s, struct strv x, struct strv y);

#endif
