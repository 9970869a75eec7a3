/* SPDX-License-Identifier: Apache-2.0
 * Discovery (RFC 7644 4): what this directory can hold, so the documents need its maps. */
#include "dirhinge/scim/message.h"
#include "ep.h"
#include "http_priv.h"
#include "media.h"

#define TYPES_MAX   2
#define SCHEMAS_MAX 16

struct types {
	const struct scim_type *v[TYPES_MAX];
	size_t n;
};

struct schemas {
	const struct scim_schema *v[SCHEMAS_MAX];
	size_t n;
};

static int
load_types(struct req *q, struct types *t_r, struct err *e)
{
	const struct map_set *set = NULL;
	/* RFC 7644 4: filters on these are to be refused, so that nobody takes the whole list for the matches */
	if (http_uri_param(&q->uri, "filter"))
		return err_set(e, ERR_FORBIDDEN, "a filter is not supported here");
	if (gw_ready(q->h->opts.gw, &set, e) < 0)
		return -1;
	*t_r = (struct types){{map_type(set->users), map_type(set->groups)}, TYPES_MAX};
	return 0;
}

static void
add_schema(struct schemas *s, const struct scim_schema *schema)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == schema || str_caseeq(s->v[i]->urn, schema->urn))
			return;
	must(s->n < SCHEMAS_MAX);
	s->v[s->n++] = schema;
}

static struct schemas
schemas_of(const struct types *t)
{
	struct schemas s = {.n = 0};
	for (size_t i = 0; i < t->n; i++) {
		add_schema(&s, t->v[i]->core);
		for (size_t k = 0; k < t->v[i]->n_extensions; k++)
			add_schema(&s, t->v[i]->extensions[k]);
	}
	return s;
}

int
http_ep_service_provider_config(struct req *q, struct err *e)
{
	struct types t;
	if (load_types(q, &t, e) < 0)
		return -1;
	const struct scim_limits lim = {
		.max_results = q->h->opts.max_results,
		.default_results = GW_DEFAULT_COUNT,
		.cursor_timeout = GW_CURSOR_TIMEOUT,
		.bulk = true,
		.bulk_max_operations = GW_BULK_MAX_OPERATIONS,
		.bulk_max_payload = GW_BULK_MAX_PAYLOAD,
		.sort = true,
		.etag = true,
		.change_password = scim_type_attr(t.v[0], STRV(""), STRV("password")) != NULL,
	};
	http_reply_json(q, 200, NULL, scim_service_provider_config(&lim, http_req_base_url(q)));
	return 0;
}

/* RFC 7644 4: the documents as a ListResponse. */
static void
reply_list(struct req *q, json_t *const *docs, size_t n)
{
	struct strv *texts = ARENA_ARRAY(q->a, n + 1, struct strv);
	for (size_t i = 0; i < n; i++)
		texts[i] = strv_of(json_text(q->a, json_keep(q->a, docs[i])));
	const struct scim_list list = {.resources = texts, .n = n, .total = (int64_t)n, .start_index = 1};
	http_reply_text(q, 200, http_media_choose(q->head.accept), scim_list_text(q->a, &list));
}

int
http_ep_resource_types(struct req *q, struct err *e)
{
	struct types t;
	if (load_types(q, &t, e) < 0)
		return -1;
	json_t **docs = ARENA_ARRAY(q->a, t.n + 1, json_t *);
	for (size_t i = 0; i < t.n; i++)
		docs[i] = scim_resource_type_doc(t.v[i], http_req_base_url(q));
	reply_list(q, docs, t.n);
	return 0;
}

int
http_ep_resource_type(struct req *q, struct err *e)
{
	struct types t;
	if (load_types(q, &t, e) < 0)
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		if (!str_caseeq(t.v[i]->name, q->arg))
			continue;
		http_reply_json(q, 200, NULL, scim_resource_type_doc(t.v[i], http_req_base_url(q)));
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "there is no such resource type");
}

int
http_ep_schemas(struct req *q, struct err *e)
{
	struct types t;
	if (load_types(q, &t, e) < 0)
		return -1;
	struct schemas s = schemas_of(&t);
	json_t **docs = ARENA_ARRAY(q->a, s.n + 1, json_t *);
	for (size_t i = 0; i < s.n; i++)
		docs[i] = scim_schema_doc(s.v[i], http_req_base_url(q));
	reply_list(q, docs, s.n);
	return 0;
}

int
http_ep_schema(struct req *q, struct err *e)
{
	struct types t;
	if (load_types(q, &t, e) < 0)
		return -1;
	struct schemas s = schemas_of(&t);
	for (size_t i = 0; i < s.n; i++) {
		if (!str_caseeq(s.v[i]->urn, q->arg))
			continue;
		http_reply_json(q, 200, NULL, scim_schema_doc(s.v[i], http_req_base_url(q)));
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "there is no such schema");
}
