# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
map_unit_tests = tests/unit/test_map_roundtrip tests/unit/test_map_live tests/unit/test_map_filter_live
check_PROGRAMS += $(map_unit_tests)
TESTS += $(map_unit_tests)
endif
map_case = tests/unit/map_case.c tests/unit/map_case.h tests/unit/map_live.c tests/unit/map_live.h
tests_unit_test_map_roundtrip_SOURCES = \
	tests/unit/test_map_roundtrip.c tests/unit/map_random.c tests/unit/map_random.h
tests_unit_test_map_roundtrip_LDADD = libvectors-map.a libvectors.a $(LIBS_map) $(CHECK_LIBS)
tests_unit_test_map_live_SOURCES = \
	tests/unit/test_map_live.c $(map_case) tests/unit/map_random.c tests/unit/map_random.h
tests_unit_test_map_live_LDADD = $(LIBS_map) $(CHECK_LIBS)
tests_unit_test_map_filter_live_SOURCES = tests/unit/test_map_filter_live.c $(map_case)
tests_unit_test_map_filter_live_LDADD = $(LIBS_map) $(CHECK_LIBS)
