# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
gw_tests = tests/unit/test_places tests/unit/test_rate tests/unit/test_snapshot
check_PROGRAMS += $(gw_tests)
TESTS += $(gw_tests)
endif
tests_unit_test_snapshot_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_snapshot_LDADD = $(LIBS_gw) $(CHECK_LIBS)
tests_unit_test_rate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_rate_LDADD = $(LIBS_gw) $(CHECK_LIBS)
tests_unit_test_places_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_places_LDADD = $(LIBS_gw) $(CHECK_LIBS)
