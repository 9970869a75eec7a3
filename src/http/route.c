/* SPDX-License-Identifier: Apache-2.0
 * The route table. */
#include "route.h"

#include "ep.h"

#define TYPED_JSON (ROUTE_TYPED | ROUTE_JSON)
#define ANY_METHOD (M_GET | M_POST | M_PUT | M_PATCH | M_DELETE)
#define EVENTS     (ROUTE_ROOT | ROUTE_EVENTS | ROUTE_FREE | ROUTE_SLOW)
#define ADMIN      (ROUTE_ROOT | ROUTE_ADMIN | ROUTE_FREE)
#define HEALTH     (ROUTE_ROOT | ROUTE_OPEN | ROUTE_FREE)

/* Rows of one pattern stand together; the first pattern that fits decides, so fixed segments come before {}. */
static const struct route scim_routes[] = {
	/* RFC 7644 3.2 */
	{M_GET, "/Users", http_ep_list, GW_USERS, POLICY_READ, ROUTE_TYPED},
	{M_POST, "/Users", http_ep_create, GW_USERS, POLICY_WRITE, TYPED_JSON},
	{M_POST, "/Users/.search", http_ep_search, GW_USERS, POLICY_READ, TYPED_JSON},
	{M_GET, "/Users/{}", http_ep_get, GW_USERS, POLICY_READ, ROUTE_TYPED},
	{M_PUT, "/Users/{}", http_ep_replace, GW_USERS, POLICY_WRITE, TYPED_JSON},
	{M_PATCH, "/Users/{}", http_ep_patch, GW_USERS, POLICY_WRITE, TYPED_JSON},
	{M_DELETE, "/Users/{}", http_ep_delete, GW_USERS, POLICY_WRITE, ROUTE_TYPED},
	{M_GET, "/Groups", http_ep_list, GW_GROUPS, POLICY_READ, ROUTE_TYPED},
	{M_POST, "/Groups", http_ep_create, GW_GROUPS, POLICY_WRITE, TYPED_JSON},
	{M_POST, "/Groups/.search", http_ep_search, GW_GROUPS, POLICY_READ, TYPED_JSON},
	{M_GET, "/Groups/{}", http_ep_get, GW_GROUPS, POLICY_READ, ROUTE_TYPED},
	{M_PUT, "/Groups/{}", http_ep_replace, GW_GROUPS, POLICY_WRITE, TYPED_JSON},
	{M_PATCH, "/Groups/{}", http_ep_patch, GW_GROUPS, POLICY_WRITE, TYPED_JSON},
	{M_DELETE, "/Groups/{}", http_ep_delete, GW_GROUPS, POLICY_WRITE, ROUTE_TYPED},
	/* RFC 7644 3.4.2.1, 3.4.3, 3.7, 3.11 */
	{M_GET, "", http_ep_list_all, GW_USERS, POLICY_READ, 0},
	{M_GET, "/", http_ep_list_all, GW_USERS, POLICY_READ, 0},
	{M_POST, "/.search", http_ep_search_all, GW_USERS, POLICY_READ, ROUTE_JSON},
	{M_POST, "/Bulk", http_ep_bulk, GW_USERS, POLICY_WRITE, ROUTE_JSON | ROUTE_BULK},
	{ANY_METHOD, "/Me", http_ep_not_implemented, GW_USERS, POLICY_READ, ROUTE_FREE},
	/* RFC 7644 4; the plural is what erratum 4978 is about and some clients ask for */
	{M_GET, "/ServiceProviderConfig", http_ep_service_provider_config, GW_USERS, POLICY_READ, 0},
	{M_GET, "/ServiceProviderConfigs", http_ep_service_provider_config, GW_USERS, POLICY_READ, 0},
	{M_GET, "/ResourceTypes", http_ep_resource_types, GW_USERS, POLICY_READ, 0},
	{M_GET, "/ResourceTypes/{}", http_ep_resource_type, GW_USERS, POLICY_READ, 0},
	{M_GET, "/Schemas", http_ep_schemas, GW_USERS, POLICY_READ, 0},
	{M_GET, "/Schemas/{}", http_ep_schema, GW_USERS, POLICY_READ, 0},

	/* DESIGN.md 3: the change feed; at the root, for it is no part of SCIM */
	{M_GET, "/events", http_ep_events, GW_USERS, POLICY_READ, EVENTS},
	{M_GET, "/events/stream", http_ep_events_stream, GW_USERS, POLICY_READ, EVENTS},
	{M_GET, "/events/snapshot", http_ep_events_snapshot, GW_USERS, POLICY_READ, EVENTS},

	{M_GET, "/livez", http_ep_live, GW_USERS, POLICY_READ, HEALTH},
	{M_GET, "/readyz", http_ep_ready, GW_USERS, POLICY_READ, HEALTH},
};

