/* SPDX-License-Identifier: Apache-2.0
 * Lists, errors and discovery documents as JSON. */
#include "dirhinge/scim/message.h"

#define URN_CONFIG "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
#define URN_TYPE   "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
#define URN_SCHEMA "urn:ietf:params:scim:schemas:core:2.0:Schema"

/* An object that says which schema it follows. */
static json_t *
document(const char *urn)
{
	json_t *doc = json_object();
	json_t *schemas = json_array();

	json_array_append_new(schemas, json_string(urn));
	json_object_set_new(doc, "schemas", schemas);
	return doc;
}

static void
set_text(json_t *doc, const char *key, const char *text)
{
	json_object_set_new(doc, key, json_string(text));
}

/* RFC 7643 3.1: discovery documents are resources and have meta as well. */
static void
set_meta(json_t *doc, const char *type, const char *base_url, const char *path, const char *id)
{
	json_t *meta = json_object();

	set_text(meta, "resourceType", type);
	json_object_set_new(meta, "location", json_sprintf("%s%s%s", base_url, path, id));
	json_object_set_new(doc, "meta", meta);
}

static void
print_list_head(struct buf *out, const struct scim_list *l, size_t n)
{
	buf_printf(out, "{\"schemas\":[\"" SCIM_URN_LIST "\"],\"totalResults\":%lld", (long long)l->total);
	if (l->start_index > 0)
		buf_printf(out, ",\"startIndex\":%lld", (long long)l->start_index);
	/* RFC 7644 3.4.2: may be left out of an empty list; clients rely on it nevertheless. */
	buf_printf(out, ",\"itemsPerPage\":%zu,\"Resources\":[", n);
}

/* A page is long: its text is put together once, in memory that is just large enough. */
struct strv
scim_list_text(struct arena *a, const struct scim_list *l)
{
	DH_CLEANUP(buf_done) struct buf head = BUF_INIT(SIZE_MAX);
	DH_CLEANUP(buf_done) struct buf tail = BUF_INIT(SIZE_MAX);
	size_t n = 0, size = 0, at = 0;

	for (size_t i = 0; i < l->n; i++) {
		size += l->resources[i].n;
		n += l->resources[i].p != NULL;
	}
	print_list_head(&head, l, n);
	buf_addc(&tail, ']');
	if (l->next_cursor) {
		buf_adds(&tail, ",\"nextCursor\":");
		json_print_text(&tail, strv_of(l->next_cursor));
	}
	buf_addc(&tail, '}');
	char *text = arena_alloc(a, head.n + size + n + tail.n + 1);
	memcpy(text, head.p, head.n);
	at = head.n;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->resources[i].p)
			continue;
		if (at > head.n)
			text[at++] = ',';
		memcpy(text + at, l->resources[i].p, l->resources[i].n);
		at += l->resources[i].n;
	}
	memcpy(text + at, tail.p, tail.n);
	return strv_n(text, at + tail.n);
}

json_t *
scim_error(const struct err *e)
{
	json_t *doc = document(SCIM_URN_ERROR);
	const char *scim_type = err_scim_type(e->code);
	char detail[sizeof(e->detail) + 64];

	err_render(e, detail, sizeof(detail));
	if (scim_type)
		set_text(doc, "scimType", scim_type);
	set_text(doc, "detail", detail);
	/* RFC 7644 3.12: the status is a string. */
	json_object_set_new(doc, "status", json_sprintf("%d", err_http(e->code)));
	return doc;
}

static json_t *
feature(json_t *doc, const char *name, bool supported)
{
	json_t *f = json_object();

	json_object_set_new(f, "supported", json_boolean(supported));
	json_object_set_new(doc, name, f);
	return f;
}

/* RFC 9865 4 */
static void
set_pagination(json_t *doc, const struct scim_limits *lim)
{
	json_t *p = json_object();

	json_object_set_new(p, "cursor", json_true());
	json_object_set_new(p, "index", json_true());
	set_text(p, "defaultPaginationMethod", "index");
	json_object_set_new(p, "defaultPageSize", json_integer(lim->default_results));
	json_object_set_new(p, "maxPageSize", json_integer(lim->max_results));
	json_object_set_new(p, "cursorTimeout", json_integer(lim->cursor_timeout));
	json_object_set_new(doc, "pagination", p);
}

json_t *
scim_service_provider_config(const struct scim_limits *lim, const char *base_url)
{
	json_t *doc = document(URN_CONFIG);
	json_t *schemes = json_array(), *bearer = json_object(), *f;

	feature(doc, "patch", true);
	/* RFC 7643 5: the limits are required even where the feature is not there. */
	f = feature(doc, "bulk", lim->bulk);
	json_object_set_new(f, "maxOperations", json_integer(lim->bulk ? lim->bulk_max_operations : 0));
	json_object_set_new(f, "maxPayloadSize", json_integer(lim->bulk ? lim->bulk_max_payload : 0));
	f = feature(doc, "filter", true);
	json_object_set_new(f, "maxResults", json_integer(lim->max_results));
	feature(doc, "changePassword", lim->change_password);
	feature(doc, "sort", lim->sort);
	feature(doc, "etag", lim->etag);
	if (lim->cursor_timeout > 0)
		set_pagination(doc, lim);
	set_text(bearer, "type", "oauthbearertoken");
	set_text(bearer, "name", "OAuth Bearer Token");
	set_text(bearer, "description", "A bearer token in the Authorization header");
	set_text(bearer, "specUri", "https://www.rfc-editor.org/rfc/rfc6750");
	json_object_set_new(bearer, "primary", json_true());
	json_array_append_new(schemes, bearer);
	json_object_set_new(doc, "authenticationSchemes", schemes);
	set_meta(doc, "ServiceProviderConfig", base_url, "/ServiceProviderConfig", "");
	return doc;
}

json_t *
scim_resource_type_doc(const struct scim_type *t, const char *base_url)
{
	json_t *doc = document(URN_TYPE);
	json_t *extensions = json_array();

	set_text(doc, "id", t->name);
	set_text(doc, "name", t->name);
	set_text(doc, "endpoint", t->endpoint);
	set_text(doc, "description", t->description);
	set_text(doc, "schema", t->core->urn);
	for (size_t i = 0; i < t->n_extensions; i++) {
		json_t *x = json_object();
		set_text(x, "schema", t->extensions[i]->urn);
		json_object_set_new(x, "required", json_false());
		json_array_append_new(extensions, x);
	}
	json_object_set_new(doc, "schemaExtensions", extensions);
	set_meta(doc, "ResourceType", base_url, "/ResourceTypes/", t->name);
	return doc;
}

json_t *
scim_schema_doc(const struct scim_schema *s, const char *base_url)
{
	json_t *doc = document(URN_SCHEMA);
	json_t *copy = json_deep_copy(s->doc);

	/* Erratum 8417: "schemas" and "meta" belong to a schema as well. */
	json_object_del(copy, "schemas");
	json_object_update(doc, copy);
	json_decref(copy);
	set_meta(doc, "Schema", base_url, "/Schemas/", s->urn);
	return doc;
}
