# SPDX-License-Identifier: Apache-2.0
fuzz_targets += tests/fuzz/fuzz_target tests/fuzz/fuzz_fields
tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_target_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_target_LDADD = libdirhinge-http.a $(LIBS_base)
tests_fuzz_fuzz_fields_SOURCES = tests/fuzz/fuzz_fields.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_fields_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_fields_LDADD = libdirhinge-http.a $(LIBS_base)
EXTRA_DIST += tests/fuzz/corpus/target tests/fuzz/corpus/fields
