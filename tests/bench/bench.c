/* SPDX-License-Identifier: Apache-2.0
 * Histogram, work files and output of the load generators. */
#include "bench.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void
die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

long
number(const char *option, const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || v < 0)
		die("%s needs a number, not \"%s\"", option, text);
	return v;
}

/* --- histogram --------------------------------------------------------------------------------------------------- */

static size_t
bucket_of(uint64_t v)
{
	if (v < HIST_SUB)
		return (size_t)v;
	unsigned shift = (unsigned)(63 - __builtin_clzll(v)) - 5; /* leaves 32..63 */
	size_t at = (size_t)shift * HIST_SUB + (size_t)(v >> shift);
	return at < HIST_BUCKETS ? at : HIST_BUCKETS - 1;
}

static uint64_t
bucket_top(size_t at)
{
	if (at < 2 * HIST_SUB)
		return at;
	size_t shift = at / HIST_SUB - 1;
	return (((uint64_t)(at % HIST_SUB) + HIST_SUB + 1) << shift) - 1;
}

void
hist_add(struct hist *h, int64_t us)
{
	uint64_t v = us < 0 ? 0 : (uint64_t)us;
	h->n++;
	h->sum += v;
	h->max = v > h->max ? v : h->max;
	h->bucket[bucket_of(v)]++;
}

void
hist_merge(struct hist *into, const struct hist *from)
{
	into->n += from->n;
	into->sum += from->sum;
	into->max = from->max > into->max ? from->max : into->max;
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t
hist_at(const struct hist *h, double q)
{
	uint64_t seen = 0, want = (uint64_t)(q * (double)h->n + 0.999999);
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want && seen > 0)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return h->max;
}

/* --- keys -------------------------------------------------------------------------------------------------------- */

void
keys_open(const char *path, struct keys *k)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		die("%s: cannot be read or is empty", path);
	const char *text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		die("%s: cannot be mapped", path);
	size_t lines = 0;
	const char *end = text + st.st_size;
	for (const char *p = text; p < end; p++)
		lines += *p == '\n';
	const char **row = calloc(lines + 2, sizeof(*row));
	if (!row || lines == 0)
		die("%s: no lines", path);
	const char *p = text;
	for (size_t i = 0; i < lines; i++) {
		row[i] = p;
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	}
	row[lines] = p;
	*k = (struct keys){text, row, lines};
}

static struct strv
column(const struct keys *k, size_t row, unsigned n)
{
	const char *p = k->row[row], *end = k->row[row + 1] - 1;
	for (;;) {
		const char *tab = memchr(p, '\t', (size_t)(end - p));
		if (n == 0)
			return strv_n(p, (size_t)((tab ? tab : end) - p));
		if (!tab)
			die("a row of the keys has too few columns");
		p = tab + 1;
		n--;
	}
}

/* --- work -------------------------------------------------------------------------------------------------------- */

static void
parse_op(struct work *w, char *line)
{
	char *save = NULL;
	if (w->n == WORK_MAX)
		die("more than %d kinds of work", WORK_MAX);
	struct op *o = &w->op[w->n++];
	char *weight = strtok_r(line, "\t", &save), *name = strtok_r(NULL, "\t", &save);
	if (!weight || !name)
		die("a line of work needs weight, name and fields, separated by tabs");
	*o = (struct op){.name = name, .weight = (unsigned)number("weight", weight)};
	for (char *f; (f = strtok_r(NULL, "\t", &save));) {
		if (o->n_fields == FIELDS_MAX)
			die("%s: more than %d fields", name, FIELDS_MAX);
		o->field[o->n_fields++] = f;
	}
	w->weights += o->weight;
}

