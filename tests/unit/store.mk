# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
store_tests = tests/unit/test_store tests/unit/test_store_state tests/unit/test_store_held tests/unit/test_store_faults \
	tests/unit/test_store_recent tests/unit/test_store_first
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)
endif
store_case = tests/unit/store_case.c tests/unit/store_case.h
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_case)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(LIBS_store) $(CHECK_LIBS)
tests_unit_test_store_state_SOURCES = tests/unit/test_store_state.c $(store_case)
tests_unit_test_store_state_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_state_LDADD = $(LIBS_store) $(CHECK_LIBS)
tests_unit_test_store_held_SOURCES = tests/unit/test_store_held.c $(store_case)
tests_unit_test_store_held_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_held_LDADD = $(LIBS_store) $(CHECK_LIBS)
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c $(store_case)
tests_unit_test_store_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_faults_LDADD = $(LIBS_store) $(CHECK_LIBS)
tests_unit_test_store_recent_SOURCES = tests/unit/test_store_recent.c $(store_case)
tests_unit_test_store_recent_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_recent_LDADD = $(LIBS_store) $(CHECK_LIBS)
tests_unit_test_store_first_SOURCES = tests/unit/test_store_first.c $(store_case)
tests_unit_test_store_first_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_first_LDADD = $(LIBS_store) $(CHECK_LIBS)
