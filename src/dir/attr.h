/* SPDX-License-Identifier: Apache-2.0
 * Private: the one test for attribute names and OIDs that are written into DNs and filters. */
#ifndef DIRHINGE_SRC_DIR_ATTR_H
#define DIRHINGE_SRC_DIR_ATTR_H

#include "dirhinge/base/strv.h"

/* RFC 4512 2.5: a type (descr or numericoid) with options: "cn", "2.5.4.3", "userCertificate;binary". Names come from
 * configuration, so this is not about hostile input: it turns a typing mistake into an error instead of a filter that
 * means something else. */
static inline bool
attr_name_valid(const char *name, bool options)
{
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > 255)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			  c == '.' || (options && i > 0 && c == ';');

		if (!ok)
			return false;
	}
	return name[0] != '-' && name[0] != '.';
}

#endif
