# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
store_tests = tests/unit/test_store
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)
endif
store_case = tests/unit/store_case.c tests/unit/store_case.h
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_case)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(LIBS_store) $(CHECK_LIBS)