void
work_open(struct arena *a, const char *path, struct work *w)
{
	char *line = NULL, *save = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "r");
	if (!f || getdelim(&line, &cap, '\0', f) <= 0)
		die("%s: cannot be read", path);
	fclose(f);
	for (char *l = strtok_r(line, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		parse_op(w, arena_strdup(a, l));
	free(line);
	if (w->n == 0 || w->weights == 0)
		die("%s: no work", path);
}

/* xorshift64*: repeatable, and every connection its own. */
static uint64_t
next_random(struct pick *p)
{
	p->seed ^= p->seed >> 12;
	p->seed ^= p->seed << 25;
	p->seed ^= p->seed >> 27;
	return p->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

void
pick_init(struct pick *p, const struct work *w, unsigned conn, uint64_t seed)
{
	*p = (struct pick){.w = w, .conn = conn, .seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + conn * 7919u + 1};
	for (int i = 0; i < 8; i++)
		(void)next_random(p);
}

const struct op *
pick_next(struct pick *p, uint64_t *counter)
{
	const struct work *w = p->w;
	bool fresh = !w->sequence || p->turn == 0;
	if (fresh) {
		p->number = __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
		p->row = w->keys.n ? (size_t)(next_random(p) % w->keys.n) : 0;
	}
	if (w->sequence) {
		const struct op *o = &w->op[p->turn];
		p->turn = (p->turn + 1) % w->n;
		return o;
	}
	unsigned at = (unsigned)(next_random(p) % w->weights);
	size_t i = 0;
	while (at >= w->op[i].weight)
		at -= w->op[i++].weight;
	return &w->op[i];
}

void
pick_fill(struct pick *p, const char *field, struct buf *out)
{
	for (const char *c = field; *c; c++) {
		bool mark = c[0] == '{' && c[1] && c[2] == '}';
		if (mark && c[1] >= '0' && c[1] <= '9') {
			if (p->w->keys.n == 0)
				die("%s: there are no keys", field);
			buf_addv(out, column(&p->w->keys, p->row, (unsigned)(c[1] - '0')));
		} else if (mark && c[1] == 'n') {
			buf_printf(out, "%07llu", (unsigned long long)p->number);
		} else if (mark && c[1] == 'c') {
			buf_printf(out, "%u", p->conn);
		} else if (mark && c[1] == 'r') {
			buf_printf(out, "%llu", (unsigned long long)next_random(p));
		} else {
			buf_addc(out, *c);
			continue;
		}
		c += 2;
	}
}

/* --- results ----------------------------------------------------------------------------------------------------- */

void
tally_merge(struct tally *into, const struct tally *from)
{
	for (size_t i = 0; i < WORK_MAX; i++)
		hist_merge(&into->op[i], &from->op[i]);
	if (into->errors == 0)
		memcpy(into->error, from->error, sizeof(into->error));
	into->errors += from->errors;
}

void
tally_error(struct tally *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (t->errors++ == 0)
		vsnprintf(t->error, sizeof(t->error), fmt, ap);
	va_end(ap);
}

void
hist_print(FILE *f, const struct hist *h, double seconds)
{
	static const double curve[] = {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1};
	fprintf(f,
		"{\"n\":%llu,\"rate\":%.2f,\"mean\":%.1f,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"max\":%llu,\"curve\":"
		"[",
		(unsigned long long)h->n, seconds > 0 ? (double)h->n / seconds : 0.0,
		h->n ? (double)h->sum / (double)h->n : 0.0, (unsigned long long)hist_at(h, 0.5),
		(unsigned long long)hist_at(h, 0.9), (unsigned long long)hist_at(h, 0.99), (unsigned long long)h->max);
	for (size_t i = 0; i < ARRAY_SIZE(curve); i++)
		fprintf(f, "%s[%g,%llu]", i ? "," : "", curve[i], (unsigned long long)hist_at(h, curve[i]));
	fprintf(f, "]}");
}

static void
print_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

void
tally_print(const struct work *w, const struct tally *t, double seconds)
{
	static struct hist all;
	for (size_t i = 0; i < w->n; i++)
		hist_merge(&all, &t->op[i]);
	printf("{\"seconds\":%.3f,\"errors\":%llu,\"error\":", seconds, (unsigned long long)t->errors);
	print_text(stdout, t->error);
	printf(",\"all\":");
	hist_print(stdout, &all, seconds);
	printf(",\"ops\":{");
	for (size_t i = 0; i < w->n; i++) {
		printf("%s", i ? "," : "");
		print_text(stdout, w->op[i].name);
		putchar(':');
		hist_print(stdout, &t->op[i], seconds);
	}
	printf("}}\n");
}
