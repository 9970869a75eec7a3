# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
scim_tests = tests/unit/test_scim_schema tests/unit/test_scim_filter tests/unit/test_scim_resource \
	tests/unit/test_scim_message tests/unit/test_scim_sort tests/unit/test_scim_view
check_PROGRAMS += $(scim_tests)
TESTS += $(scim_tests)
endif
tests_unit_test_scim_schema_LDADD = $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_filter_LDADD = $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_resource_LDADD = $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_sort_LDADD = $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_view_LDADD = libvectors-scim.a libvectors.a $(LIBS_scim) $(CHECK_LIBS)
tests_unit_test_scim_message_LDADD = $(LIBS_scim) $(CHECK_LIBS)
