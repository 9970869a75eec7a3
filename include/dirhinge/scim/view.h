/* SPDX-License-Identifier: Apache-2.0
 * A resource as a list of values that stay where they came from: what an entry shows, before it is anything else. It is
 * printed as JSON text for answers, and made a tree where a resource is changed or compared. Normal form as in
 * resource.h. Pure. Thread rule: confined to its arena. */
#ifndef DIRHINGE_SCIM_VIEW_H
#define DIRHINGE_SCIM_VIEW_H

#include "dirhinge/scim/project.h"

/* A simple value. type: JSON_STRING (valid UTF-8), JSON_INTEGER, JSON_REAL, JSON_TRUE or JSON_FALSE. */
struct scim_scalar {
	json_type type;
	union {
		struct strv text;
		json_int_t integer;
		double real;
	};
};

struct scim_field {
	const struct scim_attr *attr; /* the attribute itself if it is simple, else a sub-attribute */
	struct scim_scalar value;
};

struct scim_item { /* one value of an attribute, with room for each of its sub-attributes */
	struct scim_field *v;
	size_t n;
};

struct scim_part { /* a top-level attribute that has a value */
	const struct scim_attr *attr;
	struct scim_item *items; /* one, unless the attribute is multi-valued */
	size_t n, cap;
};

struct scim_view {
	struct arena *a;
	const struct scim_type *type;
	struct scim_part *parts; /* in the order in which they came; without "schemas", which follows from them */
	size_t n, cap;
};

struct scim_view *scim_view_new(struct arena *a, const struct scim_type *t);
const struct scim_part *scim_view_part(const struct scim_view *v, const struct scim_attr *attr); /* NULL if absent */
/* One value more of a top-level attribute; of a single-valued one, another value. */
struct scim_item *scim_view_item(struct scim_view *v, const struct scim_attr *attr);
/* The value of a simple attribute, or of a sub-attribute of a single-valued complex one. */
void scim_view_set(struct scim_view *v, const struct scim_attr *attr, struct scim_scalar value);
/* NULL if it has none. */
const struct scim_scalar *scim_view_get(const struct scim_view *v, const struct scim_attr *attr);

struct scim_item scim_item_new(struct arena *a, const struct scim_attr *attr);
void scim_item_set(struct scim_item *it, const struct scim_attr *attr, struct scim_scalar value);
const struct scim_scalar *scim_item_get(const struct scim_item *it, const struct scim_attr *attr);
/* The same fields with the same values, in any order. */
bool scim_item_equal(const struct scim_item *x, const struct scim_item *y);
bool scim_scalar_equal(const struct scim_scalar *x, const struct scim_scalar *y);

/* New references. */
json_t *scim_scalar_tree(const struct scim_scalar *s);
json_t *scim_item_tree(const struct scim_item *it, const struct scim_attr *attr);
json_t *scim_view_tree(const struct scim_view *v);

/* JSON text: what p shows, as it is sent; p NULL: everything, as the tree would be printed. "schemas" and "id" are
 * always there. */
void scim_view_print(struct buf *out, const struct scim_view *v, const struct scim_project *p);

struct strv scim_view_text(struct arena *a, const struct scim_view *v, const struct scim_project *p);

static inline struct scim_scalar
scim_text(struct strv utf8)
{
	return (struct scim_scalar){.type = JSON_STRING, .text = utf8};
}

static inline struct scim_scalar
scim_bool(bool yes)
{
	return (struct scim_scalar){.type = yes ? JSON_TRUE : JSON_FALSE};
}

#endif
