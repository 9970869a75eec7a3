/* SPDX-License-Identifier: Apache-2.0
 * What this module counts: operations by kind and class of result, and the pool. */
#include "dir/count.h"

#include "dir/pool.h"

/* One class for what an operator would treat alike; the codes themselves are in the log. */
static const struct {
	enum err_code code;
	const char *name;
} classes[] = {
	{ERR_UNAVAILABLE, "unavailable"},
	{ERR_UNKNOWN_OUTCOME, "unknown_outcome"},
	{ERR_BUSY, "unavailable"},
	{ERR_NOT_FOUND, "not_found"},
	{ERR_PRECONDITION, "precondition"},
	{ERR_UNIQUE, "conflict"},
	{ERR_CONFLICT, "conflict"},
	{ERR_DIR_HAS_VALUE, "conflict"},
	{ERR_DIR_MISSING_VALUE, "conflict"},
	{ERR_FORBIDDEN, "forbidden"},
	{ERR_VALUE, "refused"},
	{ERR_FILTER, "refused"},
	{ERR_DIR_OBJECT_CLASS, "refused"},
	{ERR_DIR_UNSUPPORTED, "refused"},
	{ERR_TOO_MANY, "limit"},
};

static const char *const op_labels[] = {
	[OP_SEARCH] = "search", [OP_ADD] = "add",       [OP_MODIFY] = "modify",
	[OP_RENAME] = "rename", [OP_DELETE] = "delete", [OP_PASSWORD] = "password",
};

#define N_OPS     ARRAY_SIZE(op_labels)
#define N_CLASSES (ARRAY_SIZE(classes) + 2) /* and "ok", "error" */

static const struct metric_def ops_def = {
	.name = "dirhinge_ldap_operations_total",
	.help = "LDAP operations by kind and class of result, repetitions on a fresh connection counted once.",
	.labels = {"operation", "result"},
	.max_series = N_OPS * N_CLASSES,
};
static const struct metric_def duration_def = {
	.name = "dirhinge_ldap_operation_duration_seconds",
	.help = "Time of LDAP operations, waiting for a connection included.",
	.kind = METRIC_HISTOGRAM,
	.unit = METRIC_MICROSECONDS,
	.labels = {"operation"},
	.max_series = N_OPS,
	.bounds = metric_latency_bounds,
};
static const struct metric_def connections_def = {
	.name = "dirhinge_ldap_pool_connections",
	.help = "Connections of the pool by state; free is room for new ones, lent are those of long lists, beyond its "
		"size.",
	.kind = METRIC_GAUGE,
	.labels = {"state"},
	.max_series = 4,
};
static const struct metric_def waits_def = {
	.name = "dirhinge_ldap_pool_waits_total",
	.help = "Operations that had to wait for a connection.",
};
static const struct metric_def binds_def = {
	.name = "dirhinge_ldap_binds_total",
	.help = "Attempts to connect and bind.",
};
static const struct metric_def failures_def = {
	.name = "dirhinge_ldap_connection_failures_total",
	.help = "Failed attempts to connect or bind, connections lost, and callers told so at once.",
};

static const struct metric_def shared_def = {
	.name = "dirhinge_ldap_shared_lookups_total",
	.help = "Lookups answered by a search for several that waited at the same time, which is one operation.",
};

static void
on_print(void *ctx)
{
	struct dir *d = ctx;
	struct dir_counters *c = &d->counters;
	struct dir_stats s;

	dir_get_stats(d, &s);
	metric_set(c->connections, s.idle, METRIC_VALUES("idle"));
	metric_set(c->connections, s.open - s.idle, METRIC_VALUES("busy"));
	metric_set(c->connections, (int64_t)d->pool_size - s.open, METRIC_VALUES("free"));
	metric_set(c->connections, s.apart, METRIC_VALUES("lent"));
	metric_set(c->waits, s.waits, NULL);
	metric_set(c->binds, s.binds, NULL);
	metric_set(c->failures, s.failures, NULL);
	metric_set(c->shared, s.shared, NULL);
}

void
dir_count_setup(struct dir *d, struct metrics *m)
{
	d->counters = (struct dir_counters){
		.ops = metrics_register(m, &ops_def),
		.duration = metrics_register(m, &duration_def),
		.connections = metrics_register(m, &connections_def),
		.waits = metrics_register(m, &waits_def),
		.binds = metrics_register(m, &binds_def),
		.failures = metrics_register(m, &failures_def),
		.shared = metrics_register(m, &shared_def),
	};
	metrics_on_print(m, on_print, d);
}

static const char *
class_of(int rc, const struct err *e)
{
	if (rc == 0)
		return "ok";
	for (size_t i = 0; e && i < ARRAY_SIZE(classes); i++)
		if (classes[i].code == e->code)
			return classes[i].name;
	return "error";
}

void
dir_count_op(struct dir *d, enum result_op op, int64_t started, int rc, const struct err *e)
{
	const struct dir_counters *c = &d->counters;

	metric_add(c->ops, 1, METRIC_VALUES(op_labels[op], class_of(rc, e)));
	metric_observe(c->duration, clock_mono_us() - started, METRIC_VALUES(op_labels[op]));
}
