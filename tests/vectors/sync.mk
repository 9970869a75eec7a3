# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/vectors/vec_phase
TESTS += tests/vectors/vec_phase
tests_vectors_vec_phase_LDADD = libvectors.a libdirhinge-sync.a $(LIBS_base)
EXTRA_DIST += tests/vectors/sync-phase
