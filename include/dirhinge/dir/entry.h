/* SPDX-License-Identifier: Apache-2.0
 * An entry copied into an arena, and a list of modifications. Attribute descriptions compare without case.
 * Thread rule: confined. */
#ifndef DIRHINGE_DIR_ENTRY_H
#define DIRHINGE_DIR_ENTRY_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/strv.h"

struct dir_attr {
	const char *name;
	struct strv *values; /* each NUL-terminated behind its length */
	size_t n;
};

struct dir_entry {
	const char *dn;
	struct dir_attr *attrs;
	size_t n_attrs;
	const struct dir_index *index; /* dir_entry_index; NULL: not made */
};

const struct dir_attr *dir_entry_attr(const struct dir_entry *en, const char *name); /* NULL if absent */
/* All of it in the arena. */
const struct dir_entry *dir_entry_copy(struct arena *a, const struct dir_entry *en);
/* For many lookups: what is absent is mostly told at once, what is there found at once. Attributes and index must stay
 * as they are from then on. */
struct dir_index {
	unsigned char
		first[64]; /* by the first letters of the name: 1 + the place of the first such attribute, 0 none */
};
void dir_entry_index(struct dir_entry *en, struct dir_index *index);
/* First value, or a view with p NULL. */
struct strv dir_entry_first(const struct dir_entry *en, const char *name);
bool dir_entry_has(const struct dir_entry *en, const char *name, struct strv value); /* byte equality */
/* objectClass test without case. */
bool dir_entry_is_a(const struct dir_entry *en, const char *object_class);

enum dir_mod_op { DIR_MOD_ADD, DIR_MOD_DELETE, DIR_MOD_REPLACE };

struct dir_mod {
	enum dir_mod_op op;
	const char *attr;
	struct strv *values; /* n 0 with DELETE or REPLACE: the whole attribute */
	size_t n, cap;
};

struct dir_mods {
	struct arena *a;
	struct dir_mod *mods;
	size_t n, cap;
};

void dir_mods_init(struct dir_mods *m, struct arena *a);
/* One value more to (op, attr): values of the same operation and attribute are coalesced; deletes stand before adds of
 * the same attribute. Values are copied into the arena. */
void dir_mods_value(struct dir_mods *m, enum dir_mod_op op, const char *attr, struct strv value);
/* The whole attribute: REPLACE with n values (0 clears, succeeds when absent). */
void dir_mods_replace(struct dir_mods *m, const char *attr, const struct strv *values, size_t n);
/* Removes what was collected for attr. */
void dir_mods_drop(struct dir_mods *m, const char *attr);

#endif
