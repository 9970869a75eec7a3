# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
map_unit_tests = tests/unit/test_map_roundtrip
check_PROGRAMS += $(map_unit_tests)
TESTS += $(map_unit_tests)
endif
tests_unit_test_map_roundtrip_LDADD = libvectors-map.a libvectors.a $(LIBS_map) $(CHECK_LIBS)
