/* SPDX-License-Identifier: Apache-2.0
 * Counting and the exposition format. */
#include "dirhinge/base/metrics.h"

#include <signal.h>
#include <stdio.h>

#include "dirhinge/base/thread.h"
#include "unit.h"

static const int64_t bounds[] = {1000, 2500000, 0};
static const struct metric_def plain = {.name = "a_total", .help = "Back\\slash and\nline."};
static const struct metric_def labelled = {
	.name = "b_total", .help = "B.", .labels = {"client", "kind"}, .max_series = 3};
static const struct metric_def gauge = {
	.name = "c_seconds", .help = "C.", .kind = METRIC_GAUGE, .unit = METRIC_MICROSECONDS};
static const struct metric_def times = {.name = "d_seconds",
					.help = "D.",
					.kind = METRIC_HISTOGRAM,
					.unit = METRIC_MICROSECONDS,
					.labels = {"op"},
					.max_series = 2,
					.bounds = bounds};
static const struct metric_def sizes = {.name = "e", .help = "E.", .kind = METRIC_HISTOGRAM, .bounds = bounds};

static void
assert_print(struct metrics *m, const char *want)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

	metrics_print(m, &out);
	ck_assert(!out.full);
	ck_assert_str_eq(buf_str(&out), want);
}

START_TEST(text_form)
{
	DH_CLEANUP(metrics_free) struct metrics *m = metrics_new();
	struct metric *a = metrics_register(m, &plain), *b = metrics_register(m, &labelled),
		      *c = metrics_register(m, &gauge), *d = metrics_register(m, &times),
		      *e = metrics_register(m, &sizes);

	ck_assert_ptr_eq(metrics_register(m, &plain), a);
	metric_add(a, 2, NULL);
	metric_add(a, 3, NULL);
	metric_add(b, 1, METRIC_VALUES("x\"y\\z\n", "k"));
	metric_set(c, -1500001, NULL);
	metric_observe(d, 1000, METRIC_VALUES("s")); /* a bound belongs to its bucket */
	metric_observe(d, 1001, METRIC_VALUES("s"));
	metric_observe(d, 9000000, METRIC_VALUES("s"));
	metric_observe(e, 7, NULL);
	assert_print(m, "# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\na_total 5\n"
			"# HELP b_total B.\n# TYPE b_total counter\nb_total{client=\"x\\\"y\\\\z\\n\",kind=\"k\"} 1\n"
			"# HELP c_seconds C.\n# TYPE c_seconds gauge\nc_seconds -1.500001\n"
			"# HELP d_seconds D.\n# TYPE d_seconds histogram\n"
			"d_seconds_bucket{op=\"s\",le=\"0.001000\"} 1\n"
			"d_seconds_bucket{op=\"s\",le=\"2.500000\"} 2\n"
			"d_seconds_bucket{op=\"s\",le=\"+Inf\"} 3\n"
			"d_seconds_sum{op=\"s\"} 9.002001\nd_seconds_count{op=\"s\"} 3\n"
			"# HELP e E.\n# TYPE e histogram\ne_bucket{le=\"1000\"} 1\ne_bucket{le=\"2500000\"} 1\n"
			"e_bucket{le=\"+Inf\"} 1\ne_sum 7\ne_count 1\n");
}
END_TEST

START_TEST(families_are_bounded)
{
	DH_CLEANUP(metrics_free) struct metrics *m = metrics_new();
	struct metric *b = metrics_register(m, &labelled);
	char name[2000];

	metric_add(b, 1, METRIC_VALUES("one", "k"));
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	metric_add(b, 10, METRIC_VALUES(name, "k")); /* too long to be told apart */
	metric_add(b, 1, METRIC_VALUES("two", "k"));
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		metric_add(b, 1, METRIC_VALUES(name, "k"));
	}
	metric_add(b, 1, METRIC_VALUES("two", "k"));
	assert_print(m, "# HELP b_total B.\n# TYPE b_total counter\nb_total{client=\"one\",kind=\"k\"} 1\n"
			"b_total{client=\"other\",kind=\"other\"} 110\nb_total{client=\"two\",kind=\"k\"} 2\n");
}
END_TEST

static void
count_print(void *ctx)
{
	metric_add(*(struct metric **)ctx, 1, NULL);
}

START_TEST(hooks_run_at_each_print)
{
	DH_CLEANUP(metrics_free) struct metrics *m = metrics_new();
	struct metric *a = metrics_register(m, &plain);

	metrics_on_print(m, count_print, &a);
	assert_print(m, "# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\na_total 1\n");
	assert_print(m, "# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\na_total 2\n");
}
END_TEST

START_TEST(nothing_without_a_registry)
{
	struct metric *a = metrics_register(NULL, &plain);

	ck_assert_ptr_null(a);
	metrics_on_print(NULL, count_print, &a);
	metric_add(a, 1, NULL);
	metric_set(a, 1, NULL);
	metric_observe(a, 1, NULL);
	assert_print(NULL, "");
}
END_TEST

#define THREADS 4
#define ROUNDS  5000

static void *
count_a_lot(void *arg)
{
	struct metric *f = arg;

	for (int i = 0; i < ROUNDS; i++)
		metric_add(f, 1, METRIC_VALUES(i % 2 ? "odd" : "even", "k"));
	return NULL;
}

START_TEST(no_count_is_lost)
{
	DH_CLEANUP(metrics_free) struct metrics *m = metrics_new();
	struct thread threads[THREADS];
	struct metric *b = metrics_register(m, &labelled);

	metric_add(b, 0, METRIC_VALUES("even", "k"));
	for (int i = 0; i < THREADS; i++)
		thread_start(&threads[i], "count", count_a_lot, b);
	for (int i = 0; i < THREADS; i++)
		thread_join(&threads[i]);
	assert_print(m, "# HELP b_total B.\n# TYPE b_total counter\nb_total{client=\"even\",kind=\"k\"} 10000\n"
			"b_total{client=\"odd\",kind=\"k\"} 10000\n");
}
END_TEST

START_TEST(a_name_has_one_meaning)
{
	static const struct metric_def same = {.name = "a_total", .help = "Another."};
	DH_CLEANUP(metrics_free) struct metrics *m = metrics_new();

	metrics_register(m, &plain);
	metrics_register(m, &same);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"text", text_form, 0},
		{"text", families_are_bounded, 0},
		{"text", hooks_run_at_each_print, 0},
		{"text", nothing_without_a_registry, 0},
		{"count", no_count_is_lost, 0},
		{"count", a_name_has_one_meaning, SIGABRT},
	};

	return unit_run("metrics", tests, ARRAY_SIZE(tests));
}
