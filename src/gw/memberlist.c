/* SPDX-License-Identifier: Apache-2.0
 * Lists of members: ids of a request to DNs, and what turns one list into another. */
#include "dirhinge/base/strmap.h"
#include "gw/gw_priv.h"

int
gw_member_ids(struct gw_run *run, const json_t *res, const char ***ids_r, size_t *n_r, struct err *e)
{
	const json_t *members = json_object_get(res, "members");
	const char **ids = ARENA_ARRAY(run->m.a, json_array_size(members) + 1, const char *);
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const char *id = json_string_value(json_object_get(json_array_get(members, i), "value"));
		if (!id)
			return err_set(e, ERR_VALUE, "members[%zu].value must be the id of a User or Group", i);
		ids[n++] = id;
	}
	*ids_r = ids;
	*n_r = n;
	return 0;
}

int
gw_member_dns(struct gw_run *run, const char *const *ids, size_t n, const char ***dns_r, size_t *n_r, struct err *e)
{
	const char **dns;
	size_t known = 0, missing = 0;
	if (map_ids_to_dns(&run->m, ids, n, &dns, e) < 0)
		return err_cause(e, "look members up");
	const char **out = ARENA_ARRAY(run->m.a, n + 1, const char *);
	struct strmap *seen = strmap_new(run->m.a, false);
	const char *unknown = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!dns[i]) {
			unknown = unknown ? unknown : ids[i];
			missing++;
			continue;
		}
		char *key = dir_dn_normal(run->m.a, dns[i]);
		if (key && strmap_put(seen, strv_of(key), key) == NULL)
			out[known++] = dns[i];
	}
	/* F34: clients that never repeat a 400 would lose the known members with the unknown one. Each is noted, so
	 * that the operator sees who is missing. */
	for (size_t i = 0; i < n && missing > 0; i++)
		if (!dns[i] && (known == 0 || !scim_tolerates(&run->ctx, SCIM_TOL_UNKNOWN_MEMBER, ids[i])))
			return err_set(e, ERR_VALUE, "there is no User or Group with the member id \"%.64s\"", unknown);
	*dns_r = out;
	*n_r = known;
	return 0;
}

int
gw_read_members(struct gw_run *run, const char *dn, const char *id, const char ***dns_r, size_t *n_r, struct err *e)
{
	const char *attr = map_type_options(run->m.set->groups)->member_attribute;
	const struct dir_entry *en;
	struct dir_search s = {
		.base = dn,
		.scope = DIR_BASE,
		.filter = gw_is_id(run, id),
		.attrs = (const char *const[]){attr, NULL},
	};
	int rc = dir_search_one(run->m.dir, run->m.a, &s, run->m.until, &en, e);
	if (rc == 0)
		rc = gw_moved(run, e);
	if (rc < 0)
		return err_cause(e, "read the members of %s", dn);
	const struct dir_attr *at = dir_entry_attr(en, attr);
	size_t count = at ? at->n : 0, n = 0;
	const char **dns = ARENA_ARRAY(run->m.a, count + 1, const char *);
	for (size_t i = 0; i < count; i++)
		if (!strv_eq(at->values[i], map_placeholder))
			dns[n++] = at->values[i].p;
	*dns_r = dns;
	*n_r = n;
	return 0;
}

static struct strmap *
dn_set(struct arena *a, const char *const *dns, size_t n)
{
	struct strmap *set = strmap_new(a, false);
	for (size_t i = 0; i < n; i++) {
		char *key = dir_dn_normal(a, dns[i]);
		if (key)
			strmap_put(set, strv_of(key), key);
	}
	return set;
}

static size_t
not_in(struct arena *a, const char *const *dns, size_t n, const struct strmap *set, const char **out)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		char *key = dir_dn_normal(a, dns[i]);
		if (key && !strmap_get(set, strv_of(key)))
			out[kept++] = dns[i];
	}
	return kept;
}

void
gw_members_diff(struct gw_run *run, const char *const *have, size_t n_have, const char *const *want, size_t n_want,
		struct gw_members *mm_r)
{
	struct arena *a = run->m.a;
	*mm_r = (struct gw_members){
		.add = ARENA_ARRAY(a, n_want + 1, const char *),
		.del = ARENA_ARRAY(a, n_have + 1, const char *),
	};
	mm_r->n_add = not_in(a, want, n_want, dn_set(a, have, n_have), mm_r->add);
	mm_r->n_del = not_in(a, have, n_have, dn_set(a, want, n_want), mm_r->del);
}
