# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libvectors-scim.a
libvectors_scim_a_SOURCES = \
	tests/vectors/scim_tree.c tests/vectors/scim_tree.h tests/vectors/scim_types.c tests/vectors/scim_types.h
EXTRA_DIST += tests/vectors/scim

check_PROGRAMS += tests/vectors/vec_filter
TESTS += tests/vectors/vec_filter
tests_vectors_vec_filter_LDADD = libvectors-scim.a libvectors.a $(LIBS_scim)

check_PROGRAMS += tests/vectors/vec_resource
TESTS += tests/vectors/vec_resource
tests_vectors_vec_resource_LDADD = libvectors-scim.a libvectors.a $(LIBS_scim)

check_PROGRAMS += tests/vectors/vec_bulk
TESTS += tests/vectors/vec_bulk
tests_vectors_vec_bulk_LDADD = libvectors-scim.a libvectors.a $(LIBS_scim)
