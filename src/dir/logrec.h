/* SPDX-License-Identifier: Apache-2.0
 * Private: records of the accesslog (slapo-accesslog(5)) as operations. Pure; what is made points into the record. */
#ifndef DIRHINGE_SRC_DIR_LOGREC_H
#define DIRHINGE_SRC_DIR_LOGREC_H

#include "dirhinge/base/strmap.h"
#include "dirhinge/dir/feed.h"

enum { LOG_MODS_MAX = 1 << 20 };

/* Attributes to keep; all others are dropped, and those that hold secrets in any case. */
struct log_filter {
	const struct dir_subschema *schema; /* may be NULL */
	struct strmap *names;               /* without case */
	bool all_user;                      /* "*" was asked for */
};
void dir_log_filter_init(struct log_filter *f, struct arena *a, const struct dir_subschema *schema,
			 const char *const *attrs);

/* One value of reqMod: "sn:= Builder", ":+", ":-", ":#"; a value without text names the whole attribute; ":" alone
 * parts two modifications of one attribute. ERR_PARSE with an offset. */
enum log_verb { LOG_ADD, LOG_DELETE, LOG_REPLACE, LOG_INCREMENT, LOG_SEPARATOR };
struct log_mod {
	enum log_verb verb;
	struct strv attr;
	struct strv value; /* p NULL = none */
};
int dir_log_mod(struct strv text, struct log_mod *m_r, struct err *e) DH_MUST_USE;

struct log_record {
	struct dir_op op;
	const char *id, *csn, *actor;
};
/* ERR_PARSE: not a record that this code understands. */
int dir_log_record(struct arena *a, const struct log_filter *f, const struct dir_entry *rec, struct log_record *r_r,
		   struct err *e) DH_MUST_USE;

#endif
