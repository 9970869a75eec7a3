/* SPDX-License-Identifier: Apache-2.0
 * POST /Bulk (RFC 7644 3.7). */
#include "dirhinge/base/log.h"
#include "ep.h"
#include "http_priv.h"

#define LOGGED_MAX 20

/* The request as a whole is a 200: what failed in it would be nowhere else. */
static void
log_failures(struct req *q, const struct gw_bulk_result *r)
{
	for (size_t i = 0; i < r->n_failures && i < LOGGED_MAX; i++) {
		const struct gw_bulk_failure *f = &r->failures[i];
		log_event(LOG_INFO_, "bulk operation failed", LOG_S("request_id", q->id), LOG_S("client", q->who->name),
			  LOG_I("operation", f->index), LOG_S("method", f->method), LOG_S("type", f->type),
			  LOG_I("status", err_http(f->err.code)), LOG_S("error", err_name(f->err.code)),
			  LOG_S("detail", f->err.detail), LOG_S("cause", f->err.cause[0] ? f->err.cause : NULL),
			  LOG_S("where", f->err.where), LOG_END);
	}
	log_event(LOG_INFO_, "bulk", LOG_S("request_id", q->id), LOG_I("run", r->n_run), LOG_I("failed", r->n_failures),
		  LOG_END);
}

int
http_ep_bulk(struct req *q, struct err *e)
{
	json_t *body = NULL;
	struct gw_bulk_result r = {0};
	http_ep_gw_init(q);
	if (http_req_json(q, &body, e) < 0 || gw_bulk(q->h->opts.gw, &q->gw, body, &r, e) < 0)
		return -1;
	log_failures(q, &r);
	http_reply_json(q, 200, NULL, json_incref(r.response));
	return 0;
}
