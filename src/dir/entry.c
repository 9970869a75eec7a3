/* SPDX-License-Identifier: Apache-2.0
 * Entries and modification lists: look-ups without case, values coalesced by operation and attribute. */
#include "dirhinge/dir/entry.h"

#include <limits.h>

/* Names are compared for each mapped attribute of each entry: two letters, without their case, tell most apart. The
 * first and the third: all of ours begin with those of displayName. */
static unsigned
two(const char *name)
{
	return *name ? ((unsigned)(unsigned char)name[0] | (unsigned)(unsigned char)(name[1] ? name[2] : '\0') << 8) |
			       0x2020u
		     : 0;
}

static unsigned
bucket(unsigned letters)
{
	return letters * UINT32_C(0x9E3779B1) >> 26;
}

void
dir_entry_index(struct dir_entry *en, struct dir_index *index)
{
	if (en->n_attrs > UCHAR_MAX)
		return;
	*index = (struct dir_index){{0}};
	for (size_t i = en->n_attrs; i-- > 0;)
		index->first[bucket(two(en->attrs[i].name))] = (unsigned char)(i + 1);
	en->index = index;
}

static struct strv
value_copy(struct arena *a, struct strv v)
{
	return strv_n(arena_strndup(a, v.n ? v.p : "", v.n), v.n);
}

const struct dir_entry *
dir_entry_copy(struct arena *a, const struct dir_entry *en)
{
	struct dir_entry *c = ARENA_NEW(a, struct dir_entry);

	*c = (struct dir_entry){.dn = arena_strdup(a, en->dn), .n_attrs = en->n_attrs};
	c->attrs = ARENA_ARRAY(a, en->n_attrs + 1, struct dir_attr);
	for (size_t i = 0; i < en->n_attrs; i++) {
		const struct dir_attr *from = &en->attrs[i];
		struct dir_attr *to = &c->attrs[i];

		*to = (struct dir_attr){.name = arena_strdup(a, from->name), .n = from->n};
		to->values = ARENA_ARRAY(a, from->n + 1, struct strv);
		for (size_t v = 0; v < from->n; v++)
			to->values[v] = value_copy(a, from->values[v]);
	}
	return c;
}

const struct dir_attr *
dir_entry_attr(const struct dir_entry *en, const char *name)
{
	unsigned letters = two(name);
	size_t first = en->index ? en->index->first[bucket(letters)] : 1;

	for (size_t i = first ? first - 1 : en->n_attrs; i < en->n_attrs; i++)
		if (two(en->attrs[i].name) == letters && str_caseeq(en->attrs[i].name, name))
			return &en->attrs[i];
	return NULL;
}

struct strv
dir_entry_first(const struct dir_entry *en, const char *name)
{
	const struct dir_attr *at = dir_entry_attr(en, name);

	return at && at->n ? at->values[0] : (struct strv){NULL, 0};
}

bool
dir_entry_has(const struct dir_entry *en, const char *name, struct strv value)
{
	const struct dir_attr *at = dir_entry_attr(en, name);

	for (size_t i = 0; at && i < at->n; i++)
		if (strv_eq(at->values[i], value))
			return true;
	return false;
}

bool
dir_entry_is_a(const struct dir_entry *en, const char *object_class)
{
	const struct dir_attr *at = dir_entry_attr(en, "objectClass");

	for (size_t i = 0; at && i < at->n; i++)
		if (strv_caseeq(at->values[i], strv_of(object_class)))
			return true;
	return false;
}

void
dir_mods_init(struct dir_mods *m, struct arena *a)
{
	*m = (struct dir_mods){.a = a};
}

/* Opens a gap at index pos and returns it. */
static struct dir_mod *
mods_insert(struct dir_mods *m, size_t pos, enum dir_mod_op op, const char *attr)
{
	m->mods = ARENA_GROW(m->a, m->mods, m->n, &m->cap, 8);
	if (pos < m->n)
		memmove(&m->mods[pos + 1], &m->mods[pos], (m->n - pos) * sizeof(*m->mods));
	m->n++;
	m->mods[pos] = (struct dir_mod){.op = op, .attr = arena_strdup(m->a, attr)};
	return &m->mods[pos];
}

static void
mod_push(struct arena *a, struct dir_mod *mod, struct strv value)
{
	mod->values = ARENA_GROW(a, mod->values, mod->n, &mod->cap, 4);
	mod->values[mod->n++] = value_copy(a, value);
}

void
dir_mods_value(struct dir_mods *m, enum dir_mod_op op, const char *attr, struct strv value)
{
	size_t pos = m->n;

	for (size_t i = 0; i < m->n; i++) {
		if (!str_caseeq(m->mods[i].attr, attr))
			continue;
		if (m->mods[i].op == op) {
			mod_push(m->a, &m->mods[i], value);
			return;
		}
		/* The server applies the list in order: deleting the old value of a single-valued attribute must come
		 * before adding the new one. */
		if (op == DIR_MOD_DELETE && m->mods[i].op == DIR_MOD_ADD && pos == m->n)
			pos = i;
	}
	mod_push(m->a, mods_insert(m, pos, op, attr), value);
}

void
dir_mods_replace(struct dir_mods *m, const char *attr, const struct strv *values, size_t n)
{
	/* Whatever was collected before would be overwritten; sent anyway, it could only fail (16, 20). */
	dir_mods_drop(m, attr);

	struct dir_mod *mod = mods_insert(m, m->n, DIR_MOD_REPLACE, attr);

	for (size_t i = 0; i < n; i++)
		mod_push(m->a, mod, values[i]);
}

void
dir_mods_drop(struct dir_mods *m, const char *attr)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!str_caseeq(m->mods[i].attr, attr))
			m->mods[kept++] = m->mods[i];
	m->n = kept;
}
