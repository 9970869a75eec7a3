# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
event_tests = tests/unit/test_event
check_PROGRAMS += $(event_tests)
TESTS += $(event_tests)
endif
tests_unit_test_event_SOURCES = tests/unit/test_event.c tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_event_LDADD = $(LIBS_event) $(CHECK_LIBS)
