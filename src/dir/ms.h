/* SPDX-License-Identifier: Apache-2.0
 * Private: forms that Active Directory gives to values: GUIDs, quoted passwords, lists in pieces. */
#ifndef DIRHINGE_SRC_DIR_MS_H
#define DIRHINGE_SRC_DIR_MS_H

#include "dir/conn.h"
#include "dirhinge/dir/flavour.h"

/* The 16 bytes of a GUID from its text; -1 if the text is none. */
int dir_guid_bytes(struct arena *a, struct strv text, struct strv *bytes_r);
/* Text of a GUID; p NULL if v does not have 16 bytes. */
struct strv dir_guid_text(struct arena *a, struct strv v);

/* A number of a change (uSNChanged, highestCommittedUSN). */
bool dir_usn_parse(struct strv text, int64_t *n_r);

/* [MS-ADTS] 3.1.1.3.1.5.1: the password in double quotes, in UTF-16, little-endian. ERR_VALUE if it is no UTF-8. */
int dir_ms_password(struct arena *a, struct strv password, struct strv *value_r, struct err *e) DH_MUST_USE;

/* "member;range=0-1499" (RFC draft-kashi-incremental, [MS-ADTS] 3.1.1.3.1.3.3). */
struct dir_range {
	struct strv attr;
	unsigned low, high;
	bool last; /* "1500-*": nothing behind it */
};
/* 1 a range, 0 a plain attribute description, -1 a range that makes no sense. */
int dir_range_parse(const char *description, struct dir_range *range_r);

/* The attributes to ask for, with the ranged one as its first piece and the version, by which a change between two
 * pieces shows. attrs itself where it does not ask for the ranged one. */
const char *const *dir_range_attrs(struct arena *a, const struct dir_flavour *fl, const char *const *attrs);

/* Reads the other pieces of attributes that the entry has in part, on the connection it came by; afterwards they have
 * their plain name and all values of one state of the entry. A list that cannot be completed is an error. */
int dir_range_complete(struct arena *a, struct conn *c, const struct dir_flavour *fl, struct dir_entry *en,
		       deadline_t until, struct err *e) DH_MUST_USE;

#endif
