/* SPDX-License-Identifier: Apache-2.0
 * What differs between two resources: whole attributes, or sub-attributes of single-valued complex ones. */
#include "dirhinge/scim/diff.h"
#include "scim/normal.h"

static void
add(struct scim_diff *d, const struct scim_attr *attr, const json_t *before, const json_t *after)
{
	/* A corrected spelling is a change, even where values compare without case. */
	if (!scim_value_same(attr, before, after))
		d->changes[d->n++] = (struct scim_change){.attr = attr, .before = before, .after = after};
}

static size_t
room_needed(const struct scim_type *t)
{
	const struct scim_attr *attr;
	size_t n = 0;

	for (size_t i = 0; (attr = scim_type_at(t, i)) != NULL; i++)
		n += attr->multi || attr->n_subs == 0 ? 1 : attr->n_subs;
	return n;
}

void
scim_diff(struct arena *a, const struct scim_type *t, const json_t *before, const json_t *after,
	  struct scim_diff *diff_r)
{
	struct scim_diff d = {.changes = ARENA_ARRAY(a, room_needed(t), struct scim_change)};
	const struct scim_attr *attr;

	for (size_t i = 0; (attr = scim_type_at(t, i)) != NULL; i++) {
		/* id, meta and schemas */
		if (!attr->schema && scim_attr_kept(attr))
			continue;
		const json_t *old = scim_resource_get(t, before, attr);
		const json_t *new = scim_resource_get(t, after, attr);
		if (attr->multi || attr->kind != SCIM_COMPLEX) {
			add(&d, attr, old, new);
			continue;
		}
		for (size_t k = 0; k < attr->n_subs; k++) {
			const struct scim_attr *sub = &attr->subs[k];
			if (!scim_sub_is_derived(attr, sub))
				add(&d, sub, json_object_get(old, sub->name), json_object_get(new, sub->name));
		}
	}
	*diff_r = d;
}
