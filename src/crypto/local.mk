noinst_LIBRARIES += libdirhinge-crypto.a
libdirhinge_crypto_a_SOURCES = %D%/hash.c
libdirhinge_crypto_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
nobase_noinst_HEADERS += include/dirhinge/crypto/hash.h
