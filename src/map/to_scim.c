/* SPDX-License-Identifier: Apache-2.0
 * From an entry to the resource it shows. */
#include "dirhinge/base/codec.h"
#include "map/active.h"
#include "map/plan.h"

const struct strv map_placeholder = {"", 0};

static void
set_time(json_t *meta, const char *key, const struct dir_entry *en, const char *attr)
{
	struct strv v = attr ? dir_entry_first(en, attr) : (struct strv){0};
	int64_t us;
	char text[32];
	if (!v.p || time_from_generalized(v, &us, NULL) < 0)
		return;
	time_to_rfc3339(us, text);
	json_object_set_new(meta, key, json_string(text));
}

static json_t *
meta_of(struct map_run *r, const struct map *m, const struct dir_entry *en, const char *id)
{
	const struct dir_flavour *f = r->caps->flavour;
	json_t *meta = json_pack("{s:s}", "resourceType", m->type->name);
	set_time(meta, "created", en, f->created_attr);
	set_time(meta, "lastModified", en, f->modified_attr);
	json_object_set_new(meta, "location", json_string(map_location(r, m, id)));
	const char *version = map_version(r, en);
	if (version)
		json_object_set_new(meta, "version", json_string(version));
	return meta;
}

static void
read_members(const struct map *m, const struct map_home *h, const struct dir_entry *en, struct map_refs *refs,
	     json_t *res)
{
	const struct dir_attr *at = refs ? dir_entry_attr(en, h->rows[0]->ldap) : NULL;
	for (size_t i = 0; at && i < at->n; i++)
		if (!strv_eq(at->values[i], map_placeholder))
			map_refs_add(refs, m, res, h->attr, at->values[i].p, NULL);
}

static void
read_client(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en, json_t *res)
{
	struct strv v = map_client_shown(r, h->rows[0], en);
	if (!v.p)
		return;
	size_t skip = strlen(r->client) + 1;
	scim_resource_set(m->type, res, h->attr, json_stringn(v.p + skip, v.n - skip));
}

static void
read_home(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en,
	  struct map_refs *refs, json_t *res)
{
	switch (h->kind) {
	case HOME_PLAIN:
		map_plain_read(r, m, h, en, res);
		return;
	case HOME_MULTI:
		map_multi_read(r, m, h, en, res);
		return;
	case HOME_MANAGER:
		map_manager_read(r, m, h, en, refs, res);
		return;
	case HOME_MEMBERS:
		read_members(m, h, en, refs, res);
		return;
	case HOME_CLIENT:
		read_client(r, m, h, en, res);
		return;
	}
}

int
map_to_scim(struct map_run *r, const struct map *m, const struct dir_entry *en, struct map_refs *refs, json_t **res_r,
	    struct err *e)
{
	const char *id = map_id(r, en);
	if (!id) {
		err_set(e, ERR_INTERNAL, NULL);
		return err_cause(e, "%s has no readable %s: check the access rules of the directory", en->dn,
				 r->caps->flavour->id_attr);
	}
	json_t *res = json_keep(r->a, json_pack("{s:[],s:s}", "schemas", "id", id));
	for (size_t i = 0; i < m->n_homes; i++)
		read_home(r, m, &m->homes[i], en, refs, res);
	if (m->users) {
		bool disabled = m->active && m->active->disabled(en, r->now_us);
		json_object_set_new(res, "active", json_boolean(!disabled));
	}
	json_object_set_new(res, "meta", meta_of(r, m, en, id));
	scim_resource_set_schemas(m->type, res);
	*res_r = res;
	return 0;
}
