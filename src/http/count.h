/* SPDX-License-Identifier: Apache-2.0
 * What this module counts. Thread rule: locked. */
#ifndef DIRHINGE_HTTP_COUNT_H
#define DIRHINGE_HTTP_COUNT_H

#include "dirhinge/base/metrics.h"

struct http;
struct req;

struct http_counters {
	struct metric *requests, *duration, *shed, *tolerated, *ignored, *in_flight, *open, *cut;
	struct metric *delivered, *readers;
};

/* Registers the families; nothing without a registry. */
void http_count_setup(struct http_counters *c, struct metrics *m);
/* The numbers that struct http keeps, at each print. The listener must outlive the printing. */
void http_count_pull(struct http *h, struct metrics *m);
/* A request that has its reply, or never got one. */
void http_count_request(const struct req *q);
/* Events given to the client of q; how: "page", "stream". */
void http_count_delivered(const struct req *q, const char *how, int64_t n);

#endif
