/* SPDX-License-Identifier: Apache-2.0
 * Private: texts of a filter for the wire: with a flavour's ids, and for the matchedValues control; and its value for
 * an entry. */
#ifndef DIRHINGE_SRC_DIR_FILTER_TEXT_H
#define DIRHINGE_SRC_DIR_FILTER_TEXT_H

#include "dirhinge/dir/entry.h"
#include "dirhinge/dir/filter.h"
#include "dirhinge/dir/flavour.h"

/* dir_filter_text with the ids as this directory writes them. */
int dir_filter_wire_text(struct arena *a, const struct dir_flavour *fl, const struct dir_filter *f, char **text_r,
			 struct err *e) DH_MUST_USE;

/* ValuesReturnFilter of RFC 3876 in the text form of ldap_put_vrFilter: "((member=a)(member=b))". f is a simple item or
 * an or of simple items. */
int dir_filter_values_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e) DH_MUST_USE;

/* The parts of (&(attr=value)rest); false for any other form. */
struct filter_key {
	const char *attr;
	struct strv value;
	const struct dir_filter *rest;
};
bool dir_filter_key(const struct dir_filter *f, struct filter_key *key_r);

/* Does it hold for the entry? Values are compared as bytes, which does for those that the server gave before; for
 * order, substrings and matching rules the answer is yes. */
bool dir_filter_holds(const struct dir_filter *f, const struct dir_entry *en);
/* Attributes it looks at, some of them twice: how many; attrs NULL: only counted. */
size_t dir_filter_attrs(const struct dir_filter *f, const char **attrs);

#endif
