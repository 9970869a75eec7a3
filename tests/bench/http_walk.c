/* SPDX-License-Identifier: Apache-2.0
 * Pages of a list one after another, by index or by cursor, with the time of each; or a feed by long polls, printing
 * when each numbered mark arrived (monotonic clock, which the writer's trace uses too). */
#include <stdlib.h>
#include <string.h>

#include "dirhinge/base/clock.h"
#include "http_conn.h"

struct walker {
	const struct walk *w;
	struct http_conn c;
	struct buf path;
	char cursor[4096];
	long start, total, seen;
	struct hist pages;
	int64_t first, last;
	uint64_t bytes;
};

static void
fill_path(struct walker *k)
{
	const char *p = k->w->path;
	buf_reset(&k->path);
	while (*p) {
		if (strncmp(p, "{start}", 7) == 0) {
			buf_printf(&k->path, "%ld", k->start);
			p += 7;
		} else if (strncmp(p, "{cursor}", 8) == 0) {
			buf_adds(&k->path, k->cursor);
			p += 8;
		} else {
			buf_addc(&k->path, *p++);
		}
	}
}

/* The text or number behind "name": as compact JSON writes it. "" = not there. */
static void
member(struct strv body, const char *name, char *out, size_t cap)
{
	char key[64];
	out[0] = '\0';
	int n = snprintf(key, sizeof(key), "\"%s\":", name);
	const char *p = memmem(body.p, body.n, key, (size_t)n), *end = body.p + body.n;
	if (!p)
		return;
	for (p += n; p < end && (*p == '"' || *p == ' '); p++)
		;
	size_t len = 0;
	while (p + len < end && !strchr("\",}", p[len]))
		len++;
	if (len >= cap)
		die("%s is longer than %zu bytes", name, cap);
	memcpy(out, p, len);
	out[len] = '\0';
}

static void
ask(struct walker *k)
{
	fill_path(k);
	http_conn_request(&k->c, "GET", buf_str(&k->path), (struct strv){0});
	if (http_conn_io(&k->c) != HTTP_DONE)
		die("the connection was lost");
	struct strv body = http_conn_body(&k->c);
	if (k->c.status != 200)
		die("%s: %d %.*s", buf_str(&k->path), k->c.status, (int)(body.n < 300 ? body.n : 300), body.p);
	k->bytes += body.n;
}

static void
walk_pages(struct walker *k)
{
	char text[64];
	int64_t began = clock_mono_us();
	do {
		int64_t t = clock_mono_us();
		ask(k);
		k->last = clock_mono_us() - t;
		k->first = k->pages.n ? k->first : k->last;
		hist_add(&k->pages, k->last);
		struct strv body = http_conn_body(&k->c);
		member(body, "totalResults", text, sizeof(text));
		k->total = number("totalResults", text);
		k->start += k->w->page;
		if (k->w->field)
			member(body, k->w->field, k->cursor, sizeof(k->cursor));
	} while (k->w->field ? k->cursor[0] != '\0' : k->start <= k->total);
	double seconds = (double)(clock_mono_us() - began) / 1e6;
	printf("{\"seconds\":%.3f,\"total\":%ld,\"bytes\":%llu,\"first\":%lld,\"last\":%lld,\"pages\":", seconds,
	       k->total, (unsigned long long)k->bytes, (long long)k->first, (long long)k->last);
	hist_print(stdout, &k->pages, seconds);
	printf("}\n");
}

/* A mark may come again, in "previous" of a later event: the reader takes the first arrival. */
static void
print_marks(struct walker *k, int64_t now)
{
	struct strv body = http_conn_body(&k->c);
	const char *p = body.p, *end = body.p + body.n;
	size_t n = strlen(k->w->mark);
	while ((p = memmem(p, (size_t)(end - p), k->w->mark, n))) {
		char *stop;
		p += n;
		long id = strtol(p, &stop, 10);
		if (stop > p)
			printf("%ld %lld\n", id, (long long)now);
		if (stop > p && id >= k->seen)
			k->seen = id + 1;
	}
}

static void
follow(struct walker *k)
{
	deadline_t until = deadline_in(k->w->seconds * 1000);
	while (k->seen < k->w->marks && deadline_left(until) > 0) {
		ask(k);
		print_marks(k, clock_mono_us());
		member(http_conn_body(&k->c), k->w->field, k->cursor, sizeof(k->cursor));
		fflush(stdout);
	}
}

void
http_walk(const struct target *t, const struct walk *w)
{
	static struct walker k;
	k = (struct walker){.w = w, .path = BUF_INIT(1u << 20), .start = 1};
	snprintf(k.cursor, sizeof(k.cursor), "%s", w->cursor ? w->cursor : "");
	http_conn_open(&k.c, t, true);
	if (w->mark && w->field)
		follow(&k);
	else
		walk_pages(&k);
	http_conn_close(&k.c);
	buf_done(&k.path);
}
