/* SPDX-License-Identifier: Apache-2.0
 * Private: the second text form of a filter, for the matchedValues control. */
#ifndef DIRHINGE_SRC_DIR_FILTER_TEXT_H
#define DIRHINGE_SRC_DIR_FILTER_TEXT_H

#include "dirhinge/dir/filter.h"

/* ValuesReturnFilter of RFC 3876 in the text form of ldap_put_vrFilter: "((member=a)(member=b))". f is a simple item or
 * an or of simple items. */
int dir_filter_values_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e) DH_MUST_USE;

#endif