static const struct route admin_routes[] = {
	{M_GET, "/metrics", http_ep_metrics, GW_USERS, POLICY_READ, HEALTH},
	{M_GET, "/livez", http_ep_live, GW_USERS, POLICY_READ, HEALTH},
	{M_GET, "/readyz", http_ep_ready, GW_USERS, POLICY_READ, HEALTH},
	{M_GET, "/admin/v1/events", http_ep_events, GW_USERS, POLICY_READ, ADMIN | ROUTE_SLOW},
	{M_GET, "/admin/v1/events/stream", http_ep_events_stream, GW_USERS, POLICY_READ, ADMIN | ROUTE_SLOW},
	{M_GET, "/admin/v1/events/snapshot", http_ep_events_snapshot, GW_USERS, POLICY_READ, ADMIN | ROUTE_SLOW},
	{M_GET, "/admin/v1/sync", http_ep_sync_status, GW_USERS, POLICY_READ, ADMIN},
	{M_POST, "/admin/v1/sync/reconcile", http_ep_sync_reconcile, GW_USERS, POLICY_READ, ADMIN | ROUTE_SLOW},
	{M_POST, "/admin/v1/sync/reset", http_ep_sync_reset, GW_USERS, POLICY_READ, ADMIN | ROUTE_SLOW},
	{M_GET, "/admin/v1/guard", http_ep_guard_list, GW_USERS, POLICY_READ, ADMIN},
	{M_GET, "/admin/v1/guard/{}", http_ep_guard_show, GW_USERS, POLICY_READ, ADMIN},
	{M_POST, "/admin/v1/guard/{}/release", http_ep_guard_release, GW_USERS, POLICY_READ, ADMIN},
	{M_POST, "/admin/v1/guard/{}/reject", http_ep_guard_reject, GW_USERS, POLICY_READ, ADMIN},
	{ANY_METHOD, "", http_ep_nothing, GW_USERS, POLICY_READ, ROUTE_ROOT | ROUTE_FREE | ROUTE_BELOW | ROUTE_ADMIN},
};

const struct route_table http_routes[] = {
	[HTTP_SCIM] = {scim_routes, ARRAY_SIZE(scim_routes)},
	[HTTP_ADMIN] = {admin_routes, ARRAY_SIZE(admin_routes)},
	[HTTP_LOCAL] = {admin_routes, ARRAY_SIZE(admin_routes)},
};

static const struct {
	const char *name;
	unsigned bit;
} methods[] = {
	{"GET", M_GET},     {"HEAD", M_HEAD},     {"POST", M_POST},       {"PUT", M_PUT},
	{"PATCH", M_PATCH}, {"DELETE", M_DELETE}, {"OPTIONS", M_OPTIONS},
};

unsigned
http_route_method_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_eq(methods[i].name, name)) /* RFC 9110 9.1: case-sensitive */
			return methods[i].bit;
	return 0;
}

const char *
http_route_method_name(unsigned method)
{
	size_t i = 0;
	while (methods[i].bit != method)
		must(++i < ARRAY_SIZE(methods));
	return methods[i].name;
}

const char *
http_route_resource(struct arena *a, const struct route *r)
{
	if (!r)
		return "none";
	struct strv p = strv_of(r->pattern);
	size_t brace = strv_chr(p, '{');
	if (brace < p.n)
		return arena_join(a, (const struct strv[]){strv_n(p.p + 1, brace), STRV("id}")}, 2);
	return p.n ? p.p + 1 : "/";
}

/* Takes the segments of text off the front of s/n; false if they are not there. */
static bool
match(const char *text, const char *const **s, size_t *n, const char **arg)
{
	struct strv rest = strv_of(text);
	while (rest.n) {
		rest = strv_n(rest.p + 1, rest.n - 1); /* the slash */
		struct strv want = {rest.p, strv_chr(rest, '/')};
		rest = strv_n(rest.p + want.n, rest.n - want.n);
		if (*n == 0)
			return false;
		struct strv have = strv_of(**s);
		if (strv_eq(want, STRV("{}")) && have.n > 0)
			*arg = **s;
		else if (!strv_eq(want, have))
			return false;
		(*s)++;
		(*n)--;
	}
	return true;
}

/* What of the target a route is compared with. */
struct rest {
	const char *const *s; /* NULL: nothing fits */
	size_t n;
};

static bool
route_matches(const struct route *r, const struct rest *rest, const char **arg)
{
	const char *const *s = rest->s;
	size_t n = rest->n;
	*arg = NULL;
	return s && match(r->pattern, &s, &n, arg) && (n == 0 || (r->flags & ROUTE_BELOW));
}

int
http_route_find(const struct route_table *t, const char *base_path, const struct uri *u, unsigned method,
		const struct route **route_r, const char **arg_r, unsigned *allowed_r)
{
	const struct route *routes = t->rows;
	size_t first = 0;
	const char *arg = NULL;
	const struct rest whole = {u->segments, u->n_segments};
	struct rest below = whole;
	if (!match(base_path, &below.s, &below.n, &arg))
		below.s = NULL;
	while (first < t->n && !route_matches(&routes[first], routes[first].flags & ROUTE_ROOT ? &whole : &below, &arg))
		first++;
	if (first == t->n)
		return 0;
	const struct route *found = NULL;
	unsigned allowed = M_OPTIONS;
	unsigned wanted = method == M_HEAD ? M_GET : method;
	for (size_t i = first; i < t->n && str_eq(routes[i].pattern, routes[first].pattern); i++) {
		allowed |= routes[i].methods;
		if (routes[i].methods & wanted)
			found = &routes[i];
	}
	if (allowed & M_GET)
		allowed |= M_HEAD;
	*allowed_r = allowed;
	if (!found)
		return -1;
	*route_r = found;
	*arg_r = arg;
	return 1;
}

const char *
http_route_allow(struct arena *a, unsigned allowed)
{
	const char *out = "";
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (allowed & methods[i].bit)
			out = arena_printf(a, "%s%s%s", out, *out ? ", " : "", methods[i].name);
	return out;
}
