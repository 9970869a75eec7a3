/* SPDX-License-Identifier: Apache-2.0
 * Private: the DirSync control ([MS-ADTS] 3.1.1.3.4.1.3), encoded and decoded, and resume points made of its cookies.
 * Pure: bytes in, structs out. */
#ifndef DIRHINGE_SRC_DIR_DIRSYNC_H
#define DIRHINGE_SRC_DIR_DIRSYNC_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

#define DIRSYNC_OID "1.2.840.113556.1.4.841"

/* Some thirty bytes for each domain controller that ever was. */
#define DIRSYNC_COOKIE_MAX ((size_t)256 << 10)

#define DIRSYNC_OBJECT_SECURITY                                                                                  \
	UINT32_C(0x00000001)                     /* what the account may read, instead of the right to replicate \
						  */
#define DIRSYNC_INCREMENTAL UINT32_C(0x80000000) /* of a list of links the values that came or went */

/* cookie p NULL = from the beginning. The value of the request control, in arena. */
int dir_dirsync_request(struct arena *a, uint32_t flags, struct strv cookie, struct strv *value_r,
			struct err *e) DH_MUST_USE;

struct dirsync_done {
	bool more;          /* ask again with this cookie */
	struct strv cookie; /* in arena */
};
int dir_dirsync_done(struct arena *a, struct strv value, struct dirsync_done *d_r, struct err *e) DH_MUST_USE;

/* What an attribute description says of links: "member;range=1-1" values that came, "member;range=0-0" values that
 * went, "member" all of them. */
enum dirsync_links { DIRSYNC_OTHER, DIRSYNC_ALL, DIRSYNC_CAME, DIRSYNC_WENT };
enum dirsync_links dir_dirsync_links(const char *description, const char *attr);

/* A resume point: the cookie of one database (invocationId), how it was asked, and how far the database was. */
struct dirsync_mark {
	char invocation[37];
	uint32_t flags;
	int64_t usn;
	struct strv cookie;
};
struct strv dir_dirsync_mark_text(struct arena *a, const struct dirsync_mark *m);
/* False if it is anything else; m_r is untouched then. The cookie is a view. */
bool dir_dirsync_mark_parse(struct strv text, struct dirsync_mark *m_r);

#endif
