/* SPDX-License-Identifier: Apache-2.0
 * Table-driven options: rows read a YAML mapping into a struct, check, and print it again. A row is the one place of an
 * option: name, type, default, limits, sentence for the reference. Thread rule: confined. */
#ifndef DIRHINGE_BASE_CONF_H
#define DIRHINGE_BASE_CONF_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/yaml.h"

enum conf_kind {
	CONF_STRING,   /* const char *; NULL when absent and no default */
	CONF_BOOL,     /* bool: true/false */
	CONF_INT,      /* int64_t within min..max */
	CONF_DURATION, /* int64_t ms: 500ms, 10s, 5m, 1h, 30d; within min..max */
	CONF_STRINGS,  /* struct conf_strings: a sequence of strings, or one string */
	CONF_NODE,     /* const json_t *: raw subtree, checked by the owner */
	CONF_GROUP,    /* nested mapping: .rows of the same struct */
};

struct conf_strings {
	size_t n;
	const char **v;
};

struct conf_row {
	const char *name;
	enum conf_kind kind;
	size_t offset;               /* of the field in the struct */
	const char *def;             /* default as text, NULL = none; CONF_STRINGS: separated by commas */
	int64_t min, max;            /* CONF_INT, CONF_DURATION; both 0 = no limit */
	const char *const *choices;  /* CONF_STRING: NULL-terminated list of allowed values, or NULL */
	bool required;               /* missing or empty is an error; within a group: if the group is there */
	const char *help;            /* one sentence */
	const struct conf_row *rows; /* CONF_GROUP */
	size_t n_rows;
};

/* Fills the struct at base from object (NULL = empty). Unknown key, wrong type, value out of range: ERR_CONFIG with the
 * line and what would be right. Strings are copied into the arena, a CONF_NODE stays part of doc's tree. Rows of an
 * absent group get their defaults. path is the dotted prefix for messages ("" at the top). */
int conf_read(struct arena *a, const struct yaml *doc, const json_t *object, const char *path,
	      const struct conf_row *rows, size_t n, void *base, struct err *e) DH_MUST_USE;

/* Prints effective values as YAML with the given indent. */
void conf_print(struct buf *out, const struct conf_row *rows, size_t n, const void *base, int indent);

/* JSON Schema (draft 2020-12) properties of these rows as a new json object. */
json_t *conf_schema(const struct conf_row *rows, size_t n);

#endif
