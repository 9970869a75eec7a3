/* SPDX-License-Identifier: Apache-2.0
 * Private: the controls and the intermediate message of RFC 4533, encoded and decoded. Pure: bytes in, structs out;
 * views point into the arena. */
#ifndef DIRHINGE_SRC_DIR_SYNCMSG_H
#define DIRHINGE_SRC_DIR_SYNCMSG_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

enum { SYNC_IDS_MAX = 1 << 17, SYNC_ID_BYTES = 16 };

/* 2.2: cookie p NULL = none. persist: refreshAndPersist, else refreshOnly. Always with reloadHint: a cookie that is too
 * old may be answered with 4096 instead of everything. In arena. */
int dir_sync_request(struct arena *a, struct strv cookie, bool persist, struct strv *value_r,
		     struct err *e) DH_MUST_USE;

/* 2.3 */
enum sync_state { SYNC_PRESENT, SYNC_ADD, SYNC_MODIFY, SYNC_DELETE };
struct sync_entry {
	enum sync_state state;
	unsigned char id[SYNC_ID_BYTES];
	struct strv cookie; /* p NULL = none */
};
int dir_sync_entry(struct arena *a, struct strv value, struct sync_entry *s_r, struct err *e) DH_MUST_USE;

/* 2.4 */
struct sync_done {
	struct strv cookie;
	bool deletes; /* refreshDeletes */
};
int dir_sync_done(struct arena *a, struct strv value, struct sync_done *s_r, struct err *e) DH_MUST_USE;

/* 2.5 */
enum sync_info_kind { SYNC_NEW_COOKIE, SYNC_REFRESH_DELETE, SYNC_REFRESH_PRESENT, SYNC_ID_SET };
struct sync_info {
	enum sync_info_kind kind;
	struct strv cookie;
	bool done;                                 /* refreshDone of the two phases */
	bool deletes;                              /* refreshDeletes of an id set */
	const unsigned char (*ids)[SYNC_ID_BYTES]; /* of an id set */
	size_t n_ids;
};
int dir_sync_info(struct arena *a, struct strv value, struct sync_info *s_r, struct err *e) DH_MUST_USE;

#endif
