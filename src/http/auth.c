/* SPDX-License-Identifier: Apache-2.0
 * Bearer tokens. Only their SHA-256 is known here; tokens are random, so a fast hash is right (reliability.md T-16). */
#include "auth.h"

#define TOKEN_MAX 1024

int
http_auth_check(const struct crypto_digest *sha256, struct strv field, const struct principal *clients, size_t n,
		const struct principal **who_r, struct err *e)
{
	static const struct strv scheme = {"Bearer ", 7};
	unsigned char digest[SHA256_SIZE];
	const struct principal *who = NULL;
	if (!field.p)
		return err_set(e, ERR_UNAUTHORIZED, "a bearer token is needed: Authorization: Bearer TOKEN");
	if (!strv_casestarts(field, scheme))
		return err_set(e, ERR_UNAUTHORIZED, "the only scheme is Bearer: Authorization: Bearer TOKEN");
	struct strv token = strv_trim(strv_n(field.p + scheme.n, field.n - scheme.n));
	if (token.n == 0 || token.n > TOKEN_MAX)
		return err_set(e, ERR_UNAUTHORIZED, "the bearer token is not valid");
	crypto_digest(sha256, token, digest);
	for (size_t i = 0; i < n; i++) {
		/* no early end: the place in the list must not show in the time */
		bool same = crypto_equal(digest, clients[i].token_sha256, SHA256_SIZE);
		who = same ? &clients[i] : who;
	}
	if (!who)
		return err_set(e, ERR_UNAUTHORIZED, "the bearer token is not valid");
	*who_r = who;
	return 0;
}
