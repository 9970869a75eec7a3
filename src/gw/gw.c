/* SPDX-License-Identifier: Apache-2.0
 * (being built) */
#include "dirhinge/gw/gw.h"
