/* SPDX-License-Identifier: Apache-2.0
 * Stands in for gw and map. */
#include "fake_gw.h"

#include "dirhinge/base/thread.h"
#include "dirhinge/scim/message.h"

struct map {
	const struct scim_type *type;
};

struct gw {
	struct arena *a;
	struct map users, groups;
	struct map_set set;
	struct mutex lock;
	struct cond changed;
	int blocked;
	bool released, down;
};

static const char user_schema[] =
	"{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"name\":\"User\",\"description\":\"d\",\"attributes\":"
	"["
	"{\"name\":\"userName\",\"type\":\"string\",\"description\":\"d\",\"required\":true},"
	"{\"name\":\"password\",\"type\":\"string\",\"description\":\"d\",\"mutability\":\"writeOnly\","
	"\"returned\":\"never\"}]}";
static const char group_schema[] =
	"{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:Group\",\"name\":\"Group\",\"description\":\"d\","
	"\"attributes\":[{\"name\":\"displayName\",\"type\":\"string\",\"description\":\"d\"}]}";

static const struct scim_type *
build(struct arena *a, const char *name, const char *endpoint, const char *urn, const char *text)
{
	struct err e = ERR_INIT;
	json_t *doc = NULL;
	const struct scim_type *type = NULL;
	const struct scim_type_spec spec = {.name = name, .endpoint = endpoint, .description = "d", .core_urn = urn};
	must(json_parse(a, strv_of(text), NULL, &doc, &e) == 0);
	const json_t *docs[] = {doc};
	must(scim_type_build(a, &spec, docs, 1, NULL, NULL, &type, &e) == 0);
	return type;
}

struct gw *
fake_gw_new(void)
{
	struct arena *a = arena_new(4096);
	struct gw *g = ARENA_NEW(a, struct gw);
	g->a = a;
	g->users.type = build(a, "User", "/Users", SCIM_URN_USER, user_schema);
	g->groups.type = build(a, "Group", "/Groups", SCIM_URN_GROUP, group_schema);
	g->set = (struct map_set){.users = &g->users, .groups = &g->groups};
	mutex_init(&g->lock);
	cond_init(&g->changed);
	return g;
}

void
fake_gw_free(struct gw **gp)
{
	struct gw *g = *gp;
	*gp = NULL;
	cond_done(&g->changed);
	mutex_done(&g->lock);
	struct arena *a = g->a;
	arena_free(&a);
}

void
fake_gw_set_up(struct gw *g, bool up)
{
	mutex_lock(&g->lock);
	g->down = !up;
	mutex_unlock(&g->lock);
}

bool
fake_gw_await(struct gw *g, int n)
{
	deadline_t until = deadline_in(10000);
	mutex_lock(&g->lock);
	while (g->blocked != n && cond_wait_until(&g->changed, &g->lock, until))
		continue;
	bool ok = g->blocked == n;
	mutex_unlock(&g->lock);
	return ok;
}

void
fake_gw_release(struct gw *g)
{
	mutex_lock(&g->lock);
	g->released = true;
	cond_broadcast(&g->changed);
	mutex_unlock(&g->lock);
}

static void
block(struct gw *g)
{
	mutex_lock(&g->lock);
	g->blocked++;
	cond_broadcast(&g->changed);
	while (!g->released)
		cond_wait(&g->changed, &g->lock);
	g->blocked--;
	mutex_unlock(&g->lock);
}

const struct scim_type *
map_type(const struct map *m)
{
	return m->type;
}

int
gw_ping(struct gw *g, struct err *e)
{
	const struct map_set *set = NULL;
	return gw_ready(g, &set, e);
}

int
gw_ready(struct gw *g, const struct map_set **set_r, struct err *e)
{
	mutex_lock(&g->lock);
	bool down = g->down;
	mutex_unlock(&g->lock);
	if (down) {
		(void)err_set(e, ERR_UNAVAILABLE, NULL);
		return err_cause(e, "connect to ldap://secret-host.example");
	}
	*set_r = &g->set;
	return 0;
}

