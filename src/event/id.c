/* SPDX-License-Identifier: Apache-2.0
 * The id of an event: a digest of what makes it this event and no other. */
#include "dirhinge/crypto/hash.h"
#include "dirhinge/event/event.h"

#define ID_DIGITS 32 /* 160 bits */

/* RFC 4648 section 6, lower case. */
static void
base32(const unsigned char *in, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < ID_DIGITS; i++) {
		size_t bit = i * 5, byte = bit / 8;
		unsigned pair = (unsigned)in[byte] << 8 | in[byte + 1];
		out[i] = digits[pair >> (11 - bit % 8) & 31];
	}
	out[ID_DIGITS] = '\0';
}

const char *
event_id(struct arena *a, const struct event *ev)
{
	char digits[ID_DIGITS + 1];
	unsigned char sum[SHA256_SIZE];
	struct strv parts[] = {
		strv_of(ev->source),
		strv_of(ev->subject_id),
		strv_of(arena_printf(a, "%jd", (intmax_t)ev->incarnation)),
		strv_of(ev->csn ? ev->csn : ""),
		strv_of(event_type_name(ev->type)),
		strv_of(ev->member.id ? ev->member.id : ""),
	};

	crypto_sha256_parts(parts, ARRAY_SIZE(parts), sum);
	base32(sum, digits);
	return arena_printf(a, "evt_%s", digits);
}
