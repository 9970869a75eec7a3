/* SPDX-License-Identifier: Apache-2.0
 * Entries and modification lists. */
#include "dirhinge/dir/entry.h"
