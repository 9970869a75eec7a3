/* SPDX-License-Identifier: Apache-2.0
 * A strict subset of YAML through libyaml's events into a json_t tree: mappings, sequences, scalars. Every scalar is a
 * string ("no" stays "no"); anchors, aliases, tags, several documents, duplicate keys, control characters,
 * depth > 16 and files > 1 MiB are refused with the line. JSON text is a subset and loads too. Thread rule: confined.
 */
#ifndef DIRHINGE_BASE_YAML_H
#define DIRHINGE_BASE_YAML_H

#include <jansson.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

struct yaml;

/* Lives in the arena; root is an object (an empty text gives an empty object). Errors: ERR_CONFIG with .line; name is
 * the file name used in messages. A plain or quoted empty scalar is "", a missing value too. */
int yaml_parse(struct arena *a, const char *name, struct strv text, struct yaml **doc_r, struct err *e) DH_MUST_USE;
json_t *yaml_root(const struct yaml *doc);
const char *yaml_name(const struct yaml *doc);
/* Line (from 1) where this node of the tree began, or where that key stands in the mapping; 0 if unknown. */
unsigned yaml_line(const struct yaml *doc, const json_t *node);
unsigned yaml_key_line(const struct yaml *doc, const json_t *object, const char *key);

/* ERR_CONFIG "NAME:LINE: message". Always -1. */
int yaml_err(const struct yaml *doc, unsigned line, struct err *e, const char *fmt, ...) DH_PRINTF(4, 5);

/* Refuses the first key of object that is not in names, with a hint to the nearest one. */
int yaml_check_keys(const struct yaml *doc, const json_t *object, const char *const *names, size_t n,
		    struct err *e) DH_MUST_USE;

#endif