static int
fail_by_name(const char *id, struct err *e)
{
#define NAMED(code, ...)              \
	if (str_eq(id, "err-" #code)) \
		return err_set(e, code, NULL);
	ERR_TABLE(NAMED)
#undef NAMED
	return err_set(e, ERR_NOT_FOUND, NULL);
}

static void
fill(struct gw_req *q, const char *id, json_t *resource, struct gw_result *r)
{
	r->id = id;
	r->location = arena_printf(q->a, "%s%s/%s", q->base_url, q->type == GW_USERS ? "/Users" : "/Groups", id);
	r->version = "W/\"1\"";
	r->resource = strv_of(resource ? json_text(q->a, resource) : NULL);
}

int
gw_get(struct gw *g, struct gw_req *q, const char *id, struct gw_result *r, struct err *e)
{
	if (str_eq(id, "wait"))
		block(g);
	else if (!str_eq(id, "known"))
		return fail_by_name(id, e);
	fill(q, id, json_keep(q->a, json_pack("{s:s, s:s}", "id", id, "client", q->who->name)), r);
	r->not_modified = str_eq(q->if_none_match, "W/\"1\"");
	if (r->not_modified)
		r->resource = (struct strv){0};
	return 0;
}

int
gw_create(struct gw *g, struct gw_req *q, const json_t *body, struct gw_result *r, struct err *e)
{
	static const char *const lost[] = {"nickName", "title", NULL};
	static const struct scim_note second = {SCIM_TOL_STRING_BOOL, "active", NULL};
	static const struct scim_note first = {SCIM_TOL_NO_SCHEMAS, "schemas", &second};
	(void)g;
	(void)e;
	q->notes = &first;
	q->ignored = lost;
	fill(q, "new", json_keep(q->a, json_deep_copy(body)), r);
	return 0;
}

int
gw_replace(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	if (q->if_match && !str_eq(q->if_match, "W/\"1\""))
		return err_set(e, ERR_PRECONDITION, NULL);
	(void)g;
	fill(q, id, json_keep(q->a, json_deep_copy(body)), r);
	return 0;
}

int
gw_patch(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r, struct err *e)
{
	(void)g;
	(void)e;
	fill(q, id, str_eq(id, "quiet") ? NULL : json_keep(q->a, json_deep_copy(body)), r);
	return 0;
}

int
gw_delete(struct gw *g, struct gw_req *q, const char *id, struct err *e)
{
	(void)g;
	(void)q;
	return str_eq(id, "known") ? 0 : fail_by_name(id, e);
}

int
gw_search(struct gw *g, struct gw_req *q, const struct gw_list *l, struct strv *response_r, struct err *e)
{
	(void)g;
	if (l->filter && str_eq(l->filter, "bad"))
		return err_at(e, 2, ERR_FILTER, "expected an operator");
	static const char *const types[] = {NULL, "User", "Group", "both"};
	const char *type = l->types < ARRAY_SIZE(types) && l->types ? types[l->types]
			   : q->type == GW_USERS                    ? "User"
								    : "Group";
	json_t *echo = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:I, s:I}", "type", type, "filter",
				 l->filter, "sortBy", l->sort_by, "sortOrder", l->sort_order, "cursor", l->cursor,
				 "attributes", q->attributes, "excluded", q->excluded, "start",
				 (json_int_t)l->start_index, "count", (json_int_t)l->count);
	must(echo);
	const struct strv text = strv_of(json_text(q->a, json_keep(q->a, echo)));
	*response_r =
		scim_list_text(q->a, &(struct scim_list){.resources = &text, .n = 1, .total = 1, .start_index = 1});
	return 0;
}

int
gw_bulk(struct gw *g, struct gw_req *q, const json_t *body, struct gw_bulk_result *r, struct err *e)
{
	static const struct gw_bulk_failure failure = {
		.index = 1, .method = "DELETE", .type = "User", .err = {.code = ERR_NOT_FOUND, .detail = "gone"}};
	(void)g;
	if (!json_object_get(body, "Operations"))
		return err_set(e, ERR_SYNTAX, NULL);
	*r = (struct gw_bulk_result){
		.response = json_keep(q->a, json_pack("{s:I, s:s}", "operations",
						      (json_int_t)json_array_size(json_object_get(body, "Operations")),
						      "base", q->base_url)),
		.n_run = 2,
		.failures = &failure,
		.n_failures = 1,
	};
	return 0;
}
