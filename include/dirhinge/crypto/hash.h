/* SPDX-License-Identifier: Apache-2.0
 * Digests, random bytes, comparison without timing. With src/crypto the only user of OpenSSL. Thread rule: any thread.
 */
#ifndef DIRHINGE_CRYPTO_HASH_H
#define DIRHINGE_CRYPTO_HASH_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/defs.h"

#define SHA256_SIZE 32

void crypto_sha256(struct strv in, unsigned char out[SHA256_SIZE]);
/* The same for whoever needs it often: to look the algorithm up costs more than a short digest. Freed with the arena.
 */
struct crypto_digest;
const struct crypto_digest *crypto_digest_new(struct arena *a);
void crypto_digest(const struct crypto_digest *d, struct strv in, unsigned char out[SHA256_SIZE]);
/* Incremental, for several pieces: parts are hashed with their lengths, so ("ab","c") differs from ("a","bc"). */
void crypto_sha256_parts(const struct strv *parts, size_t n, unsigned char out[SHA256_SIZE]);
/* RFC 2104 with SHA-256. */
void crypto_hmac_sha256(struct strv key, struct strv in, unsigned char out[SHA256_SIZE]);
/* From the operating system's generator; aborts if it fails. */
void crypto_random(void *out, size_t n);
/* Takes the same time wherever the first difference is. */
bool crypto_equal(const void *a, const void *b, size_t n);

#endif
