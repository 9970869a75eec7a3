# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/vectors/vec_phase
TESTS += tests/vectors/vec_phase
tests_vectors_vec_phase_LDADD = libvectors.a libdirhinge-sync.a $(LIBS_base)
EXTRA_DIST += tests/vectors/sync-phase

# What a directory says, played against a real store, and the events that come of it.
check_LIBRARIES += libvectors-sync.a
libvectors_sync_a_SOURCES = tests/vectors/observe_world.c tests/vectors/observe_world.h
check_PROGRAMS += tests/vectors/vec_observe
TESTS += tests/vectors/vec_observe
tests_vectors_vec_observe_LDADD = libvectors-sync.a libvectors-map.a libvectors.a $(LIBS_sync)
EXTRA_DIST += tests/vectors/observe
