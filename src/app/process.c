/* SPDX-License-Identifier: Apache-2.0
 * The process as metrics, from getrusage and /proc/self. What cannot be read keeps its former value. */
#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/process.h"
#include "dirhinge/base/clock.h"

static const struct metric_def build_def = {
	.name = "dirhinge_build_info",
	.help = "Always 1; the label says which version runs.",
	.kind = METRIC_GAUGE,
	.labels = {"version"},
};
static const struct metric_def start_def = {
	.name = "process_start_time_seconds",
	.help = "When the process began to serve, in seconds since 1970-01-01.",
	.kind = METRIC_GAUGE,
	.unit = METRIC_MICROSECONDS,
};
static const struct metric_def cpu_def = {
	.name = "process_cpu_seconds_total",
	.help = "User and system time of all threads.",
	.unit = METRIC_MICROSECONDS,
};
static const struct metric_def rss_def = {
	.name = "process_resident_memory_bytes",
	.help = "Resident memory.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def fds_def = {
	.name = "process_open_fds",
	.help = "Open file descriptors.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def max_fds_def = {
	.name = "process_max_fds",
	.help = "Most file descriptors the process may have.",
	.kind = METRIC_GAUGE,
};
static const struct metric_def threads_def = {
	.name = "process_threads",
	.help = "Threads now; one for each connection of a client.",
	.kind = METRIC_GAUGE,
};

static int64_t
micros(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

/* Entries of a directory without the dots, or -1. */
static int64_t
count_entries(const char *path)
{
	DIR *d = opendir(path);
	int64_t n = 0;

	if (!d)
		return -1;
	for (const struct dirent *en = readdir(d); en; en = readdir(d))
		n += en->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
set_known(struct metric *f, int64_t n)
{
	if (n >= 0)
		metric_set(f, n, NULL);
}

/* Resident pages are the second number of statm (proc(5)). */
static int64_t
resident_bytes(void)
{
	char line[128];
	int64_t total, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return -1;
	bool got = fgets(line, sizeof(line), f) && sscanf(line, "%" SCNd64 " %" SCNd64, &total, &resident) == 2;
	fclose(f);
	return got ? resident * sysconf(_SC_PAGESIZE) : -1;
}

static void
on_print(void *ctx)
{
	const struct process_metrics *p = ctx;
	struct rusage used;
	struct rlimit files;
	int64_t fds = count_entries("/proc/self/fd");

	if (getrusage(RUSAGE_SELF, &used) == 0)
		metric_set(p->cpu, micros(used.ru_utime) + micros(used.ru_stime), NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		metric_set(p->max_fds, (int64_t)files.rlim_cur, NULL);
	set_known(p->fds, fds > 0 ? fds - 1 : fds); /* without the one that reads them */
	set_known(p->threads, count_entries("/proc/self/task"));
	set_known(p->rss, resident_bytes());
}

void
process_metrics_setup(struct process_metrics *p, struct metrics *m)
{
	metric_set(metrics_register(m, &build_def), 1, METRIC_VALUES(PACKAGE_VERSION));
	metric_set(metrics_register(m, &start_def), clock_wall_us(), NULL);
	*p = (struct process_metrics){
		.cpu = metrics_register(m, &cpu_def),
		.rss = metrics_register(m, &rss_def),
		.fds = metrics_register(m, &fds_def),
		.max_fds = metrics_register(m, &max_fds_def),
		.threads = metrics_register(m, &threads_def),
	};
	metrics_on_print(m, on_print, p);
}
