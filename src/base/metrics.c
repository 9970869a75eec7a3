/* SPDX-License-Identifier: Apache-2.0
 * Metric families: a lock and a map from label values to numbers each. Counting costs a lock, a hash and an addition,
 * some 200 ns a request; sharding would buy nothing beside a directory operation. */
#include "dirhinge/base/metrics.h"

#include <inttypes.h>

#include "dirhinge/base/strmap.h"
#include "dirhinge/base/thread.h"

#define KEY_MAX 1024 /* label values together; longer ones are cut, they come from configuration */
#define FRONT   8    /* series that are found without rendering their labels */

struct series {
	int64_t n;        /* value, or sum of a histogram */
	int64_t *buckets; /* METRIC_HISTOGRAM: not cumulative; the last is +Inf */
};

struct metric {
	const struct metric_def *def;
	size_t n_labels, n_bounds;
	struct metric *next;
	struct mutex lock; /* guards all below */
	struct arena *a;
	struct strmap *series; /* by rendered labels */
	/* The first ones made, which are those that count most of what is counted. */
	struct {
		const char *values[METRIC_LABELS_MAX];
		struct series *s;
	} front[FRONT];
	size_t n_front;
};

struct hook {
	void (*fn)(void *ctx);
	void *ctx;
	struct hook *next;
};

struct metrics {
	struct arena *a;
	struct mutex lock; /* guards all below */
	struct metric *first, **end;
	struct hook *hooks;
};

const int64_t metric_latency_bounds[] = {1000,   2500,   5000,    10000,   25000,    50000,    100000,
					 250000, 500000, 1000000, 2500000, 10000000, 25000000, 0};

struct metrics *
metrics_new(void)
{
	struct arena *a = arena_new(8192);
	struct metrics *m = ARENA_NEW(a, struct metrics);

	m->a = a;
	m->end = &m->first;
	mutex_init(&m->lock);
	return m;
}

void
metrics_free(struct metrics **mp)
{
	struct metrics *m = TAKE(*mp);

	if (!m)
		return;
	for (struct metric *f = m->first; f; f = f->next) {
		mutex_done(&f->lock);
		arena_free(&f->a);
	}
	mutex_done(&m->lock);
	struct arena *a = m->a;
	arena_free(&a);
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* In a label value backslash, quote and line feed are escaped, in a help text the first and the last. */
static void
add_escaped(struct buf *out, const char *s, bool quotes)
{
	for (; *s; s++) {
		if (*s == '\\')
			buf_adds(out, "\\\\");
		else if (*s == '\n')
			buf_adds(out, "\\n");
		else if (*s == '"' && quotes)
			buf_adds(out, "\\\"");
		else
			buf_addc(out, *s);
	}
}

static void
add_number(struct buf *out, enum metric_unit unit, int64_t n)
{
	if (unit == METRIC_PLAIN) {
		buf_printf(out, "%" PRId64, n);
		return;
	}
	uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	buf_printf(out, "%s%" PRIu64 ".%06" PRIu64, n < 0 ? "-" : "", size / 1000000, size % 1000000);
}

/* name="value",…: the key of a series and its text. values NULL: "other" everywhere. */
static void
render_labels(struct buf *out, const struct metric *f, const char *const *values)
{
	for (size_t i = 0; i < f->n_labels; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "", f->def->labels[i]);
		add_escaped(out, values ? values[i] : "other", true);
		buf_addc(out, '"');
	}
}

static void
print_histogram(struct buf *out, const struct metric *f, struct strv labels, const struct series *s)
{
	const struct metric_def *d = f->def;
	const char *comma = labels.n ? "," : "", *open = labels.n ? "{" : "", *close = labels.n ? "}" : "";
	int64_t count = 0;

	for (size_t i = 0; i <= f->n_bounds; i++) {
		count += s->buckets[i];
		buf_printf(out, "%s_bucket{%.*s%sle=\"", d->name, (int)labels.n, labels.p, comma);
		if (i < f->n_bounds)
			add_number(out, d->unit, d->bounds[i]);
		else
			buf_adds(out, "+Inf");
		buf_printf(out, "\"} %" PRId64 "\n", count);
	}
	buf_printf(out, "%s_sum%s%.*s%s ", d->name, open, (int)labels.n, labels.p, close);
	add_number(out, d->unit, s->n);
	buf_printf(out, "\n%s_count%s%.*s%s %" PRId64 "\n", d->name, open, (int)labels.n, labels.p, close, count);
}

static void
print_series(struct buf *out, const struct metric *f, struct strv labels, const struct series *s)
{
	if (f->def->kind == METRIC_HISTOGRAM) {
		print_histogram(out, f, labels, s);
		return;
	}
	buf_adds(out, f->def->name);
	if (labels.n)
		buf_printf(out, "{%.*s}", (int)labels.n, labels.p);
	buf_addc(out, ' ');
	add_number(out, f->def->unit, s->n);
	buf_addc(out, '\n');
}

static void
print_family(struct buf *out, struct metric *f)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
	struct strv labels;
	void *value;

	buf_printf(out, "# HELP %s ", f->def->name);
	add_escaped(out, f->def->help, false);
	buf_printf(out, "\n# TYPE %s %s\n", f->def->name, kinds[f->def->kind]);
	mutex_lock(&f->lock);
	for (size_t i = 0; strmap_at(f->series, i, &labels, &value); i++)
		print_series(out, f, labels, value);
	mutex_unlock(&f->lock);
}

