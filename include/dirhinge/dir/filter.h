/* SPDX-License-Identifier: Apache-2.0
 * LDAP filters as typed nodes; the only way to a filter string (RFC 4515). Values are any bytes and always escaped;
 * attribute names come from map or configuration. Depth is bounded when the text is made, because libldap's encoder
 * recurses without limit. Thread rule: confined to the arena. */
#ifndef DIRHINGE_DIR_FILTER_H
#define DIRHINGE_DIR_FILTER_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

#define DIR_FILTER_MAX_DEPTH 40

struct dir_filter;

/* Conjunction and disjunction of n nodes; n 0 gives the absolute true / false filter in a form every server knows
 * ("(objectClass=*)" and "(!(objectClass=*))"); NULL nodes are left out. */
const struct dir_filter *dir_f_and(struct arena *a, const struct dir_filter *const *nodes, size_t n);
const struct dir_filter *dir_f_or(struct arena *a, const struct dir_filter *const *nodes, size_t n);
const struct dir_filter *dir_f_and2(struct arena *a, const struct dir_filter *x, const struct dir_filter *y);
const struct dir_filter *dir_f_or2(struct arena *a, const struct dir_filter *x, const struct dir_filter *y);
const struct dir_filter *dir_f_not(struct arena *a, const struct dir_filter *x);
/* x as a condition on what other items of an and have found, never looked up in an index: twice negated. slapd reads
 * the index of every item of an and, and the one of a class of 50,000 entries is 400 kB for each search. */
const struct dir_filter *dir_f_tested(struct arena *a, const struct dir_filter *x);
const struct dir_filter *dir_f_eq(struct arena *a, const char *attr, struct strv value);
const struct dir_filter *dir_f_present(struct arena *a, const char *attr);
const struct dir_filter *dir_f_ge(struct arena *a, const char *attr, struct strv value);
const struct dir_filter *dir_f_le(struct arena *a, const char *attr, struct strv value);
/* initial, any, final: an empty view leaves that part out; not all three empty. */
const struct dir_filter *dir_f_sub(struct arena *a, const char *attr, struct strv initial, struct strv any,
				   struct strv final);
/* attr:rule:=value */
const struct dir_filter *dir_f_ext(struct arena *a, const char *attr, const char *rule, struct strv value);
const struct dir_filter *dir_f_true(struct arena *a);
const struct dir_filter *dir_f_false(struct arena *a);

/* Filter text. ERR_FILTER past DIR_FILTER_MAX_DEPTH or 64 KiB. */
int dir_filter_text(struct arena *a, const struct dir_filter *f, char **text_r, struct err *e) DH_MUST_USE;

#endif
