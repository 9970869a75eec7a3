/* SPDX-License-Identifier: Apache-2.0
 * The gateway object and what every operation needs: maps, one request's run, reading and showing one entry. */
#include "dirhinge/base/room.h"
#include "dirhinge/base/thread.h"
#include "gw/cursor.h"
#include "gw/fence.h"
#include "gw/places.h"
#include "gw/query.h"
#include "gw/rate.h"
#include "gw/turns.h"

/* 100,000 ids are 1.7 MB. */
#define SNAPSHOT_BYTES    (24U << 20)
#define SNAPSHOTS_CLIENT  16
#define SNAPSHOT_INDEX_MS (60 * 60 * 1000)
#define LONG_SORTS        2
#define PAGES_AT_ONCE     2000 /* resources of large pages, some 5 kB each while a page is made */
#define STREAMS_CLIENT    2
#define STREAM_IDLE_MS    5000

struct gw {
	struct gw_opts opts;
	struct gw_snaps *snapshots;
	struct gw_streams *streams;
	struct room *room;
	unsigned char seal[GW_SEAL_SIZE];
	struct room *sorts;
	struct mutex lock; /* guards arena and set until set is there */
	struct arena *arena;
	const struct map_set *set;
	struct gw_writers *writers;
	struct gw_turns *turns;
	struct gw_places *places;
	struct gw_rate *rate;
};

struct gw_places *
gw_places_of(struct gw *g)
{
	return g->places;
}

struct gw_rate *
gw_rate_of(struct gw *g)
{
	return g->rate;
}

struct gw_turns *
gw_turns_of(struct gw *g)
{
	return g->turns;
}

struct gw_writers *
gw_writers_of(struct gw *g)
{
	return g->writers;
}

struct gw *
gw_new(const struct gw_opts *opts)
{
	struct arena *a = arena_new(16384);
	struct gw *g = ARENA_NEW(a, struct gw);
	g->opts = *opts;
	g->arena = a;
	g->writers = gw_writers_new(a);
	g->turns = gw_turns_new(a);
	g->places = gw_places_new(a);
	g->rate = gw_rate_new();
	g->snapshots = gw_snaps_new(&(struct gw_snaps_opts){
		.max_bytes = SNAPSHOT_BYTES,
		.max_per_client = SNAPSHOTS_CLIENT,
		.idle_ms = GW_CURSOR_TIMEOUT * 1000 + 1000, /* no cursor outlives what it points to */
		.index_ms = SNAPSHOT_INDEX_MS,
		.now = clock_mono_ms,
	});
	g->streams = gw_streams_new(&(struct gw_streams_opts){
		.dir = opts->dir,
		.max = DIR_STREAMS,
		.max_per_client = STREAMS_CLIENT,
		.idle_ms = STREAM_IDLE_MS,
	});
	g->room = room_new(a, PAGES_AT_ONCE);
	g->sorts = room_new(a, LONG_SORTS);
	crypto_random(g->seal, sizeof(g->seal));
	mutex_init(&g->lock);
	return g;
}

void
gw_free(struct gw **g)
{
	if (!*g)
		return;
	struct arena *a = (*g)->arena;
	gw_writers_done((*g)->writers);
	gw_turns_done((*g)->turns);
	gw_places_done((*g)->places);
	gw_rate_free(&(*g)->rate);
	room_done((*g)->room);
	room_done((*g)->sorts);
	gw_streams_free(&(*g)->streams);
	gw_snaps_free(&(*g)->snapshots);
	mutex_done(&(*g)->lock);
	*g = NULL;
	arena_free(&a); /* holds the struct itself */
}

const struct gw_opts *
gw_options(const struct gw *g)
{
	return &g->opts;
}

struct gw_snaps *
gw_snapshots(struct gw *g)
{
	return g->snapshots;
}

struct gw_streams *
gw_streams_of(struct gw *g)
{
	return g->streams;
}

struct room *
gw_room_of(struct gw *g)
{
	return g->room;
}

const unsigned char *
gw_seal(const struct gw *g)
{
	return g->seal;
}

