# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/vectors/vec_event
TESTS += tests/vectors/vec_event
tests_vectors_vec_event_LDADD = libvectors-scim.a libvectors.a $(LIBS_event)
EXTRA_DIST += tests/vectors/event