void
metrics_print(struct metrics *m, struct buf *out)
{
	if (!m)
		return;
	mutex_lock(&m->lock);
	for (const struct hook *h = m->hooks; h; h = h->next)
		h->fn(h->ctx);
	for (struct metric *f = m->first; f; f = f->next)
		print_family(out, f);
	mutex_unlock(&m->lock);
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static struct series *
make_series(struct metric *f, struct strv key)
{
	struct series *s = ARENA_NEW(f->a, struct series);

	if (f->def->kind == METRIC_HISTOGRAM)
		s->buckets = ARENA_ARRAY(f->a, f->n_bounds + 1, int64_t);
	strmap_put(f->series, key, s);
	return s;
}

static struct series *
find_front(const struct metric *f, const char *const *values)
{
	for (size_t i = 0; i < f->n_front; i++) {
		size_t n = 0;

		while (n < f->n_labels && str_eq(f->front[i].values[n], values[n]))
			n++;
		if (n == f->n_labels)
			return f->front[i].s;
	}
	return NULL;
}

static void
add_front(struct metric *f, const char *const *values, struct series *s)
{
	if (f->n_front == FRONT)
		return;
	for (size_t n = 0; n < f->n_labels; n++)
		f->front[f->n_front].values[n] = arena_strdup(f->a, values[n]);
	f->front[f->n_front++].s = s;
}

/* With f locked. */
static struct series *
find_rendered(struct metric *f, const char *const *values)
{
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(KEY_MAX);

	if (f->n_labels == 0)
		values = NULL;
	render_labels(&key, f, values);
	struct series *s = key.full ? NULL : strmap_get(f->series, strv_of(buf_str(&key)));
	if (s)
		return s;
	size_t room = f->def->max_series ? f->def->max_series : 1;
	if (!key.full && strmap_count(f->series) < room)
		return make_series(f, strv_of(buf_str(&key)));
	buf_reset(&key);
	render_labels(&key, f, NULL);
	s = strmap_get(f->series, strv_of(buf_str(&key)));
	return s ? s : make_series(f, strv_of(buf_str(&key)));
}

/* With f locked. values NULL: "other" everywhere. */
static struct series *
find_series(struct metric *f, const char *const *values)
{
	struct series *s = values || f->n_labels == 0 ? find_front(f, values) : NULL;
	size_t before = strmap_count(f->series);

	if (s)
		return s;
	s = find_rendered(f, values);
	if ((values || f->n_labels == 0) && strmap_count(f->series) > before && strmap_count(f->series) <= FRONT)
		add_front(f, values, s);
	return s;
}

void
metric_add(struct metric *f, int64_t n, const char *const *values)
{
	if (!f)
		return;
	mutex_lock(&f->lock);
	find_series(f, values)->n += n;
	mutex_unlock(&f->lock);
}

void
metric_set(struct metric *f, int64_t n, const char *const *values)
{
	if (!f)
		return;
	mutex_lock(&f->lock);
	find_series(f, values)->n = n;
	mutex_unlock(&f->lock);
}

void
metric_observe(struct metric *f, int64_t n, const char *const *values)
{
	size_t i = 0;

	if (!f)
		return;
	while (i < f->n_bounds && n > f->def->bounds[i])
		i++;
	mutex_lock(&f->lock);
	struct series *s = find_series(f, values);
	s->n += n;
	s->buckets[i]++;
	mutex_unlock(&f->lock);
}

/* --- registry ---------------------------------------------------------------------------------------------------- */

static struct metric *
find_family(struct metrics *m, const char *name)
{
	struct metric *f = m->first;

	while (f && !str_eq(f->def->name, name))
		f = f->next;
	return f;
}

static struct metric *
make_family(struct metrics *m, const struct metric_def *def)
{
	struct metric *f = ARENA_NEW(m->a, struct metric);

	f->def = def;
	f->a = arena_new(1024);
	while (f->n_labels < METRIC_LABELS_MAX && def->labels[f->n_labels])
		f->n_labels++;
	if (def->kind == METRIC_HISTOGRAM)
		while (def->bounds[f->n_bounds])
			f->n_bounds++;
	must(f->n_bounds <= METRIC_BUCKETS_MAX);
	f->series = strmap_new(f->a, false);
	mutex_init(&f->lock);
	if (f->n_labels == 0) /* there from the start, so that a rate begins at 0 */
		make_series(f, STRV(""));
	return f;
}

struct metric *
metrics_register(struct metrics *m, const struct metric_def *def)
{
	if (!m)
		return NULL;
	mutex_lock(&m->lock);
	struct metric *f = find_family(m, def->name);
	must(!f || f->def == def);
	if (!f) {
		f = make_family(m, def);
		*m->end = f;
		m->end = &f->next;
	}
	mutex_unlock(&m->lock);
	return f;
}

void
metrics_on_print(struct metrics *m, void (*fn)(void *ctx), void *ctx)
{
	if (!m)
		return;
	mutex_lock(&m->lock);
	struct hook *h = ARENA_NEW(m->a, struct hook);
	*h = (struct hook){fn, ctx, m->hooks};
	m->hooks = h;
	mutex_unlock(&m->lock);
}
