/* SPDX-License-Identifier: Apache-2.0
 * Four numbers and a MAC. RFC 9865 5: whoever makes a cursor up, changes one or presents another client's gets one and
 * the same answer. */
#include "gw/cursor.h"

#include "dirhinge/base/codec.h"

#define NUMBERS   4
#define BODY_SIZE (NUMBERS * 8)
#define MAC_SIZE  16 /* of 32: more than enough against guessing for minutes */

static void
mac(const unsigned char seal[GW_SEAL_SIZE], const struct gw_snap_key *key, const unsigned char *body,
    unsigned char out[SHA256_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	const struct strv parts[] = {
		strv_of(key->client),
		strv_n((const char *)key->query, sizeof(key->query)),
		strv_n((const char *)body, BODY_SIZE),
	};
	crypto_sha256_parts(parts, ARRAY_SIZE(parts), digest);
	crypto_hmac_sha256(strv_n((const char *)seal, GW_SEAL_SIZE), strv_n((const char *)digest, sizeof(digest)), out);
}

static void
put(unsigned char *p, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t
get(const char *p)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

char *
gw_cursor_seal(struct arena *a, const unsigned char seal[GW_SEAL_SIZE], const struct gw_snap_key *key,
	       const struct gw_cursor *c)
{
	unsigned char out[BODY_SIZE + SHA256_SIZE];
	const uint64_t numbers[NUMBERS] = {c->snapshot, c->first, c->count, c->expires};
	for (size_t i = 0; i < NUMBERS; i++)
		put(out + 8 * i, numbers[i]);
	mac(seal, key, out, out + BODY_SIZE);
	return base64url_encode(a, strv_n((const char *)out, BODY_SIZE + MAC_SIZE));
}

int
gw_cursor_open(struct arena *a, const unsigned char seal[GW_SEAL_SIZE], const struct gw_snap_key *key, const char *text,
	       int64_t now, struct gw_cursor *c_r, struct err *e)
{
	struct strv raw = {0};
	unsigned char want[SHA256_SIZE];
	size_t n = strlen(text);
	if (n > 128 || base64url_decode(a, strv_n(text, n), &raw, NULL) < 0 || raw.n != BODY_SIZE + MAC_SIZE)
		return err_set(e, ERR_CURSOR, NULL);
	mac(seal, key, (const unsigned char *)raw.p, want);
	if (!crypto_equal(want, raw.p + BODY_SIZE, MAC_SIZE))
		return err_set(e, ERR_CURSOR, NULL);
	struct gw_cursor c = {get(raw.p), get(raw.p + 8), get(raw.p + 16), get(raw.p + 24)};
	if ((uint64_t)now >= c.expires)
		return err_set(e, ERR_CURSOR_EXPIRED, NULL);
	*c_r = c;
	return 0;
}
