/* SPDX-License-Identifier: Apache-2.0
 * Text for people: aligned columns, times of their zone, nothing that a terminal would obey. Thread rule: main only. */
#ifndef DIRHINGE_APP_TABLE_H
#define DIRHINGE_APP_TABLE_H

#include <jansson.h>

#include "dirhinge/base/arena.h"
#include "dirhinge/base/strv.h"

#define TABLE_COLUMNS 8

struct table_row;
struct table {
	struct arena *a;
	size_t n; /* columns */
	size_t width[TABLE_COLUMNS];
	struct table_row *first, **end;
};

/* heads: n of them. Cells are made safe as by table_clean. */
void table_begin(struct table *t, struct arena *a, const char *const *heads, size_t n);
/* cells: as many as heads; NULL is shown as "-". */
void table_add(struct table *t, const char *const *cells);
/* To stdout; the last column is not padded. */
void table_print(const struct table *t);

/* Control characters, which a value of the directory may hold to confuse a terminal, become "?". */
const char *table_clean(struct arena *a, const char *text);
/* Columns that the text takes: characters, not bytes. */
size_t table_width(const char *text);
/* "2026-11-20 15:04:05" of this machine's zone from an RFC 3339 time; the text itself if it is none. */
const char *table_time(struct arena *a, const char *rfc3339);
/* "name  value" for each member of an object, nested ones as "name.member"; times as table_time. */
void table_print_object(struct arena *a, const json_t *j);

#endif
