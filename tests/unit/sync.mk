# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
sync_tests = tests/unit/test_observe tests/unit/test_sync tests/unit/test_sync_live
check_PROGRAMS += $(sync_tests)
TESTS += $(sync_tests)
endif
tests_unit_test_sync_SOURCES = tests/unit/test_sync.c $(store_case)
tests_unit_test_sync_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sync_LDADD = $(LIBS_sync) $(CHECK_LIBS)
tests_unit_test_observe_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/vectors
tests_unit_test_observe_LDADD = libvectors-sync.a libvectors-map.a libvectors.a $(LIBS_sync) $(CHECK_LIBS)
tests_unit_test_sync_live_SOURCES = tests/unit/test_sync_live.c $(feed_live)
tests_unit_test_sync_live_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_sync_live_LDADD = $(LIBS_sync) $(CHECK_LIBS)
