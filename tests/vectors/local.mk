# SPDX-License-Identifier: Apache-2.0
# A runner is vec_NAME.c plus vector files in MODULE/; it links libvectors.a in front of its layer:
#   check_PROGRAMS += tests/vectors/vec_filter
#   TESTS += tests/vectors/vec_filter
#   tests_vectors_vec_filter_LDADD = libvectors.a $(LIBS_scim)
#   EXTRA_DIST += tests/vectors/scim
check_LIBRARIES += libvectors.a
libvectors_a_SOURCES = tests/vectors/vectors.c tests/vectors/vectors.h

include tests/vectors/base.mk
include tests/vectors/scim.mk
include tests/vectors/dir.mk
include tests/vectors/map.mk
include tests/vectors/sync.mk
include tests/vectors/event.mk
