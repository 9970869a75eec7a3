/* SPDX-License-Identifier: Apache-2.0
 * Plays names and filters. Directives say what the inputs are and what is made of them:
 *   @do rdn ATTR          a value; the RDN
 *   @do child ATTR BASE   a value; the DN below BASE
 *   @do check             a DN of the configuration; "ok"
 *   @do normal            a DN; its key for comparing ("! none" if there is none)
 *   @do parent            a DN; what stands above
 *   @do eq|ge|le ATTR     a value; the filter
 *   @do sub ATTR          initial|any|final; the filter
 *   @do ext ATTR RULE     a value; the filter */
#include "dirhinge/dir/dn.h"
#include "dirhinge/dir/filter.h"
#include "vectors.h"

struct state;

typedef void (*play_fn)(const struct state *s, const struct vec_case *c, struct buf *out);

struct state {
	play_fn play;
	const char *name, *attr, *rest;
};

static void
put_text(struct buf *out, int rc, const char *text, const struct err *e)
{
	if (rc)
		vec_err(out, e);
	else
		buf_adds(out, text ? text : "! none");
}

static void
play_rdn(const struct state *s, const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	int rc = dir_rdn_build(c->a, s->attr, c->input, &text, &e);

	put_text(out, rc, text, &e);
}

static void
play_child(const struct state *s, const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	int rc = dir_dn_child(c->a, s->attr, c->input, s->rest, &text, &e);

	put_text(out, rc, text, &e);
}

static void
play_check(const struct state *s DH_UNUSED, const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	int rc = dir_dn_check(c->input.p, &e);

	put_text(out, rc, "ok", &e);
}

static void
play_normal(const struct state *s DH_UNUSED, const struct vec_case *c, struct buf *out)
{
	put_text(out, 0, dir_dn_normal(c->a, c->input.p), NULL);
}

static void
play_parent(const struct state *s DH_UNUSED, const struct vec_case *c, struct buf *out)
{
	put_text(out, 0, dir_dn_parent(c->a, c->input.p), NULL);
}

static void
put_filter(const struct vec_case *c, const struct dir_filter *f, struct buf *out)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	int rc = dir_filter_text(c->a, f, &text, &e);

	put_text(out, rc, text, &e);
}

static void
play_compare(const struct state *s, const struct vec_case *c, struct buf *out)
{
	put_filter(c,
		   str_eq(s->name, "eq")   ? dir_f_eq(c->a, s->attr, c->input)
		   : str_eq(s->name, "ge") ? dir_f_ge(c->a, s->attr, c->input)
					   : dir_f_le(c->a, s->attr, c->input),
		   out);
}

static void
play_sub(const struct state *s, const struct vec_case *c, struct buf *out)
{
	struct strv in = c->input, part[3];

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		size_t n = strv_chr(in, '|');

		part[i] = strv_n(in.p, n);
		n += n < in.n;
		in = strv_n(in.p + n, in.n - n);
	}
	put_filter(c, dir_f_sub(c->a, s->attr, part[0], part[1], part[2]), out);
}

static void
play_ext(const struct state *s, const struct vec_case *c, struct buf *out)
{
	put_filter(c, dir_f_ext(c->a, s->attr, s->rest, c->input), out);
}

static const struct {
	const char *name;
	play_fn play;
} verbs[] = {
	{"rdn", play_rdn},       {"child", play_child}, {"check", play_check}, {"normal", play_normal},
	{"parent", play_parent}, {"eq", play_compare},  {"ge", play_compare},  {"le", play_compare},
	{"sub", play_sub},       {"ext", play_ext},
};

static const char *
word(struct arena *a, struct strv *rest)
{
	size_t n = strv_chr(*rest, ' ');
	const char *w = arena_strndup(a, n ? rest->p : "", n);

	*rest = strv_trim(strv_n(rest->p + n, rest->n - n));
	return w;
}

static bool
directive(void *ctx, struct arena *a, const char *key, struct strv value)
{
	struct state *s = ctx;

	if (!str_eq(key, "do"))
		return false;
	*s = (struct state){.name = word(a, &value)};
	s->attr = word(a, &value);
	s->rest = arena_strndup(a, value.n ? value.p : "", value.n);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (str_eq(verbs[i].name, s->name))
			s->play = verbs[i].play;
	return s->play != NULL;
}

static void
run(void *ctx, const struct vec_case *c, struct buf *out)
{
	const struct state *s = ctx;

	if (s->play)
		s->play(s, c, out);
}

int
main(void)
{
	struct state s = {0};
	struct vec_runner r = {.run = run, .directive = directive, .ctx = &s};

	vec_play(&r, "tests/vectors/dir/dn.txt");
	vec_play(&r, "tests/vectors/dir/filter.txt");
	return vec_summary(&r, "dir");
}
