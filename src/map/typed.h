/* SPDX-License-Identifier: Apache-2.0
 * Values that are no text in SCIM: booleans, numbers and instants, and filters on the attributes that hold them.
 * Thread rule: confined. */
#ifndef DIRHINGE_SRC_MAP_TYPED_H
#define DIRHINGE_SRC_MAP_TYPED_H

#include "map/query.h"

int map_boolean_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r,
		       struct err *e) DH_MUST_USE;
bool map_boolean_decode(struct arena *a, const struct map_row *row, struct strv value, struct scim_scalar *out_r);
int map_integer_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r,
		       struct err *e) DH_MUST_USE;
bool map_integer_decode(struct arena *a, const struct map_row *row, struct strv value, struct scim_scalar *out_r);
int map_decimal_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r,
		       struct err *e) DH_MUST_USE;
bool map_decimal_decode(struct arena *a, const struct map_row *row, struct strv value, struct scim_scalar *out_r);
int map_time_encode(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r,
		    struct err *e) DH_MUST_USE;
bool map_time_decode(struct arena *a, const struct map_row *row, struct strv value, struct scim_scalar *out_r);

/* True for a row of one of these codecs. */
bool map_row_typed(const struct map_row *row);
/* A comparison (SCIM_COMPARE) on such a row. */
struct map_narrow map_typed_narrow(struct map_run *r, const struct map_row *row, const struct scim_filter *f);
/* ERR_CONFIG if the LDAP attribute cannot hold what the row is for. */
int map_typed_check(const struct map_row *row, struct err *e) DH_MUST_USE;
/* The codec of a kind, for rows that name none. */
const char *map_typed_codec(enum scim_kind kind);

#endif
