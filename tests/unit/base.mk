# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
base_tests = tests/unit/test_arena tests/unit/test_buf tests/unit/test_err tests/unit/test_json tests/unit/test_json_suite tests/unit/test_log tests/unit/test_strmap tests/unit/test_strv \
	tests/unit/test_thread
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
endif
EXTRA_DIST += tests/unit/unit.h
tests_unit_test_arena_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_buf_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_err_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_strmap_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_strv_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_thread_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_json_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_log_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_json_suite_LDADD = $(LIBS_base) $(CHECK_LIBS)
