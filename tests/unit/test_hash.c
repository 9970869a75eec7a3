/* SPDX-License-Identifier: Apache-2.0
 * Digests against published values; random bytes; comparison. */
#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"
#include "unit.h"

static const char *
digest(struct arena *a, struct strv in)
{
	unsigned char out[SHA256_SIZE], again[SHA256_SIZE];
	const struct crypto_digest *d = crypto_digest_new(a);

	crypto_sha256(in, out);
	for (int i = 0; i < 2; i++) {
		crypto_digest(d, in, again);
		ck_assert_mem_eq(again, out, SHA256_SIZE);
	}
	return hex_encode(a, strv_n((char *)out, sizeof(out)));
}

static const char *
digest_parts(struct arena *a, const struct strv *parts, size_t n)
{
	unsigned char out[SHA256_SIZE];

	crypto_sha256_parts(parts, n, out);
	return hex_encode(a, strv_n((char *)out, sizeof(out)));
}

START_TEST(published)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	char *million = arena_alloc(a, 1000000);

	memset(million, 'a', 1000000);
	/* FIPS 180-4, the examples of NIST */
	ck_assert_str_eq(digest(a, STRV("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ck_assert_str_eq(digest(a, strv_of(NULL)), digest(a, STRV("")));
	ck_assert_str_eq(digest(a, STRV("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_str_eq(digest(a, STRV("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
			 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	ck_assert_str_eq(digest(a, strv_n(million, 1000000)),
			 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(parts)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct strv one[] = {STRV("ab"), STRV("c")}, other[] = {STRV("a"), STRV("bc")};
	const struct strv empty[] = {{NULL, 0}, STRV("abc")};

	/* lengths of eight bytes in network order, in front of each part */
	ck_assert_str_eq(digest_parts(a, one, 2), digest(a, STRV("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c")));
	ck_assert_str_ne(digest_parts(a, one, 2), digest_parts(a, other, 2));
	ck_assert_str_ne(digest_parts(a, empty, 2), digest_parts(a, empty + 1, 1));
	ck_assert_str_eq(digest_parts(a, NULL, 0), digest(a, STRV("")));
}
END_TEST

/* RFC 4231 4.2, 4.3, 4.7 */
START_TEST(hmac)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	unsigned char out[SHA256_SIZE];
	char key[131];

	memset(key, 0x0b, 20);
	crypto_hmac_sha256(strv_n(key, 20), STRV("Hi There"), out);
	ck_assert_str_eq(hex_encode(a, strv_n((char *)out, sizeof(out))),
			 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256(STRV("Jefe"), STRV("what do ya want for nothing?"), out);
	ck_assert_str_eq(hex_encode(a, strv_n((char *)out, sizeof(out))),
			 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac_sha256(strv_n(key, sizeof(key)), STRV("Test Using Larger Than Block-Size Key - Hash Key First"),
			   out);
	ck_assert_str_eq(hex_encode(a, strv_n((char *)out, sizeof(out))),
			 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* RFC 2104: an empty key is a key of zeros. */
	crypto_hmac_sha256(STRV(""), STRV(""), out);
	ck_assert_str_eq(hex_encode(a, strv_n((char *)out, sizeof(out))),
			 "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(random_bytes)
{
	unsigned char a[1000] = {0}, b[1000] = {0};
	size_t zeros = 0;

	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	crypto_random(NULL, 0);
	ck_assert_mem_ne(a, b, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	/* about 4 of 1000 bytes; 60 never happen unless a part was not filled */
	ck_assert_uint_lt(zeros, 60);
}
END_TEST

START_TEST(comparison)
{
	unsigned char a[64] = {0}, b[64] = {0};

	ck_assert(crypto_equal(a, b, 64));
	ck_assert(crypto_equal(NULL, NULL, 0));
	for (size_t i = 0; i < 64; i++) {
		b[i] ^= 0x80;
		ck_assert(!crypto_equal(a, b, 64));
		ck_assert(crypto_equal(a, b, i));
		b[i] = 0;
	}
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"sha256", published, 0},    {"sha256", parts, 0},       {"hmac", hmac, 0},
		{"random", random_bytes, 0}, {"compare", comparison, 0},
	};

	return unit_run("hash", tests, ARRAY_SIZE(tests));
}
