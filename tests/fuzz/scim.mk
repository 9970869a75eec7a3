# SPDX-License-Identifier: Apache-2.0
fuzz_scim_sources = tests/fuzz/fuzz_scim.c tests/fuzz/fuzz_scim.h tests/fuzz/fuzz.h $(fuzz_main)

fuzz_targets += tests/fuzz/fuzz_filter
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c $(fuzz_scim_sources)
tests_fuzz_fuzz_filter_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_filter_LDADD = $(LIBS_scim)
EXTRA_DIST += tests/fuzz/corpus/filter

fuzz_targets += tests/fuzz/fuzz_path
tests_fuzz_fuzz_path_SOURCES = tests/fuzz/fuzz_path.c $(fuzz_scim_sources)
tests_fuzz_fuzz_path_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_path_LDADD = $(LIBS_scim)
EXTRA_DIST += tests/fuzz/corpus/path

fuzz_targets += tests/fuzz/fuzz_patch
tests_fuzz_fuzz_patch_SOURCES = tests/fuzz/fuzz_patch.c tests/fuzz/fuzz.h \
	tests/vectors/scim_tree.c tests/vectors/scim_tree.h $(fuzz_main)
tests_fuzz_fuzz_patch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_patch_LDADD = $(LIBS_scim)
EXTRA_DIST += tests/fuzz/corpus/patch
