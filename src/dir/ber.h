/* SPDX-License-Identifier: Apache-2.0
 * Private: values of controls, element by element. Every element's tag and length is checked before it is read: liber
 * itself takes any tag for a string and does not stop at the end of a sequence. */
#ifndef DIRHINGE_SRC_DIR_BER_H
#define DIRHINGE_SRC_DIR_BER_H

#include <lber.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

struct ber_reader {
	struct arena *a;
	BerElement *ber;
	size_t size;
	const char *what; /* for errors: "sync message" */
};

int dir_ber_begin(struct ber_reader *r, struct arena *a, const char *what, struct strv value,
		  struct err *e) DH_MUST_USE;
void dir_ber_end(struct ber_reader *r); /* a cleanup function */

size_t dir_ber_left(const struct ber_reader *r);
/* The tag of the next element; LBER_DEFAULT at the end or if its length goes beyond the end. */
ber_tag_t dir_ber_peek(struct ber_reader *r);
/* Steps into a constructed element that fills the rest. */
int dir_ber_enter(struct ber_reader *r, ber_tag_t want, struct err *e) DH_MUST_USE;
/* The bytes of an element with this tag; a view of the value. */
int dir_ber_bytes(struct ber_reader *r, ber_tag_t want, const char *missing, struct berval *bv_r,
		  struct err *e) DH_MUST_USE;
int dir_ber_at_end(struct ber_reader *r, struct err *e) DH_MUST_USE;
/* ERR_PARSE with the place; -1. */
int dir_ber_garbled(struct ber_reader *r, const char *what, struct err *e);

static inline struct berval
dir_ber_view(struct strv v)
{
	return (struct berval){v.n, (char *)(uintptr_t)(v.n ? v.p : "")};
}

#endif
