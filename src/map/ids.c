/* SPDX-License-Identifier: Apache-2.0
 * What identifies an entry to SCIM: id, location, version; and the way from ids to DNs. */
#include "dirhinge/base/codec.h"
#include "map/map_priv.h"

#define BATCH 50 /* as in refs.c */

const char *
map_id(struct map_run *r, const struct dir_entry *en)
{
	struct strv v = dir_entry_first(en, r->caps->flavour->id_attr);
	return uuid_valid(v) ? arena_strndup(r->a, v.p, v.n) : NULL;
}

bool
map_id_valid(const char *id)
{
	/* RFC 7643 3.1: id is caseExact, and ours are written in lower case. To the directory both would be the same.
	 */
	return id && uuid_valid(strv_of(id)) && !strpbrk(id, "ABCDEF");
}

char *
map_location(struct map_run *r, const struct map *m, const char *id)
{
	const struct strv parts[] = {strv_of(r->base_url), strv_of(m->type->endpoint), STRV("/"), strv_of(id)};
	return arena_join(r->a, parts, ARRAY_SIZE(parts));
}

/* 64-bit FNV-1a: an entity tag has to differ between versions of one entry, not to resist anybody. */
static uint64_t
fnv1a(uint64_t h, struct strv s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3); /* no UTF-8 text holds this byte: it ends a value */
}

char *
map_version(struct map_run *r, const struct dir_entry *en)
{
	const struct dir_flavour *f = r->caps->flavour;
	/* refint changes members without a new entryCSN, but as another modifier (directories.md 0.3). Once it has, its
	 * next change would leave no trace: better no tag at all until somebody else writes. */
	if (strv_casestarts(dir_entry_first(en, "modifiersName"), STRV("cn=referential integrity ")))
		return NULL;
	if (r->caps->no_versions)
		return NULL;
	const char *const attrs[] = {f->version_attr, f->modified_attr, "modifiersName"};
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		if (attrs[i])
			h = fnv1a(h, dir_entry_first(en, attrs[i]));
	static const char digits[] = "0123456789abcdef";
	char *tag = arena_strdup(r->a, "W/\"0000000000000000\"");
	for (size_t i = 0; i < 16; i++)
		tag[3 + i] = digits[h >> (60 - 4 * i) & 15];
	return tag;
}

const struct dir_filter *
map_id_filter(struct map_run *r, const struct map *m, const char *id)
{
	if (!map_id_valid(id))
		return dir_f_false(r->a);
	return dir_f_and2(r->a, dir_f_eq(r->a, r->caps->flavour->id_attr, strv_of(id)), map_class_test(m));
}

/* --- ids to DNs -------------------------------------------------------------------------------------------------- */

struct finding {
	struct map_run *r;
	struct strmap *dns; /* id, without case -> DN */
};

static int
on_entry(void *ctx, const struct dir_entry *en, struct err *e DH_UNUSED)
{
	struct finding *f = ctx;
	const char *id = map_id(f->r, en);
	if (id && map_sees(f->r, en->dn))
		strmap_put(f->dns, strv_of(id), arena_strdup(f->r->a, en->dn));
	return 0;
}

/* Ids that are not found yet, below one base. In any case: RFC 7643 8.7.1 says so of the "value" of members, groups and
 * manager. */
static int
find_below(struct finding *f, const struct map *m, const char *const *ids, size_t n, struct err *e)
{
	const struct dir_filter *items[BATCH];
	const char *attr = f->r->caps->flavour->id_attr;
	size_t k = 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && ids[i] && uuid_valid(strv_of(ids[i])) && !strmap_get(f->dns, strv_of(ids[i])))
			items[k++] = dir_f_eq(f->r->a, attr, strv_of(ids[i]));
		if (k == 0 || (k < BATCH && i < n))
			continue;
		struct dir_search s = {
			.base = m->opts->base,
			.scope = DIR_SUB,
			.filter = dir_f_and2(f->r->a, dir_f_or(f->r->a, items, k), map_class_test(m)),
			.attrs = (const char *const[]){attr, NULL},
			.at_most = (int)k,
		};
		if (dir_search_run(f->r->dir, f->r->a, false, &s, f->r->until, on_entry, f, e) < 0)
			return -1;
		k = 0;
	}
	return 0;
}

static int
ids_to_dns(struct map_run *r, bool groups, const char *const *ids, size_t n, const char ***dns_r, struct err *e)
{
	struct finding f = {r, strmap_new(r->a, true)};
	if (find_below(&f, r->set->users, ids, n, e) < 0 || (groups && find_below(&f, r->set->groups, ids, n, e) < 0))
		return err_cause(e, "look for entries by id");
	const char **dns = ARENA_ARRAY(r->a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		dns[i] = ids[i] ? strmap_get(f.dns, strv_of(ids[i])) : NULL;
	*dns_r = dns;
	return 0;
}

int
map_ids_to_dns(struct map_run *r, const char *const *ids, size_t n, const char ***dns_r, struct err *e)
{
	return ids_to_dns(r, true, ids, n, dns_r, e);
}

int
map_users_to_dns(struct map_run *r, const char *const *ids, size_t n, const char ***dns_r, struct err *e)
{
	return ids_to_dns(r, false, ids, n, dns_r, e);
}
