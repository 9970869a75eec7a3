/* SPDX-License-Identifier: Apache-2.0
 * The process itself as metrics, by the names every dashboard knows. */
#ifndef DIRHINGE_APP_PROCESS_H
#define DIRHINGE_APP_PROCESS_H

#include "dirhinge/base/metrics.h"

struct process_metrics {
	struct metric *cpu, *rss, *fds, *max_fds, *threads;
};

/* Registers build info and process; p is used while anybody prints. */
void process_metrics_setup(struct process_metrics *p, struct metrics *m);

#endif
