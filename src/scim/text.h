/* SPDX-License-Identifier: Apache-2.0
 * Private comparison of attribute values as text. exact: byte by byte; otherwise characters are compared after simple
 * case folding of the alphabets that have case in everyday use (Latin with its European and Vietnamese letters, Greek,
 * Cyrillic, Armenian, full-width). One character folds to one character: "ß" and "ss" differ, and nothing is
 * normalised: a composed and a decomposed "é" differ. The directory's own matching rule (RFC 4518) stays the judge of
 * uniqueness. All texts are valid UTF-8. Thread rule: no state. */
#ifndef DIRHINGE_SCIM_TEXT_H
#define DIRHINGE_SCIM_TEXT_H

#include "dirhinge/base/strv.h"

/* Takes the first character off a text that is not empty: its code point, folded unless exact. */
uint32_t scim_text_next(struct strv *s, bool exact);
/* Order by code point, negative, 0 or positive. */
int scim_text_cmp(struct strv a, struct strv b, bool exact);
static inline bool
scim_text_eq(struct strv a, struct strv b, bool exact)
{
	return scim_text_cmp(a, b, exact) == 0;
}
bool scim_text_starts(struct strv s, struct strv part, bool exact);
bool scim_text_ends(struct strv s, struct strv part, bool exact);
bool scim_text_contains(struct strv s, struct strv part, bool exact);

#endif
