# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
http_tests = tests/unit/test_policy tests/unit/test_http_parse tests/unit/test_http_framing \
	tests/unit/test_http_server tests/unit/test_http_tls tests/unit/test_http_down tests/unit/test_http_events
check_PROGRAMS += $(http_tests)
TESTS += $(http_tests)
# gw and map are played by fake_gw.c, so the layers below are not even linked
http_fake_ldadd = libdirhinge-http.a libdirhinge-event.a libdirhinge-policy.a libdirhinge-scim.a libdirhinge-store.a \
	libdirhinge-crypto.a $(LIBS_base) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(MHD_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
http_client = tests/unit/http_client.c tests/unit/http_client.h
http_fake = tests/unit/fake_gw.c tests/unit/fake_gw.h

tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_LDADD = $(LIBS_policy) $(CHECK_LIBS)
tests_unit_test_http_parse_SOURCES = tests/unit/test_http_parse.c
tests_unit_test_http_parse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_parse_LDADD = libdirhinge-http.a $(LIBS_crypto) $(CHECK_LIBS)
tests_unit_test_http_framing_SOURCES = tests/unit/test_http_framing.c $(http_client) $(http_fake)
tests_unit_test_http_framing_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MHD_CFLAGS)
tests_unit_test_http_framing_LDADD = $(http_fake_ldadd)
tests_unit_test_http_server_SOURCES = tests/unit/test_http_server.c $(http_client) $(http_fake)
tests_unit_test_http_server_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_server_LDADD = $(http_fake_ldadd)
tests_unit_test_http_events_SOURCES = tests/unit/test_http_events.c $(http_client) $(http_fake)
tests_unit_test_http_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_events_LDADD = $(http_fake_ldadd)
tests_unit_test_http_tls_SOURCES = tests/unit/test_http_tls.c $(http_fake)
tests_unit_test_http_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_http_tls_LDADD = $(http_fake_ldadd)
tests_unit_test_http_down_SOURCES = tests/unit/test_http_down.c $(http_client)
tests_unit_test_http_down_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_down_LDADD = $(LIBS_http) $(CHECK_LIBS)
endif
