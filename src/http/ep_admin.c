/* SPDX-License-Identifier: Apache-2.0
 * End points of the operators' listener. */
#include "ep.h"
#include "http_priv.h"

#define METRICS_MAX (16u * 1024 * 1024)

int
http_ep_metrics(struct req *q, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(METRICS_MAX);
	metrics_print(q->h->opts.metrics, &out);
	if (out.full)
		return err_set(e, ERR_INTERNAL, "the metrics are longer than %u bytes", METRICS_MAX);
	http_reply_text(q, 200, METRICS_TYPE, strv_n(arena_strndup(q->a, buf_str(&out), out.n), out.n));
	return 0;
}

int
http_ep_nothing(struct req *q, struct err *e)
{
	(void)q;
	return err_set(e, ERR_NOT_FOUND, "there is nothing at this path");
}
