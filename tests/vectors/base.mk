# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/vectors/vec_base
TESTS += tests/vectors/vec_base
tests_vectors_vec_base_LDADD = libvectors.a $(LIBS_base)
EXTRA_DIST += tests/vectors/base
