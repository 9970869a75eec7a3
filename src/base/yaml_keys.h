/* SPDX-License-Identifier: Apache-2.0
 * The check of keys with the name of their mapping in the message; conf.c needs it, others take yaml_check_keys(). */
#ifndef DIRHINGE_SRC_BASE_YAML_KEYS_H
#define DIRHINGE_SRC_BASE_YAML_KEYS_H

#include "dirhinge/base/yaml.h"

/* where: dotted name of the mapping, "" at the top. doc may be NULL: no file and line then. */
int yaml_check_keys_in(const struct yaml *doc, const json_t *object, const char *where, const char *const *names,
		       size_t n, struct err *e) DH_MUST_USE;

#endif