bool
gw_sort_enter(struct gw *g)
{
	return room_enter(g->sorts, 1, deadline_in(0));
}

void
gw_sort_leave(struct gw *g)
{
	room_leave(g->sorts, 1);
}

void
gw_written(struct gw_run *run)
{
	gw_snaps_written(run->g->snapshots);
}

int
gw_ready(struct gw *g, const struct map_set **set_r, struct err *e)
{
	const struct dir_caps *caps;
	int rc = 0;
	if (dir_caps(g->opts.dir, &caps, e) < 0)
		return err_cause(e, "read the directory's capabilities");
	mutex_lock(&g->lock);
	if (!g->set)
		rc = map_load(g->arena, g->opts.map, caps, &g->set, e);
	mutex_unlock(&g->lock);
	if (rc < 0)
		return err_cause(e, "load the attribute map");
	*set_r = g->set;
	return 0;
}

static int
base_exists(struct gw *g, const char *base, const char *option, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct dir_entry *en;
	struct dir_search s = {.base = base, .scope = DIR_BASE, .attrs = (const char *const[]){"1.1", NULL}};
	int rc = dir_search_one(g->opts.dir, a, &s, deadline_in(g->opts.timeout_ms), &en, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	err_set(e, ERR_UNAVAILABLE, "%s does not exist in the directory", option);
	return err_cause(e, "%s", base);
}

int
gw_ping(struct gw *g, struct err *e)
{
	const struct map_set *set;
	if (dir_ping(g->opts.dir, e) < 0 || gw_ready(g, &set, e) < 0)
		return -1;
	if (base_exists(g, set->opts->users.base, "users.base", e) < 0)
		return -1;
	return base_exists(g, set->opts->groups.base, "groups.base", e);
}

deadline_t
gw_deadline(const struct gw *g, const struct gw_req *q)
{
	deadline_t until = deadline_in(g->opts.timeout_ms);
	return q->until ? deadline_min(until, q->until) : until;
}

int
gw_begin(struct gw *g, struct gw_req *q, struct gw_run *run, struct err *e)
{
	const struct map_set *set;
	const struct dir_caps *caps;
	deadline_t until = gw_deadline(g, q);
	if (gw_ready(g, &set, e) < 0 || dir_caps(g->opts.dir, &caps, e) < 0)
		return -1;
	const struct map *map = q->type == GW_USERS ? set->users : set->groups;
	*run = (struct gw_run){
		.g = g,
		.q = q,
		.map = map,
		.type = map_type(map),
		.base = map_type_options(map)->base,
		.m = {.a = q->a,
		      .dir = g->opts.dir,
		      .caps = caps,
		      .set = set,
		      .until = until,
		      .client = q->who->name,
		      .base_url = q->base_url,
		      .now_us = clock_wall_us()},
		.ctx = {.a = q->a, .type = map_type(map), .tolerate = q->who->tolerate},
	};
	gw_fence(run);
	return gw_end(run, scim_project_parse(&run->ctx, q->attributes, q->excluded, &run->project, e), e);
}

int
gw_end(struct gw_run *run, int result, struct err *e)
{
	gw_writer_end(run);
	gw_turn_end(run);
	run->q->notes = run->ctx.notes;
	/* noSuchObject from the directory is about a DN, and a client would read it as "this resource is gone": a
	 * container that was moved or mistyped must not make it forget its users. Only gw_fetch says 404, by the id. */
	if (result < 0 && e->code == ERR_NOT_FOUND && e->ldap_rc != 0) {
		struct err why = *e;
		err_set(e, ERR_UNAVAILABLE, "a container of Users or Groups does not exist in the directory");
		e->ldap_rc = why.ldap_rc;
		return err_cause(e, "%s (check users.base and groups.base)", why.cause);
	}
	return result;
}

int
gw_fetch(struct gw_run *run, const char *id, const char *const *attrs, const struct dir_entry **en_r, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < run->n_bases && rc == 0; i++) {
		struct dir_search s = {
			.base = run->bases[i],
			.scope = DIR_SUB,
			.filter = map_id_filter(&run->m, run->map, id),
			.attrs = attrs,
			.share = gw_share(run),
		};
		rc = dir_search_one(run->m.dir, run->m.a, &s, run->m.until, en_r, e);
	}
	if (rc < 0)
		return err_cause(e, "read %s %.64s", run->type->name, id);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no %s with id \"%.64s\"", run->type->name, id);
	return 0;
}

