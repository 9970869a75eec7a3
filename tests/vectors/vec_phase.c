/* SPDX-License-Identifier: Apache-2.0
 * Plays refreshes: words to phase_*, the fate of what was known. The words are told in the vector file. */
#include <ctype.h>

#include "sync/phase.h"
#include "vectors.h"

struct state {
	struct strv known;
	size_t bases;
};

/* A letter as an id of 32 digits, now in this grouping, now in that; "?" is none. */
static const char *
id_of(struct arena *a, char letter)
{
	if (letter == '?')
		return "not-an-id";
	return arena_printf(a, letter % 2 ? "%08x-0000-103f-8000-0123456789AB" : "%08x-0000103f-80000123-456789ab",
			    (unsigned)letter * 0x01000193U);
}

/* The next word of the rest; n 0 at its end. */
static struct strv
next_word(struct strv *rest)
{
	*rest = strv_trim(*rest);
	struct strv word = strv_n(rest->p, strv_chr(*rest, ' '));
	*rest = strv_n(rest->p + word.n, rest->n - word.n);
	return word;
}

static int
step(struct arena *a, struct phase *p, struct strv w, struct err *e)
{
	if (strv_eq(w, STRV("begin")) || strv_eq(w, STRV("begin-full")))
		return sync_phase_begin(p, w.n > 5, e);
	if (strv_eq(w, STRV("end-told")) || strv_eq(w, STRV("end-left")))
		return sync_phase_end(p, strv_eq(w, STRV("end-told")), e);
	if (w.n == 2 && w.p[0] == '+')
		return sync_phase_there(p, id_of(a, w.p[1]), e);
	if (w.n == 2 && w.p[0] == '-')
		return sync_phase_gone(p, id_of(a, w.p[1]), e);
	return err_set(e, ERR_SYNTAX, "unknown word %.*s", (int)w.n, w.p);
}

static void
list_fates(const struct phase *p, const struct vec_case *c, struct strv known, enum sync_phase_fate fate,
	   const char *name, struct buf *out)
{
	bool any = false;

	for (struct strv w = next_word(&known); w.n; w = next_word(&known)) {
		if (isupper((unsigned char)w.p[0]) || sync_phase_fate(p, id_of(c->a, w.p[0])) != fate)
			continue;
		if (!any)
			buf_printf(out, " %s", name);
		any = true;
		buf_printf(out, " %c", w.p[0]);
	}
}

static void
judge(const struct phase *p, const struct vec_case *c, const struct state *s, struct buf *out)
{
	static const char *const names[] = {"open", "trusted", "unproven", "untrusted"};
	const char *canaries[8], letters[] = "ABCDEFGH", *missing = NULL;
	struct strv rest = s->known;
	size_t n = 0;

	for (struct strv w = next_word(&rest); w.n; w = next_word(&rest))
		if (isupper((unsigned char)w.p[0]) && n < ARRAY_SIZE(canaries))
			canaries[n++] = id_of(c->a, w.p[0]);
	enum phase_trust trust = sync_phase_judge(p, canaries, n, s->bases, &missing);
	buf_adds(out, names[trust]);
	for (size_t i = 0; missing && letters[i]; i++)
		if (str_eq(id_of(c->a, letters[i]), missing))
			buf_printf(out, " %c", letters[i]);
	if (trust != PHASE_TRUSTED && trust != PHASE_UNPROVEN)
		return;
	list_fates(p, c, s->known, PHASE_DELETED, "gone", out);
	list_fates(p, c, s->known, PHASE_ABSENT, "absent", out);
}

static void
play(void *ctx, const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	struct strv rest = c->input;
	DH_CLEANUP(sync_phase_free) struct phase *p = sync_phase_new();

	for (struct strv w = next_word(&rest); w.n; w = next_word(&rest))
		if (step(c->a, p, w, &e) < 0) {
			vec_err(out, &e);
			return;
		}
	judge(p, c, ctx, out);
}

static bool
directive(void *ctx, struct arena *a, const char *key, struct strv value)
{
	struct state *s = ctx;

	if (str_eq(key, "known"))
		s->known = strv_of(arena_strndup(a, value.p, value.n));
	else if (str_eq(key, "bases") && value.n == 1)
		s->bases = (size_t)(value.p[0] - '0');
	else
		return false;
	return true;
}

int
main(void)
{
	struct state state = {.bases = 1};
	struct vec_runner r = {.run = play, .directive = directive, .ctx = &state};

	vec_play(&r, "tests/vectors/sync-phase/phase.txt");
	return vec_summary(&r, "sync-phase");
}
