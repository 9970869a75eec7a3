# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libvectors-map.a
libvectors_map_a_SOURCES = tests/vectors/map_fixture.c tests/vectors/map_fixture.h tests/vectors/map_tree.h
EXTRA_DIST += tests/vectors/map

check_PROGRAMS += tests/vectors/vec_map
TESTS += tests/vectors/vec_map
tests_vectors_vec_map_LDADD = libvectors-map.a libvectors.a $(LIBS_map)
