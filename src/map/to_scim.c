/* SPDX-License-Identifier: Apache-2.0
 * From an entry to the resource it shows. */
#include "dirhinge/base/codec.h"
#include "map/active.h"
#include "map/plan.h"

const struct strv map_placeholder = {"", 0};

struct meta {
	struct map_run *r;
	const struct scim_attr *attr;
	struct scim_item *item;
};

static void
set_text(const struct meta *meta, struct strv key, const char *text)
{
	if (text)
		scim_item_set(meta->item, scim_attr_sub(meta->attr, key), scim_text(strv_of(text)));
}

static void
set_time(const struct meta *meta, struct strv key, const struct dir_entry *en, const char *attr)
{
	struct strv v = attr ? dir_entry_first(en, attr) : (struct strv){0};
	int64_t us;
	char text[32];
	if (!v.p || time_from_generalized(v, &us, NULL) < 0)
		return;
	time_to_rfc3339(us, text);
	set_text(meta, key, arena_strdup(meta->r->a, text));
}

static void
read_meta(struct map_run *r, const struct map *m, const struct dir_entry *en, const char *id, struct scim_view *res)
{
	const struct dir_flavour *f = r->caps->flavour;
	const struct meta meta = {r, m->meta, scim_view_item(res, m->meta)};
	set_text(&meta, STRV("resourceType"), m->type->name);
	set_time(&meta, STRV("created"), en, f->created_attr);
	set_time(&meta, STRV("lastModified"), en, f->modified_attr);
	set_text(&meta, STRV("location"), map_location(r, m, id));
	set_text(&meta, STRV("version"), map_version(r, en));
}

static void
read_members(const struct map_home *h, const struct dir_entry *en, struct map_refs *refs, struct scim_view *res)
{
	const struct dir_attr *at = refs ? dir_entry_attr(en, h->rows[0]->ldap) : NULL;
	for (size_t i = 0; at && i < at->n; i++)
		if (!strv_eq(at->values[i], map_placeholder))
			map_refs_add(refs, res, h->attr, at->values[i].p, NULL);
}

static void
read_client(struct map_run *r, const struct map_home *h, const struct dir_entry *en, struct scim_view *res)
{
	struct strv v = map_client_shown(r, h->rows[0], en);
	if (!v.p)
		return;
	size_t skip = strlen(r->client) + 1;
	scim_view_set(res, h->attr, scim_text(strv_n(v.p + skip, v.n - skip)));
}

static void
read_home(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en,
	  struct map_refs *refs, struct scim_view *res)
{
	switch (h->kind) {
	case HOME_PLAIN:
		map_plain_read(r, m, h, en, res);
		return;
	case HOME_MULTI:
		map_multi_read(r, h, en, res);
		return;
	case HOME_MANAGER:
		map_manager_read(r, h, en, refs, res);
		return;
	case HOME_MEMBERS:
		read_members(h, en, refs, res);
		return;
	case HOME_CLIENT:
		read_client(r, h, en, res);
		return;
	}
}

int
map_to_scim(struct map_run *r, const struct map *m, const struct dir_entry *entry, struct map_refs *refs,
	    struct scim_view **res_r, struct err *e)
{
	struct dir_entry indexed = *entry, *en = &indexed;
	struct dir_index index;
	dir_entry_index(en, &index);
	const char *id = map_id(r, en);
	if (!id) {
		err_set(e, ERR_INTERNAL, NULL);
		return err_cause(e, "%s has no readable %s: check the access rules of the directory", en->dn,
				 r->caps->flavour->id_attr);
	}
	struct scim_view *res = scim_view_new(r->a, m->type);
	scim_view_set(res, m->id, scim_text(strv_of(id)));
	for (size_t i = 0; i < m->n_homes; i++)
		read_home(r, m, &m->homes[i], en, refs, res);
	if (m->users) {
		bool disabled = m->active && m->active->disabled(en, r->now_us);
		scim_view_set(res, m->shows_active, scim_bool(!disabled));
	}
	read_meta(r, m, en, id, res);
	*res_r = res;
	return 0;
}
