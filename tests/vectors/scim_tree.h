/* SPDX-License-Identifier: Apache-2.0
 * Projection the plain way, on trees: what the text of a view is held against. */
#ifndef DIRHINGE_TESTS_SCIM_TREE_H
#define DIRHINGE_TESTS_SCIM_TREE_H

#include "dirhinge/scim/view.h"

/* The values of a tree in normal form, in its order; what the type does not know is left out. */
struct scim_view *scim_tree_view(struct arena *a, const struct scim_type *t, const json_t *res);
/* A new reference to a tree with only what is to be returned; "schemas" and "id" always stay, returned:never never. */
json_t *scim_tree_project(const struct scim_project *p, const struct scim_type *t, const json_t *res);

#endif
