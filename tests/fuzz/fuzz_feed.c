/* SPDX-License-Identifier: Apache-2.0
 * Whatever a server or a damaged database says, the change feed takes it apart or refuses it, and what it keeps it
 * writes back the same. */
#include "dir/cookie.h"
#include "dir/logrec.h"
#include "dir/syncmsg.h"
#include "dirhinge/dir/blob.h"
#include "fuzz.h"

static void
fuzz_messages(struct arena *a, struct strv v)
{
	struct err e = ERR_INIT;
	struct sync_entry entry;
	struct sync_done done;
	struct sync_info info;

	if (dir_sync_entry(a, v, &entry, &e) == 0)
		must(entry.state <= SYNC_DELETE && entry.cookie.n <= COOKIE_BYTES);
	if (dir_sync_done(a, v, &done, &e) == 0)
		must(done.cookie.n <= COOKIE_BYTES);
	if (dir_sync_info(a, v, &info, &e) == 0)
		must(info.n_ids * (SYNC_ID_BYTES + 2) <= v.n && info.cookie.n <= v.n);
}

static void
fuzz_cookie(struct arena *a, struct strv v)
{
	struct sync_vector x, y;
	struct strv text;

	if (!dir_cookie_parse(v, &x) || x.n == 0)
		return;
	text = dir_cookie_text(a, &x);
	must(dir_cookie_parse(text, &y) && y.n == x.n && strv_eq(dir_cookie_text(a, &y), text));
	for (size_t i = 0; i < x.n; i++)
		must(dir_cookie_covers(&y, &x.marks[i].csn));
	must(dir_cookie_merge(&y, &x));
	dir_cookie_meet(&y, &x);
	must(strv_eq(dir_cookie_text(a, &y), text));
}

static void
fuzz_blob(struct arena *a, struct strv v)
{
	DH_CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 20);
	const struct dir_entry *en;
	struct err e = ERR_INIT;

	if (dir_blob_read(a, v, &en, &e)) {
		must(e.code == ERR_PARSE && e.offset <= v.n);
		return;
	}
	dir_blob_write(&again, en);
	must(strv_eq(buf_view(&again), v));
}

/* The lines are "attr: value" of a record; what is before "--" is an entry. */
static struct dir_entry *
read_lines(struct arena *a, struct strv *v)
{
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);

	*en = (struct dir_entry){.dn = "uid=a,ou=p", .attrs = ARENA_ARRAY(a, 32, struct dir_attr)};
	while (v->n && en->n_attrs < 32) {
		size_t n = strv_chr(*v, '\n');
		struct strv line = strv_n(v->p, n);
		size_t colon = strv_chr(line, ':');
		struct dir_attr *at = &en->attrs[en->n_attrs];

		n += n < v->n;
		*v = strv_n(v->p + n, v->n - n);
		if (colon == line.n)
			break;
		*at = (struct dir_attr){.name = arena_strndup(a, line.p, colon),
					.values = ARENA_ARRAY(a, 1, struct strv)};
		colon++;
		at->values[at->n++] = strv_n(arena_strndup(a, line.p + colon, line.n - colon), line.n - colon);
		en->n_attrs++;
	}
	return en;
}

static void
fuzz_record(struct arena *a, struct strv v)
{
	const struct dir_entry *before = read_lines(a, &v), *rec = read_lines(a, &v), *after;
	struct err e = ERR_INIT;
	struct log_record r;
	struct log_filter f;

	dir_log_filter_init(&f, a, NULL, NULL);
	if (dir_log_record(a, &f, rec, &r, &e))
		return;
	for (size_t i = 0; r.op.mods && i < r.op.mods->n; i++)
		must(!str_caseeq(r.op.mods->mods[i].attr, "userPassword"));
	(void)!dir_op_apply(a, NULL, before, &r.op, &after, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct arena *, struct strv) = {fuzz_messages, fuzz_cookie, fuzz_blob,
								     fuzz_record};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct log_mod mod;

	if (size == 0)
		return 0;

	struct strv v = strv_n(arena_memdup(a, data + 1, size - 1), size - 1);

	parts[data[0] % ARRAY_SIZE(parts)](a, v);
	(void)!dir_log_mod(v, &mod, NULL);
	return 0;
}
