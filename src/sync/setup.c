/* SPDX-License-Identifier: Apache-2.0
 * What the feed is asked for: bases, filter and attributes from the maps; and whether the maps are still the ones that
 * the known state was made with. */
#include <config.h>
#include <inttypes.h>

#include "dirhinge/base/strmap.h"
#include "dirhinge/dir/dn.h"
#include "sync/sync_priv.h"

#define CONTAINERS_MAX 16

/* The bases that are searched, and all of them for the canaries. */
static int
choose_bases(struct sync *s, struct err *e)
{
	const char *users = s->opts.map->users.base, *groups = s->opts.map->groups.base;
	const char *uk = dir_dn_normal(s->a, users), *gk = dir_dn_normal(s->a, groups);

	if (!uk || !gk)
		return err_set(e, ERR_CONFIG, "users.base or groups.base is not a distinguished name");
	bool same = str_eq(uk, gk);
	s->bases[0] = users;
	s->bases[1] = same ? NULL : groups;
	const char **searched = ARENA_ARRAY(s->a, SYNC_BASES_MAX + 1, const char *);
	size_t n = 0;
	if (same || !dir_dn_under(s->a, users, groups, false))
		searched[n++] = users;
	if (!same && !dir_dn_under(s->a, groups, users, false))
		searched[n++] = groups;
	s->feed_bases = searched;
	return 0;
}

/* By class alone: an entry that keeps it and stops being a resource (no name, marked as deleted) is then told as a
 * change with CSN and author, and not as a bare deletion. Containers for their DNs. */
static const struct dir_filter *
feed_filter(struct arena *a, const struct map_set *set, const struct dir_caps *caps)
{
	const struct dir_filter *canary =
		dir_f_and2(a, dir_f_eq(a, "objectClass", strv_of(caps->flavour->canary_class)),
			   dir_f_eq(a, "cn", STRV(CANARY_NAME)));
	const struct dir_filter *any[CONTAINERS_MAX + 3] = {
		dir_f_eq(a, "objectClass", strv_of(map_type_options(set->users)->object_classes[0])),
		dir_f_eq(a, "objectClass", strv_of(map_type_options(set->groups)->object_classes[0])),
		canary,
	};
	size_t n = 3;
	for (size_t i = 0; sync_containers[i]; i++) {
		must(n < ARRAY_SIZE(any));
		any[n++] = dir_f_eq(a, "objectClass", strv_of(sync_containers[i]));
	}
	return dir_f_or(a, any, n);
}

static void
add_attr(struct strmap *seen, const char *name)
{
	strmap_put(seen, strv_of(name), seen);
}

static const char *const *
feed_attrs(struct arena *a, struct map_run *r)
{
	static const char *const own[] = {"objectClass", "cn", "l", NULL};
	const char *const *lists[] = {own, map_attrs_change_names(r->set->users),
				      map_attrs_change_names(r->set->groups)};
	struct strmap *seen = strmap_new(a, true);

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const char *const *name = lists[i]; *name; name++)
			add_attr(seen, *name);
	add_attr(seen, map_type_options(r->set->groups)->member_attribute);
	const char **attrs = ARENA_ARRAY(a, strmap_count(seen) + 1, const char *);
	struct strv key;
	void *value;
	for (size_t i = 0; strmap_at(seen, i, &key, &value); i++)
		attrs[i] = arena_strndup(a, key.p, key.n);
	return attrs;
}

/* --- fingerprint of the map --- */

static void
mix(uint64_t *h, const char *text)
{
	/* FNV-1a, a separator behind each text: it tells maps apart, nobody gains by a collision */
	for (const char *p = text ? text : ""; *p; p++)
		*h = (*h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	*h = (*h ^ 0xff) * UINT64_C(0x100000001b3);
}

static void
mix_list(uint64_t *h, const char *const *list)
{
	for (; list && *list; list++)
		mix(h, *list);
	mix(h, NULL);
}

static void
mix_type(uint64_t *h, const struct map *m)
{
	const struct map_type_opts *o = map_type_options(m);

	mix(h, o->base);
	mix(h, o->rdn);
	mix_list(h, o->object_classes);
	mix(h, o->member_attribute);
	mix(h, o->override_text);
	mix(h, map_active(m) ? map_strategy_name(map_active(m)) : NULL);
	mix_list(h, map_attrs_change_names(m));
}

static void
fingerprint(struct sync *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	const struct map_set *set = s->run.map.set;

	mix(&h, PACKAGE_VERSION);
	mix(&h, s->opts.base_url);
	mix_list(&h, set->lost);
	mix_type(&h, set->users);
	mix_type(&h, set->groups);
	snprintf(s->map_print, sizeof(s->map_print), "%016" PRIx64, h);
}

/* --- */

static int
open_source(struct sync *s, struct arena *a, const struct dir_caps *caps, struct err *e)
{
	struct sync_run *r = &s->run;
	struct dir_feed *feed;

	r->map = (struct map_run){
		.a = a,
		.caps = caps,
		.client = "", /* no client's externalId: an event is the same for all readers */
		.base_url = s->opts.base_url,
	};
	if (map_load(a, s->opts.map, caps, &r->map.set, e) < 0)
		return err_cause(e, "load the attribute map");
	const struct dir_feed_opts opts = {
		.dir = s->opts.dir,
		.bases = s->feed_bases,
		.filter = feed_filter(a, r->map.set, caps),
		.attrs = feed_attrs(a, &r->map),
		.history = s->opts.history,
		.poll = s->opts.poll,
		.poll_ms = s->opts.poll_ms,
		.dirsync = s->opts.dirsync,
	};
	if (dir_feed_new(&opts, &feed, e) < 0)
		return -1;
	s->id_attr = dir_feed_id_attr(feed);
	s->version_attr = caps->flavour->version_attr;
	fingerprint(s);
	mutex_lock(&s->lock);
	s->feed = feed;
	mutex_unlock(&s->lock);
	return 0;
}

int
sync_setup(struct sync *s, struct err *e)
{
	const struct dir_caps *caps;

	if (s->feed)
		return 0;
	if ((!s->feed_bases && choose_bases(s, e) < 0) || dir_caps(s->opts.dir, &caps, e) < 0)
		return -1;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	if (open_source(s, a, caps, e) < 0)
		return -1;
	s->setup = TAKE(a);
	return 0;
}
