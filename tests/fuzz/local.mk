# SPDX-License-Identifier: Apache-2.0
# A target is LLVMFuzzerTestOneInput in fuzz_NAME.c plus a folder corpus/NAME with at least one input. With
# --enable-fuzzers (clang) it is linked with libFuzzer and make check-fuzz runs each for FUZZ_SECONDS; otherwise driver.c
# makes a program that replays the corpus, which make check runs. A module's fragment:
#   fuzz_targets += tests/fuzz/fuzz_NAME
#   tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c tests/fuzz/fuzz.h $(fuzz_main)
#   tests_fuzz_fuzz_NAME_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#   tests_fuzz_fuzz_NAME_LDADD = $(LIBS_MODULE)
#   EXTRA_DIST += tests/fuzz/corpus/NAME
fuzz_targets =
check_PROGRAMS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/driver.c
if FUZZERS
fuzz_main =
else
fuzz_main = tests/fuzz/driver.c
TESTS += $(fuzz_targets)
endif
include tests/fuzz/base.mk
include tests/fuzz/scim.mk
include tests/fuzz/dir.mk
include tests/fuzz/http.mk
include tests/fuzz/event.mk

# New inputs go to a scratch folder; what is worth keeping is moved to corpus/NAME by hand.
FUZZ_SECONDS = 60
check-fuzz: $(fuzz_targets)
	@for t in $(fuzz_targets); do \
		name=$${t##*/fuzz_}; $(MKDIR_P) fuzz-found/$$name; echo "fuzzing $$name"; \
		./$$t -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=fuzz-found/ -print_final_stats=1 \
			fuzz-found/$$name $(srcdir)/tests/fuzz/corpus/$$name || exit 1; done
.PHONY: check-fuzz
