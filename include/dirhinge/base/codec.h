/* SPDX-License-Identifier: Apache-2.0
 * Conversions between text forms; all reject what they cannot represent, with the byte offset in *e.
 * Thread rule: no state. */
#ifndef DIRHINGE_BASE_CODEC_H
#define DIRHINGE_BASE_CODEC_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

/* RFC 4648 section 4 (padded) and section 5 (url, unpadded). Decoding is strict: canonical padding bits, no blanks. */
char *base64_encode(struct arena *a, struct strv in);
int base64_decode(struct arena *a, struct strv in, struct strv *out_r, struct err *e) DH_MUST_USE;
char *base64url_encode(struct arena *a, struct strv in);
int base64url_decode(struct arena *a, struct strv in, struct strv *out_r, struct err *e) DH_MUST_USE;

/* Value of a hex digit of either case, -1 for anything else. */
int hex_value(char c);
/* Lower-case hex. */
char *hex_encode(struct arena *a, struct strv in);
/* Exactly out_size bytes; upper or lower case. */
int hex_decode(struct strv in, unsigned char *out, size_t out_size, struct err *e) DH_MUST_USE;

/* True for 8-4-4-4-12 hex digits, any case: the only form an id from a client may have. */
bool uuid_valid(struct strv s);
/* 16 bytes <-> text in network order (entryUUID). out has room for 37 bytes. */
int uuid_parse(struct strv s, unsigned char out[16], struct err *e) DH_MUST_USE;
void uuid_format(const unsigned char in[16], char out[37]);
/* 16 bytes in Microsoft order (objectGUID: first three groups little-endian) <-> text. */
void guid_format(const unsigned char in[16], char out[37]);

/* Microseconds since the epoch <-> forms of time. Years 0000-9999 (LDAP's 000001010000Z included).
 * generalizedTime (RFC 4517 3.3.13): hours, minutes, seconds and fraction as given, Z or an offset. */
int time_from_generalized(struct strv in, int64_t *us_r, struct err *e) DH_MUST_USE;
/* RFC 3339 / xsd:dateTime with zone; a fraction of any length is read, cut to µs. A missing zone is refused. */
int time_from_rfc3339(struct strv in, int64_t *us_r, struct err *e) DH_MUST_USE;
/* YYYYmmddHHMMSSZ, with .ffffff only when the fraction is not zero. out >= 24 bytes. */
void time_to_generalized(int64_t us, char out[24]);
/* YYYY-mm-ddTHH:MM:SSZ, with .ffffff (trailing zeros kept) only when the fraction is not zero. out >= 32 bytes. */
void time_to_rfc3339(int64_t us, char out[32]);

#endif
