# SPDX-License-Identifier: Apache-2.0
fuzz_targets += tests/fuzz/fuzz_dn tests/fuzz/fuzz_dirfilter
EXTRA_DIST += tests/fuzz/corpus/dn tests/fuzz/corpus/dirfilter
tests_fuzz_fuzz_dn_SOURCES = tests/fuzz/fuzz_dn.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_dn_CFLAGS = $(AM_CFLAGS) $(LDAP_CFLAGS)
tests_fuzz_fuzz_dn_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dn_LDADD = $(LIBS_dir)
tests_fuzz_fuzz_dirfilter_SOURCES = tests/fuzz/fuzz_dirfilter.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_dirfilter_CFLAGS = $(AM_CFLAGS) $(LDAP_CFLAGS)
tests_fuzz_fuzz_dirfilter_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dirfilter_LDADD = $(LIBS_dir)
fuzz_targets += tests/fuzz/fuzz_feed
EXTRA_DIST += tests/fuzz/corpus/feed
tests_fuzz_fuzz_feed_SOURCES = tests/fuzz/fuzz_feed.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_feed_CFLAGS = $(AM_CFLAGS) $(LDAP_CFLAGS)
tests_fuzz_fuzz_feed_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_feed_LDADD = $(LIBS_dir)
