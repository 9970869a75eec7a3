/* SPDX-License-Identifier: Apache-2.0
 * Digests, random bytes, comparison without timing. */
#include "dirhinge/crypto/hash.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

struct crypto_digest {
	EVP_MD *md;
};

static void
free_digest(void *p)
{
	struct crypto_digest *d = p;

	EVP_MD_free(d->md);
}

const struct crypto_digest *
crypto_digest_new(struct arena *a)
{
	struct crypto_digest *d = ARENA_NEW(a, struct crypto_digest);

	d->md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	must(d->md != NULL);
	arena_defer(a, free_digest, d);
	return d;
}

static void
sha256(const EVP_MD *md, struct strv in, unsigned char out[SHA256_SIZE])
{
	unsigned int n = 0;

	must(EVP_Digest(in.n > 0 ? in.p : "", in.n, out, &n, md, NULL) == 1 && n == SHA256_SIZE);
}

void
crypto_digest(const struct crypto_digest *d, struct strv in, unsigned char out[SHA256_SIZE])
{
	sha256(d->md, in, out);
}

void
crypto_sha256(struct strv in, unsigned char out[SHA256_SIZE])
{
	sha256(EVP_sha256(), in, out);
}

static void
free_context(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

void
crypto_sha256_parts(const struct strv *parts, size_t n, unsigned char out[SHA256_SIZE])
{
	DH_CLEANUP(free_context) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char few[256];
	unsigned int size = 0;
	size_t used = 0;

	must(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char length[8];

		/* in network order: the digest is stored and must be the same on every machine */
		for (int b = 0; b < 8; b++)
			length[b] = (unsigned char)((uint64_t)parts[i].n >> (56 - 8 * b));
		/* short parts go in together: each call costs more than their digest */
		if (used > sizeof(few) - sizeof(length) || parts[i].n > sizeof(few) - sizeof(length) - used) {
			must(EVP_DigestUpdate(ctx, few, used) == 1);
			used = 0;
		}
		memcpy(few + used, length, sizeof(length));
		used += sizeof(length);
		if (parts[i].n > sizeof(few) - used) {
			must(EVP_DigestUpdate(ctx, few, used) == 1 &&
			     EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1);
			used = 0;
		} else if (parts[i].n > 0) {
			memcpy(few + used, parts[i].p, parts[i].n);
			used += parts[i].n;
		}
	}
	must(EVP_DigestUpdate(ctx, few, used) == 1);
	must(EVP_DigestFinal_ex(ctx, out, &size) == 1 && size == SHA256_SIZE);
}

void
crypto_hmac_sha256(struct strv key, struct strv in, unsigned char out[SHA256_SIZE])
{
	const unsigned char *data = (const unsigned char *)(in.n > 0 ? in.p : "");
	unsigned int n = 0;

	must(key.n <= INT_MAX);
	must(HMAC(EVP_sha256(), key.n > 0 ? key.p : "", (int)key.n, data, in.n, out, &n) != NULL && n == SHA256_SIZE);
}

void
crypto_random(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		must(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

bool
crypto_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}
