/* SPDX-License-Identifier: Apache-2.0
 * Server-sent events, as our own server writes them: lines end with LF. */
#include "app/sse.h"

void
sse_begin(struct sse *s, int (*fn)(void *ctx, struct strv data), void *ctx)
{
	*s = (struct sse){.line = BUF_INIT(SSE_LINE_MAX),
			  .data = BUF_INIT(SSE_LINE_MAX),
			  .id = BUF_INIT(4096),
			  .fn = fn,
			  .ctx = ctx};
}

void
sse_done(struct sse *s)
{
	buf_done(&s->line);
	buf_done(&s->data);
	buf_done(&s->id);
}

void
sse_reset(struct sse *s)
{
	buf_reset(&s->line);
	buf_reset(&s->data);
}

static bool
take_field(struct strv line, struct strv name, struct strv *value_r)
{
	if (!strv_starts(line, name))
		return false;
	struct strv rest = strv_n(line.p + name.n, line.n - name.n);
	*value_r = rest.n && rest.p[0] == ' ' ? strv_n(rest.p + 1, rest.n - 1) : rest;
	return true;
}

static int
end_of_line(struct sse *s)
{
	struct strv line = buf_view(&s->line), value;
	int rc = 0;
	if (line.n == 0) {
		rc = s->data.n ? s->fn(s->ctx, buf_view(&s->data)) : 0;
		buf_reset(&s->data);
	} else if (take_field(line, STRV("data:"), &value)) {
		if (s->data.n)
			buf_addc(&s->data, '\n');
		buf_addv(&s->data, value);
	} else if (take_field(line, STRV("id:"), &value)) {
		buf_reset(&s->id);
		buf_addv(&s->id, value);
	}
	buf_reset(&s->line);
	return rc;
}

int
sse_feed(struct sse *s, struct strv piece)
{
	while (piece.n) {
		size_t n = strv_chr(piece, '\n');
		buf_add(&s->line, piece.p, n);
		if (n == piece.n)
			return 0;
		if (end_of_line(s))
			return 1;
		piece = strv_n(piece.p + n + 1, piece.n - n - 1);
	}
	return 0;
}
