# SPDX-License-Identifier: Apache-2.0
fuzz_targets += tests/fuzz/fuzz_cursor
tests_fuzz_fuzz_cursor_SOURCES = tests/fuzz/fuzz_cursor.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_cursor_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_cursor_LDADD = $(LIBS_event)
EXTRA_DIST += tests/fuzz/corpus/cursor

fuzz_targets += tests/fuzz/fuzz_event
tests_fuzz_fuzz_event_SOURCES = tests/fuzz/fuzz_event.c $(fuzz_scim_sources)
tests_fuzz_fuzz_event_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_event_LDADD = $(LIBS_event)
EXTRA_DIST += tests/fuzz/corpus/event
