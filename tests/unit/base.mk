# SPDX-License-Identifier: Apache-2.0
base_tests = tests/unit/test_arena tests/unit/test_buf tests/unit/test_codec tests/unit/test_conf tests/unit/test_err \
	tests/unit/test_file tests/unit/test_hash tests/unit/test_json tests/unit/test_json_suite tests/unit/test_log tests/unit/test_metrics \
	tests/unit/test_room \
	tests/unit/test_strmap tests/unit/test_strv tests/unit/test_thread tests/unit/test_yaml
if HAVE_CHECK
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
endif
EXTRA_DIST += tests/unit/unit.h
tests_unit_test_arena_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_buf_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_codec_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_conf_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_err_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_file_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_hash_LDADD = $(LIBS_crypto) $(CHECK_LIBS)
tests_unit_test_json_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_json_suite_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_log_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_metrics_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_room_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_strmap_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_strv_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_thread_LDADD = $(LIBS_base) $(CHECK_LIBS)
tests_unit_test_yaml_LDADD = $(LIBS_base) $(CHECK_LIBS)
