# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
app_tests = tests/unit/test_app tests/unit/test_app_text tests/unit/test_config
check_PROGRAMS += $(app_tests)
TESTS += $(app_tests)
tests_unit_test_app_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_LDADD = $(LIBS_app) $(CHECK_LIBS)
tests_unit_test_app_text_SOURCES = tests/unit/test_app_text.c tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_app_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_text_LDADD = $(LIBS_app) $(CHECK_LIBS)
tests_unit_test_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_LDADD = $(LIBS_app) $(CHECK_LIBS)
endif
