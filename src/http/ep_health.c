/* SPDX-License-Identifier: Apache-2.0
 * Health for service managers and load balancers; needs no token and tells no secret; the
 * operators' listener tells more. */
#include "ep.h"
#include "http_priv.h"
#include "media.h"

int
http_ep_live(struct req *q, struct err *e)
{
	(void)e;
	json_t *j = json_object();
	must(json_object_set_new(j, "status", json_string("ok")) == 0);
	http_reply_json(q, 200, MEDIA_JSON, j);
	return 0;
}

static void
add_reason(json_t *reasons, const char *what, const char *detail, const char *cause)
{
	json_t *r = json_object();
	must(json_object_set_new(r, "check", json_string(what)) == 0);
	must(json_object_set_new(r, "detail", json_string(detail)) == 0);
	if (cause)
		must(json_object_set_new(r, "cause", json_string(cause)) == 0);
	must(json_array_append_new(reasons, r) == 0);
}

int
http_ep_ready(struct req *q, struct err *e)
{
	char text[256];
	json_t *reasons = json_array();
	if (http_draining(q->h))
		add_reason(reasons, "drain", "the server is shutting down", NULL);
	else if (gw_ping(q->h->opts.gw, e) < 0) {
		/* The cause holds names of servers and entries: for the log and the operators' listener. */
		bool operators = q->h->opts.face == HTTP_ADMIN && e->cause[0];
		err_render(e, text, sizeof text);
		add_reason(reasons, "directory", text, operators ? e->cause : NULL);
	}
	bool ready = json_array_size(reasons) == 0;
	json_t *j = json_object();
	must(json_object_set_new(j, "status", json_string(ready ? "ready" : "not ready")) == 0);
	must(json_object_set_new(j, "reasons", reasons) == 0);
	http_reply_json(q, ready ? 200 : 503, MEDIA_JSON, j);
	return 0;
}
