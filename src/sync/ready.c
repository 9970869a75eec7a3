/* SPDX-License-Identifier: Apache-2.0
 * What an entry is and shows, as far as it alone decides that. */
#include "sync/ready.h"

#include "dirhinge/dir/blob.h"
#include "dirhinge/dir/dn.h"

static struct strv
without_options(const char *attr)
{
	struct strv v = strv_of(attr);
	return strv_n(v.p, strv_chr(v, ';'));
}

bool
sync_memory_keeps(const struct memory *m, const char *attr)
{
	return strmap_get(m->attrs, without_options(attr)) != NULL;
}

const struct dir_entry *
sync_kept_of(struct arena *a, const struct memory *m, const struct dir_entry *en, bool all, struct apart *apart_r)
{
	struct dir_entry *out = ARENA_NEW(a, struct dir_entry);
	*out = (struct dir_entry){.dn = en->dn, .attrs = ARENA_ARRAY(a, en->n_attrs + 1, struct dir_attr)};
	for (size_t i = 0; i < en->n_attrs; i++) {
		if (str_caseeq(en->attrs[i].name, m->member))
			apart_r->members = &en->attrs[i];
		else if (str_caseeq(en->attrs[i].name, m->groups))
			apart_r->groups = &en->attrs[i];
		else if (all || sync_memory_keeps(m, en->attrs[i].name))
			out->attrs[out->n_attrs++] = en->attrs[i];
	}
	return out;
}

enum store_kind
sync_kind_of(struct map_run *run, const struct dir_entry *en, const char *dn_key, const struct map **m_r)
{
	static const char *const canaries[] = {"applicationProcess", "contact"};
	*m_r = map_of_entry(run, en, dn_key);
	if (*m_r)
		return *m_r == run->set->users ? STORE_USER : STORE_GROUP;
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		if (dir_entry_is_a(en, canaries[i]))
			return STORE_OTHER;
	for (size_t i = 0; sync_containers[i]; i++)
		if (dir_entry_is_a(en, sync_containers[i]))
			return STORE_OTHER;
	return (enum store_kind)0;
}

/* False: it is too long. */
static bool
copied(struct arena *a, const struct buf *text, struct strv *v_r)
{
	*v_r = strv_n(arena_memdup(a, text->p, text->n), text->n);
	return !text->full;
}

bool
sync_ready_make(struct map_run *run, const struct memory *m, const struct dir_entry *en, struct buf *scratch,
		struct ready *r_r)
{
	struct ready r = {.dn_key = dir_dn_normal(run->a, en->dn)};
	struct err e = ERR_INIT;
	if (!r.dn_key)
		return false;
	r.entry = sync_kept_of(run->a, m, en, true, &r.apart);
	r.kind = sync_kind_of(run, r.entry, r.dn_key, &r.map);
	buf_reset(scratch);
	dir_blob_write(scratch, r.entry);
	if (!copied(run->a, scratch, &r.blob))
		return false;
	if (r.map) {
		r.refs = map_refs_new(run);
		if (map_to_scim(run, r.map, r.entry, r.refs, &r.view, &e) < 0)
			return false;
		buf_reset(scratch);
		if (map_refs_none(r.refs)) {
			scim_view_print(scratch, r.view, NULL);
			if (!copied(run->a, scratch, &r.text))
				return false;
		}
	}
	*r_r = r;
	return true;
}
