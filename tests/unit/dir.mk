# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
scratch = tests/unit/scratch.c tests/unit/scratch.h
live_two = tests/unit/live.c tests/unit/live.h tests/unit/live_two.c tests/unit/live_two.h $(scratch)
dir_unit_tests = tests/unit/test_dir tests/unit/test_dir_uri tests/unit/test_dir_live \
	tests/unit/test_dir_faults tests/unit/test_dir_tls tests/unit/test_dir_ms tests/unit/test_dir_range tests/unit/test_dir_stream \
	tests/unit/test_dir_dirsync tests/unit/test_dir_gather
check_PROGRAMS += $(dir_unit_tests)
TESTS += $(dir_unit_tests)

tests_unit_test_dir_live_SOURCES = tests/unit/test_dir_live.c tests/unit/live.c tests/unit/live.h
tests_unit_test_dir_live_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_live_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_stream_SOURCES = tests/unit/test_dir_stream.c tests/unit/live.c tests/unit/live.h
tests_unit_test_dir_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_stream_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_gather_SOURCES = tests/unit/test_dir_gather.c tests/unit/live.c tests/unit/live.h
tests_unit_test_dir_gather_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_gather_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_faults_SOURCES = tests/unit/test_dir_faults.c $(live_two)
tests_unit_test_dir_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_faults_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_tls_SOURCES = tests/unit/test_dir_tls.c $(live_two)
tests_unit_test_dir_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_tls_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_SOURCES = tests/unit/test_dir.c $(scratch)
tests_unit_test_dir_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_ms_SOURCES = tests/unit/test_dir_ms.c $(scratch)
tests_unit_test_dir_ms_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LDAP_CFLAGS)
tests_unit_test_dir_ms_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_range_SOURCES = tests/unit/test_dir_range.c $(scratch)
tests_unit_test_dir_range_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LDAP_CFLAGS)
tests_unit_test_dir_range_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_dirsync_SOURCES = tests/unit/test_dir_dirsync.c $(scratch)
tests_unit_test_dir_dirsync_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LDAP_CFLAGS)
tests_unit_test_dir_dirsync_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_uri_SOURCES = tests/unit/test_dir_uri.c $(scratch)
tests_unit_test_dir_uri_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_uri_LDADD = $(LIBS_dir) $(CHECK_LIBS)

feed_live = tests/unit/feed_live.c tests/unit/feed_live.h tests/unit/live.c tests/unit/live.h $(scratch)
feed_unit_tests = tests/unit/test_dir_feed tests/unit/test_dir_feed_gap tests/unit/test_dir_feed_log \
	tests/unit/test_dir_feed_look tests/unit/test_dir_feed_two
check_PROGRAMS += $(feed_unit_tests)
TESTS += $(feed_unit_tests)
tests_unit_test_dir_feed_SOURCES = tests/unit/test_dir_feed.c $(feed_live)
tests_unit_test_dir_feed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_feed_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_feed_gap_SOURCES = tests/unit/test_dir_feed_gap.c $(feed_live)
tests_unit_test_dir_feed_gap_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LDAP_CFLAGS)
tests_unit_test_dir_feed_gap_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_feed_look_SOURCES = tests/unit/test_dir_feed_look.c $(feed_live)
tests_unit_test_dir_feed_look_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_feed_look_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_feed_two_SOURCES = tests/unit/test_dir_feed_two.c $(feed_live)
tests_unit_test_dir_feed_two_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_feed_two_LDADD = $(LIBS_dir) $(CHECK_LIBS)
tests_unit_test_dir_feed_log_SOURCES = tests/unit/test_dir_feed_log.c $(feed_live)
tests_unit_test_dir_feed_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LDAP_CFLAGS)
tests_unit_test_dir_feed_log_LDADD = $(LIBS_dir) $(CHECK_LIBS)
endif
EXTRA_DIST += tests/unit/slapd.sh