bool
gw_wants(const struct gw_run *run, const char *attr)
{
	const struct scim_attr *at = scim_type_attr(run->type, STRV(""), strv_of(attr));
	return at && scim_project_wants(run->project, at);
}

/* groups: fill a user's "groups". */
static int
view(struct gw_run *run, const struct dir_entry *en, bool groups, struct scim_view **res_r, struct err *e)
{
	struct map_refs *refs = map_refs_new(&run->m);
	struct scim_view *res;
	if (map_to_scim(&run->m, run->map, en, refs, &res, e) < 0)
		return -1;
	if (groups)
		map_refs_want_groups(refs, res, en);
	if (map_refs_resolve(&run->m, refs, e) < 0)
		return -1;
	*res_r = res;
	return 0;
}

int
gw_decode(struct gw_run *run, const struct dir_entry *en, json_t **res_r, struct err *e)
{
	struct scim_view *res;
	if (view(run, en, false, &res, e) < 0)
		return -1;
	*res_r = json_keep(run->m.a, scim_view_tree(res));
	return 0;
}

/* What the map made, and so ends as a C string does. */
static const char *
shown_text(const struct scim_view *res, const struct scim_attr *attr)
{
	const struct scim_scalar *value = scim_view_get(res, attr);
	return value ? value->text.p : NULL;
}

static int
show(struct gw_run *run, const struct dir_entry *en, bool groups, struct gw_result *r, struct err *e)
{
	struct scim_view *res;
	if (view(run, en, groups, &res, e) < 0)
		return -1;
	const struct scim_attr *meta = scim_type_attr(run->type, STRV(""), STRV("meta"));
	*r = (struct gw_result){
		.resource = scim_view_text(run->m.a, res, run->project),
		.id = shown_text(res, scim_type_attr(run->type, STRV(""), STRV("id"))),
		.location = shown_text(res, scim_attr_sub(meta, STRV("location"))),
		.version = shown_text(res, scim_attr_sub(meta, STRV("version"))),
	};
	return 0;
}

int
gw_show(struct gw_run *run, const struct dir_entry *en, struct gw_result *r, struct err *e)
{
	return show(run, en, run->q->type == GW_USERS && gw_wants(run, "groups"), r, e);
}

int
gw_show_new(struct gw_run *run, const struct dir_entry *en, struct gw_result *r, struct err *e)
{
	return show(run, en, false, r, e);
}

const char *
gw_unique_path(const struct gw_run *run)
{
	return run->q->type == GW_USERS ? "userName" : "displayName";
}

int
gw_check_unique(struct gw_run *run, const char *scim_path, const json_t *res, const char *own_id, struct err *e)
{
	const char *attr = map_ldap_attr(run->map, scim_path);
	const char *value = json_string_value(json_object_get(res, scim_path));
	if (!attr || !value)
		return 0;
	const struct dir_filter *f = dir_f_eq(run->m.a, attr, strv_of(value));
	if (own_id)
		f = dir_f_and2(run->m.a, f, dir_f_not(run->m.a, map_id_filter(&run->m, run->map, own_id)));
	struct dir_search s = {
		.base = run->base,
		.scope = DIR_SUB,
		.filter = f,
		.attrs = (const char *const[]){"1.1", NULL},
	};
	const struct dir_entry *other;
	/* Equality is the directory's (T-09): it folds case, blanks and compatibility forms, we do not. */
	int rc = dir_search_one(run->m.dir, run->m.a, &s, run->m.until, &other, e);
	if (rc < 0 && e->code != ERR_CONFLICT)
		return err_cause(e, "look for another %s", scim_path);
	if (rc != 0)
		return err_set(e, ERR_UNIQUE, "another %s already has this %s", run->type->name, scim_path);
	return 0;
}
