/* SPDX-License-Identifier: Apache-2.0
 * Plays what the DirSync source encodes and decodes. Directives say what the inputs are:
 *   @do request   flags in hex, then a cookie or nothing; the control's value in hex
 *   @do done      the value of the answer's control in hex; what it says
 *   @do links     an attribute description; what it says of the links "member"
 *   @do mark      a resume point; what it says and, if it is written again in another way, that */
#include "dir/dirsync.h"
#include "dirhinge/base/codec.h"
#include "vectors.h"

#include <inttypes.h>
#include <stdlib.h>

static void
play_request(const struct vec_case *c, struct buf *out)
{
	size_t n = strv_chr(c->input, ' ');
	const char *flags = arena_strndup(c->a, c->input.p, n);
	struct strv cookie = n < c->input.n ? strv_n(c->input.p + n + 1, c->input.n - n - 1) : strv_n(NULL, 0), value;
	struct err e = ERR_INIT;

	if (dir_dirsync_request(c->a, (uint32_t)strtoul(flags, NULL, 16), cookie, &value, &e))
		vec_err(out, &e);
	else
		buf_adds(out, hex_encode(c->a, value));
}

static void
play_done(const struct vec_case *c, struct buf *out)
{
	unsigned char *raw = arena_alloc(c->a, c->input.n / 2 + 1);
	struct err e = ERR_INIT;
	struct dirsync_done d;

	if (hex_decode(c->input, raw, c->input.n / 2, &e)) {
		buf_adds(out, "the vector is not hex");
		return;
	}
	if (dir_dirsync_done(c->a, strv_n((const char *)raw, c->input.n / 2), &d, &e))
		vec_err(out, &e);
	else
		buf_printf(out, "%s cookie %s", d.more ? "more" : "end", hex_encode(c->a, d.cookie));
}

static void
play_links(const struct vec_case *c, struct buf *out)
{
	static const char *const names[] = {
		[DIRSYNC_OTHER] = "other", [DIRSYNC_ALL] = "all", [DIRSYNC_CAME] = "came", [DIRSYNC_WENT] = "went"};

	buf_adds(out, names[dir_dirsync_links(arena_strndup(c->a, c->input.p, c->input.n), "member")]);
}

static void
play_mark(const struct vec_case *c, struct buf *out)
{
	struct dirsync_mark m;

	if (!dir_dirsync_mark_parse(c->input, &m)) {
		buf_adds(out, "! none");
		return;
	}
	buf_printf(out, "%s %08" PRIx32 " %" PRId64 " %s", m.invocation, m.flags, m.usn, hex_encode(c->a, m.cookie));
	if (!strv_eq(dir_dirsync_mark_text(c->a, &m), c->input))
		buf_adds(out, " written in another way");
}

static const struct vec_verb verbs[] = {
	{"request", play_request}, {"done", play_done}, {"links", play_links}, {"mark", play_mark}};

int
main(void)
{
	static const char *const files[] = {"tests/vectors/dir/dirsync.txt", NULL};

	return vec_play_verbs("dirsync", verbs, ARRAY_SIZE(verbs), files);
}
