/* SPDX-License-Identifier: Apache-2.0
 * Fills marks such as @DIR@ in embedded files. */
#include "app/asset.h"
#include "dirhinge/base/buf.h"

#define ASSET_MAX (256 * 1024)

static const char mark_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

/* Length of a mark at p, 0 if there is none: "@" and capitals and "@". */
static size_t
mark_length(const char *p, const char *end)
{
	const char *q = p + 1;

	while (q < end && *q && strchr(mark_letters, *q))
		q++;
	return q > p + 1 && q < end && *q == '@' ? (size_t)(q + 1 - p) : 0;
}

static const char *
mark_value(struct strv mark, const struct asset_mark *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strv_eq(mark, strv_of(marks[i].name)))
			return marks[i].value;
	return NULL;
}

struct strv
asset_fill(struct arena *a, const char *name, const struct asset_mark *marks, size_t n)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(ASSET_MAX);
	struct strv text;

	must(app_asset(name, &text));
	const char *end = text.p + text.n;
	for (const char *p = text.p; p < end;) {
		size_t len = *p == '@' ? mark_length(p, end) : 0;
		const char *value = len ? mark_value(strv_n(p, len), marks, n) : NULL;
		must(!len || value);
		if (value)
			buf_adds(&out, value);
		else
			buf_addc(&out, *p);
		p += len ? len : 1;
	}
	must(!out.full);
	return strv_n(arena_strndup(a, buf_str(&out), out.n), out.n);
}
