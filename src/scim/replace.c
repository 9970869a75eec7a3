/* SPDX-License-Identifier: Apache-2.0
 * PUT as a change of what is there (RFC 7644 3.5.1): what the body does not mention stays. */
#include "dirhinge/scim/diff.h"
#include "scim/normal.h"

static int
replace_complex(struct scim_ctx *c, const struct scim_attr *attr, const json_t *value, json_t *after, struct err *e)
{
	const struct scim_place at = {.name = attr->path};
	json_auto_t *merged = json_incref(scim_resource_get(c->type, after, attr));

	if (!merged)
		merged = json_object();
	if (scim_complex_merge(c, attr, merged, value, &at, e) < 0)
		return -1;
	scim_resource_set(c->type, after, attr, scim_complex_is_empty(attr, merged) ? NULL : TAKE(merged));
	return 0;
}

static int
put_value(struct scim_ctx *c, const struct scim_attr *attr, const json_t *value, json_t *after, struct err *e)
{
	if (json_unassigned(value)) {
		scim_resource_set(c->type, after, attr, NULL);
		return 0;
	}
	if (attr->kind == SCIM_COMPLEX && !attr->multi)
		return replace_complex(c, attr, value, after, e);
	json_t *copy = json_deep_copy(value);
	if (attr->multi)
		scim_links_adopt(attr, copy, scim_resource_get(c->type, after, attr));
	scim_resource_set(c->type, after, attr, copy);
	return 0;
}

static int
replace_attr(struct scim_ctx *c, const struct scim_attr *attr, const json_t *body, json_t *after, struct err *e)
{
	const json_t *value = scim_resource_get(c->type, body, attr);
	json_auto_t *was = NULL;

	/* RFC 7644 3.5.1: readOnly values are ignored; what is absent is not asserted and stays. */
	if (!value || scim_attr_kept(attr))
		return 0;
	if (attr->mutability == SCIM_IMMUTABLE)
		was = json_deep_copy(scim_resource_get(c->type, after, attr));
	if (put_value(c, attr, value, after, e) < 0)
		return -1;
	return scim_resource_keep_immutable(c->type, after, attr, TAKE(was), e);
}

int
scim_replace(struct scim_ctx *c, const json_t *before, const json_t *body, json_t **after_r, struct err *e)
{
	json_auto_t *after = json_deep_copy(before);
	const struct scim_attr *attr;

	for (size_t i = 0; (attr = scim_type_at(c->type, i)) != NULL; i++)
		if (replace_attr(c, attr, body, after, e) < 0)
			return -1;
	if (scim_resource_check_parts(c, after, before, false, e) < 0)
		return -1;
	scim_resource_set_schemas(c->type, after);
	*after_r = json_keep(c->a, TAKE(after));
	return 0;
}
