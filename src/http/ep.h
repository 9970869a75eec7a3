/* SPDX-License-Identifier: Apache-2.0
 * End points, as route_fn; each file one group. Thread rule: as struct req. */
#ifndef DIRHINGE_HTTP_EP_H
#define DIRHINGE_HTTP_EP_H

#include "request.h"

/* ep_scim.c */
int http_ep_list(struct req *q, struct err *e);
int http_ep_create(struct req *q, struct err *e);
int http_ep_get(struct req *q, struct err *e);
int http_ep_replace(struct req *q, struct err *e);
int http_ep_patch(struct req *q, struct err *e);
int http_ep_delete(struct req *q, struct err *e);
int http_ep_not_implemented(struct req *q, struct err *e);

/* ep_search.c */
int http_ep_search(struct req *q, struct err *e);
/* On "/": every type that the client may read. */
int http_ep_list_all(struct req *q, struct err *e);
int http_ep_search_all(struct req *q, struct err *e);

/* ep_bulk.c */
int http_ep_bulk(struct req *q, struct err *e);

/* ep_discovery.c */
int http_ep_service_provider_config(struct req *q, struct err *e);
int http_ep_resource_types(struct req *q, struct err *e);
int http_ep_resource_type(struct req *q, struct err *e);
int http_ep_schemas(struct req *q, struct err *e);
int http_ep_schema(struct req *q, struct err *e);

/* ep_health.c */
int http_ep_live(struct req *q, struct err *e);
int http_ep_ready(struct req *q, struct err *e);

/* ep_admin.c */
int http_ep_metrics(struct req *q, struct err *e);
int http_ep_nothing(struct req *q, struct err *e);

/* ep_events.c, ep_stream.c, ep_snapshot.c */
int http_ep_events(struct req *q, struct err *e);
int http_ep_events_stream(struct req *q, struct err *e);
int http_ep_events_snapshot(struct req *q, struct err *e);

/* ep_feed.c */
int http_ep_sync_status(struct req *q, struct err *e);
int http_ep_sync_reconcile(struct req *q, struct err *e);
int http_ep_sync_reset(struct req *q, struct err *e);
int http_ep_guard_list(struct req *q, struct err *e);
int http_ep_guard_show(struct req *q, struct err *e);
int http_ep_guard_release(struct req *q, struct err *e);
int http_ep_guard_reject(struct req *q, struct err *e);

/* Fills q->gw from the request: client, type, locations, conditions. */
void http_ep_gw_init(struct req *q);

#endif
