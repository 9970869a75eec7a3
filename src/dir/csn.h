/* SPDX-License-Identifier: Apache-2.0
 * Private: OpenLDAP's change sequence numbers, taken apart. */
#ifndef DIRHINGE_SRC_DIR_CSN_H
#define DIRHINGE_SRC_DIR_CSN_H

#include "dirhinge/base/strv.h"

#define DIR_CSN_MAX 48 /* bytes with the NUL */

struct csn {
	int64_t us; /* since 1970 */
	unsigned sid, count, mod;
};

/* "20261120085104.355156Z#000000#001#000000"; false for anything else, c_r is untouched then. */
bool dir_csn_parse(struct strv text, struct csn *c_r);
/* <0, 0, >0 by time, count and mod; says something only within one sid. */
int dir_csn_order(const struct csn *a, const struct csn *b);

#endif
