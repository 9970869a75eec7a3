/* SPDX-License-Identifier: Apache-2.0
 * Reader of vector files. */
#include <stdio.h>
#include <stdlib.h>

#include "dirhinge/base/file.h"
#include "vectors.h"

#define MAX_FILE   (4u << 20)
#define MAX_RESULT (1u << 20)

struct play {
	struct vec_runner *r;
	struct arena *a;
	const char *file;
	unsigned line; /* where the logical line began */
	bool escape;
};

const char *
vec_path(struct arena *a, const char *file)
{
	const char *dir = getenv("srcdir");
	return arena_printf(a, "%s/%s", dir ? dir : ".", file);
}

void
vec_err(struct buf *out, const struct err *e)
{
	buf_printf(out, "! %s", err_name(e->code));
	if (e->offset != ERR_NO_OFFSET)
		buf_printf(out, " %u", (unsigned)e->offset);
}

static void
complain(struct play *p, const char *what, struct strv text)
{
	p->r->failed++;
	fprintf(stderr, "%s:%u: %s: %.*s\n", p->file, p->line, what, (int)text.n, text.p);
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = c ? strchr(digits, c | 0x20) : NULL;
	return d ? (int)(d - digits) : -1;
}

/* %XX to bytes; any other % stays. */
static struct strv
unescape(struct arena *a, struct strv s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		int hi = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int lo = hi >= 0 ? hex_digit(s.p[i + 2]) : -1;
		if (lo < 0) {
			out[n++] = s.p[i];
			continue;
		}
		out[n++] = (char)(unsigned char)(hi * 16 + lo);
		i += 2;
	}
	return strv_n(out, n);
}

/* The place of the arrow: " =>" or a line that begins with "=>", followed by a blank or an end. */
static bool
split_case(struct strv s, struct strv *input_r, struct strv *expect_r)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i] != '=' || s.p[i + 1] != '>')
			continue;
		bool before = i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\n';
		bool after = i + 2 == s.n || s.p[i + 2] == ' ' || s.p[i + 2] == '\n';
		if (!before || !after)
			continue;
		size_t from = i + 2 < s.n ? i + 3 : i + 2;
		*input_r = strv_n(s.p, i ? i - 1 : 0);
		*expect_r = strv_n(s.p + from, s.n - from);
		return true;
	}
	return false;
}

static void
play_case(struct play *p, struct strv text)
{
	struct vec_case c = {.file = p->file, .line = p->line};
	if (!split_case(text, &c.input, &c.expect)) {
		complain(p, "no arrow in", text);
		return;
	}
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(MAX_RESULT);
	c.a = a;
	c.input = p->escape ? unescape(a, c.input) : strv_n(arena_strndup(a, c.input.p, c.input.n), c.input.n);
	p->r->cases++;
	p->r->run(p->r->ctx, &c, &out);
	if (!out.full && strv_eq(strv_n(buf_str(&out), out.n), c.expect))
		return;
	p->r->failed++;
	fprintf(stderr, "%s:%u: input:    %.*s\n", p->file, p->line, (int)c.input.n, c.input.p);
	fprintf(stderr, "%s:%u: expected: %.*s\n", p->file, p->line, (int)c.expect.n, c.expect.p);
	fprintf(stderr, "%s:%u: actual:   %s\n", p->file, p->line, out.full ? "(too long)" : buf_str(&out));
}

static void
play_directive(struct play *p, struct strv text)
{
	size_t n = strv_chr(text, ' ');
	size_t nl = strv_chr(text, '\n');
	n = nl < n ? nl : n;
	const char *key = arena_strndup(p->a, text.p + 1, n - 1);
	struct strv value = n < text.n ? strv_n(text.p + n + 1, text.n - n - 1) : strv_n("", 0);
	if (str_eq(key, "escape")) {
		p->escape = strv_eq(value, STRV("on"));
		if (!p->escape && !strv_eq(value, STRV("off")))
			complain(p, "expected on or off in", text);
		return;
	}
	if (!p->r->directive || !p->r->directive(p->r->ctx, p->a, key, value))
		complain(p, "unknown directive", text);
}

static void
play_line(struct play *p, struct strv text)
{
	if (text.n == 0 || text.p[0] == '#')
		return;
	if (text.p[0] == '@')
		play_directive(p, text);
	else
		play_case(p, text);
}

void
vec_play(struct vec_runner *r, const char *file)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	DH_CLEANUP(buf_done) struct buf logical = BUF_INIT(MAX_FILE);
	struct play p = {.r = r, .a = a, .file = file};
	struct strv rest;
	struct err e = ERR_INIT;
	if (file_read(a, vec_path(a, file), MAX_FILE, &rest, &e)) {
		complain(&p, "cannot read", strv_of(e.detail[0] ? e.detail : e.cause));
		return;
	}
	unsigned cases = r->cases;
	for (unsigned line = 1; rest.n > 0; line++) {
		size_t n = strv_chr(rest, '\n');
		bool more = rest.p[0] == '\t';
		if (!more) {
			play_line(&p, strv_n(buf_str(&logical), logical.n));
			buf_reset(&logical);
			p.line = line;
		} else {
			buf_addc(&logical, '\n');
		}
		buf_add(&logical, rest.p + more, n - more);
		n += n < rest.n;
		rest = strv_n(rest.p + n, rest.n - n);
	}
	play_line(&p, strv_n(buf_str(&logical), logical.n));
	if (r->cases == cases)
		complain(&p, "no cases", strv_of(file));
}

int
vec_summary(const struct vec_runner *r, const char *name)
{
	printf("%s: %u cases, %u failed\n", name, r->cases, r->failed);
	return r->failed || !r->cases ? 1 : 0;
}

struct by_verb {
	const struct vec_verb *verbs, *now;
	size_t n;
};

static bool
choose_verb(void *ctx, struct arena *a DH_UNUSED, const char *key, struct strv value)
{
	struct by_verb *b = ctx;

	b->now = NULL;
	for (size_t i = 0; str_eq(key, "do") && i < b->n; i++)
		if (strv_eq(value, strv_of(b->verbs[i].name)))
			b->now = &b->verbs[i];
	return b->now != NULL;
}

static void
play_verb(void *ctx, const struct vec_case *c, struct buf *out)
{
	const struct by_verb *b = ctx;

	must(b->now != NULL);
	b->now->play(c, out);
}

int
vec_play_verbs(const char *name, const struct vec_verb *verbs, size_t n, const char *const *files)
{
	struct by_verb b = {.verbs = verbs, .n = n};
	struct vec_runner r = {.run = play_verb, .directive = choose_verb, .ctx = &b};

	for (; *files; files++)
		vec_play(&r, *files);
	return vec_summary(&r, name);
}
