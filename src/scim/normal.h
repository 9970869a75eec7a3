/* SPDX-License-Identifier: Apache-2.0
 * What normalising, patching and replacing share inside the module: places for messages, values in normal form,
 * keys that decide equality, merging of complex values. */
#ifndef DIRHINGE_SRC_SCIM_NORMAL_H
#define DIRHINGE_SRC_SCIM_NORMAL_H

#include "dirhinge/base/buf.h"
#include "dirhinge/scim/resource.h"

struct scim_project;

/* Where a value stands in the body: a chain on the stack, turned into text only for a message. */
struct scim_place {
	const struct scim_place *up;
	const char *name; /* NULL: an element */
	size_t index;     /* of the element */
};
const char *scim_place_text(struct arena *a, const struct scim_place *at);

/* jansson's iteration takes a non-const object but changes nothing. */
static inline json_t *
scim_iterable(const json_t *obj)
{
	return (json_t *)(uintptr_t)obj;
}

/* The value in normal form as a new reference; *out_r is NULL for an unassigned one. partial: it will be merged into
 * a complex value, so that null stays null in it, {} stays {}, and nothing has to be complete. */
int scim_normal(struct scim_ctx *c, const struct scim_attr *attr, bool one, bool partial, const json_t *value,
		const struct scim_place *at, json_t **out_r, struct err *e) DH_MUST_USE;

/* The type's attributes one by one: common, core, extensions; NULL behind the last. */
const struct scim_attr *scim_type_at(const struct scim_type *t, size_t i);
/* enum scim_shown of each of them; p NULL: where the client names nothing. */
const unsigned char *scim_project_table(struct arena *a, const struct scim_type *t, const struct scim_project *p);
/* An attribute by its name alone: common, core, or the only one among the extensions that is called so. */
const struct scim_attr *scim_attr_bare(const struct scim_type *t, struct strv name);
/* The same for bodies: those of extensions only when SCIM_TOL_UNKNOWN_URN is set (noted). */
const struct scim_attr *scim_attr_find(struct scim_ctx *c, struct strv name);
/* True for an attribute that clients never set: readOnly, or "schemas", which the server keeps by itself. */
bool scim_attr_kept(const struct scim_attr *attr);

/* A multi-valued attribute whose elements point to resources (members, groups): "value" is the element, the rest
 * follows from the target. */
bool scim_attr_is_links(const struct scim_attr *attr);
/* A sub-attribute that follows from the others: never taken from a client, no part of equality. */
bool scim_sub_is_derived(const struct scim_attr *attr, const struct scim_attr *sub);
/* The sub-attribute "value", or NULL. */
const struct scim_attr *scim_attr_value(const struct scim_attr *attr);

/* Nothing is left that is worth keeping: no own sub-attribute, or an element without value. */
bool scim_complex_is_empty(const struct scim_attr *attr, const json_t *value);
/* Elements become one with an equal element: same value and type; without sub-attribute "value" all but primary. */
void scim_identity_key(struct buf *b, const struct scim_attr *attr, const json_t *element);
/* Equality of one value or element; spelling: letter case counts (but not in ids that links point to). */
void scim_value_key(struct buf *b, const struct scim_attr *attr, const json_t *value, bool spelling);
/* Like scim_value_equal, but letter case counts: what is to be written when a client corrects a spelling. */
bool scim_value_same(const struct scim_attr *attr, const json_t *a, const json_t *b);

/* Puts the sub-attributes of more into target; json null removes one. ERR_MUTABILITY for another immutable value. */
int scim_complex_merge(struct scim_ctx *c, const struct scim_attr *attr, json_t *target, const json_t *more,
		       const struct scim_place *at, struct err *e) DH_MUST_USE;
/* New elements of links take what is known of the old ones with the same value ($ref, type, display). */
void scim_links_adopt(const struct scim_attr *attr, json_t *list, const json_t *old);
/* scim_resource_check of what differs from before (NULL: of everything): a client does not answer for what the
 * directory held already. partial: single-valued complex values will be merged, so that they need not be complete. */
int scim_resource_check_parts(struct scim_ctx *c, json_t *res, const json_t *before, bool partial,
			      struct err *e) DH_MUST_USE;
/* RFC 7643 7: an immutable attribute that had a value (was, stolen; NULL: none) must have the same now, and keeps its
 * spelling; ERR_MUTABILITY. */
int scim_resource_keep_immutable(const struct scim_type *t, json_t *res, const struct scim_attr *attr, json_t *was,
				 struct err *e) DH_MUST_USE;
/* Leaves out the elements i with drop[i]. */
void scim_list_drop(json_t *list, const bool *drop);

#endif
