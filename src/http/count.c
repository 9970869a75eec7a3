/* SPDX-License-Identifier: Apache-2.0
 * What this module counts. Every label value is from a table of ours or the name of a configured client. */
#include "count.h"

#include "http_priv.h"
#include "request.h"
#include "server.h"

#define NOBODY     "none" /* no token, or not a valid one */
#define CLIENTS    200    /* names of clients that are told apart, over all reloads */
#define METHODS    8
#define RESOURCES  32
#define TOLERANCES 16

static const struct metric_def requests_def = {
	.name = "dirhinge_http_requests_total",
	.help = "Requests by client, method, resource and status; status abandoned: the client left before the answer.",
	.labels = {"client", "method", "resource", "status"},
	.max_series = 10000,
};
static const struct metric_def duration_def = {
	.name = "dirhinge_http_request_duration_seconds",
	.help = "Time from the request line to the complete answer, before it is sent.",
	.kind = METRIC_HISTOGRAM,
	.unit = METRIC_MICROSECONDS,
	.labels = {"method", "resource"},
	.max_series = METHODS * RESOURCES,
	.bounds = metric_latency_bounds,
};
static const struct metric_def shed_def = {
	.name = "dirhinge_http_requests_shed_total",
	.help = "Requests answered with 503 because server.max_in_flight others were being worked on.",
};
static const struct metric_def tolerated_def = {
	.name = "dirhinge_scim_tolerated_total",
	.help = "Deviations from the RFC that the client's profile tolerates, by kind.",
	.labels = {"client", "kind"},
	.max_series = CLIENTS * TOLERANCES,
};
static const struct metric_def ignored_def = {
	.name = "dirhinge_scim_ignored_attributes_total",
	.help = "Attributes sent by clients that have no place in the map; their names are in the log.",
	.labels = {"client"},
	.max_series = CLIENTS,
};
static const struct metric_def in_flight_def = {
	.name = "dirhinge_http_requests_in_flight",
	.help = "Requests being worked on now.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def open_def = {
	.name = "dirhinge_http_connections_open",
	.help = "Connections of clients that are open now.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def cut_def = {
	.name = "dirhinge_http_connections_cut_total",
	.help = "Connections cut because the client was too slow.",
};

static const struct metric_def delivered_def = {
	.name = "dirhinge_events_delivered_total",
	.help = "Events given to readers of /events, by client and way; redeliveries count again.",
	.labels = {"client", "way"},
	.max_series = 2 * CLIENTS,
};
static const struct metric_def readers_def = {
	.name = "dirhinge_events_readers",
	.help = "Readers of /events now: pages with their long polls, and streams.",
	.kind = METRIC_GAUGE,
	.labels = {"way"},
	.max_series = 2,
};

void
http_count_setup(struct http_counters *c, struct metrics *m)
{
	*c = (struct http_counters){
		.requests = metrics_register(m, &requests_def),
		.duration = metrics_register(m, &duration_def),
		.shed = metrics_register(m, &shed_def),
		.in_flight = metrics_register(m, &in_flight_def),
		.open = metrics_register(m, &open_def),
		.cut = metrics_register(m, &cut_def),
		.tolerated = metrics_register(m, &tolerated_def),
		.ignored = metrics_register(m, &ignored_def),
		.delivered = metrics_register(m, &delivered_def),
		.readers = metrics_register(m, &readers_def),
	};
}

static void
on_print(void *ctx)
{
	struct http *h = ctx;
	int64_t open, cut, in_flight, waiters, streams;

	mutex_lock(&h->lock);
	in_flight = h->in_flight;
	waiters = h->waiters;
	streams = h->streams;
	mutex_unlock(&h->lock);
	http_conns_count(http_server_conns(h->server), &open, &cut);
	metric_set(h->counters.in_flight, in_flight, NULL);
	metric_set(h->counters.open, open, NULL);
	metric_set(h->counters.cut, cut, NULL);
	metric_set(h->counters.readers, waiters, METRIC_VALUES("page"));
	metric_set(h->counters.readers, streams, METRIC_VALUES("stream"));
}

void
http_count_pull(struct http *h, struct metrics *m)
{
	metrics_on_print(m, on_print, h);
}

void
http_count_request(const struct req *q)
{
	const struct http_counters *c = &q->h->counters;
	const char *client = q->who ? q->who->name : NOBODY;
	const char *method = q->method ? http_route_method_name(q->method) : "other";
	const char *resource = http_route_resource(q->a, q->route);
	char digits[4] = "";
	const char *status = "abandoned";

	if (!c->requests)
		return;
	if (q->replied) {
		must(q->reply.status >= 100 && q->reply.status <= 999);
		digits[0] = (char)('0' + q->reply.status / 100);
		digits[1] = (char)('0' + q->reply.status / 10 % 10);
		digits[2] = (char)('0' + q->reply.status % 10);
		status = digits;
	}
	metric_add(c->requests, 1, METRIC_VALUES(client, method, resource, status));
	metric_observe(c->duration, clock_mono_us() - q->started_us, METRIC_VALUES(method, resource));
	for (const struct scim_note *n = q->gw.notes; n; n = n->next)
		metric_add(c->tolerated, 1, METRIC_VALUES(client, scim_tolerance_name(n->kind)));
	for (const char *const *p = q->gw.ignored; p && *p; p++)
		metric_add(c->ignored, 1, METRIC_VALUES(client));
}

void
http_count_delivered(const struct req *q, const char *how, int64_t n)
{
	if (n > 0)
		metric_add(q->h->counters.delivered, n, METRIC_VALUES(q->who->name, how));
}
