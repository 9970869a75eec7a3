/* SPDX-License-Identifier: Apache-2.0
 * /Users and /Groups: from request to gw and from its result to the reply (RFC 7644 3.3 to 3.6). */
#include "ep.h"
#include "http_priv.h"
#include "media.h"

void
http_ep_gw_init(struct req *q)
{
	q->gw.a = q->a;
	q->gw.who = q->who;
	q->gw.type = q->route->type;
	q->gw.base_url = http_req_base_url(q);
	q->gw.request_id = q->id;
	q->gw.attributes = http_uri_param(&q->uri, "attributes");
	q->gw.excluded = http_uri_param(&q->uri, "excludedAttributes");
	if (q->head.if_match.p)
		q->gw.if_match = arena_strndup(q->a, q->head.if_match.p, q->head.if_match.n);
	if (q->head.if_none_match.p)
		q->gw.if_none_match = arena_strndup(q->a, q->head.if_none_match.p, q->head.if_none_match.n);
}

static int
send_result(struct req *q, int status, const struct gw_result *r)
{
	http_reply_field(q, "ETag", r->version);
	if (r->not_modified) {
		http_reply_empty(q, 304);
		return 0;
	}
	http_reply_field(q, "Location", r->location);
	if (!r->resource.p) { /* RFC 7644 3.5.2: a PATCH may be answered without the resource */
		http_reply_empty(q, status == 201 ? 201 : 204);
		return 0;
	}
	http_reply_field(q, "Content-Location", r->location);
	http_reply_text(q, status, http_media_choose(q->head.accept), r->resource);
	return 0;
}

int
http_ep_create(struct req *q, struct err *e)
{
	json_t *body = NULL;
	struct gw_result r = {0};
	http_ep_gw_init(q);
	if (http_req_json(q, &body, e) < 0 || gw_create(q->h->opts.gw, &q->gw, body, &r, e) < 0)
		return -1;
	return send_result(q, 201, &r);
}

int
http_ep_get(struct req *q, struct err *e)
{
	struct gw_result r = {0};
	http_ep_gw_init(q);
	if (gw_get(q->h->opts.gw, &q->gw, q->arg, &r, e) < 0)
		return -1;
	return send_result(q, 200, &r);
}

int
http_ep_replace(struct req *q, struct err *e)
{
	json_t *body = NULL;
	struct gw_result r = {0};
	http_ep_gw_init(q);
	if (http_req_json(q, &body, e) < 0 || gw_replace(q->h->opts.gw, &q->gw, q->arg, body, &r, e) < 0)
		return -1;
	return send_result(q, 200, &r);
}

int
http_ep_patch(struct req *q, struct err *e)
{
	json_t *body = NULL;
	struct gw_result r = {0};
	http_ep_gw_init(q);
	if (http_req_json(q, &body, e) < 0 || gw_patch(q->h->opts.gw, &q->gw, q->arg, body, &r, e) < 0)
		return -1;
	return send_result(q, 200, &r);
}

int
http_ep_delete(struct req *q, struct err *e)
{
	http_ep_gw_init(q);
	if (gw_delete(q->h->opts.gw, &q->gw, q->arg, e) < 0)
		return -1;
	http_reply_empty(q, 204);
	return 0;
}

int
http_ep_not_implemented(struct req *q, struct err *e)
{
	(void)q;
	return err_set(e, ERR_NOT_IMPLEMENTED, "this endpoint is not supported; use /Users and /Groups");
}
