/* SPDX-License-Identifier: Apache-2.0
 * Cursors: version, generation, seq, mark, and the beginning of an HMAC over them. Nothing in it is secret; only making
 * one is ours. */
#include "dirhinge/event/cursor.h"

#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"

#define VERSION    1
#define GENERATION 8 /* bytes */
#define SEAL       12
#define PLAIN      (1 + GENERATION + 8 + 8)
#define WHOLE      (PLAIN + SEAL)

static void
put64(unsigned char *out, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint64_t
get64(const unsigned char *in)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | in[i];
	return v;
}

static void
seal(const struct event_log *log, const unsigned char plain[PLAIN], unsigned char out[SEAL])
{
	unsigned char mac[SHA256_SIZE];

	crypto_hmac_sha256(log->key, strv_n((const char *)plain, PLAIN), mac);
	memcpy(out, mac, SEAL);
}

char *
event_cursor_text(struct arena *a, const struct event_log *log, const struct event_cursor *c)
{
	unsigned char raw[WHOLE] = {VERSION};

	must(hex_decode(strv_of(log->generation), raw + 1, GENERATION, NULL) == 0);
	put64(raw + 1 + GENERATION, (uint64_t)c->seq);
	put64(raw + 1 + GENERATION + 8, c->mark);
	seal(log, raw, raw + PLAIN);
	return base64url_encode(a, strv_n((const char *)raw, sizeof(raw)));
}

int
event_cursor_parse(const struct event_log *log, struct strv text, struct event_cursor *c_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	unsigned char mine[GENERATION], mac[SEAL];
	struct strv in;

	if (text.n > 2 * (size_t)WHOLE || base64url_decode(a, text, &in, NULL) || in.n != WHOLE)
		return err_set(e, ERR_CURSOR, "the cursor is not one that this server made");
	const unsigned char *raw = (const unsigned char *)in.p;
	seal(log, raw, mac);
	if (raw[0] != VERSION || !crypto_equal(raw + PLAIN, mac, SEAL))
		return err_set(e, ERR_CURSOR, "the cursor is not one that this server made");
	must(hex_decode(strv_of(log->generation), mine, GENERATION, NULL) == 0);
	if (memcmp(raw + 1, mine, GENERATION) != 0)
		return err_set(e, ERR_GONE,
			       "the cursor belongs to a log that was begun anew; begin again with a snapshot");
	*c_r = (struct event_cursor){
		.seq = (int64_t)get64(raw + 1 + GENERATION),
		.mark = get64(raw + 1 + GENERATION + 8),
	};
	return 0;
}
