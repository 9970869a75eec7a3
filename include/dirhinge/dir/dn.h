/* SPDX-License-Identifier: Apache-2.0
 * Distinguished names: built only from a configured base and typed RDN values (RFC 4514 escaping by libldap), never by
 * pasting text. DNs from the directory are opaque and compared only through dir_dn_normal(). Thread rule: no state. */
#ifndef DIRHINGE_DIR_DN_H
#define DIRHINGE_DIR_DN_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

/* "attr=value" with the value escaped. attr comes from configuration or map, never from a client. After building, the
 * text is parsed again and must have exactly this one type and value, else ERR_VALUE. */
int dir_rdn_build(struct arena *a, const char *attr, struct strv value, char **rdn_r, struct err *e) DH_MUST_USE;

/* rdn + "," + base; parsed again: its parent must be base and its RDN exactly attr=value, else ERR_VALUE. */
int dir_dn_child(struct arena *a, const char *attr, struct strv value, const char *base, char **dn_r,
		 struct err *e) DH_MUST_USE;

/* Checks a DN from configuration; ERR_CONFIG with a reason. */
int dir_dn_check(const char *dn, struct err *e) DH_MUST_USE;

/* A key for comparing: parsed, types lower-case, values case-folded (ASCII) and blanks squeezed, one escaping form. Two
 * spellings of one DN give the same key; the server's equality stays the judge. NULL if it does not parse. */
char *dir_dn_normal(struct arena *a, const char *dn);
/* True if dn is below base (or equal, if self). */
bool dir_dn_under(struct arena *a, const char *dn, const char *base, bool self);
/* Text after the first RDN in the spelling given; "" for a single RDN, NULL if it does not parse. */
char *dir_dn_parent(struct arena *a, const char *dn);
/* The first RDN of dn with the value of attr replaced; other attributes of a multi-valued RDN stay. Checked like
 * dir_rdn_build. */
int dir_rdn_change(struct arena *a, const char *dn, const char *attr, struct strv value, char **rdn_r,
		   struct err *e) DH_MUST_USE;
/* The first RDN in the spelling given; NULL if dn does not parse. */
char *dir_dn_rdn(struct arena *a, const char *dn);
/* The name that a modrdn to another parent gives: both parts are DN text already; parent "" stands for the root. */
char *dir_dn_join(struct arena *a, const char *rdn, const char *parent);
/* dn with its first RDN replaced by rdn (from dir_rdn_build or dir_dn_rdn), as a modrdn does; NULL as above. */
char *dir_dn_with_rdn(struct arena *a, const char *dn, const char *rdn);
/* Value of the attribute in the first RDN, 1 found, 0 not part of the RDN, -1 does not parse. */
int dir_dn_rdn_value(struct arena *a, const char *dn, const char *attr, struct strv *value_r,
		     struct err *e) DH_MUST_USE;

#endif
