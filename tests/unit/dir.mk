# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
dir_unit_tests = tests/unit/test_dir_live
check_PROGRAMS += $(dir_unit_tests)
TESTS += $(dir_unit_tests)
EXTRA_DIST += tests/unit/live_slapd.sh

tests_unit_test_dir_live_SOURCES = tests/unit/test_dir_live.c tests/unit/live.c tests/unit/live.h
tests_unit_test_dir_live_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dir_live_LDADD = $(LIBS_dir) $(CHECK_LIBS)
endif
