/* SPDX-License-Identifier: Apache-2.0
 * Plays what a directory says through sync_observe() into a real store. A case is a list of steps, each begun by a line
 * that starts with '>', in one store:
 *
 *   > entry|add|modify|rename ID CSN [FLAGS]   followed by the entry (LDIF without changetype), or by the operation's
 *                                              lines "attr:+ value", "attr:- value", "attr:= value"; rename: "dn: …"
 *   > gone|delete ID CSN [FLAGS]
 *   > end                                      of a first refresh
 *
 * CSN is a number, - if not known. FLAGS: initial, coalesced, reresolve; quiet: print nothing of it; data: print data.
 * The result is one line for each event and whatever else the engine is asked for. */
#include "observe_world.h"
#include "vectors.h"

#include <stdlib.h>

static struct strv
word(struct strv *line)
{
	size_t n = strv_chr(*line, ' ');
	struct strv w = strv_n(line->p, n);
	*line = n < line->n ? strv_n(line->p + n + 1, line->n - n - 1) : STRV("");
	return w;
}

struct step {
	struct world_step st;
	bool quiet, data;
};

static bool
read_flag(struct step *s, struct strv flag)
{
	const struct {
		const char *name;
		bool *field;
	} flags[] = {{"initial", &s->st.initial},
		     {"coalesced", &s->st.coalesced},
		     {"reresolve", &s->st.reresolve},
		     {"quiet", &s->quiet},
		     {"data", &s->data}};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strv_eq(flag, strv_of(flags[i].name))) {
			*flags[i].field = true;
			return true;
		}
	return false;
}

static bool
read_head(struct arena *a, struct strv line, struct step *s)
{
	struct strv w = word(&line);
	*s = (struct step){.st.what = arena_strndup(a, w.p, w.n)};
	w = word(&line);
	s->st.id = arena_strndup(a, w.p ? w.p : "", w.n);
	w = word(&line);
	s->st.csn = w.n ? (int)strtol(arena_strndup(a, w.p, w.n), NULL, 10) : 0;
	if (s->st.csn < 0)
		s->st.csn = 0;
	while (line.n)
		if (!read_flag(s, word(&line)))
			return false;
	return true;
}

static void
play(struct world *w, const struct vec_case *c, struct buf *out)
{
	const char *p = c->input.p, *end = p + c->input.n;
	while (p < end) {
		if (strncmp(p, "> ", 2) != 0) {
			buf_adds(out, "a step begins with \"> \"");
			return;
		}
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		line_end = line_end ? line_end : end;
		const char *next = memmem(line_end, (size_t)(end - line_end), "\n> ", 3);
		next = next ? next : end;
		struct step s;
		if (!read_head(c->a, strv_n(p + 2, (size_t)(line_end - p - 2)), &s)) {
			buf_adds(out, "unknown flag");
			return;
		}
		if (line_end < next)
			s.st.text = strv_n(line_end + 1, (size_t)(next - line_end - 1));
		DH_CLEANUP(buf_done) struct buf one = BUF_INIT(1 << 24);
		if (!world_play(w, &s.st, s.data, &one)) {
			buf_printf(out, "cannot be read: %.*s", (int)(line_end - p), p);
			return;
		}
		if (!s.quiet && one.n)
			buf_printf(out, "%s%s", out->n ? "\n" : "", buf_str(&one));
		p = next < end ? next + 1 : end;
	}
}

static void
run(void *ctx DH_UNUSED, const struct vec_case *c, struct buf *out)
{
	struct world *w = world_open();
	play(w, c, out);
	world_close(&w);
	if (out->n == 0)
		buf_adds(out, "nothing");
}

int
main(void)
{
	struct vec_runner r = {.run = run};
	vec_play(&r, "tests/vectors/observe/user.txt");
	vec_play(&r, "tests/vectors/observe/group.txt");
	vec_play(&r, "tests/vectors/observe/history.txt");
	vec_play(&r, "tests/vectors/observe/first.txt");
	return vec_summary(&r, "observe");
}
