/* SPDX-License-Identifier: Apache-2.0
 * Entries as bytes: "E1", then DN, number of attributes, and for each its name, number of values and the values.
 * Numbers are little-endian base-128, strings have their length in front. */
#include "dirhinge/dir/blob.h"

enum { VARINT_BYTES = 5, BLOB_ATTRS = 4096, BLOB_VALUES = 1 << 22, BLOB_BYTES = 256 << 20 };

static const char magic[] = {'E', '1'};

static void
put_number(struct buf *out, size_t v)
{
	must(v <= UINT32_MAX);
	while (v >= 0x80) {
		buf_addc(out, (char)(unsigned char)(v | 0x80));
		v >>= 7;
	}
	buf_addc(out, (char)v);
}

static void
put_text(struct buf *out, struct strv v)
{
	put_number(out, v.n);
	if (v.n)
		buf_addv(out, v);
}

void
dir_blob_write(struct buf *out, const struct dir_entry *en)
{
	buf_add(out, magic, sizeof(magic));
	put_text(out, strv_of(en->dn));
	put_number(out, en->n_attrs);
	for (size_t i = 0; i < en->n_attrs; i++) {
		const struct dir_attr *at = &en->attrs[i];

		put_text(out, strv_of(at->name));
		put_number(out, at->n);
		for (size_t k = 0; k < at->n; k++)
			put_text(out, at->values[k]);
	}
}

struct reader {
	struct arena *a;
	const char *p;
	size_t n, at;
};

static int
bad(const struct reader *r, const char *what, struct err *e)
{
	return err_at(e, r->at, ERR_PARSE, "kept entry: %s", what);
}

static int
get_number(struct reader *r, size_t max, size_t *v_r, struct err *e)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_BYTES && r->at < r->n; i++) {
		unsigned char c = (unsigned char)r->p[r->at++];

		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		/* One form for one entry: equal bytes mean equal entries. */
		if (v > max || (c == 0 && i > 0))
			return bad(r, "a number that cannot be", e);
		*v_r = v;
		return 0;
	}
	return bad(r, "cut off in a number", e);
}

static int
get_text(struct reader *r, struct strv *v_r, struct err *e)
{
	size_t n;

	if (get_number(r, r->n - r->at, &n, e))
		return -1;
	if (n > r->n - r->at)
		return bad(r, "cut off in a value", e);
	*v_r = strv_n(arena_strndup(r->a, r->p + r->at, n), n);
	r->at += n;
	return 0;
}

/* A name is a C string for everybody else. */
static int
get_name(struct reader *r, const char **s_r, struct err *e)
{
	struct strv v;

	if (get_text(r, &v, e))
		return -1;
	if (strlen(v.p) != v.n)
		return bad(r, "NUL in a name", e);
	*s_r = v.p;
	return 0;
}

static int
get_attr(struct reader *r, struct dir_attr *at, struct err *e)
{
	/* Each value takes a byte at least, so the count says nothing that is not there. */
	if (get_name(r, &at->name, e) || get_number(r, BLOB_VALUES, &at->n, e))
		return -1;
	if (at->n > r->n - r->at)
		return bad(r, "more values than bytes", e);
	at->values = ARENA_ARRAY(r->a, at->n ? at->n : 1, struct strv);
	for (size_t i = 0; i < at->n; i++)
		if (get_text(r, &at->values[i], e))
			return -1;
	return 0;
}

int
dir_blob_read(struct arena *a, struct strv bytes, const struct dir_entry **en_r, struct err *e)
{
	struct reader r = {.a = a, .p = bytes.p, .n = bytes.n, .at = sizeof(magic)};
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);

	if (bytes.n > BLOB_BYTES)
		return err_at(e, 0, ERR_PARSE, "kept entry: too large");
	if (bytes.n < sizeof(magic) || memcmp(bytes.p, magic, sizeof(magic)) != 0)
		return err_at(e, 0, ERR_PARSE, "kept entry: not of a form known here");
	if (get_name(&r, &en->dn, e) || get_number(&r, BLOB_ATTRS, &en->n_attrs, e))
		return -1;
	if (en->n_attrs > r.n - r.at)
		return bad(&r, "more attributes than bytes", e);
	en->attrs = ARENA_ARRAY(a, en->n_attrs ? en->n_attrs : 1, struct dir_attr);
	for (size_t i = 0; i < en->n_attrs; i++)
		if (get_attr(&r, &en->attrs[i], e))
			return -1;
	if (r.at != r.n)
		return bad(&r, "bytes left over", e);
	*en_r = en;
	return 0;
}
