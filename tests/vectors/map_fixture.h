/* SPDX-License-Identifier: Apache-2.0
 * Maps without a directory: capabilities made from tests/vectors/map/subschema.txt, and entries from text. */
#ifndef DIRHINGE_TESTS_MAP_FIXTURE_H
#define DIRHINGE_TESTS_MAP_FIXTURE_H

#include "dirhinge/base/buf.h"
#include "dirhinge/map/map.h"

/* The directory of the subschema file; words in without (blank-separated) are definitions to leave out, as in
 * "dirhingeUser pwdEndTime". A word "dirhinge" leaves out all that begin so. */
const struct dir_caps *map_fixture_caps(struct arena *a, const char *without);

/* inetOrgPerson below ou=people and groupOfNames below ou=groups, uid and cn as names, active auto. */
struct map_opts map_fixture_opts(void);

/* "dn: …" first, then "attr: value" or "attr:: base64" lines. id and time stamps are added where they are missing.
 * NULL if the text is no entry. */
const struct dir_entry *map_fixture_entry(struct arena *a, struct strv text);

/* "attr: value" lines of an add; values that are no text as base64. */
void map_fixture_print(struct buf *out, const char *attr, struct strv value);

#endif
