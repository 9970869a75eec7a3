/* SPDX-License-Identifier: Apache-2.0
 * Counters, gauges and histograms, and their text form (Prometheus exposition format 0.0.4).
 *
 * A registry is made by whoever wires the program and handed to the modules that count (contrib/decisions/0013). A
 * module registers its families when it is made, before anybody counts or prints, and keeps the pointers. Every
 * function takes NULL for a family or a registry and does nothing: a module without a registry counts for nobody.
 *
 * Cardinality is bounded twice: label values come from tables and configuration, never from a request, and a family
 * holds at most .max_series; what comes beyond is counted with "other" for every label. Thread rule: locked. */
#ifndef DIRHINGE_BASE_METRICS_H
#define DIRHINGE_BASE_METRICS_H

#include "dirhinge/base/buf.h"

#define METRIC_LABELS_MAX  4
#define METRIC_BUCKETS_MAX 16

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metric_unit {
	METRIC_PLAIN,
	METRIC_MICROSECONDS, /* kept as microseconds, printed as seconds */
};

struct metric_def {
	const char *name; /* counters end in _total, times in _seconds, sizes in _bytes */
	const char *help; /* one sentence */
	enum metric_kind kind;
	enum metric_unit unit;
	const char *labels[METRIC_LABELS_MAX + 1]; /* NULL-terminated */
	size_t max_series;                         /* 0 = 1 */
	const int64_t *bounds;                     /* METRIC_HISTOGRAM: upper bounds, ascending, ended by 0 */
};

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **m);

/* def is borrowed for the life of the registry. The same name with another def is a programming error. */
struct metric *metrics_register(struct metrics *m, const struct metric_def *def);
/* fn is called at the beginning of each print, to set what others keep. ctx must live as long as anybody prints. */
void metrics_on_print(struct metrics *m, void (*fn)(void *ctx), void *ctx);

/* values: one for each label; none without labels. */
void metric_add(struct metric *f, int64_t n, const char *const *values);
/* For gauges, and for counters that somebody else keeps. */
void metric_set(struct metric *f, int64_t n, const char *const *values);
/* For histograms; n in the family's unit. */
void metric_observe(struct metric *f, int64_t n, const char *const *values);
#define METRIC_VALUES(...) ((const char *const[]){__VA_ARGS__})

/* Latencies from 1 ms to 25 s, the longest any answer may take. */
extern const int64_t metric_latency_bounds[];

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
/* All families in the order of their registration; one with labels but nothing counted shows its head only. */
void metrics_print(struct metrics *m, struct buf *out);

#endif
