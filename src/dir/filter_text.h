/* SPDX-License-Identifier: Apache-2.0
 * Private: texts of a filter for the wire: with a flavour's ids, and for the matchedValues control. */
#ifndef DIRHINGE_SRC_DIR_FILTER_TEXT_H
#define DIRHINGE_SRC_DIR_FILTER_TEXT_H

#include "dirhinge/dir/filter.h"
#include "dirhinge/dir/flavour.h"

/* dir_filter_text with the ids as this directory writes them. */
int dir_filter_wire_text(struct arena *a, const struct dir_flavour *fl, const struct dir_filter *f, char **text_r,
			 struct err *e) DH_MUST_USE;

/* ValuesReturnFilter of RFC 3876 in the text form of ldap_put_vrFilter: "((member=a)(member=b))". f is a simple item or
 * an or of simple items. */
int dir_filter_values_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e) DH_MUST_USE;

#endif
