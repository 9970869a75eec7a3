/* SPDX-License-Identifier: Apache-2.0
 * The entry of every fuzz target, called by libFuzzer or by driver.c. A broken property is a must(): the crash is the
 * finding. */
#ifndef DIRHINGE_TESTS_FUZZ_H
#define DIRHINGE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
