# SPDX-License-Identifier: Apache-2.0
# A target is LLVMFuzzerTestOneInput in fuzz_NAME.c plus a folder corpus/NAME. With --enable-fuzzers (clang) it is linked
# with libFuzzer; otherwise driver.c makes a program that replays the corpus, which make check runs.
if FUZZERS
fuzz_main =
else
fuzz_main = tests/fuzz/driver.c
endif
include tests/fuzz/base.mk
include tests/fuzz/scim.mk
include tests/fuzz/dir.mk
