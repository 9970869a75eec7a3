# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
scim_filter_tests = tests/unit/test_scim_schema tests/unit/test_scim_filter
check_PROGRAMS += $(scim_filter_tests)
TESTS += $(scim_filter_tests)
endif
tests_unit_test_scim_schema_LDADD = $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_filter_LDADD = $(LIBS_scim) $(CHECK_LIBS)
